"""When a customer usually orders, and how late the next order is, in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from regulars.churn.dataset import Floats, features_of

LEAST_ORDERS = 3
"""One gap is no habit."""
LATE = 1.25
"""Times the usual pause after which an order is late enough to be said."""
SAID = ("recency_days", "overdue", "gap_mean_days")
"""Features that these words say already."""


def overdue_days(profiles: pa.Table) -> Floats:
    """(n,) by how many days the next order is later than usual; below 0 if it is not due yet, NaN under three orders.

    >>> two = pa.table({"orders": [4.0, 2.0], "recency_days": [75.0, 9.0], "gap_mean_days": [31.0, 5.0]})
    >>> overdue_days(two).tolist()
    [44.0, nan]
    """
    orders, since, usual = features_of(profiles, ("orders", "recency_days", "gap_mean_days")).T
    found: Floats = np.where(orders >= LEAST_ORDERS, since - usual, np.nan)
    return found


def rhythm_words(profiles: pa.Table) -> list[str | None]:
    """(n,) a sentence of each who is late by its own habit; None of others.

    >>> one = {"orders": [6.0], "recency_days": [75.0], "gap_mean_days": [31.0], "gap_spread_days": [6.0]}
    >>> rhythm_words(pa.table(one))
    ['usually orders every 31 ± 6 days; last order 75 days ago']
    """
    orders, since, usual, spread = features_of(
        profiles, ("orders", "recency_days", "gap_mean_days", "gap_spread_days")
    ).T
    # Orders of one day are one visit, and say nothing of a pause.
    late = (orders >= LEAST_ORDERS) & (usual >= 1) & (since > LATE * usual)
    return [
        f"usually orders every {usual[k]:.0f} ± {spread[k]:.0f} days; last order {since[k]:.0f} days ago"
        if late[k]
        else None
        for k in range(profiles.num_rows)
    ]
