"""The space: one scale, no skew, no trouble with what is absent."""

from __future__ import annotations

import json

import numpy as np
import pytest

from regulars.segment.space import FARTHEST, Space


def test_points_do_not_depend_on_who_else_is_asked_for() -> None:
    values = np.random.default_rng(0).lognormal(size=(100, 5))
    space = Space.of(values)
    whole = space.points(values)
    assert np.array_equal(space.points(values[:1]), whole[:1])


def test_axes_are_not_correlated() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4))
    points = Space.of(values).points(values)
    assert np.allclose(np.corrcoef(points, rowvar=False), np.eye(points.shape[1]), atol=0.02)


def test_absent_values_and_columns_without_any_are_no_trouble() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    values[::2, 1] = np.nan
    values[:, 2] = np.nan
    space = Space.of(values)
    assert space.used.tolist() == [0, 1]
    assert np.isfinite(space.points(np.full((1, 3), np.nan))).all()


def test_nobody_is_endlessly_far() -> None:
    values = np.random.default_rng(0).normal(size=(200, 1))
    assert abs(Space.of(values).points(np.array([[1e9]]))[0, 0]) == FARTHEST


def test_columns_all_constant_are_refused() -> None:
    with pytest.raises(ValueError, match="no column differs"):
        Space.of(np.ones((60, 3)))


def test_it_goes_round_as_json() -> None:
    values = np.random.default_rng(0).lognormal(size=(80, 4))
    space = Space.of(values)
    again = Space.from_json(json.loads(json.dumps(space.to_json())))
    assert np.array_equal(again.points(values), space.points(values))
