"""How a day's budget was spent, hour by hour, beside how it was planned, as the log has it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.ads.delivered import delivered
from regulars.ads.pacing import SpendCurve, smoothness_error
from regulars.ads.pacing.curve import HOURS
from regulars.errors import NotEnoughError

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

LEARNED_DAYS = 28


class Pace(NamedTuple):
    """A day.

    Attributes
    ----------
    spent : (hours,) by the end of each hour since the morning (UTC), in the shop's currency; of a day that is under
        way, so far.
    planned : (25,) by the beginning of each hour, and at the end.
    budget : of the day. apart : share of spend that came in other hours than planned.
    """

    spent: Floats
    planned: Floats
    budget: float
    apart: float

    @property
    def over(self) -> float:
        """Share of the budget that was spent beyond it; 0 where it held."""
        return max(float(self.spent[-1]) / self.budget - 1, 0.0)


def pace(shop: Shop, day: date, now: datetime) -> Pace:
    """Spend of a day beside its plan: the hours in which ads were shown in the 28 days before, as a pacer learns them.

    Raises
    ------
    NotEnoughError
        If nothing was spent on that day.
    """
    morning = datetime.combine(day, time(), now.tzinfo)
    table = delivered(shop, morning, min(morning + timedelta(days=1), now))
    hours = by_hour(table)
    if not hours.sum():
        raise NotEnoughError(f"ads: the log tells of no ad_shown with a price on {day}. Choose another day: --on DAY")
    curve = curve_before(shop, morning)
    budget = shop.config.ads.budget
    until = HOURS if now >= morning + timedelta(days=1) else now.hour + 1
    plan = curve.plan[:until]
    return Pace(
        hours.cumsum()[:until],
        planned(curve, budget),
        budget,
        smoothness_error(hours[None, :until], (plan / plan.sum())[None]),
    )


def curve_before(shop: Shop, morning: datetime) -> SpendCurve:
    """How a day should be spent, by the hours in which ads were shown in the 28 days before."""
    curve = SpendCurve()
    for ago in range(LEARNED_DAYS, 0, -1):
        begin = morning - timedelta(days=ago)
        shown = by_hour(delivered(shop, begin, begin + timedelta(days=1)), "shown")
        if shown.any():
            curve.learn(shown)
    return curve


def by_hour(table: pa.Table, what: str = "spend") -> Floats:
    """(24,) of all campaigns together, from a table of `delivered`."""
    return np.bincount(table["hour"].to_numpy(), table[what].to_numpy(), HOURS).astype(np.float64)


def planned(curve: SpendCurve, budget: float) -> Floats:
    """(25,) of a budget, by the beginning of each hour, and at the end of the day."""
    return np.array([budget * curve.share(hour / HOURS) for hour in range(HOURS + 1)])
