"""Do scores come as they used to? Two samples compared: the population stability index, and Kolmogorov and Smirnov's
distance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, kolmogorov

from regulars.errors import NotEnoughError

Floats = npt.NDArray[np.float64]

BINS = 10
NOTABLE = 0.1
"""By custom an index below this is no shift; few attempts reach it by luck, so the limit is higher for them."""
LUCK = 0.001
"""How often luck alone goes beyond the limit."""
LEAST = 50
"""Fewer scores are not compared."""


class Drift(NamedTuple):
    """How far recent scores are from those of reference.

    Attributes
    ----------
    psi : population stability index: sum over bins of (p - q) ln(p / q); 0 where both are alike.
    limit : above it the scores have shifted: 0.1, or what luck alone exceeds once in a thousand, if that is more.
    ks : the largest distance between the two distributions, [0, 1].
    ks_p : how often luck alone would bring as large a distance.
    """

    psi: float
    limit: float
    ks: float
    ks_p: float

    @property
    def is_shifted(self) -> bool:
        """Whether they have."""
        return self.psi > self.limit


def edges(reference: npt.ArrayLike, bins: int = BINS) -> Floats:
    """(<= bins - 1,) what parts scores into bins that hold as many of the reference each; fewer where scores tie."""
    inner = np.quantile(np.asarray(reference, np.float64), np.arange(1, bins) / bins)
    found: Floats = np.unique(inner)
    return found


def shares(scores: npt.ArrayLike, at: Floats) -> Floats:
    """(len(at) + 1,) the share of scores in each bin; half a score is added to each, so that none is empty."""
    counts = np.bincount(np.searchsorted(at, np.asarray(scores, np.float64), side="right"), minlength=len(at) + 1)
    found: Floats = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return found


def drift(reference: npt.ArrayLike, recent: npt.ArrayLike) -> Drift:
    """How far recent scores are from those of reference.

    Parameters
    ----------
    reference : (n,) scores of a time when all was well.
    recent : (m,) the others.

    Raises
    ------
    NotEnoughError
        If there are fewer than 50 of either.

    Source
    ------
    Yurdakul (2018), Statistical Properties of the Population Stability Index: without a shift, and in large samples, it
    is chi-squared with bins - 1 degrees of freedom times (1/n + 1/m).

    Examples
    --------
    >>> even = np.arange(1000) / 1000
    >>> drift(even, even[::-1]).psi, drift(even, even ** 2).is_shifted
    (0.0, True)
    """
    one, two = (np.sort(np.asarray(scores, np.float64)) for scores in (reference, recent))
    if min(len(one), len(two)) < LEAST:
        raise NotEnoughError(
            f"monitoring: {len(one)} scores of reference and {len(two)} recent ones; {LEAST} of each are needed."
        )
    at = edges(one)
    p, q = shares(one, at), shares(two, at)
    psi = float(((p - q) * np.log(p / q)).sum())
    limit = float(chdtri(max(len(at), 1), LUCK)) * (1 / len(one) + 1 / len(two))
    both = np.concatenate([one, two])
    below = [np.searchsorted(scores, both, side="right") / len(scores) for scores in (one, two)]
    distance = float(np.abs(below[0] - below[1]).max())
    size = len(one) * len(two) / len(both)
    return Drift(psi, max(limit, NOTABLE), distance, float(kolmogorov(np.sqrt(size) * distance)))
