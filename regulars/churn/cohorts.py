"""Cohorts: of those whose first order fell into a month, who ordered again in each month after."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np

from regulars.churn.dataset import Floats

if TYPE_CHECKING:
    from regulars.shop import Shop

MOST = 24
"""Months, of cohorts and after them."""


def retention(shop: Shop, until: datetime) -> tuple[Floats, list[str]]:
    """The share of each month's new customers who ordered so many months later, of what is known before a moment.

    Returns
    -------
    (cohorts, months) shares, NaN of months that are not over; and the cohorts' months as YYYY-MM, the first the
    earliest, by UTC.
    """
    events = shop.identities.named(shop.events, until)
    lines = events.filter(
        events.type == "order_completed",
        events.customer_id.notnull(),
        events.time < ibis.literal(until, "timestamp('UTC')"),
    )
    month = lines.time.year() * 12 + lines.time.month() - 1
    seen = lines.select("customer_id", month=month).distinct()
    first = seen.group_by("customer_id").agg(first=seen.month.min())
    met = seen.join(first, "customer_id")
    counted = met.group_by("first", after=met.month - met.first).agg(customers=met.customer_id.nunique())
    table = shop.engine.to_arrow(counted)
    begun, after, customers = (table[name].to_numpy().astype(int) for name in ("first", "after", "customers"))
    if not len(begun):
        return np.empty((0, 0)), []
    # The month that is under way says less than a whole one.
    last = until.year * 12 + until.month - 2
    begin = max(int(begun.min()), last - MOST + 1)
    size = max(last - begin + 1, 1)
    found = np.full((size, size), np.nan)
    for k in range(size):
        found[k, : size - k] = 0.0
    inside = (begun >= begin) & (begun + after <= last)
    found[begun[inside] - begin, after[inside]] = customers[inside]
    base = found[:, :1].copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(base > 0, found / base, np.nan)
    return shares, [f"{(begin + k) // 12}-{(begin + k) % 12 + 1:02d}" for k in range(size)]
