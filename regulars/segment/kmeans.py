"""k-means, compiled: the same points clustered again and again, under other weights and from other starts.

What is slow in choosing a number of clusters by stability is that a few thousand points are clustered thousands of
times. A run over few points is too short for threads and for calls of a library; it is a loop, compiled once.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDS = 50
"""Of Lloyd's algorithm at most; by then hardly a point moves, and what still moves is no firm cluster."""
SETTLED = 0.0005
"""When the loss falls by less than this share, it ends."""


class Clustering(NamedTuple):
    """Centres (k, d), and the weighted sum of the squared distances of points to them."""

    centres: Floats
    loss: float


def k_means(points: Floats, k: int, weights: Floats, rng: np.random.Generator, starts: int = 1) -> Clustering:
    """The best clustering of weighted points from several starts.

    Parameters
    ----------
    points : (n, d).
    k : 1 to n.
    weights : (n,) >= 0, not all 0: how often each point counts, e.g. in a bootstrap draw.

    Source
    ------
    Lloyd (1982), started by k-means++ (Arthur and Vassilvitskii 2007, section 2.2).

    Examples
    --------
    >>> points = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> found = k_means(points, 2, np.ones(4), np.random.default_rng(0))
    >>> sorted(found.centres[:, 0].tolist()), found.loss
    ([0.5, 10.5], 1.0)
    """
    drawn = rng.random((starts, k))
    return Clustering(
        *_best(np.ascontiguousarray(points, np.float64), np.ascontiguousarray(weights, np.float64), drawn)
    )


@numba.njit(cache=True, nogil=True)
def nearest(points: Floats, centres: Floats) -> tuple[Ints, Floats, Floats]:
    """Of each point the nearest centre (the first of equal ones), the squared distance to it, and to the next."""
    label = np.zeros(len(points), np.int64)
    first, second = np.full(len(points), np.inf), np.full(len(points), np.inf)
    for i in range(len(points)):
        for c in range(len(centres)):
            distance = 0.0
            for j in range(points.shape[1]):
                distance += (points[i, j] - centres[c, j]) ** 2
            if distance < first[i]:
                second[i], first[i], label[i] = first[i], distance, c
            elif distance < second[i]:
                second[i] = distance
    return label, first, second


@numba.njit(cache=True, nogil=True)
def _best(points: Floats, weights: Floats, drawn: Floats) -> tuple[Floats, float]:
    best, least = np.empty((drawn.shape[1], points.shape[1])), np.inf
    for start in range(len(drawn)):
        centres, loss = _settled(points, weights, _spread(points, weights, drawn[start]))
        if loss < least:
            best, least = centres, loss
    return best, least


@numba.njit(cache=True, nogil=True)
def _settled(points: Floats, weights: Floats, centres: Floats) -> tuple[Floats, float]:
    before = np.inf
    for _ in range(ROUNDS):
        label, distance, _second = nearest(points, centres)
        loss = (weights * distance).sum()
        if loss >= before * (1 - SETTLED):
            break
        before = loss
        total, count = np.zeros_like(centres), np.zeros(len(centres))
        for i in range(len(points)):
            count[label[i]] += weights[i]
            for j in range(points.shape[1]):
                total[label[i], j] += weights[i] * points[i, j]
        for c in range(len(centres)):
            # Whom nobody is nearest to stays where it is.
            if count[c] > 0:
                centres[c] = total[c] / count[c]
    return centres, loss


@numba.njit(cache=True, nogil=True)
def _spread(points: Floats, weights: Floats, drawn: Floats) -> Floats:
    """First centres: each drawn by weight times its squared distance to those before."""
    centres = np.empty((len(drawn), points.shape[1]))
    left = np.full(len(points), np.inf)
    chance = weights
    for c in range(len(drawn)):
        reached = np.cumsum(chance)
        # Where all weight lies on chosen points, any will do: the last.
        chosen = min(np.searchsorted(reached, drawn[c] * reached[-1], side="right"), len(points) - 1)
        centres[c] = points[chosen]
        for i in range(len(points)):
            distance = 0.0
            for j in range(points.shape[1]):
                distance += (points[i, j] - centres[c, j]) ** 2
            left[i] = min(left[i], distance)
        chance = weights * left
    return centres
