"""Boosted trees as uplift grows them: small, for an effect is a weak signal; and the same byte for byte."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ALWAYS: dict[str, Any] = {
    "verbose": -1,
    # The same data and seed must give the same model, byte for byte.
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # more spin against each other where cores are busy
}
ROUNDS = 60
FOREST_TREES = 200


def grow(inputs: Floats, target: Floats, objective: str, weight: Floats | None = None, **other: float) -> lgb.Booster:
    """From inputs (n, k), NaN where absent, and a target (n,); `other` are LightGBM's own settings."""
    settings = {
        "objective": objective,
        "num_leaves": 8,
        "learning_rate": 0.05,
        "min_data_in_leaf": _leaf(len(target)),
        "lambda_l2": 1.0,
        **other,
        **ALWAYS,
    }
    return lgb.train(settings, lgb.Dataset(inputs, target, weight=weight), ROUNDS)


def grow_honest(inputs: Floats, target: Floats, weight: Floats) -> tuple[lgb.Booster, lgb.Booster]:
    """Two random forests, each split by one half of the rows, its leaves valued by the other half.

    So no row decides where a tree is cut and what it says there: a leaf's value is not the luck by which the leaf was
    found.

    Source
    ------
    Wager and Athey (2018), Estimation and Inference of Heterogeneous Treatment Effects using Random Forests
    (honest trees).
    """
    is_first = np.random.default_rng(0).random(len(target)) < 0.5
    return _honest(inputs, target, weight, is_first), _honest(inputs, target, weight, ~is_first)


def _honest(inputs: Floats, target: Floats, weight: Floats, cuts: npt.NDArray[np.bool_]) -> lgb.Booster:
    settings = {
        "objective": "regression",
        "boosting": "rf",
        "bagging_fraction": 0.5,
        "bagging_freq": 1,
        "feature_fraction": 0.5,
        "num_leaves": 16,
        "min_data_in_leaf": _leaf(int(cuts.sum())),
        **ALWAYS,
    }
    forest = lgb.train(settings, lgb.Dataset(inputs[cuts], target[cuts], weight=weight[cuts]), FOREST_TREES)
    others, own = target[~cuts], weight[~cuts]
    mean = float(np.average(others, weights=own))
    leaves = np.asarray(forest.predict(inputs[~cuts], pred_leaf=True), np.int64)
    for tree, count in enumerate(_leaves(forest)):
        at = leaves[:, tree]
        mass = np.bincount(at, own)
        value = np.bincount(at, own * others)
        for leaf in range(count):
            # Leaves that no row of this half reaches know nothing of their own.
            is_known = leaf < len(mass) and mass[leaf] > 0
            forest.set_leaf_output(tree, leaf, float(value[leaf] / mass[leaf]) if is_known else mean)
    return forest


def _leaves(forest: lgb.Booster) -> list[int]:
    """How many each tree has."""
    lines = forest.model_to_string().splitlines()
    return [int(line.removeprefix("num_leaves=")) for line in lines if line.startswith("num_leaves=")]


def _leaf(rows: int) -> int:
    return int(np.clip(rows // 100, 20, 200))
