"""Whose leaving would cost the shop most: for them a person goes on as soon as something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from regulars.errors import NotFoundError

if TYPE_CHECKING:
    from regulars.shop import Shop


def at_risk_of(shop: Shop) -> Callable[[str], bool]:
    """Whether a customer is among those with most value at risk, by the newest decisions of churn.

    They are so large a share of the customers of those decisions as `[support] at_risk` says. Where none were made,
    nobody is. The table is read once for each that is written.
    """
    known: dict[str, frozenset[str]] = {}

    def is_at_risk(customer_id: str) -> bool:
        try:
            written = shop.tables.newest("churn", "decisions").digest
            found = known.get(written)
            if found is None:
                table = shop.tables.read("churn", "decisions").select(["customer_id", "value_at_risk"])
                found = _most(table, shop.config.support.at_risk)
                # Another message may be reading the same: it has its own in hand.
                known.clear()
                known[written] = found
        except (NotFoundError, KeyError):
            return False
        return customer_id in found

    return is_at_risk


def _most(table: pa.Table, share: float) -> frozenset[str]:
    """The customers of the largest values.

    >>> sorted(_most(pa.table({"customer_id": ["ada", "bob", "eve"], "value_at_risk": [5.0, 90.0, 0.0]}), 0.5))
    ['ada', 'bob']
    """
    value = table["value_at_risk"].to_numpy()
    rows = np.argsort(-value, kind="stable")[: int(np.ceil(share * len(value)))]
    return frozenset(np.array(table["customer_id"].to_pylist(), object)[rows[value[rows] > 0]].tolist())
