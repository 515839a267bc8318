"""How long something lasts, where of some it is only known that it lasted until now (Kaplan-Meier)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.churn.btyd.history import Floats

Z95 = 1.959963984540054
"""Of the normal distribution, for an interval at 95 %."""


@dataclass(frozen=True)
class KaplanMeier:
    """The share that is left after each time, with an interval.

    Attributes
    ----------
    time : (k,) at which any ended, rising; in the unit of the durations.
    at_risk : (k,) how many had lasted until right before it.
    ended : (k,) how many ended at it.
    survival : (k,) the share that lasts longer than it.
    error : (k,) its standard error, by Greenwood's formula; NaN where nobody is left.
    low, high : (k,) the interval at 95 %, made on the log-log scale, so that it stays within 0 and 1; NaN where nobody
        is left.
    longest : up to which time anything is known.

    Source
    ------
    Kaplan and Meier (1958), Nonparametric Estimation from Incomplete Observations; the interval as by Kalbfleisch and
    Prentice, which R's `survfit` calls conf.type = "log-log".

    Examples
    --------
    Of four, one ended after 2 months and one after 3; two are known for 3 and 5 months, and go on:

    >>> found = KaplanMeier.fit(np.array([2.0, 3, 3, 5]), np.array([True, True, False, False]))
    >>> found.time.tolist(), found.at_risk.tolist(), found.survival.tolist()
    ([2.0, 3.0], [4, 3], [0.75, 0.5])
    """

    time: Floats
    at_risk: npt.NDArray[np.int64]
    ended: npt.NDArray[np.int64]
    survival: Floats
    error: Floats
    low: Floats
    high: Floats
    longest: float

    @classmethod
    def fit(cls, duration: Floats, is_ended: npt.NDArray[np.bool_]) -> KaplanMeier:
        """From durations (n,), and whether each had ended by then; who had not was still at risk at that time.

        Raises
        ------
        ValueError
            If there are none, or one is negative or NaN.
        """
        duration = np.asarray(duration, float)
        if not len(duration) or not (duration >= 0).all():
            raise ValueError("durations of 0 or more are needed, at least one")
        time, ended = np.unique(duration[is_ended], return_counts=True)
        at_risk = len(duration) - np.searchsorted(np.sort(duration), time, side="left")
        survival = np.asarray(np.cumprod(1 - ended / at_risk), float)
        is_left = survival > 0
        # Greenwood: the variance of the logarithm is a sum over the times.
        terms = np.divide(ended, at_risk * (at_risk - ended), out=np.zeros(len(time)), where=is_left)
        of_log = np.sqrt(np.cumsum(terms))
        error = np.where(is_left, survival * of_log, np.nan)
        log = np.log(survival, out=np.full(len(time), np.nan), where=is_left)
        spread = Z95 * of_log / np.abs(log)
        return cls(
            time=time,
            at_risk=at_risk,
            ended=ended,
            survival=survival,
            error=error,
            low=np.exp(log * np.exp(spread)),
            high=np.exp(log * np.exp(-spread)),
            longest=float(duration.max()),
        )

    def at(self, time: float) -> tuple[float, float, float]:
        """The share left after a time, and its interval; NaN beyond what is known, and before any ended no interval.

        >>> found = KaplanMeier.fit(np.array([2.0, 3, 3, 5]), np.array([True, True, False, False]))
        >>> found.at(1.0)[0], found.at(2.5)[0], found.at(6.0)[0]
        (1.0, 0.75, nan)
        """
        if time > self.longest and (not len(self.survival) or self.survival[-1] > 0):
            return np.nan, np.nan, np.nan
        place = int(np.searchsorted(self.time, time, side="right")) - 1
        if place < 0:
            return 1.0, np.nan, np.nan
        return float(self.survival[place]), float(self.low[place]), float(self.high[place])

    @property
    def median(self) -> float:
        """The first time by which at least half have ended; NaN where that many have not."""
        is_half = self.survival <= 0.5 + 1e-12
        return float(self.time[is_half.argmax()]) if is_half.any() else np.nan
