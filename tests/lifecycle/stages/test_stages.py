"""Stages of life: the panel, hazards and what a change is worth, on shops so simple that the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.errors import InputError, NotEnoughError
from regulars.lifecycle.stages import Chain, Hazards, Moves, Panel, StageModel, dwelled, usual
from regulars.lifecycle.stages.map import counted, drivers, flows
from regulars.lifecycle.stages.panel import FEATURES, TRAITS
from regulars.profile.stage import STAGES, Rhythm

PROSPECT, NEW, WON_BACK, GROWING, ACTIVE, COOLING, LAPSED = range(len(STAGES))
RHYTHM = Rhythm(cooling_days=20, lapsed_days=50, new_days=14, won_back_days=30)


def panel_of(days: list[float], weeks: int, known: float = 0.0) -> Panel:
    return Panel.of(np.zeros(len(days), int), days, np.ones(len(days)), np.ones(len(days), bool), [known], weeks)


def test_a_life_goes_through_its_stages() -> None:
    stages = panel_of([8.0, 100.0], 17).stages(RHYTHM)[0]
    assert [STAGES[k] for k in stages] == [
        "prospect", "new", "new", "active", "cooling", "cooling", "cooling", "cooling", *["lapsed"] * 6,
        "won back", "won back", "won back",
    ]  # fmt: skip


def test_who_is_not_known_yet_is_in_no_stage() -> None:
    assert panel_of([], 4, known=15.0).stages(RHYTHM)[0].tolist() == [-1, -1, PROSPECT, PROSPECT]


def test_a_day_outside_the_weeks_is_refused() -> None:
    with pytest.raises(InputError, match="below 28"):
        panel_of([28.0], 4)


@given(st.lists(st.floats(0, 69.9), max_size=12), st.floats(0, 69.9))
def test_what_comes_later_changes_nothing_before(days: list[float], cut: float) -> None:
    """A week's stage, time in it and features hang on orders before its end alone."""
    until = int(cut // 7)
    whole, past = panel_of(days, 10), panel_of([day for day in days if day < (until + 1) * 7], 10)
    one, other = whole.stages(RHYTHM), past.stages(RHYTHM)
    assert one[0, : until + 1].tolist() == other[0, : until + 1].tolist()
    assert np.array_equal(whole.features(until), past.features(until), equal_nan=True)
    assert dwelled(one)[0, until] == dwelled(other)[0, until]


def moves_of_two_stages(leave: float, rows: int = 40_000) -> Moves:
    """Active customers of whom a share cools each week for ever; each active week brings 10."""
    rng = np.random.default_rng(0)
    stage = np.where(rng.random(rows) < 0.5, ACTIVE, COOLING)
    after = np.where((stage == ACTIVE) & (rng.random(rows) < leave), COOLING, stage)
    traits = np.zeros((rows, len(FEATURES)))
    money = np.where(stage == ACTIVE, 10.0, 0.0)
    return Moves(stage, np.full(rows, 20), traits, after, money, np.arange(rows))


def test_the_worth_of_a_stage_is_the_sum_of_the_weeks_ahead() -> None:
    """Of who leaves with a chance of 1/10 each week, 10 (1 + .9 + .81 + …) are to come."""
    chain = Chain.fit(moves_of_two_stages(0.1))
    found = chain.value(np.array([ACTIVE]), np.array([20]), np.zeros((1, len(TRAITS))), weeks=30, discount=1.0)
    assert found.now[0] == pytest.approx(10 * (1 - 0.9**30) / 0.1, rel=0.03)
    assert found.entered[0, COOLING] == pytest.approx(0, abs=0.01)


def test_money_to_come_is_discounted() -> None:
    chain = Chain.fit(moves_of_two_stages(0.0))
    found = chain.value(np.array([ACTIVE]), np.array([20]), np.zeros((1, len(TRAITS))), weeks=3, discount=0.5)
    assert found.now[0] == pytest.approx(17.5, rel=0.01)


def test_hazards_are_as_often_right_as_they_say() -> None:
    moves = moves_of_two_stages(0.1)
    chance = Hazards.fit(moves).predict(moves.stage, moves.dwell, moves.features)
    assert chance.sum(1) == pytest.approx(1)
    assert chance[moves.stage == ACTIVE, COOLING].mean() == pytest.approx(0.1, abs=0.01)
    assert chance[moves.stage == COOLING, ACTIVE].max() == 0  # nobody ever came back


def test_a_driver_of_a_change_is_found() -> None:
    moves = moves_of_two_stages(0.0)
    rare = np.random.default_rng(1).random(len(moves)) < 0.5
    moves.features[:, 0] = rare
    moves.after[(moves.stage == ACTIVE) & rare] = COOLING
    hazards = Hazards.fit(moves)
    moved = hazards.drivers(np.array([ACTIVE]), np.array([20]), moves.features[rare][:1], np.array([COOLING]))
    assert np.abs(moved[0, 1:]).argmax() == 1  # after the weeks in the stage comes the first of the features


def test_what_is_usual_is_a_share_and_where_nobody_was_all_stay() -> None:
    found = usual(moves_of_two_stages(0.2))
    assert found[ACTIVE, COOLING] == pytest.approx(0.2, abs=0.01)
    assert found[PROSPECT, PROSPECT] == 1


@pytest.fixture(scope="module")
def panel() -> Panel:
    """400 customers over a year: pauses of each are about its own, and some leave."""
    rng = np.random.default_rng(3)
    place, day = [], []
    for customer in range(400):
        pause, at, end = rng.uniform(5, 40), rng.uniform(0, 100), rng.uniform(50, 500)
        while at < min(end, 364):
            place.append(customer)
            day.append(at)
            at += rng.exponential(pause)
    return Panel.of(place, day, np.full(len(day), 8.0), np.ones(len(day), bool), np.zeros(400), 52)


def test_the_chain_foresees_the_money_of_the_weeks_after(panel: Panel) -> None:
    rhythm = panel.rhythm(30, 60)
    model = StageModel.fit(panel, rhythm, 0.1)
    stage, dwell = panel.stages(rhythm)[:, 31].clip(0), dwelled(panel.stages(rhythm))[:, 31]
    traits = panel.features(31)[:, : len(TRAITS)]
    found = model.chain.value(stage.astype(int), dwell.astype(int), traits, weeks=20, discount=1.0)
    assert found.now.mean() == pytest.approx(panel.money[:, 32:].sum(1).mean(), rel=0.2)
    assert np.corrcoef(found.now, panel.money[:, 32:].sum(1))[0, 1] > 0.5


def test_a_model_comes_back_from_its_files_as_it_was(panel: Panel) -> None:
    model = StageModel.fit(panel, panel.rhythm(30, 60), 0.1)
    files = model.to_files()
    assert files == StageModel.fit(panel, panel.rhythm(30, 60), 0.1).to_files()
    one, other = model.standing(panel), StageModel.from_files(files).standing(panel)
    assert np.allclose(one.value, other.value)
    assert np.allclose(one.worth, other.worth)


def test_the_map_counts_everybody_once(panel: Panel) -> None:
    model = StageModel.fit(panel, panel.rhythm(30, 60), 0.1)
    standing = model.standing(panel)
    assert sum(counted(standing, panel)["customers"].to_pylist()) == 400
    assert sum(flows(panel, model, 40, 51)["customers"].to_pylist()) == 400
    said = drivers(model, standing, np.arange(5))
    assert all("the chance to become" in sentence for own in said for sentence in own)
    assert any("可能" in sentence for own in drivers(model, standing, np.arange(5), "zh") for sentence in own)


def test_a_short_history_is_refused() -> None:
    with pytest.raises(NotEnoughError, match="at least 50 customers and 12 weeks"):
        StageModel.fit(panel_of([1.0], 4), RHYTHM, 0.1)
