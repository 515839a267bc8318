"""Trees laid out for speed say what LightGBM says."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.trees import Trees


def learned(rows: np.ndarray, target: np.ndarray, rounds: int = 20, **settings: object) -> lgb.Booster:
    given = {"num_leaves": 15, "max_depth": 8, "min_data_in_leaf": 5, "verbose": -1, **settings}
    return lgb.train(given, lgb.Dataset(rows, target), rounds)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), unknown=st.sampled_from([0.0, 0.3]), small=st.booleans())
def test_says_the_same_whatever_is_known(seed: int, unknown: float, small: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(400, 7)).astype(np.float32 if small else np.float64)
    rows[:, 3] = np.round(rows[:, 3])
    target = rows[:, 0] * rows[:, 1] + (rows[:, 3] > 0) + rng.normal(size=400)
    rows[rng.random(rows.shape) < unknown] = np.nan
    booster = learned(rows, target)
    asked = rng.normal(size=(130, 7)).astype(rows.dtype)
    asked[:, 3] = np.round(asked[:, 3])
    asked[rng.random(asked.shape) < 0.2] = np.nan
    trees = Trees.of(booster)
    assert np.allclose(trees.scores(asked), booster.predict(asked), rtol=0, atol=1e-12)
    exact = booster.predict(asked, pred_contrib=True)
    assert np.allclose(trees.contributions(asked), exact[:, :-1], rtol=0, atol=1e-9)


def test_a_number_between_two_small_floats_goes_the_same_way() -> None:
    """A threshold of 64 bits lies between two numbers of 32: rounded up it would send the upper one left."""
    low = np.float32(0.1)
    high = np.nextafter(low, np.float32(1))
    rows = np.repeat(np.array([[low], [high]], np.float32), 50, axis=0)
    booster = learned(rows, np.repeat([0.0, 1.0], 50))
    trees = Trees.of(booster)
    assert trees.scores(rows).tolist() == booster.predict(rows).tolist()
    assert len(set(trees.scores(rows).tolist())) == 2


def test_no_rows_and_nothing_learned() -> None:
    trees = Trees.of(learned(np.ones((50, 2)), np.arange(50.0)))
    assert trees.scores(np.zeros((0, 2))).tolist() == []
    assert trees.contributions(np.zeros((3, 2))).tolist() == [[0.0, 0.0]] * 3


def test_what_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2_000, 12))
    with pytest.raises(ValueError, match="leaves"):
        Trees.of(learned(rows, rows.sum(axis=1), num_leaves=64, max_depth=-1))
    monkeypatch.setattr("regulars.trees.MOST_FEATURES", 2)
    with pytest.raises(ValueError, match="features are asked"):
        Trees.of(learned(rows, rows.sum(axis=1)))
    kinds = rng.integers(0, 5, (500, 1)).astype(float)
    by_kind = lgb.train({"verbose": -1}, lgb.Dataset(kinds, kinds[:, 0] % 2, categorical_feature=[0]), 5)
    with pytest.raises(ValueError, match="numeric splits"):
        Trees.of(by_kind)
    zeros = lgb.train({"verbose": -1, "zero_as_missing": True}, lgb.Dataset(rows, rows[:, 0]), 5)
    with pytest.raises(ValueError, match="0 is a number"):
        Trees.of(zeros)
