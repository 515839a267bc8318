"""Which clusters, if any: space, method and number, by how firm and how separate they are beside data without any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from regulars.segment.partition import METHODS, Partition, by_mixture
from regulars.segment.space import Space
from regulars.segment.stability import BARS, FITTERS, Figures, figures, nulls

Floats = npt.NDArray[np.float64]

MOST = 12
"""Clusters; more are read by nobody."""
LEAST_EACH = 20
"""Customers for each cluster, at least: so no more clusters than the shop has room for are tried."""
SAMPLE = 800
"""Customers by whom it is chosen; more would only make it slower, for what a few hundred do not show is not firm."""
FITTED = {"k-means": 20_000, "Ward": 20_000, "Gaussian mixture": 5_000, "HDBSCAN": 2_000}
"""Customers that the chosen clusters are fitted to."""
DRAWS, NULL_DRAWS, NULLS = 12, 4, 4
"""Bootstrap draws of the customers, and of each of so many sets without structure of either kind."""
FIRM = 0.6
"""Adjusted Rand index below which clusters are not firm, whatever the null."""
SEPARATE, ERRORS = 0.02, 3.0
"""By how much the silhouette must be above that of a null: so much, and so many standard deviations."""


@dataclass(frozen=True)
class Candidate:
    """One way to part the customers, and the same on data without clusters.

    Attributes
    ----------
    space : which columns, e.g. "features".
    of_nulls : {"shuffled", "cloud"} -> figures of each set; empty where the way was out before.
    """

    space: str
    method: str
    figures: Figures
    of_nulls: Mapping[str, Sequence[Figures]] = field(default_factory=dict)

    @property
    def stability(self) -> float:
        """Mean adjusted Rand index over bootstrap draws."""
        return float(self.figures.stability.mean())

    @property
    def weakest(self) -> float:
        """Mean Jaccard of the least firm cluster."""
        return float(self.figures.jaccard.mean(axis=0).min())

    def null_stability(self, kind: str = "shuffled") -> Floats:
        """(sets,) mean adjusted Rand index on each set."""
        return np.array([one.stability.mean() for one in self.of_nulls[kind]])

    def null_silhouette(self, kind: str) -> Floats:
        """(sets,)"""
        return np.array([one.silhouette for one in self.of_nulls[kind]])

    @property
    def least_silhouette(self) -> float:
        """What the silhouette must be above."""
        bars = []
        for kind in self.of_nulls:
            found = self.null_silhouette(kind)
            bars.append(found.mean() + max(SEPARATE, ERRORS * found.std(ddof=1)))
        return float(max(bars))

    @property
    def gap(self) -> float:
        """By how much the logarithm of the sum of squares within is below that without clusters, of whichever kind is
        nearer; as Tibshirani, Walther and Hastie (2001), with these for their reference."""
        ours = np.log(max(self.figures.within, 1e-12))
        return min(
            float(np.mean([np.log(max(one.within, 1e-12)) for one in sets]) - ours) for sets in self.of_nulls.values()
        )

    @property
    def is_firm(self) -> bool:
        """Whether it holds together under bootstrap, null or not."""
        return self.stability >= FIRM and self.weakest > BARS[0]

    @property
    def is_more_stable(self) -> bool:
        """Than on every set of shuffled columns."""
        return bool(self.of_nulls) and self.stability > self.null_stability().max()

    @property
    def is_separate(self) -> bool:
        """More than without clusters, of either kind."""
        return bool(self.of_nulls) and self.figures.silhouette > self.least_silhouette

    @property
    def stands(self) -> bool:
        """Whether these are clusters."""
        return self.is_firm and self.is_more_stable and self.is_separate and self.gap > 0

    @property
    def merit(self) -> float:
        """By which ways that stand are ranked: how firm, times how much of the way from data without clusters to a
        perfect separation they go (adjusted for chance as the Rand index is: so spaces can be compared)."""
        if not self.of_nulls:
            return -1.0
        without = max(float(self.null_silhouette(kind).mean()) for kind in self.of_nulls)
        return self.stability * (self.figures.silhouette - without) / max(1 - without, 1e-9)


class Way(NamedTuple):
    """How customers are parted."""

    space: str
    method: str
    k: int


@dataclass(frozen=True)
class Choice:
    """All ways that were tried, and the one that is best: the first that stands, else the nearest to it."""

    candidates: tuple[Candidate, ...]
    best: Candidate

    @property
    def way(self) -> Way:
        """The best, without its figures."""
        return Way(self.best.space, self.best.method, self.best.figures.k)


def ks_for(count: int) -> range:
    """Which numbers of clusters are tried for so many customers."""
    return range(2, max(min(MOST, count // LEAST_EACH), 2) + 1)


def choose(
    columns: Mapping[str, Floats],
    scaled: Mapping[str, bool],
    methods: Sequence[str] = tuple(METHODS),
    seed: int = 0,
    unnamed: str = "",
) -> Choice:
    """Try every method and number of clusters in every space.

    Parameters
    ----------
    columns : space -> (n, c) the columns of the same customers; NaN where absent. Not empty.
    scaled : space -> whether each of its columns counts alike (see `Space.of`).

    unnamed : a space whose columns mean nothing in words: it is chosen only where nothing stands in the others.

    Raises
    ------
    ValueError
        If no column of a space differs between the customers looked at.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(300, 4))
    >>> three = noise + 6 * np.eye(3, 4)[rng.integers(0, 3, 300)]
    >>> for values in (noise, three):
    ...     best = choose({"made up": values}, {"made up": True}, ["k-means"]).best
    ...     print(best.stands, best.figures.k if best.stands else "no clusters")
    False no clusters
    True 3
    """
    tried: list[Candidate] = []
    # The matrices are small: threads would wait for one another longer than they work.
    with threadpool_limits(1):
        for number, (name, values) in enumerate(columns.items()):
            rng = np.random.default_rng([seed, number])
            some = values[sample(len(values), SAMPLE, rng)]
            space = Space.of(some, scaled=scaled[name])
            points = space.points(some)
            without = nulls(some, points, NULLS, rng, scaled=scaled[name])
            for method in methods:
                tried += _tried(name, method, points, without, rng)
    standing = [candidate for candidate in tried if candidate.stands]
    # Firm clusters of vectors may be of how events are encoded; those of named columns can be judged by a reader.
    standing = [candidate for candidate in standing if candidate.space != unnamed] or standing
    # Of those that do not stand, what is at least firm is nearer to it than what only looks separate. What is about as
    # good is the first: the plainest method, in named features.
    best = max(standing or tried, key=lambda one: (one.is_firm, one.is_more_stable, round(one.merit, 2)))
    return Choice(tuple(tried), best)


def _tried(
    space: str, method: str, points: Floats, without: Mapping[str, Sequence[Floats]], rng: np.random.Generator
) -> list[Candidate]:
    ks = _ks_of(method, points, rng)
    fitter = FITTERS[method]
    found = figures(points, fitter, ks, DRAWS, rng)
    wanted = [k for k, one in found.items() if method == "k-means" or Candidate(space, method, one).is_firm]
    of_nulls: dict[int, dict[str, list[Figures]]] = {k: {kind: [] for kind in without} for k in wanted}
    for kind, sets in without.items():
        for others in sets if wanted else ():
            by_k = figures(others, fitter, wanted, NULL_DRAWS, rng)
            for k, one in by_k.items():
                of_nulls[k][kind].append(one)
    candidates = []
    for k, one in found.items():
        known = of_nulls.get(k, {})
        # Where most sets without structure give no clusters at all (HDBSCAN), those that do are too few to judge by.
        is_judged = bool(known) and all(len(sets) >= 2 for sets in known.values())
        candidates.append(Candidate(space, method, one, known if is_judged else {}))
    return candidates


def _ks_of(method: str, points: Floats, rng: np.random.Generator) -> Sequence[int]:
    """All numbers of clusters; of a mixture the one of the smallest BIC (Schwarz 1978), HDBSCAN finds its own."""
    ks = ks_for(len(points))
    if method == "HDBSCAN":
        return ks[:1]
    if method == "Gaussian mixture":
        return [min(ks[:7], key=lambda k: _bic(points, k, rng))]
    return ks


def _bic(points: Floats, k: int, rng: np.random.Generator) -> float:
    count, width = points.shape
    free = k * (width + width * (width + 1) / 2 + 1) - 1
    return float(-2 * count * by_mixture(points, k, rng).log_likelihood(points) + free * np.log(count))


def fit(values: Floats, method: str, k: int, *, scaled: bool, seed: int = 0) -> tuple[Space, Partition]:
    """The chosen way, fitted to the customers (n, c); to a sample of many.

    Raises
    ------
    ValueError
        If no column differs, or the method finds no two clusters.
    """
    rng = np.random.default_rng(seed)
    some = values[sample(len(values), FITTED[method], rng)]
    space = Space.of(some, scaled=scaled)
    with threadpool_limits(1):
        partition = METHODS[method](space.points(some), k, rng)
    if partition is None:
        raise ValueError(f"{method} finds no two clusters in {len(some)} customers")
    return space, partition


def sample(count: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Which of so many rows are looked at, in order."""
    return np.sort(rng.choice(count, min(count, most), replace=False))
