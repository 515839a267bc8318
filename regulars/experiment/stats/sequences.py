"""Intervals that hold at all times at once: they may be looked at daily, and a test stopped on sight of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from regulars.errors import InputError
from regulars.experiment.stats.moments import Floats

LEAST_CUSTOMERS = 100
"""In each arm, before a sequence by the normal limit says anything."""


def mixture_for(customers: float, alpha: float = 0.05) -> float:
    """The mixture (rho squared) with which a sequence is narrowest around so many customers.

    It must be fixed before the data: any is right, this one only decides when the sequence is narrow.

    Source
    ------
    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-Uniform Central Limit Theory and Asymptotic Confidence
    Sequences, appendix B.2, the approximation of the optimum.

    Examples
    --------
    >>> round(mixture_for(1000) ** 0.5, 4)
    0.0891
    """
    if not customers > 0:
        raise InputError(f"a sequence is to be narrowest around {customers} customers; a number above 0 is expected.")
    twice = -2 * np.log(alpha)
    return float((twice + np.log(twice + 1)) / customers)


def reach(customers: npt.ArrayLike, mixture: float, alpha: float = 0.05) -> Floats:
    """How many standard errors wide to each side a confidence sequence is.

    Parameters
    ----------
    customers : (t,) counted at each look, > 0.
    mixture : see `mixture_for`.

    Source
    ------
    Waudby-Smith and others (2024), theorem 2.2, of the estimate with its standard error.

    Examples
    --------
    Half as wide again as a plain interval (1.96), and right on all days at once:

    >>> reach([1000], mixture_for(1000)).round(2)
    array([3.04])
    """
    weight = np.asarray(customers, float) * mixture
    found: Floats = np.sqrt((1 + weight) / weight * (np.log1p(weight) - 2 * np.log(alpha)))
    return found


def log_e_value(z: npt.ArrayLike, customers: npt.ArrayLike, mixture: float) -> Floats:
    """The logarithm of the evidence against no difference: a bet that would have grown so much, had it been offered.

    Its inverse is a p-value at any time.

    Parameters
    ----------
    z : (t,) the difference over its standard error.

    Examples
    --------
    At the sequence's edge the evidence is 1 / alpha:

    >>> edge = reach([1000], 0.01)
    >>> np.exp(log_e_value(edge, [1000], 0.01)).round(6)
    array([20.])
    """
    weight = np.asarray(customers, float) * mixture
    found: Floats = (np.asarray(z, float) ** 2 * weight / (1 + weight) - np.log1p(weight)) / 2
    return found


class SharesSequence(NamedTuple):
    """A difference of shares at any time: interval, and the p-value of none."""

    low: float
    high: float
    p_value: float


def shares_sequence(treated: tuple[int, int], control: tuple[int, int], alpha: float = 0.05) -> SharesSequence:
    """The difference of two shares at any time, exact for any number of customers, from counts alone.

    In each arm a bet by the beta mixture grows against any wrong share, and the product of both bets against any wrong
    pair. The interval holds the differences of the pairs against which it did not grow to 1 / alpha.

    Parameters
    ----------
    treated, control : how many had it, of how many.

    Source
    ------
    Robbins (1970), Statistical Methods Related to the Law of the Iterated Logarithm, section 4 (the mixture, uniform);
    the product of two such is again a test martingale, since customers are independent.

    Examples
    --------
    >>> found = shares_sequence((150, 1000), (100, 1000))
    >>> found.low < 0.05 < found.high, found.p_value < 0.05
    (True, False)
    """
    for hits, of in (treated, control):
        if not 0 <= hits <= of:
            raise InputError(f"{hits} of {of}: as many as there are, at most, are expected.")
    gap = _rate(treated) - _rate(control)
    edge = float(-np.log(alpha))

    def evidence(difference: float) -> float:
        return _least_evidence(treated, control, difference) - edge

    high = float(optimize.brentq(evidence, gap, 1.0, xtol=1e-8)) if gap < 1 and evidence(1.0) > 0 else 1.0
    low = float(optimize.brentq(evidence, -1.0, gap, xtol=1e-8)) if gap > -1 and evidence(-1.0) > 0 else -1.0
    return SharesSequence(low, high, float(np.exp(-max(evidence(0.0) + edge, 0.0))))


def _rate(arm: tuple[int, int]) -> float:
    return arm[0] / arm[1] if arm[1] else 0.5


def _evidence(arm: tuple[int, int], share: float) -> float:
    hits, misses = arm[0], arm[1] - arm[0]
    return float(special.betaln(hits + 1, misses + 1) - special.xlogy(hits, share) - special.xlog1py(misses, -share))


_FAR = 1e6
"""Evidence beyond any level: of a share of 0 that somebody had."""


def _least_evidence(treated: tuple[int, int], control: tuple[int, int], difference: float) -> float:
    """The smallest evidence against any pair of shares with this difference; convex, so one search finds it."""
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)

    def against(share: float) -> float:
        return min(_evidence(control, share) + _evidence(treated, min(max(share + difference, 0.0), 1.0)), _FAR)

    if high - low < 1e-12:
        return against(low)
    found = optimize.minimize_scalar(against, bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    return min(float(found.fun), against(low), against(high))
