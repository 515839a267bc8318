"""Draws that fill the space evenly, so that a few hundred stand for all households."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from regulars.pricing.choice.choices import Floats


def normal_draws(households: int, dimensions: int, count: int, seed: int = 0) -> Floats:
    """Standard normal draws of each household, from one Halton sequence cut into pieces.

    Parameters
    ----------
    households, dimensions, count : int, >= 1
        The count is rounded up to an even number: each draw stands beside its mirror image, so that
        means are exact.
    seed : int
        Of the scrambling; the same seed gives the same draws.

    Returns
    -------
    (households, dimensions, count) float

    Source
    ------
    Train (2009), Discrete Choice Methods with Simulation, second edition, section 9.3.3, on Halton draws in pieces,
    and 9.3.2 on antithetic draws; the scrambling is SciPy's (Owen 2017), for plain sequences of high dimension run
    side by side.

    Examples
    --------
    >>> drawn = normal_draws(2, 3, 100)
    >>> drawn.shape, bool(abs(drawn.mean(axis=2)).max() < 1e-9), bool(abs(drawn.std(axis=2) - 1).max() < 0.1)
    ((2, 3, 100), True, True)
    """
    half = -(-count // 2)
    even = qmc.Halton(dimensions, scramble=True, rng=np.random.default_rng(seed)).random(households * half)
    # A point at the very edge would be infinite.
    drawn = ndtri(np.clip(even, 1e-12, 1 - 1e-12)).reshape(households, half, dimensions).transpose(0, 2, 1)
    return np.ascontiguousarray(np.concatenate([drawn, -drawn], axis=2))
