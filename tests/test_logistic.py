"""Logistic regression where values are absent."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.logistic import Logistic, probability

RNG = np.random.default_rng(0)
FEATURES = np.column_stack([RNG.uniform(0, 100, 400), RNG.normal(size=400), np.full(400, 3.0), np.full(400, np.nan)])
TARGET = (FEATURES[:, 0] + RNG.normal(0, 10, 400) > 50).astype(float)


@pytest.fixture(scope="module")
def model() -> Logistic:
    return Logistic.fit(FEATURES, TARGET, penalty=1.0)


def test_the_feature_that_matters_is_found(model: Logistic) -> None:
    assert abs(model.weights[0]) > 5 * abs(model.weights[1])
    assert ((model.predict(FEATURES) > 0.5) == (TARGET > 0)).mean() > 0.85


def test_risks_are_chances(model: Logistic) -> None:
    wild = np.array([[1e12, -1e12, 0.0, 5.0], [np.nan] * 4])
    found = model.predict(wild)
    assert ((found > 0) & (found < 1)).all()


def test_what_always_is_the_same_or_absent_says_nothing(model: Logistic) -> None:
    assert model.weights[2] == pytest.approx(0, abs=1e-6)
    assert model.weights[3] == pytest.approx(0, abs=1e-6)


def test_absence_is_a_feature_of_its_own() -> None:
    is_absent = RNG.random(400) < 0.5
    column = np.where(is_absent, np.nan, 1.0)[:, None]
    model = Logistic.fit(column, is_absent.astype(float), penalty=10.0)
    present, absent = model.predict(np.array([[1.0], [np.nan]]))
    assert present < 0.1
    assert absent > 0.9


def test_it_goes_round_byte_for_byte(model: Logistic) -> None:
    again = Logistic.from_bytes(model.to_bytes())
    assert again.to_bytes() == model.to_bytes()
    assert (again.predict(FEATURES) == model.predict(FEATURES)).all()


def test_the_same_data_give_the_same_bytes(model: Logistic) -> None:
    assert Logistic.fit(FEATURES, TARGET, penalty=1.0).to_bytes() == model.to_bytes()


@pytest.mark.filterwarnings("error")
def test_the_wildest_odds_are_0_or_1_without_a_warning() -> None:
    assert probability(np.array([-800.0, 0.0, 800.0])).tolist() == [0.0, 0.5, 1.0]
