"""Effects of many segments at once: each drawn to the common one as far as its own data leave it open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.errors import InputError
from regulars.experiment.stats.moments import Floats

_GRID = 600


@dataclass(frozen=True)
class Shrunk:
    """Effects by segment, after all segments were seen.

    Attributes
    ----------
    value, error : (k,) mean and standard deviation of what to believe of each effect.
    low, high : (k,) its middle 95 %.
    common : the mean over segments, had they the same weight.
    apart : how far effects truly lie apart, as a standard deviation; its median.
    differ : the p-value of no difference between segments (Cochran's Q).
    """

    value: Floats
    error: Floats
    low: Floats
    high: Floats
    common: float
    apart: float
    differ: float


def shrink(effects: npt.ArrayLike, errors: npt.ArrayLike) -> Shrunk:
    """Effects by segment under a normal model of how segments differ.

    The spread between segments is not fixed at one estimate: intervals average over what it may be, so that they do
    not close where the estimate happens to be 0.

    Parameters
    ----------
    effects, errors : (k,) of each segment, with standard errors > 0.

    Raises
    ------
    InputError
        If there are none, or an error is not above 0.

    Source
    ------
    Rubin (1981), Estimation in Parallel Randomized Experiments; Gelman and others, Bayesian Data Analysis, third
    edition, section 5.4, equations 5.17 to 5.21, with an even first guess of the spread.

    Examples
    --------
    Coaching in eight schools (the book's table 5.2); the first, measured at 28, is believed to be about 11:

    >>> found = shrink([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])
    >>> found.value.round().tolist()
    [11.0, 8.0, 6.0, 8.0, 5.0, 6.0, 11.0, 8.0]
    """
    seen, error = np.asarray(effects, float), np.asarray(errors, float)
    if not len(seen) or seen.shape != error.shape or not (error > 0).all():
        raise InputError("each segment needs an effect and a standard error above 0, and there must be one.")
    plain = 1 / error**2
    middle = float((plain * seen).sum() / plain.sum())
    differ = float(stats.chi2.sf((plain * (seen - middle) ** 2).sum(), len(seen) - 1)) if len(seen) > 1 else 1.0
    if len(seen) == 1:
        z = stats.norm.ppf(0.975)
        return Shrunk(seen, error, seen - z * error, seen + z * error, middle, 0.0, differ)
    # Beyond this an even guess of the spread has next to no posterior mass; of two segments it needs an end.
    spread = np.linspace(0, 5 * max(float(np.ptp(seen)), float(np.median(error))), _GRID)  # (g,)
    weight = 1 / (error**2 + spread[:, None] ** 2)  # (g, k)
    mean = (weight * seen).sum(1) / weight.sum(1)  # (g,)
    log_odds = (
        -np.log(weight.sum(1)) / 2 + np.log(weight).sum(1) / 2 - (weight * (seen - mean[:, None]) ** 2).sum(1) / 2
    )
    odds = np.exp(log_odds - log_odds.max())
    odds /= odds.sum()
    pull = 1 / (1 + (spread[:, None] / error) ** 2)  # (g, k), 1 where all is drawn to the common effect
    value = pull * mean[:, None] + (1 - pull) * seen
    variance = (1 - pull) * error**2 + pull**2 / weight.sum(1)[:, None]
    centre = odds @ value
    total = odds @ (variance + value**2) - centre**2
    low, high = (_mixture_quantile(share, value, np.sqrt(variance), odds) for share in (0.025, 0.975))
    apart = float(spread[np.searchsorted(np.cumsum(odds), 0.5)])
    return Shrunk(centre, np.sqrt(total), low, high, float(odds @ mean), apart, differ)


def _mixture_quantile(share: float, value: Floats, spread: Floats, odds: Floats) -> Floats:
    """A quantile of each segment's mixture of normals, by halving."""
    low, high = (value - 10 * spread).min(0), (value + 10 * spread).max(0)
    for _ in range(40):
        middle = (low + high) / 2
        is_below = odds @ stats.norm.cdf((middle - value) / spread) < share
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.asarray((low + high) / 2)
