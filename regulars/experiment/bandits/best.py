"""How likely is each of several uncertain means to be the greatest? By quadrature, for Thompson sampling.

The chance that arm k is the best is the integral of its density times the distribution functions of all others. It is
taken by Gauss-Legendre over cells between the quantiles of all arms, so that arms that are known well and arms that are
hardly known are both resolved. No draws: the same beliefs give the same chances.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

TAILS = np.array([1e-9, 1e-6, 1e-4, 1e-2, 0.05, 0.2, 0.4])
LEVELS = np.concatenate([TAILS, [0.5], 1 - TAILS[::-1]])
"""Quantiles that cells lie between. What is outside, 2e-9 of an arm, is left out."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
AT_ONCE = 2_000_000
"""So many values of distribution functions are held in memory."""


def best_of_betas(a: Floats, b: Floats) -> Floats:
    """(k,) chances to be the greatest of Beta distributions; they add to 1. Within 1e-7.

    Parameters
    ----------
    a, b : (k,) above 0: successes and failures, the prior's among them.

    Examples
    --------
    >>> best_of_betas(np.array([1.0, 1.0]), np.array([1.0, 1.0])).round(6).tolist()
    [0.5, 0.5]
    >>> best_of_betas(np.array([2.0, 1.0]), np.array([1.0, 1.0])).round(6).tolist()  # 2/3: the integral of 2x times x
    [0.666667, 0.333333]
    """
    edges = special.betaincinv(a[:, None], b[:, None], LEVELS)
    constant = special.betaln(a, b)

    def density(x: Floats) -> Floats:
        found: Floats = np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - constant)
        return found

    found: Floats = _chances(edges[None], lambda x: special.betainc(a, b, x), density)[0]
    return found


def best_of_students(freedom: Floats, mean: Floats, scale: Floats) -> Floats:
    """(k,) chances to be the greatest of Student distributions; they add to 1. Within 5e-5, the tails being heavy.

    Parameters
    ----------
    freedom, mean, scale : (k,) degrees of freedom, at least 1; where it lies; its scale, above 0.

    Examples
    --------
    >>> best_of_students(np.array([2.0, 2.0]), np.array([1.0, 1.0]), np.array([1.0, 3.0])).round(6).tolist()
    [0.5, 0.5]
    """
    edges = mean[:, None] + scale[:, None] * special.stdtrit(freedom[:, None], LEVELS)
    constant = special.gammaln((freedom + 1) / 2) - special.gammaln(freedom / 2) - np.log(freedom * np.pi) / 2

    def density(x: Floats) -> Floats:
        z = (x - mean) / scale
        found: Floats = np.exp(constant - (freedom + 1) / 2 * np.log1p(z**2 / freedom)) / scale
        return found

    found: Floats = _chances(edges[None], lambda x: special.stdtr(freedom, (x - mean) / scale), density)[0]
    return found


def best_of_normals(mean: Floats, deviation: Floats) -> Floats:
    """(n, k) chances to be the greatest of normal distributions, for each of n rows; they add to 1. Within 1e-8.

    Parameters
    ----------
    mean, deviation : (n, k); deviations above 0.

    Examples
    --------
    >>> best_of_normals(np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]])).round(6).tolist()  # Phi(1 / sqrt 2)
    [[0.23975, 0.76025]]
    """
    rows, arms = mean.shape
    step = max(1, AT_ONCE // (arms * len(LEVELS) * len(NODES) * arms))
    found = [_normal(mean[at : at + step], deviation[at : at + step]) for at in range(0, rows, step)]
    return np.concatenate(found) if found else np.empty((0, arms))


def _normal(mean: Floats, deviation: Floats) -> Floats:
    edges = mean[:, :, None] + deviation[:, :, None] * special.ndtri(LEVELS)

    def standard(x: Floats) -> Floats:
        return (x - mean[:, None, None, :]) / deviation[:, None, None, :]  # (n, cells, nodes, k)

    def density(x: Floats) -> Floats:
        found: Floats = np.exp(-(standard(x) ** 2) / 2) / (np.sqrt(2 * np.pi) * deviation[:, None, None, :])
        return found

    return _chances(edges, lambda x: special.ndtr(standard(x)), density)


def _chances(edges: Floats, distribution: Callable[[Floats], Floats], density: Callable[[Floats], Floats]) -> Floats:
    """(n, k) from quantiles (n, k, levels), and functions that give (n, cells, nodes, k) of x (n, cells, nodes, 1)."""
    ordered = np.sort(edges.reshape(len(edges), -1), axis=1)
    half = np.diff(ordered, axis=1)[..., None] / 2  # (n, cells, 1)
    x = ordered[:, :-1, None] + half * (1 + NODES)  # (n, cells, nodes)
    below = distribution(x[..., None])
    # The product of all others': from the left and from the right, for a distribution function may be 0.
    before, after = np.ones_like(below), np.ones_like(below)
    np.cumprod(below[..., :-1], axis=-1, out=before[..., 1:])
    np.cumprod(below[..., :0:-1], axis=-1, out=after[..., -2::-1])
    inside = density(x[..., None]) * before * after
    chances = np.einsum("ncqk,ncq->nk", inside, half * WEIGHTS)
    # What lies outside the cells, and the error of the quadrature, is shared out in proportion.
    found: Floats = chances / chances.sum(axis=1, keepdims=True)
    return found
