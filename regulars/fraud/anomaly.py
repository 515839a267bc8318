"""How unusual is an attempt, where nobody has told which are frauds?

Two views, each a number in [0, 1) that says how many attempts are more usual: tails, which ask of every column that
fraud pushes one way how few attempts go as far; and an isolation forest, which asks how few questions set an attempt
apart. Both are learned from attempts alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numba
import numpy as np
import numpy.typing as npt
from sklearn.ensemble import IsolationForest

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

QUANTILES = 2000
TAILS = 2 / 3
"""How much the tails count for beside the forest, where one number is asked for."""
TREES, SAMPLE = 100, 1024
SEED = 0
FURTHEST = 1e308
"""Of what is infinite."""


@dataclass(frozen=True)
class Anomaly:
    """What is usual.

    Attributes
    ----------
    columns : places of the columns that are looked at; side : 1 where high values are suspect, -1 where low ones.
    quantiles : (columns, QUANTILES) of each column times its side.
    fill : (columns,) what stands for an unknown value in the forest: its median.
    feature, threshold, left, right, length : (nodes,) of the forest's trees; length is a leaf's, with what its rows
        would still take.
    roots : (trees,) ; usual : (QUANTILES,) quantiles of each view's raw score, (2, QUANTILES).

    Source
    ------
    Tails: after Li et al. (2022), ECOD: Unsupervised Outlier Detection Using Empirical Cumulative Distribution
    Functions, one-sided, and squared before they are added: one column that is far out says more than many that are a
    little. Forest: Liu, Ting and Zhou (2008), Isolation Forest.
    """

    columns: npt.NDArray[np.int64]
    side: Floats
    quantiles: Floats
    fill: Floats
    feature: npt.NDArray[np.int64]
    threshold: Floats
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    length: Floats
    roots: npt.NDArray[np.int64]
    usual: Floats

    @classmethod
    def fit(cls, rows: Matrix, columns: npt.NDArray[np.int64], side: npt.NDArray[np.float64]) -> Self:
        """From attempts (n, k), of which some columns are looked at (m,), each from its side (m,)."""
        rng = np.random.default_rng(SEED)
        seen = rows[np.sort(rng.choice(len(rows), min(len(rows), 200_000), replace=False))][:, columns].astype(float)
        share = np.linspace(0, 1, QUANTILES)
        with np.errstate(invalid="ignore"):
            quantiles = np.stack([_quantiles(column * way, share) for column, way in zip(seen.T, side, strict=True)])
        fill = np.array([_middle(column) for column in seen.T])
        known = np.where(np.isnan(seen), fill, seen)
        forest = IsolationForest(n_estimators=TREES, max_samples=min(SAMPLE, len(known)), random_state=SEED).fit(known)
        feature, threshold, left, right, length, roots = _laid_out(forest)
        none = np.zeros((2, QUANTILES))
        made = cls(columns, side, quantiles, fill, feature, threshold, left, right, length, roots, none)
        raw = made._raw(rows[np.sort(rng.choice(len(rows), min(len(rows), 50_000), replace=False))])
        return replace(made, usual=np.quantile(raw, share, axis=1).T)

    def scores(self, rows: Matrix) -> Floats:
        """(n, 2) of attempts (n, k): the share of attempts that are more usual, by tails and by the forest."""
        raw = self._raw(rows)
        return np.stack([_share(usual, values) for usual, values in zip(self.usual, raw, strict=True)], axis=1)

    @staticmethod
    def joined(scores: Floats) -> Floats:
        """(n,) one number of both views (n, 2): the weighted mean of how rare each makes it.

        >>> Anomaly.joined(np.array([[0.99, 0.9], [0.5, 0.5]])).round(3).tolist()
        [0.978, 0.5]
        """
        found: Floats = 1 - (1 - scores[:, 0]) ** TAILS * (1 - scores[:, 1]) ** (1 - TAILS)
        return found

    def tails(self, rows: Matrix) -> Floats:
        """(n, columns) how far out each is on its side: minus the log of the share of attempts that go as far."""
        found: Floats = _tails(rows[:, self.columns].astype(float) * self.side, self.quantiles)
        return found

    def _raw(self, rows: Matrix) -> Floats:
        seen = rows[:, self.columns].astype(float)
        tail = (self.tails(rows) ** 2).sum(axis=1)
        known = np.where(np.isnan(seen), self.fill, seen)
        return np.stack(
            [tail, -_lengths(known, self.feature, self.threshold, self.left, self.right, self.length, self.roots)]
        )

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """To keep."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """What `to_arrays` gave."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})


def _quantiles(values: Floats, share: Floats) -> Floats:
    known = values[~np.isnan(values)]
    return np.quantile(known, share) if len(known) else np.zeros(len(share))


def _middle(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else 0.0


def _share(quantiles: Floats, values: Floats) -> Floats:
    """(n,) the share that is smaller, ties counted half, never quite 1."""
    low, high = (np.searchsorted(quantiles, values, side=side) for side in ("left", "right"))
    found: Floats = (low + high) / 2 / (len(quantiles) + 1)
    return found


@numba.njit(nogil=True, cache=True)
def _tails(rows: Floats, quantiles: Floats) -> Floats:
    """(n, columns) minus the log of the share that goes as far or further; 0 where unknown."""
    found = np.zeros(rows.shape)
    count = quantiles.shape[1]
    for column in range(rows.shape[1]):
        known = quantiles[column]
        furthest = known[-1]
        # Beyond the furthest that was seen the log goes on, by how many times further it is.
        spread = max(furthest - known[count // 2], 1e-9)
        for row in range(rows.shape[0]):
            value = rows[row, column]
            if not np.isnan(value):
                at_least = 1 - np.searchsorted(known, value) / count
                beyond = min(max(value - furthest, 0.0) / spread, FURTHEST)
                found[row, column] = -np.log(max(at_least, 1 / count)) + np.log1p(beyond)
    return found


def _laid_out(forest: IsolationForest) -> tuple[npt.NDArray[Any], ...]:
    """The trees as arrays: no pickle is kept."""
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    roots, start = [], 0
    for tree, seen in zip(forest.estimators_, forest.estimators_features_, strict=True):
        inner = tree.tree_
        is_leaf = inner.children_left < 0
        depth = np.zeros(inner.node_count)
        for node in range(inner.node_count):  # of one tree: parents stand before their children
            if not is_leaf[node]:
                depth[[inner.children_left[node], inner.children_right[node]]] = depth[node] + 1
        rows = np.maximum(inner.n_node_samples.astype(float), 1)
        more = np.where(
            rows > 2, 2 * (np.log(np.maximum(rows - 1, 1)) + np.euler_gamma) - 2 * (rows - 1) / rows, rows == 2
        )
        feature = np.where(is_leaf, -1, np.asarray(seen)[np.maximum(inner.feature, 0)])
        parts.append(
            (feature, inner.threshold, inner.children_left + start, inner.children_right + start, depth + more)
        )
        roots.append(start)
        start += inner.node_count
    feature, threshold, left, right, length = (np.concatenate(each) for each in zip(*parts, strict=True))
    return feature.astype(np.int64), threshold, left.astype(np.int64), right.astype(np.int64), length, np.array(roots)


@numba.njit(nogil=True, cache=True)
def _lengths(
    rows: Floats, feature: npt.NDArray[np.int64], threshold: Floats, left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64], length: Floats, roots: npt.NDArray[np.int64],
) -> Floats:  # fmt: skip
    """(n,) the mean of how many questions set each row apart."""
    found = np.zeros(len(rows))
    for row in range(len(rows)):
        for root in roots:
            node = root
            while feature[node] >= 0:
                # As scikit-learn, which compares in single precision.
                node = left[node] if np.float32(rows[row, feature[node]]) <= threshold[node] else right[node]
            found[row] += length[node]
    return found / len(roots)
