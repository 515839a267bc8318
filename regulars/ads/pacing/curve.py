"""Which share of a day's budget should be spent by when? As the traffic of past days came."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.ads.pacing.clock_day import HOURS
from regulars.errors import InputError

Floats = npt.NDArray[np.float64]

FLOOR = 0.1
"""No hour is planned with less than this share of an even hour: what is never tried is never learned."""


class SpendCurve:
    """The planned share of a day's spend, by hour, learned from what was on offer in each hour of past days.

    Parameters
    ----------
    hours : (24,) what was on offer in an average day, such as auctions times their chance and cost; default: even.
    memory : how much the newest day counts, in (0, 1].

    Examples
    --------
    >>> curve = SpendCurve()
    >>> round(curve.share(0.25), 2)
    0.25
    >>> for _ in range(50):
    ...     curve.learn([0.0] * 12 + [100.0] * 12)
    >>> round(curve.share(0.5), 2)
    0.05
    """

    def __init__(self, hours: npt.ArrayLike | None = None, memory: float = 0.2) -> None:
        if not 0 < memory <= 1:
            raise InputError(f"memory = {memory:g}: above 0 and at most 1 is expected.")
        self.memory = memory
        self.hours_: Floats = np.ones(HOURS) / HOURS
        if hours is not None:
            self.hours_ = _shares(hours)

    def learn(self, hours: npt.ArrayLike) -> None:
        """What was on offer in each hour of a day that is over, in any unit.

        Raises
        ------
        InputError
            If these are not 24 amounts of 0 or more, not all of them 0.
        """
        self.hours_ = (1 - self.memory) * self.hours_ + self.memory * _shares(hours)

    @property
    def plan(self) -> Floats:
        """(24,) shares of the day, that add to 1."""
        found: Floats = (1 - FLOOR) * self.hours_ + FLOOR / HOURS
        return found

    def share(self, day: float) -> float:
        """Share of the budget planned to be spent at a part of the day in [0, 1]."""
        ends = np.append(0.0, np.cumsum(self.plan))
        return float(np.interp(day, np.linspace(0, 1, HOURS + 1), ends / ends[-1]))


def _shares(hours: npt.ArrayLike) -> Floats:
    found = np.asarray(hours, np.float64)
    if found.shape != (HOURS,) or not np.isfinite(found).all() or found.min() < 0 or not found.sum():
        raise InputError("hours: 24 finite amounts of 0 or more, not all of them 0, are expected.")
    shares: Floats = found / found.sum()
    return shares
