"""Boosted trees laid out for speed: LightGBM's scores and exact Shapley values, without what a call of it costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numba
import numpy as np
import numpy.typing as npt

MOST_LEAVES, MOST_FEATURES = 32, 10
"""Of one tree, and on the way to one leaf."""
ROWS = 64
"""Rows that are looked at together."""
_BRUIJN = 0x077CB531
_PLACES = np.zeros(32, np.int64)
_PLACES[[((_BRUIJN << place) & 0xFFFFFFFF) >> 27 for place in range(32)]] = np.arange(32)
"""The place of the one bit that is set, by the five highest bits of its product with a de Bruijn number."""

Floats = npt.NDArray[np.floating[Any]]
_Two = tuple[npt.NDArray[Any], npt.NDArray[Any]]
_Four = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]
_Node = tuple[int, float, bool, int]
"""Feature, threshold, where what is not known goes left, bits of the leaves on the left."""


@dataclass(frozen=True)
class Trees:
    """Boosted regression trees with numeric splits.

    Attributes
    ----------
    feature, threshold, nan_left : (nodes,) a row goes left if its feature is at most the threshold, or is not known and
        `nan_left`.
    left_leaves : (nodes,) bits of the leaves of its tree, from left to right, that are on its left.
    value : (leaves,) ; starts, leaf_starts : (trees + 1,) the nodes and leaves of each.
    paths : of each leaf what leads to it, see `_Path`.

    Source
    ------
    Scores: Lucchese et al. (2015), QuickScorer. Shapley values: Lundberg et al. (2020), From local explanations to
    global understanding with explainable AI for trees, Algorithm 2, its inner sums made beforehand for every pattern of
    which conditions on the way to a leaf hold (Yang, 2021, Fast TreeSHAP, version 2).

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(500, 3))
    >>> booster = lgb.train({"num_leaves": 7, "verbose": -1}, lgb.Dataset(rows, rows[:, 0] * rows[:, 1]), 10)
    >>> trees = Trees.of(booster)
    >>> np.allclose(trees.scores(rows), booster.predict(rows))
    True
    >>> np.allclose(trees.contributions(rows), booster.predict(rows, pred_contrib=True)[:, :-1])
    True
    """

    features: int
    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    nan_left: npt.NDArray[np.bool_]
    left_leaves: npt.NDArray[np.uint32]
    value: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]
    leaf_starts: npt.NDArray[np.int64]
    paths: tuple[_Path, ...]

    @classmethod
    def of(cls, booster: lgb.Booster) -> Trees:
        """From what LightGBM learned.

        Raises
        ------
        ValueError
            If a split is by category, zeros count as unknown, or a tree is too large: see `MOST_LEAVES` and
            `MOST_FEATURES`.
        """
        model = booster.dump_model()
        nodes: list[_Node] = []
        paths: list[_Path] = []
        starts, leaf_starts = [0], [0]
        for tree in model["tree_info"]:
            leaves = _walk(tree["tree_structure"], nodes)
            if len(leaves) > MOST_LEAVES:
                raise ValueError(f"A tree has {len(leaves)} leaves; up to {MOST_LEAVES} can be read.")
            paths += leaves
            starts.append(len(nodes))
            leaf_starts.append(len(paths))
        feature, threshold, nan_left, left = zip(*nodes, strict=True) if nodes else ((), (), (), ())
        return cls(
            model["max_feature_idx"] + 1, np.array(feature, np.int64), np.array(threshold), np.array(nan_left, bool),
            np.array(left, np.uint32), np.array([path.value for path in paths]), np.array(starts),
            np.array(leaf_starts), tuple(paths),
        )  # fmt: skip

    def scores(self, rows: Floats) -> npt.NDArray[np.float64]:
        """(n,) the sum over the trees, of rows (n, k): what LightGBM calls raw."""
        found = np.zeros(len(rows))
        _scores(
            rows, self.feature, self._thresholds(rows), self.nan_left, self.left_leaves, self.value, self.starts,
            self.leaf_starts, _PLACES, found,
        )  # fmt: skip
        return found

    def contributions(self, rows: Floats) -> npt.NDArray[np.float64]:
        """(n, k) how much each feature moves each row's score from the mean of what was learned from."""
        found = np.zeros((len(rows), self.features))
        steps, columns, table = self._tables
        _contributions(rows, self.feature, self._thresholds(rows), self.nan_left, *steps, *columns, *table, found)
        return found

    def _thresholds(self, rows: Floats) -> Floats:
        """In the type of the rows, such that each still goes the same way."""
        if rows.dtype == np.float64:
            return self.threshold
        with np.errstate(over="ignore"):
            near = self.threshold.astype(rows.dtype)
        return np.where(near > self.threshold, np.nextafter(near, -np.inf, dtype=rows.dtype), near)

    @cached_property
    def _tables(self) -> tuple[_Four, _Two, _Two]:
        """What `_contributions` reads."""
        columns = [path.features for path in self.paths]
        widths = np.array([len(each) for each in columns], np.int64)
        sizes = (1 << widths) * widths
        table = np.concatenate([_table(np.array(path.shares), path.value) for path in self.paths])
        steps = [path.steps for path in self.paths]
        return (
            (
                np.array([node for each in steps for node, _, _ in each], np.int64),
                np.array([place for each in steps for _, place, _ in each], np.int64),
                np.array([goes_left for each in steps for _, _, goes_left in each], np.int64),
                np.concatenate([[0], np.cumsum([len(each) for each in steps])]),
            ),
            (
                np.array([column for each in columns for column in each], np.int64),
                np.concatenate([[0], np.cumsum(widths)]),
            ),
            (table, np.concatenate([[0], np.cumsum(sizes)])),
        )


@dataclass(frozen=True)
class _Path:
    """The way to a leaf.

    Attributes
    ----------
    value : of the leaf.
    features : those that are asked about, each once; shares : of the rows that were learned from, how many met what is
        asked of each.
    steps : node, the place of its feature in `features`, and whether the way goes left there.
    """

    value: float
    features: tuple[int, ...]
    shares: tuple[float, ...]
    steps: tuple[tuple[int, int, bool], ...]

    @classmethod
    def of(cls, value: float, way: tuple[_Step, ...]) -> _Path:
        shares: dict[int, float] = {}
        for _, feature, _, share in way:
            shares[feature] = shares.get(feature, 1.0) * share
        if len(shares) > MOST_FEATURES:
            raise ValueError(f"{len(shares)} features are asked about on one way; up to {MOST_FEATURES} can be read.")
        place = {feature: number for number, feature in enumerate(shares)}
        steps = tuple((node, place[feature], goes_left) for node, feature, goes_left, _ in way)
        return cls(value, tuple(shares), tuple(shares.values()), steps)


_Step = tuple[int, int, bool, float]
"""Node, feature, whether the way goes left, and the share of the rows that went this way."""


def _walk(tree: dict[str, Any], nodes: list[_Node], leaf: int = 0, way: tuple[_Step, ...] = ()) -> list[_Path]:
    """The leaves of a tree from left to right; its nodes are added to `nodes`.

    Parameters
    ----------
    leaf : how many leaves of the tree are left of this part.
    """
    if "leaf_value" in tree:
        return [_Path.of(tree["leaf_value"], way)]
    if tree["decision_type"] != "<=" or tree["missing_type"] == "Zero":
        raise ValueError("Only numeric splits can be read, in which 0 is a number like others.")
    number, feature, threshold = len(nodes), tree["split_feature"], float(tree["threshold"])
    # Where nothing was unknown in learning, LightGBM reads what is unknown as 0.
    nan_left = tree["default_left"] if tree["missing_type"] == "NaN" else threshold >= 0
    nodes.append((feature, threshold, nan_left, 0))
    found: list[_Path] = []
    for child, goes_left in ((tree["left_child"], True), (tree["right_child"], False)):
        share = child.get("internal_count", child.get("leaf_count")) / tree["internal_count"]
        found += _walk(child, nodes, leaf + len(found), (*way, (number, feature, goes_left, share)))
        if goes_left:
            nodes[number] = (feature, threshold, nan_left, ((1 << len(found)) - 1) << leaf)
    return found


@numba.njit(cache=True, nogil=True)
def _scores(
    rows: Any, feature: Any, threshold: Any, nan_left: Any, left_leaves: Any, value: Any, starts: Any,
    leaf_starts: Any, places: Any, found: Any,
) -> None:  # fmt: skip
    block = np.empty((rows.shape[1], ROWS), rows.dtype)
    leaves = np.empty(ROWS, np.uint32)
    for low in range(0, len(rows), ROWS):
        count = min(ROWS, len(rows) - low)
        for row in range(count):
            for column in range(rows.shape[1]):
                block[column, row] = rows[low + row, column]
        for tree in range(len(starts) - 1):
            leaves[:] = np.uint32(0xFFFFFFFF)
            for node in range(starts[tree], starts[tree + 1]):
                column, limit, kept = block[feature[node]], threshold[node], ~left_leaves[node]
                # One test a loop, without a branch, so that many rows are compared by one instruction.
                if nan_left[node]:
                    for row in range(ROWS):
                        leaves[row] &= kept if column[row] > limit else np.uint32(0xFFFFFFFF)
                else:
                    for row in range(ROWS):
                        leaves[row] &= np.uint32(0xFFFFFFFF) if column[row] <= limit else kept
            for row in range(count):
                first = leaves[row] & (~leaves[row] + np.uint32(1))
                place = places[(np.uint32(first * np.uint32(_BRUIJN))) >> np.uint32(27)]
                found[low + row] += value[leaf_starts[tree] + place]


@numba.njit(cache=True, nogil=True)
def _table(shares: Any, value: float) -> Any:
    """(2^d * d,) the Shapley value of each of d conditions, for every pattern of which of them hold."""
    width = len(shares)
    found = np.empty((1 << width, width))
    weights = np.empty(width)
    for size in range(width):
        weights[size] = 1.0
        for k in range(size):
            weights[size] *= (k + 1) / (width - size + k)
        weights[size] /= width
    for pattern in range(1 << width):
        for one in range(width):
            # Of sets of the others by their size: the product of what they say if known, and their share if not.
            sums = np.zeros(width)
            sums[0] = 1.0
            for other in range(width):
                if other != one:
                    holds = (pattern >> other) & 1
                    for size in range(width - 1, 0, -1):
                        sums[size] = sums[size] * shares[other] + sums[size - 1] * holds
                    sums[0] *= shares[other]
            found[pattern, one] = value * (((pattern >> one) & 1) - shares[one]) * (sums * weights).sum()
    return found.ravel()


@numba.njit(cache=True, nogil=True)
def _contributions(
    rows: Any, feature: Any, threshold: Any, nan_left: Any, step_node: Any, step_place: Any, step_left: Any,
    step_starts: Any, columns: Any, column_starts: Any, table: Any, table_starts: Any, found: Any,
) -> None:  # fmt: skip
    went_left = np.empty(len(feature), np.int64)
    for row in range(len(rows)):
        for node in range(len(feature)):
            asked = rows[row, feature[node]]
            went_left[node] = (asked <= threshold[node]) | (nan_left[node] & np.isnan(asked))
        for leaf in range(len(step_starts) - 1):
            width = column_starts[leaf + 1] - column_starts[leaf]
            pattern = (1 << width) - 1
            for step in range(step_starts[leaf], step_starts[leaf + 1]):
                fails = went_left[step_node[step]] ^ step_left[step]
                pattern &= ~(fails << step_place[step])
            at = table_starts[leaf] + pattern * width
            for k in range(width):
                found[row, columns[column_starts[leaf] + k]] += table[at + k]
