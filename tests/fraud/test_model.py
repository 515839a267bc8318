"""What a model learns, keeps and says."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.fraud.model import ANOMALY, LEAST_FRAUDS, FraudModel, fit

NAMES = ("amount", "hour", "device_attempts_1h", "customer_fraud_share")


def attempts(count: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, len(NAMES))).astype(np.float32)
    rows[rng.random(rows.shape) < 0.05] = np.nan
    chance = 1 / (1 + np.exp(-(2 * np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 3]) - 4)))
    return rows, (rng.random(count) < chance).astype(np.int8)


def test_its_risk_is_a_calibrated_probability() -> None:
    rows, label = attempts()
    model = fit(rows, NAMES, label, 0.05)
    later, truth = attempts(seed=1)
    risk = model.scores(later).risk
    assert model.is_taught
    assert risk.mean() == pytest.approx(truth.mean(), rel=0.15)
    high = risk > np.quantile(risk, 0.9)
    assert truth[high].mean() == pytest.approx(risk[high].mean(), rel=0.25)


def test_what_is_kept_says_the_same_and_is_no_pickle() -> None:
    rows, label = attempts()
    model = fit(rows, NAMES, label, 0.05)
    again = FraudModel.from_files(model.to_files())
    np.testing.assert_array_equal(again.scores(rows).risk, model.scores(rows).risk)
    np.testing.assert_array_equal(again.scores(rows).anomaly, model.scores(rows).anomaly)
    assert set(again.columns) <= {*NAMES, *ANOMALY}


@pytest.mark.parametrize("label", [np.full(3000, -1), np.zeros(3000), np.ones(3000)])
def test_without_two_kinds_of_labels_it_says_how_unusual_attempts_are(label: np.ndarray) -> None:
    rows, _ = attempts()
    rows[7] = [50, 0, 40, 0]
    model = fit(rows, NAMES, label.astype(np.int8), 0.01)
    assert not model.is_taught
    risk = model.scores(rows).risk
    assert risk.argmax() == 7
    assert risk.min() >= 0
    assert risk.max() < 1
    assert FraudModel.from_files(model.to_files()).scores(rows).risk[7] == risk[7]


def test_a_few_frauds_are_not_enough_to_learn_from() -> None:
    rows, label = attempts()
    few = np.where(np.cumsum(label) < LEAST_FRAUDS, label, 0).astype(np.int8)
    assert not fit(rows, NAMES, few, 0.01).is_taught


def test_unknown_attempts_are_not_taken_for_honest() -> None:
    rows, label = attempts()
    hidden = np.where((label == 0) & (np.arange(len(label)) % 2 == 0), -1, label).astype(np.int8)
    as_good = np.where(hidden < 0, 0, hidden).astype(np.int8)
    risk = [fit(rows, NAMES, each, 0.05).scores(rows).risk.mean() for each in (hidden, as_good)]
    assert risk[0] > 1.3 * risk[1]


def test_contributions_add_up_to_what_moves_the_score() -> None:
    rows, label = attempts()
    model = fit(rows, NAMES, label, 0.05)
    moved = model.contributions(rows[:500])
    score = np.log(model.scores(rows[:500]).risk / (1 - model.scores(rows[:500]).risk))
    rest = (score - model.intercept) / model.slope - moved.sum(axis=1)
    assert np.ptp(rest) < 1e-3
