"""All findings of a shop as of a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from regulars.errors import InputError
from regulars.fraud.abuse import findings, promotions, returns, reviews, sign_ins, takeover
from regulars.fraud.abuse.findings import KINDS

if TYPE_CHECKING:
    from regulars.shop import Shop

DETECTORS: dict[str, Callable[[Shop, datetime], pa.Table]] = {
    "promotions": lambda shop, as_of: promotions.find(promotions.read(shop, as_of), shop.config.shop.currency),
    "returns": lambda shop, as_of: returns.find(returns.read(shop, as_of), shop.config.shop.currency),
    "reviews": lambda shop, as_of: reviews.find(reviews.read(shop, as_of)),
    "sign_ins": lambda shop, as_of: sign_ins.find(sign_ins.read(shop, as_of), shop.config.shop.currency),
    "takeover": lambda shop, as_of: takeover.find(takeover.read(shop, as_of), shop.config.shop.currency),
}
"""How each kind is found."""


def summary(shop: Shop, as_of: datetime, kinds: Sequence[str] = KINDS) -> pa.Table:
    """What abuse is there, as far as events before a moment tell?

    Parameters
    ----------
    kinds : which of `KINDS` to look for.

    Returns
    -------
    Rows in the columns of `FINDINGS`, first what cost most times how sure it is. A log that says nothing of a kind has
    no findings of it.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    unknown = [kind for kind in kinds if kind not in DETECTORS]
    if unknown:
        raise InputError(f'There is no abuse of kind "{unknown[0]}". There are: {", ".join(KINDS)}.')
    return findings.ranked(
        pa.concat_tables(
            [findings.FINDINGS.empty_table(), *(DETECTORS[kind](shop, as_of) for kind in dict.fromkeys(kinds))]
        )
    )
