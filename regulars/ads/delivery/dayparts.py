"""Which hours of the week pay? Learned, and drawn towards the mean where little was seen."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Floats = npt.NDArray[np.float64]

PARTS = 168
BELIEF = 30.0
"""As if each hour had brought so many impressions of mean worth."""
LEAST, MOST = 0.5, 1.5
"""A factor stays between: hours that look bad by chance must go on being tried."""


class DayParts:
    """A factor for the value of an impression in each hour of the week, by what impressions of it were worth.

    Neighbouring hours lend to each other. Hours are of the time zone of the moments that are given: give local ones.

    Examples
    --------
    >>> parts = DayParts()
    >>> monday = datetime(2024, 5, 6, 20)
    >>> for _ in range(200):
    ...     parts.learn(monday, foreseen=0.1, came=0.2)
    ...     parts.learn(monday.replace(hour=4), foreseen=0.1, came=0.05)
    >>> parts.factor(monday) > 1.2, parts.factor(monday.replace(hour=4)) < 0.8
    (True, True)
    """

    def __init__(self, half_life_impressions: float = 200_000.0) -> None:
        if not half_life_impressions > 0:
            raise InputError(f"half_life_impressions = {half_life_impressions:g}: more than 0 is expected.")
        self._keep = 0.5 ** (1 / half_life_impressions)
        self.foreseen_, self.came_, self.shown_ = np.zeros(PARTS), np.zeros(PARTS), np.zeros(PARTS)

    def learn(self, at: datetime, *, foreseen: float, came: float) -> None:
        """An impression: what the prediction said that it was worth, and what came of it, in money."""
        if not (0 <= foreseen < np.inf and np.isfinite(came)):
            raise InputError(f"foreseen = {foreseen:g}, came = {came:g}: finite amounts are expected.")
        self.foreseen_, self.came_, self.shown_ = (
            part * self._keep for part in (self.foreseen_, self.came_, self.shown_)
        )
        place = hour_of_week(at)
        self.foreseen_[place] += foreseen
        self.came_[place] += came
        self.shown_[place] += 1

    def factors(self) -> Floats:
        """(168,) from Monday 0:00; 1 where nothing is known."""
        if not self.foreseen_.sum():
            return np.ones(PARTS)
        ratio = self.came_.sum() / self.foreseen_.sum()
        each = self.foreseen_.sum() / self.shown_.sum()
        came, foreseen = (_lent(part) for part in (self.came_, self.foreseen_))
        raw = (came + BELIEF * each * ratio) / ((foreseen + BELIEF * each) * max(ratio, 1e-12))
        found: Floats = np.clip(raw, LEAST, MOST)
        return found

    def factor(self, at: datetime) -> float:
        """For one moment."""
        return float(self.factors()[hour_of_week(at)])


def hour_of_week(at: datetime) -> int:
    """From Monday 0:00.

    >>> hour_of_week(datetime(2024, 5, 7, 1))
    25
    """
    return at.weekday() * 24 + at.hour


def _lent(part: Floats) -> Floats:
    found: Floats = part + (np.roll(part, 1) + np.roll(part, -1)) / 4
    return found
