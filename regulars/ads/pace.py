"""How a day's budget was spent, hour by hour, beside how it was planned, as the log has it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.ads.delivered import delivered
from regulars.ads.pacing import ClockDay, SpendCurve, smoothness_error
from regulars.ads.pacing.clock_day import HOURS
from regulars.errors import NotEnoughError

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

LEARNED_DAYS = 28


class Pace(NamedTuple):
    """A day.

    Attributes
    ----------
    spent : (hours,) by the end of each hour of the clock since the morning, in the shop's currency; of a day that is
        under way, so far.
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


def pace(shop: Shop, day: ClockDay, now: datetime) -> Pace:
    """Spend of a day beside its plan: the hours in which ads were shown in the 28 days before, as a pacer learns them.

    Parameters
    ----------
    day : on the shop's clock.

    Raises
    ------
    NotEnoughError
        If nothing was spent on that day.
    """
    hours = by_hour(delivered(shop, day.begin, min(day.end, now)), day)
    if not hours.sum():
        raise NotEnoughError(
            f"ads: the log tells of no ad_shown with a price on {day.morning.date()}. Choose another day: --on DAY"
        )
    curve, budget = curve_before(shop, day), shop.config.ads.budget
    until = HOURS if now >= day.end else day.hour(now) + 1
    plan = day.hourly(curve.plan)[:until]
    return Pace(
        hours.cumsum()[:until],
        planned(curve, budget, day),
        budget,
        smoothness_error(hours[None, :until], (plan / plan.sum())[None]),
    )


def curve_before(shop: Shop, day: ClockDay) -> SpendCurve:
    """How a day should be spent, by the hours in which ads were shown in the 28 days before."""
    curve = SpendCurve()
    for ago in range(LEARNED_DAYS, 0, -1):
        past = day.after(-ago)
        shown = by_hour(delivered(shop, past.begin, past.end), past, "shown")
        if shown.any():
            curve.learn(shown)
    return curve


def by_hour(table: pa.Table, day: ClockDay, what: str = "spend") -> Floats:
    """(24,) of all campaigns together in each hour of the clock, from a table of `delivered` since the morning."""
    return np.bincount(day.hours[table["hour"].to_numpy()], table[what].to_numpy(), HOURS).astype(np.float64)


def planned(curve: SpendCurve, budget: float, day: ClockDay) -> Floats:
    """(25,) of a budget, by the beginning of each hour of the clock, and at the end of the day."""
    return budget * np.append(0.0, day.hourly(curve.plan).cumsum())
