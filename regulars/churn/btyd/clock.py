"""The calendar in buy-till-you-die models: seasons and promotions, and how fast orders come under them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regulars.churn.btyd.history import Floats, Histories, Ints

YEAR_DAYS = 365.2425
HARMONICS = 2
"""Waves a year: one for the half year, one for what comes twice or is sharper."""
FASTEST = 20.0
"""The logarithm of a speed lies within this of 0, so that what a search tries on its way stays a number."""
JUMP = 0.25
"""Of a column over its standard deviation from one day to the next: seasons never jump so, promotions always do."""
LONGEST_DAYS = 45
"""Days between two cuts at most: in so many a season bends but once."""


def seasonal(days: Ints | Floats) -> Floats:
    """The season of each day as waves of a year and of half a year.

    Parameters
    ----------
    days : (d,) since any day.

    Returns
    -------
    (d, 4) float, -1 to 1.

    Examples
    --------
    >>> seasonal(np.array([0.0, 365.2425 / 4])).round(3).tolist()
    [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, -1.0, 0.0]]
    """
    angle = 2 * np.pi / YEAR_DAYS * np.outer(days, np.arange(1, HARMONICS + 1))
    return np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(len(angle), -1)


@dataclass(frozen=True)
class Covariates:
    """What is known of each day of the calendar, the same for all customers: its season, whether a promotion ran.

    Attributes
    ----------
    first_day : the day of the first row, since any day.
    values : (d, k) one row a day, up to the last that is asked for: a forecast needs those of its days, too.

    Raises
    ------
    ValueError
        If there is no column or no day, or a value is not a number.
    """

    first_day: int
    values: Floats

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or 0 in self.values.shape or not np.isfinite(self.values).all():
            raise ValueError(
                f"covariates of shape {self.values.shape}: one row a day and one column or more, all of numbers"
            )

    def __len__(self) -> int:
        return len(self.values)

    def require(self, begin: float, end: float) -> None:
        """Raise ValueError where days between these two moments have no covariates."""
        last = self.first_day + len(self)
        if begin < self.first_day or end > last:
            raise ValueError(
                f"covariates are given of day {self.first_day} to {last - 1}, and needed of day {np.floor(begin):.0f} "
                f"to {np.ceil(end) - 1:.0f}: add rows for the days that lack"
            )

    def at(self, day: Floats) -> Floats:
        """(m, k) at each of these moments."""
        found: Floats = self.values[np.floor(day).astype(np.int64) - self.first_day]
        return found

    def spread(self, begin: float, end: float) -> tuple[Floats, Floats]:
        """(k,) means and (k,) standard deviations of the days between two moments.

        Raises
        ------
        ValueError
            If a column is the same on all of them.
        """
        within = self.values[int(np.floor(begin)) - self.first_day : int(np.ceil(end)) - self.first_day]
        mean, deviation = within.mean(axis=0), within.std(axis=0)
        constant = np.flatnonzero(deviation <= 1e-9 * (1 + np.abs(mean)))
        if len(constant):
            raise ValueError(
                f"column {constant[0]} of the covariates is the same on all days on which customers are known: "
                "nothing can be learned of it; leave it out"
            )
        return mean, deviation

    @cached_property
    def next_cut(self) -> Ints:
        """(d,) of each day the next after it at which an integral over time is cut: where a column jumps, or soon."""
        deviation = self.values.std(axis=0)
        jumps = np.abs(np.diff(self.values, axis=0)) > JUMP * deviation
        cuts = np.append(np.flatnonzero(jumps.any(axis=1)) + 1, len(self))
        days = np.arange(len(self))
        regular = (days // LONGEST_DAYS + 1) * LONGEST_DAYS
        found: Ints = np.minimum(cuts[np.searchsorted(cuts, days, side="right")], regular)
        return found


@dataclass(frozen=True)
class Clock:
    """The time that orders go by: on a day of speed 2 as many come as on two days of speed 1.

    Attributes
    ----------
    covariates : of d days, k columns.
    gamma : (k,) what one more of each does to the logarithm of the speed.

    Examples
    --------
    A promotion on the second of three days doubles the orders:

    >>> clock = Clock(Covariates(10, np.array([[0.0], [1.0], [0.0]])), np.log([2.0]))
    >>> clock.speed.round(6).tolist(), clock.time(np.array([10.0, 11.5, 13.0])).round(6).tolist()
    ([1.0, 2.0, 1.0], [0.0, 2.0, 4.0])
    """

    covariates: Covariates
    gamma: Floats

    @cached_property
    def speed(self) -> Floats:
        """(d,) of each day."""
        found: Floats = np.exp(np.clip(self.covariates.values @ self.gamma, -FASTEST, FASTEST))
        return found

    @cached_property
    def passed(self) -> Floats:
        """(d + 1,) time that has passed at the beginning of each day, since that of the first."""
        return np.append(0.0, np.cumsum(self.speed))

    @cached_property
    def slopes(self) -> Floats:
        """(d, k) how the speed of each day changes with gamma."""
        return self.covariates.values * self.speed[:, None]

    @cached_property
    def slopes_passed(self) -> Floats:
        """(d + 1, k) how the time that has passed at the beginning of each day changes with gamma."""
        return np.vstack([np.zeros((1, self.slopes.shape[1])), np.cumsum(self.slopes, axis=0)])

    def time(self, day: Floats) -> Floats:
        """(m,) time that has passed at each of these moments, since the beginning of the first day."""
        place = day - self.covariates.first_day
        whole = np.minimum(np.floor(place).astype(np.int64), len(self.covariates) - 1)
        found: Floats = self.passed[whole] + (place - whole) * self.speed[whole]
        return found


@dataclass(frozen=True)
class DatedHistories(Histories):
    """Customers as models see them that know the calendar: times are in days.

    Attributes
    ----------
    birth : (n,) when each first ordered, in days since the day that the covariates are counted from.
    met : (n, k) the sum of the covariates of the days of the orders after the first.
    """

    birth: Floats
    met: Floats

    @classmethod
    def dated(cls, customer: Ints, day: Floats, end: float, covariates: Covariates) -> DatedHistories:
        """From orders before a moment; of one customer at one time they are one.

        Parameters
        ----------
        customer : (m,) numbers from 0, every one with an order before the moment; day : (m,) when, in days.
        end : the moment.

        Raises
        ------
        ValueError
            If the covariates do not cover the days from the first order to the end.

        Examples
        --------
        >>> days = Covariates(0, np.array([[0.0], [1.0], [0.0], [5.0]]))
        >>> found = DatedHistories.dated(np.array([0, 0, 0, 1]), np.array([0.0, 1.5, 3.0, 3.0]), 4.0, days)
        >>> found.birth.tolist(), found.met.tolist()
        ([0.0, 3.0], [[6.0], [0.0]])
        """
        plain = Histories.of(customer, day, end)
        covariates.require(float(day.min(initial=end)), end)
        before = day < end
        rows = np.unique(np.column_stack([customer[before], day[before]]), axis=0)
        is_again = np.append(False, np.diff(rows[:, 0]) == 0)[: len(rows)]
        who, met = rows[is_again, 0].astype(np.int64), covariates.at(rows[is_again, 1])
        sums = [np.bincount(who, column, len(plain)) for column in met.T]
        return cls(
            plain.orders, plain.last, plain.age, plain.count, plain.log_gaps, end - plain.age, np.column_stack(sums)
        )

    def grouped(self) -> DatedHistories:
        """Customers who are alike in orders, last, age and birth as one row."""
        key = np.column_stack([self.orders, self.last, self.age, self.birth])
        rows, back = np.unique(key, axis=0, return_inverse=True)
        count = np.bincount(back, self.count).astype(float)
        # Sums enter the likelihood as they are, so the mean of alike customers counts.
        logs, *met = (np.bincount(back, self.count * each) / count for each in (self.log_gaps, *self.met.T))
        return DatedHistories(rows[:, 0], rows[:, 1], rows[:, 2], count, logs, rows[:, 3], np.column_stack(met))

    def some(self, rows: int) -> DatedHistories:
        """So many of the rows, evenly."""
        at = np.unique(np.linspace(0, len(self) - 1, rows).round().astype(np.int64))
        return DatedHistories(
            self.orders[at], self.last[at], self.age[at], self.count[at], self.log_gaps[at], self.birth[at],
            self.met[at],
        )  # fmt: skip
