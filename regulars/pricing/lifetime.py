"""How much is to come of each customer, of what churn has learned: an order more is worth more of whom more comes."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.errors import NotEnoughError, NotFoundError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

YEAR = "expected_margin_365d"
LEAST = 0.01
"""In the shop's currency: who earned less has nothing that a discount could move."""
MOST = 3.0
"""Who bought hardly anything of late may be foreseen to earn many times that; no more than so many times count."""


def lifetime_of(shop: Shop, customer_ids: pa.Array, as_of: datetime, margin: Floats) -> Floats:
    """(n,) the margin that churn foresees of each customer, over what it earned of late; over that of all of them.

    Parameters
    ----------
    customer_ids : (n,) with an order before the moment.
    margin : (n,) that each earned of late, for as many days as it may be, the same of all; NaN where it is not known.

    Returns
    -------
    From 0 for whom nothing more is foreseen to `MOST`; 1 of whom nothing can be said, and of all where churn has
    learned nothing, or no margins.
    """
    pairs = pa.table({"customer_id": customer_ids, "as_of": pa.repeat(pa.scalar(as_of, TIME), len(customer_ids))})
    with suppress(NotFoundError, NotEnoughError):
        foreseen = shop.tables.of("churn", pairs)
        if YEAR in foreseen.column_names:
            return relative(foreseen[YEAR].to_numpy(), margin)
    return np.ones(len(customer_ids))


def relative(year: Floats, margin: Floats) -> Floats:
    """(n,) the one over the other, over that of all; see `lifetime_of`.

    >>> relative(np.array([90.0, 30.0, 120.0, np.nan]), np.array([10.0, 10.0, 1.0, 5.0])).round(2)
    array([0.79, 0.26, 3.  , 1.  ])
    """
    known = np.isfinite(year) & (margin > LEAST)
    total = float(year[known].sum())
    if total <= 0:
        return np.ones(len(year))
    of_all = total / float(margin[known].sum())
    own = np.divide(year, margin * of_all, out=np.ones(len(year)), where=known)
    return np.clip(own, 0.0, MOST).round(6)
