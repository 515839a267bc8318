"""How firm are clusters? Fitted again to bootstrap draws, do the same customers come together?

A figure alone says nothing: data without any structure can be clustered firmly too, so all of this is also asked of
two kinds of data that have none (`nulls`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import calinski_harabasz_score

from regulars.segment.partition import NOBODY, Partition, by_density, by_k_means, by_mixture, ward_tree
from regulars.segment.space import Space

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Fitted = Callable[[int], Partition | None]
Fitter = Callable[[Floats, np.random.Generator], Fitted]
"""From points to a function from the number of clusters to the partition; what can be shared is made once."""

BARS = (0.6, 0.75, 0.85)
"""Mean Jaccard of a cluster: below the first it is not to be trusted; from the second on it is stable, from the third
highly so (Hennig, the R package fpc, clusterboot)."""


def _density(points: Floats, rng: np.random.Generator) -> Fitted:
    found = by_density(points, 0, rng)
    return lambda _: found


FITTERS: dict[str, Fitter] = {
    "k-means": lambda points, rng: lambda k: by_k_means(points, k, rng),
    "Ward": ward_tree,
    "Gaussian mixture": lambda points, rng: lambda k: by_mixture(points, k, rng),
    "HDBSCAN": _density,
}


@dataclass(frozen=True)
class Figures:
    """How good clusters of some points are.

    Attributes
    ----------
    k : how many there are.
    stability : (draws,) adjusted Rand index between the clusters and those of each bootstrap draw.
    jaccard : (draws, k) of each cluster with the most like one of the draw.
    silhouette : -1 to 1, simplified: by distances to centres (Hruschka et al. 2004).
    calinski : Calinski and Harabasz (1974); higher is better, whatever that means for one number of clusters alone.
    within : sum of squares within clusters over that of all, 0 to 1, for the gap.
    share : of the points that lie in a cluster.
    """

    k: int
    stability: Floats
    jaccard: Floats
    silhouette: float
    calinski: float
    within: float
    share: float


def figures(
    points: Floats, fitter: Fitter, ks: Sequence[int], draws: int, rng: np.random.Generator
) -> dict[int, Figures]:
    """Of each number of clusters that can be had.

    Parameters
    ----------
    points : (n, d).
    draws : how many bootstrap draws.
    """
    whole = fitter(points, rng)
    first = {}
    for k in ks:
        partition = whole(k)
        if partition is not None:
            label = partition.assign(points)
            if label.max() >= 1 and len(np.unique(label[label >= 0])) == label.max() + 1:
                first[k] = label
    agreed: dict[int, list[Floats]] = {k: [] for k in first}
    for _ in range(draws if first else 0):
        again = fitter(points[rng.integers(len(points), size=len(points))], rng)
        for k, label in first.items():
            partition = again(k)
            other = np.full(len(points), NOBODY) if partition is None else partition.assign(points)
            agreed[k].append(table_of(label, other))
    return {k: _of(points, label, agreed[k]) for k, label in first.items()}


def firmness(points: Floats, label: Ints, fitter: Fitter, draws: int, rng: np.random.Generator) -> Floats:
    """(k,) mean Jaccard of clusters that are given (label 0 to k - 1) with those made anew from bootstrap draws."""
    count = int(label.max()) + 1
    found = np.zeros(count)
    for _ in range(draws):
        again = fitter(points[rng.integers(len(points), size=len(points))], rng)(count)
        if again is not None:
            found += jaccard(table_of(label, again.assign(points)))
    return found / draws


def _of(points: Floats, label: Ints, tables: Sequence[Floats]) -> Figures:
    count = int(label.max()) + 1
    inside = label >= 0
    some, own = points[inside], label[inside]
    size = np.bincount(own, minlength=count)
    centres = np.stack([np.bincount(own, column, count) for column in some.T], axis=1) / size[:, None]
    distance = np.sqrt(np.maximum(((some[:, None] - centres) ** 2).sum(axis=2), 0))
    near = distance[np.arange(len(own)), own]
    distance[np.arange(len(own)), own] = np.inf
    far = distance.min(axis=1)
    return Figures(
        k=count,
        stability=np.array([rand_index(table) for table in tables]),
        jaccard=np.array([jaccard(table) for table in tables]).reshape(-1, count),
        silhouette=float(((far - near) / np.maximum(np.maximum(far, near), 1e-12)).mean()),
        calinski=float(calinski_harabasz_score(some, own)),
        within=float((near**2).sum() / max(((some - some.mean(axis=0)) ** 2).sum(), 1e-12)),
        share=float(inside.mean()),
    )


def table_of(one: Ints, other: Ints) -> Floats:
    """How many are in both: (clusters of one + 1, clusters of the other + 1); the last row and column are nobody's."""
    rows, columns = int(one.max(initial=-1)) + 2, int(other.max(initial=-1)) + 2
    flat = np.where(one < 0, rows - 1, one) * columns + np.where(other < 0, columns - 1, other)
    return np.bincount(flat, minlength=rows * columns).reshape(rows, columns).astype(np.float64)


def rand_index(table: Floats) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985) of two clusterings: 1 the same, 0 as by chance.

    >>> rand_index(table_of(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])))
    1.0
    """

    def pairs(counts: Floats) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    both, one, other = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = one * other / max(pairs(table.sum(keepdims=True)), 1e-12)
    most = (one + other) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def jaccard(table: Floats) -> Floats:
    """(k,) of each cluster of the first: what it shares with the most like of the others, over what both hold.

    >>> jaccard(table_of(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]))).round(3).tolist()
    [0.667, 0.5]
    """
    both = table[:-1, :-1]
    if not both.shape[1]:
        return np.zeros(len(both))
    either = table[:-1].sum(axis=1)[:, None] + table[:, :-1].sum(axis=0) - both
    found: Floats = (both / np.maximum(either, 1)).max(axis=1)
    return found


def shuffled(values: Floats, rng: np.random.Generator) -> Floats:
    """The same columns, each in an order of its own: what goes with what is gone, all else is as it was."""
    return np.column_stack([rng.permutation(column) for column in values.T])


def nulls(
    values: Floats, points: Floats, count: int, rng: np.random.Generator, *, scaled: bool
) -> dict[str, list[Floats]]:
    """Points without clusters, so many sets of each kind.

    Returns
    -------
    "shuffled": from columns in orders of their own, through a space of their own. "cloud": one normal cloud with the
    spread and correlations of the points: what is firm only because columns go together is as firm there.
    """
    spread = points.std(axis=0)
    found: dict[str, list[Floats]] = {"shuffled": [], "cloud": []}
    for _ in range(count):
        other = shuffled(values, rng)
        found["shuffled"].append(Space.of(other, scaled=scaled).points(other))
        found["cloud"].append(rng.normal(size=points.shape) * spread)
    return found
