"""The model on made-up customers, whose risk is known since it was drawn from."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from regulars.churn.model import SHARES, ChurnModel, calibrate, choose, fit
from regulars.evaluation import auroc_score, log_loss
from regulars.logistic import probability

Floats = npt.NDArray[np.float64]


class Drawn(NamedTuple):
    features: Floats
    risk: Floats
    is_lost: Floats
    customers: list[str]


def draw(seed: int, count: int = 2000) -> Drawn:
    """Two features that tell, one that does not, one that is absent for every third row."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 4))
    risk = probability(1.5 * features[:, 0] - features[:, 1])
    features[::3, 3] = np.nan
    return Drawn(features, risk, (rng.random(count) < risk).astype(float), [f"c{k // 2}" for k in range(count)])


NAMES = ("a", "b", "noise", "gappy")


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(0)


@pytest.fixture(scope="module")
def model(drawn: Drawn) -> ChurnModel:
    return fit(drawn.features, drawn.is_lost, drawn.customers, NAMES, "both", 0.1)


def test_risks_are_those_that_customers_were_drawn_by(model: ChurnModel) -> None:
    fresh = draw(1)
    found = model.predict(fresh.features)
    assert np.abs(found - fresh.risk).mean() < 0.05
    assert found.mean() == pytest.approx(fresh.risk.mean(), abs=0.03)
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (found >= low) & (found < low + 0.25)
        assert fresh.is_lost[inside].mean() == pytest.approx(found[inside].mean(), abs=0.06)


def test_a_risk_is_between_zero_and_one_for_features_never_seen(model: ChurnModel) -> None:
    wild = np.array([[1e12, -1e12, 0, 0], [np.nan] * 4, [0.0] * 4])
    found = model.predict(wild)
    assert ((found > 0) & (found < 1)).all()


def test_a_model_read_from_its_files_predicts_the_same_to_the_last_bit(model: ChurnModel, drawn: Drawn) -> None:
    files = model.to_files()
    assert set(files) == {"model.json", "trees.txt", "logistic.safetensors"}
    again = ChurnModel.from_files(files)
    assert (again.predict(drawn.features) == model.predict(drawn.features)).all()
    assert again.to_files() == files


def test_the_same_rows_give_the_same_files(model: ChurnModel, drawn: Drawn) -> None:
    again = fit(drawn.features, drawn.is_lost, drawn.customers, NAMES, "both", 0.1)
    assert again.to_files() == model.to_files()


@pytest.mark.parametrize("choice", SHARES)
def test_contributions_add_up_to_the_score(model: ChurnModel, drawn: Drawn, choice: str) -> None:
    found = replace(model, choice=choice)
    rows = drawn.features[:50].copy()
    rows[::5, 0] = np.nan
    rest = found.score(rows) - found.contributions(rows).sum(axis=1)
    assert found.contributions(rows).shape == rows.shape
    assert rest == pytest.approx(np.full(50, rest[0]))


def test_what_raises_the_risk_has_a_contribution_above_zero(model: ChurnModel) -> None:
    high = model.contributions(np.array([[2.0, -2.0, 0.0, 0.0]]))[0]
    low = model.contributions(np.array([[-2.0, 2.0, 0.0, 0.0]]))[0]
    assert (high[:2] > 0).all()
    assert (low[:2] < 0).all()
    assert abs(high[2]) < high[0] / 4


@pytest.mark.parametrize("choice", SHARES)
def test_every_choice_tells_who_will_leave(model: ChurnModel, choice: str) -> None:
    found = replace(model, choice=choice)
    fresh = draw(2)
    best = auroc_score(fresh.is_lost, fresh.risk)
    assert auroc_score(fresh.is_lost, found.predict(fresh.features)) > best - 0.03


def test_the_logistic_model_is_chosen_where_the_world_is_one(drawn: Drawn) -> None:
    later = draw(3)
    choice, penalty, losses = choose([(drawn.features, drawn.is_lost, later.features, later.is_lost)])
    assert set(losses) == set(SHARES)
    assert losses[choice] == min(losses.values())
    assert losses["logistic"] < losses["trees"]
    assert penalty > 0
    assert losses[choice] == pytest.approx(log_loss(later.is_lost, later.risk), abs=0.02)


def test_an_overconfident_score_is_calibrated_down() -> None:
    truth = draw(4, 20_000)
    log_odds = np.log(truth.risk / (1 - truth.risk))
    slope, intercept = calibrate(3 * log_odds + 1, truth.is_lost)
    assert slope == pytest.approx(1 / 3, abs=0.02)
    assert intercept == pytest.approx(-1 / 3, abs=0.06)
