"""Ways to part points into clusters, each of which gives the same to a point that it was fitted to and to a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import cKDTree
from scipy.special import logsumexp
from sklearn.cluster import HDBSCAN
from sklearn.mixture import GaussianMixture

from regulars.segment.kmeans import k_means, nearest

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOBODY = -1
"""The cluster of who lies in none."""
DIGITS = 6
FEW = 1_000
"""Up to so many points, Ward's method joins the points themselves; of more, the centres that k-means makes of them."""
CENTRES = 300
"""So many centres."""
LEAST_SHARE = 0.03
"""Of the points that HDBSCAN calls a cluster."""
STARTS = 4


class Partition(Protocol):
    """Which cluster a point lies in."""

    def assign(self, points: Floats) -> Ints:
        """(n,) numbers of clusters from 0 on, of points (n, d); `NOBODY` for none. Each by itself."""

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """What `partition_from` reads."""


@dataclass(frozen=True)
class Nearest:
    """The cluster of the nearest of some points.

    Attributes
    ----------
    points : (m, d); centres, or customers themselves.
    owner : (m,) the cluster of each.
    reach : who is farther than this from all of them lies in none.
    """

    points: Floats
    owner: Ints
    reach: float = np.inf

    def assign(self, points: Floats) -> Ints:
        """See `Partition`."""
        if np.isfinite(self.reach):
            distance, first = cKDTree(self.points).query(points)
            return np.where(distance <= self.reach, self.owner[first], NOBODY)
        label, _, _ = nearest(np.ascontiguousarray(points), self.points)
        found: Ints = self.owner[label]
        return found

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """See `Partition`."""
        return {"points": self.points, "owner": self.owner, "reach": np.array([self.reach])}


@dataclass(frozen=True)
class Mixture:
    """The likeliest of some normal distributions.

    Attributes
    ----------
    means : (k, d).
    factors : (k, d, d) of the inverse covariances, as scikit-learn's `precisions_cholesky_`.
    offsets : (k,) logarithms of weight and scale.
    """

    means: Floats
    factors: Floats
    offsets: Floats

    def assign(self, points: Floats) -> Ints:
        """See `Partition`."""
        found: Ints = self._logs(points).argmax(axis=1)
        return found

    def log_likelihood(self, points: Floats) -> float:
        """Mean logarithm of the density."""
        return float(logsumexp(self._logs(points), axis=1).mean())

    def _logs(self, points: Floats) -> Floats:
        found = np.empty((len(points), len(self.means)))
        for k, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            found[:, k] = self.offsets[k] - (((points - mean) @ factor) ** 2).sum(axis=1) / 2
        return found

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """See `Partition`."""
        return {"means": self.means, "factors": self.factors, "offsets": self.offsets}


def partition_from(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Partition:
    """From what `to_arrays` gave."""
    if "means" in arrays:
        return Mixture(*(np.asarray(arrays[name], np.float64) for name in ("means", "factors", "offsets")))
    points, owner = np.asarray(arrays["points"], np.float64), np.asarray(arrays["owner"], np.int64)
    return Nearest(points, owner, float(np.asarray(arrays["reach"], np.float64)[0]))


def by_k_means(points: Floats, k: int, rng: np.random.Generator, starts: int = STARTS) -> Nearest:
    """Around k centres."""
    found = k_means(points, k, np.ones(len(points)), rng, starts)
    return Nearest(found.centres.round(DIGITS), np.arange(k))


def by_ward(points: Floats, k: int, rng: np.random.Generator) -> Nearest:
    """Joined pair by pair, each time the pair whose joining widens clusters least (Ward 1963)."""
    return ward_tree(points, rng)(k)


def ward_tree(points: Floats, rng: np.random.Generator) -> Callable[[int], Nearest]:
    """The whole tree at once: a function from k to the partition."""
    leaves = points
    if len(points) > FEW:
        leaves = np.unique(k_means(points, CENTRES, np.ones(len(points)), rng).centres.round(DIGITS), axis=0)
    tree = linkage(leaves, "ward")
    return lambda k: Nearest(leaves, fcluster(tree, k, "maxclust").astype(np.int64) - 1)


def by_mixture(points: Floats, k: int, rng: np.random.Generator) -> Mixture:
    """As a mixture of k normal distributions, by expectation maximisation (scikit-learn)."""
    seed = int(rng.integers(1 << 31))
    model = GaussianMixture(k, reg_covar=1e-3, max_iter=50, tol=1e-2, random_state=seed).fit(points)
    factors = model.precisions_cholesky_
    scale = np.log(np.abs(np.einsum("kdd->kd", factors))).sum(axis=1)
    offsets = np.log(model.weights_) + scale - points.shape[1] / 2 * np.log(2 * np.pi)
    return Mixture(model.means_.round(DIGITS), factors.round(DIGITS), offsets.round(DIGITS))


def by_density(points: Floats, k: int, rng: np.random.Generator) -> Nearest | None:
    """Where they lie densely, as many clusters as there are: HDBSCAN (Campello et al. 2013; scikit-learn's).

    A point belongs to the nearest that lies in a cluster, if it is no farther than such points lie from their own
    neighbours. None where there are not two clusters; `k` and `rng` are not looked at.
    """
    least = max(int(LEAST_SHARE * len(points)), 5)
    label = HDBSCAN(min_cluster_size=least, min_samples=5, copy=True).fit_predict(points)
    inside = np.unique(points[label >= 0], axis=0, return_index=True)[1]
    inside = np.flatnonzero(label >= 0)[np.sort(inside)]
    if label.max() < 1:
        return None
    distance = cKDTree(points).query(points[inside], k=min(6, len(points)))[0][:, -1]
    return Nearest(points[inside].round(DIGITS), label[inside].astype(np.int64), float(np.quantile(distance, 0.95)))


Method = Callable[[Floats, int, np.random.Generator], "Partition | None"]

METHODS: dict[str, Method] = {
    "k-means": by_k_means,
    "Ward": by_ward,
    "Gaussian mixture": by_mixture,
    "HDBSCAN": by_density,
}
