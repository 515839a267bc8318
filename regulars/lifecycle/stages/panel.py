"""Customers by weeks: what each ordered, in which stage of life each week ended, and what was known then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.profile.stage import Rhythm, stage_numbers

Floats = npt.NDArray[np.float64]
Stages = npt.NDArray[np.int8]

DAYS = 7
QUARTER = 13
"""Weeks of the windows that the rule of stages reads: 91 days for its 90."""
ABSENT = -1
"""The stage of who is not known yet."""

TRAITS = ("order rate", "pause", "money of an order", "age")
MOVING = ("recency", "recency in pauses", "orders of a quarter", "change of orders", "money of a quarter")
FEATURES = (*TRAITS, *MOVING)
"""What is known of a customer at the end of a week: what moves slowly, and what moves with every week."""


@dataclass(frozen=True)
class Panel:
    """What customers did, week by week, (n, weeks) each.

    Attributes
    ----------
    orders : how many.
    money : margin of orders, less that of returns.
    last, before : day (from the panel's begin) of the last order by the end of the week, and of the one before it; NaN
        where there is none.
    since : (n,) the week in which each became known.
    """

    orders: npt.NDArray[np.float32]
    money: npt.NDArray[np.float32]
    last: npt.NDArray[np.float32]
    before: npt.NDArray[np.float32]
    since: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls,
        place: npt.ArrayLike,
        day: npt.ArrayLike,
        money: npt.ArrayLike,
        is_order: npt.ArrayLike,
        known_on: npt.ArrayLike,
        weeks: int,
    ) -> Panel:
        """From orders and returns, (r,) each.

        Parameters
        ----------
        place : whose, 0 to n - 1. day : when, days from the panel's begin, in [0, 7 weeks).
        money : margin, below 0 of a return.
        known_on : (n,) the day on which each customer became known; an order makes known too.

        Raises
        ------
        InputError
            If a day lies outside the weeks.

        Examples
        --------
        One customer orders on days 0 and 10; three weeks are looked at:

        >>> panel = Panel.of([0, 0], [0.0, 10.0], [5.0, 7.0], [True, True], [0.0], 3)
        >>> panel.orders.tolist(), panel.last.tolist(), panel.gap_days.tolist()
        ([[1.0, 1.0, 0.0]], [[0.0, 10.0, 10.0]], [[nan, 10.0, 10.0]])
        """
        whose, when = np.asarray(place, np.int64), np.asarray(day, np.float64)
        worth, orders = np.asarray(money, np.float64), np.asarray(is_order, bool)
        if len(when) and not (when.min() >= 0 and when.max() < weeks * DAYS):
            raise InputError(f"days {when.min():g} to {when.max():g}: from 0 to below {weeks * DAYS} is expected.")
        begun = np.asarray(known_on, np.float64)
        count = len(begun)
        sums = [
            np.bincount(whose * weeks + (when // DAYS).astype(np.int64), values, count * weeks).reshape(count, weeks)
            for values in (orders.astype(float), worth)
        ]
        order = np.lexsort((when[orders], whose[orders]))
        who, at = whose[orders][order], when[orders][order]
        is_first = np.diff(who, prepend=-1) != 0
        previous = np.where(is_first, np.nan, np.concatenate([[np.nan], at[:-1]])[: len(at)])
        last, before = (np.full((count, weeks), np.nan, np.float32) for _ in range(2))
        week = (at // DAYS).astype(np.int64)
        # Of several orders in a week the last is written last, and stands.
        last[who, week], before[who, week] = at, previous
        filled = np.maximum.accumulate(np.where(np.isnan(last), -1, np.arange(weeks)), axis=1)
        rows = np.arange(count)[:, None]
        last, before = (
            np.where(filled >= 0, values[rows, np.maximum(filled, 0)], np.float32(np.nan)) for values in (last, before)
        )
        first = np.full(count, np.inf)
        np.minimum.at(first, who, at)
        since = (np.minimum(first, np.clip(begun, 0, None)) // DAYS).astype(np.int64)
        return cls(sums[0].astype(np.float32), sums[1].astype(np.float32), last, before, since)

    def __len__(self) -> int:
        return len(self.orders)

    @property
    def weeks(self) -> int:
        """How many."""
        return int(self.orders.shape[1])

    @property
    def gap_days(self) -> npt.NDArray[np.float32]:
        """(n, weeks) the pause before the last order."""
        found: npt.NDArray[np.float32] = self.last - self.before
        return found

    @cached_property
    def ends(self) -> npt.NDArray[np.float32]:
        """(weeks,) the day at which each week ends."""
        return ((np.arange(self.weeks) + 1) * DAYS).astype(np.float32)

    @cached_property
    def _columns(self) -> Mapping[str, npt.NDArray[np.float32]]:
        """What the rule of stages reads."""
        has_any = np.isfinite(self.last)
        first_week = np.where(has_any.any(1), has_any.argmax(1), 0)
        # A pause older than the panel is unknown; the first order of a week is taken for its last.
        first = np.where(has_any.any(1), self.last[np.arange(len(self)), first_week], np.float32(np.nan))
        tenure = np.where(has_any, self.ends - first[:, None], np.float32(np.nan))
        now, was = _windows(self.orders), _windows(self.money)
        return {
            "orders": np.cumsum(self.orders, 1),
            "recency_days": self.ends - self.last,
            "tenure_days": tenure,
            "gap_last_days": self.gap_days,
            "orders_90d": now[0],
            "orders_previous_90d": now[1],
            "spend_90d": was[0],
            "spend_previous_90d": was[1],
        }

    def rhythm(self, new_days: float, won_back_days: float) -> Rhythm:
        """How the customers come back, as of the last week; 60 and 180 days where no one has."""
        gaps = self.gap_days[:, -1]
        gaps = gaps[np.isfinite(gaps)]
        cooling, lapsed = np.quantile(gaps, [0.75, 0.95]) if len(gaps) else (60.0, 180.0)
        cooling = max(float(cooling), 1.0)
        return Rhythm(cooling, max(float(lapsed), cooling + 1.0), new_days, won_back_days)

    def stages(self, rhythm: Rhythm) -> Stages:
        """(n, weeks) the stage at the end of each week, a number in `regulars.profile.stage.STAGES`; -1 before known.

        The rule is the profile's; what was given back counts against what was spent.
        """
        found = stage_numbers(self._columns, rhythm)
        found[np.arange(self.weeks) < self.since[:, None]] = ABSENT
        return found

    def features(self, week: int) -> Floats:
        """(n, features) what is known at the end of a week, in the order of `FEATURES`; NaN where absent."""
        said = self._columns
        known = ("orders", "tenure_days", "recency_days")
        orders, tenure, recency = (said[name][:, week].astype(float) for name in known)
        earned = self.money[:, : week + 1].sum(1, dtype=np.float64)
        # Drawn to one order in a quarter, and to the pause that this is: of one order little is known.
        rate = (orders + 1) / (np.nan_to_num(tenure) / DAYS + QUARTER)
        pause = np.where(orders > 0, DAYS / rate, np.nan)
        each = np.where(orders > 0, np.maximum(earned, 0) / np.maximum(orders, 1), np.nan)
        now, was = said["orders_90d"][:, week], said["orders_previous_90d"][:, week]
        columns = [
            np.log(rate), np.log(pause), np.log1p(each), np.log1p(tenure),
            np.log1p(recency), recency / pause, np.log1p(now), np.log1p(now) - np.log1p(was),
            np.log1p(np.maximum(said["spend_90d"][:, week], 0)),
        ]  # fmt: skip
        return np.column_stack(columns).astype(np.float64)


def dwelled(stages: Stages) -> npt.NDArray[np.int16]:
    """(n, weeks) for how many weeks before this one the stage has been the same; 0 in its first.

    >>> dwelled(np.array([[1, 1, 1, 4]], np.int8)).tolist()
    [[0, 1, 2, 0]]
    """
    week = np.arange(stages.shape[1], dtype=np.int16)
    begins = np.ones(stages.shape, bool)
    begins[:, 1:] = stages[:, 1:] != stages[:, :-1]
    found: npt.NDArray[np.int16] = week - np.maximum.accumulate(np.where(begins, week, np.int16(0)), axis=1)
    return found


def _windows(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Sums over the last quarter, and over the one before it."""
    total = np.concatenate([np.zeros((len(values), 1), np.float32), np.cumsum(values, 1, dtype=np.float32)], 1)
    end = np.arange(values.shape[1]) + 1
    middle, begin = np.maximum(end - QUARTER, 0), np.maximum(end - 2 * QUARTER, 0)
    return total[:, end] - total[:, middle], total[:, middle] - total[:, begin]
