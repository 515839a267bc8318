"""Behaviour vectors beside the features: kept where they help, of the model they were learned with, never a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest

from regulars import Shop
from regulars.behaving.vectors import FILE, Tried, VectorColumns
from regulars.churn.training import train
from regulars.evaluation import Split

KeepModel = Callable[..., None]

FITTED = ("model.json", "trees.txt", "logistic.safetensors")
DAY = timedelta(days=1)


def test_columns_are_the_directions_in_which_vectors_differ_most() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 6)) * [1, 9, 1, 1, 5, 1] + 3
    columns = VectorColumns.of(1, False, vectors, most=2)
    assert columns.names == ["behavior_0", "behavior_1"]
    found = columns(vectors)
    assert found.std(axis=0) == pytest.approx([9, 5], rel=0.1)
    assert np.corrcoef(found[:, 0], vectors[:, 1])[0, 1] > 0.99


def test_columns_read_from_their_file_are_the_same() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 4))
    columns = VectorColumns.of(7, True, vectors)
    again = VectorColumns.from_bytes(columns.to_bytes())
    assert (again.version, again.is_earlier) == (7, True)
    assert np.array_equal(again(vectors), columns(vectors))


def test_a_behaviour_model_that_saw_the_moments_learned_from_changes_nothing(
    own_tea_shop: Shop, tea_as_of: datetime, keep_behavior_model: KeepModel
) -> None:
    before = own_tea_shop.models.in_use("churn")
    assert "behavior" not in before.card["about"]
    keep_behavior_model(own_tea_shop, tea_as_of - 80 * DAY)
    after = train(own_tea_shop, tea_as_of, 30)
    assert after.tried is None
    assert after.chosen.losses == before.card["about"]["validation_log_loss"]
    files = after.model.to_files()
    assert [files[name] for name in FITTED] == [before.read(name) for name in FITTED]


def test_what_does_not_help_is_left_out(
    own_tea_shop: Shop, tea_as_of: datetime, keep_behavior_model: KeepModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tried, "help", False)
    keep_behavior_model(own_tea_shop, tea_as_of - 95 * DAY)
    before = own_tea_shop.models.in_use("churn")
    after = train(own_tea_shop, tea_as_of, 30)
    assert after.tried is not None
    assert after.tried.version == 1
    files = after.model.to_files()
    assert [files[name] for name in FITTED] == [before.read(name) for name in FITTED]
    assert FILE not in files


def test_an_evaluation_tries_them_by_what_was_known_then_and_says_what_it_left_out(
    own_tea_shop: Shop, tea_as_of: datetime, keep_behavior_model: KeepModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tried, "help", False)
    keep_behavior_model(own_tea_shop, tea_as_of - 95 * DAY)
    report = own_tea_shop.evaluate("churn", Split(tea_as_of - DAY, 30))
    compared = {metric.name for metric in report.metrics if metric.name.endswith(" vectors")}
    assert compared == {"AUROC with vectors", "Brier with vectors"}
    assert any("left out, for they do not help: log loss" in note for note in report.notes)
    assert any("with vectors" in note and "without" in note for note in report.notes)
    assert all(check.passed for check in report.checks)


def test_what_helps_is_kept_with_the_model_that_made_it_and_is_no_reason(
    own_tea_shop: Shop, tea_as_of: datetime, keep_behavior_model: KeepModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tried, "help", True)
    keep_behavior_model(own_tea_shop, tea_as_of - 95 * DAY)
    learned, report = own_tea_shop.learn("churn", tea_as_of)
    assert FILE in learned.card["files"]
    assert learned.card["about"]["behavior"]["version"] == 1
    assert any("are used beside the features" in note for note in report.notes)
    assert "AUROC without vectors" in [metric.name for metric in report.metrics]
    own_tea_shop.models.use("churn", learned.version)
    first = own_tea_shop.decide("churn", tea_as_of).table
    assert not any("behav" in reason for why in first["reasons"].to_pylist() for reason in why)
    # A newer behaviour model has other vectors, which this model cannot read.
    keep_behavior_model(own_tea_shop, tea_as_of - 30 * DAY, seed=1)
    again = own_tea_shop.decide("churn", tea_as_of).table
    assert again["churn_probability"].to_pylist() == first["churn_probability"].to_pylist()


def test_vectors_are_chosen_by_the_smaller_loss() -> None:
    assert Tried(1, False, with_vectors=0.50, without=0.51).help
    assert not Tried(1, False, with_vectors=0.51, without=0.51).help
