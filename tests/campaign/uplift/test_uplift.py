"""Learners find who is moved, files give back the same, and figures are those of a sum done by head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.campaign.uplift import (
    LEARNERS,
    Trial,
    UpliftModel,
    auuc_score,
    best_within,
    comparable,
    difference,
    e_value,
    evidence_of,
    fit,
    gain_curve,
    judge,
    observed,
    qini_score,
    targeting,
    value,
)  # fmt: skip
from regulars.campaign.uplift.expected import winsorised
from regulars.campaign.uplift.policy import usual_policies
from regulars.errors import InputError, NotEnoughError

ROWS = 4000


def world(kind: str, seed: int = 0) -> tuple[Trial, Any]:
    """Two arms beside none: the first moves who has a large first feature, the second who has a small one; and what is
    expected of each arm."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(ROWS, 3))
    features[rng.random(features.shape) < 0.05] = np.nan
    known = np.nan_to_num(features[:, 0])
    arm = rng.integers(0, 3, ROWS)
    moved = np.column_stack([np.zeros(ROWS), known > 0.5, known < -0.5])
    chance = 0.15 + 0.4 * moved
    mine = chance[np.arange(ROWS), arm]
    if kind == "count":
        outcome = rng.poisson(mine * 2).astype(float)
    else:
        bought = rng.random(ROWS) < mine
        outcome = bought * (rng.lognormal(2, 0.5, ROWS) if kind == "money" else 1.0)
    trial = Trial.of(
        features, arm, outcome, kind=kind, arms=["none", "mail", "优惠券"], costs=[0, 0.05, 0.05],  # type: ignore[arg-type]
    )  # fmt: skip
    return trial, moved


@pytest.mark.parametrize("learner", [name for name in LEARNERS if name != "lift"])
def test_every_learner_tells_who_is_moved_by_which_arm(learner: str) -> None:
    trial, moved = world("binary")
    found = LEARNERS[learner].fit(evidence_of(trial))
    effects = found.effects(trial.features)
    for arm in (1, 2):
        is_moved = moved[:, arm] > 0
        assert effects[is_moved, arm - 1].mean() > effects[~is_moved, arm - 1].mean() + 0.1
    again = LEARNERS[learner].from_files(found.to_files())
    np.testing.assert_array_equal(again.effects(trial.features[:50]), effects[:50])


@pytest.mark.parametrize("kind", ["count", "money"])
def test_outcomes_of_every_kind_and_files(kind: str) -> None:
    trial, moved = world(kind)
    model = fit(trial, ["S", "linear"])
    assert {each.learner for each in model.tried} == {"S", "linear"}
    found = model.effects(trial.features)
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()
    assert found.mean[moved[:, 1] > 0, 0].mean() > found.mean[moved[:, 1] == 0, 0].mean()
    again = UpliftModel.from_files(model.to_files())
    assert (again.arms, again.learner, again.tried) == (model.arms, model.learner, model.tried)
    np.testing.assert_array_equal(again.gain(trial.features[:20]), model.gain(trial.features[:20]))
    with pytest.raises(InputError, match="3"):
        model.effects(trial.features[:, :2])


def frequent(seed: int = 0) -> tuple[Trial, Any, Any]:
    """Mail makes who opened mails before come half as often again, push who opened pushes; orders are of wild amounts."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2, 1, 20_000)
    opened = rng.random((20_000, 2)) < 0.5
    arm = rng.integers(0, 3, 20_000)
    moved = np.column_stack([np.zeros(20_000), opened])
    visits = rng.poisson(rate * (1 + 0.5 * moved[np.arange(20_000), arm])).astype(float)
    margin = np.array([rng.lognormal(1, 1.5, int(each)).sum() for each in visits])
    features = np.column_stack([rate, opened[:, ::-1], rng.normal(size=(20_000, 5))])
    names = ["rate", "push: opened share", "mail: opened share", *"abcde"]
    told = {"arms": ("none", "mail", "push"), "names": names, "costs": [0, 0.1, 0.1]}
    return Trial.of(features, arm, margin, kind="money", visits=visits, **told), moved, rate  # type: ignore[arg-type]


def test_lifts_of_visits_tell_what_wild_amounts_hide() -> None:
    trial, moved, rate = frequent()
    learned = LEARNERS["lift"].fit(evidence_of(trial))
    found = learned.effects(trial.features)
    worth = np.exp(1 + 1.5**2 / 2)
    truth = 0.5 * moved[:, 1:] * (rate * worth)[:, None]
    plain = LEARNERS["T"].fit(evidence_of(trial)).effects(trial.features)
    assert ((found - truth) ** 2).mean() < 0.5 * ((plain - truth) ** 2).mean()
    assert 0.7 < found[moved[:, 1] > 0, 0].mean() / truth[moved[:, 1] > 0, 0].mean() < 1.3
    assert abs(found[moved[:, 1] == 0, 0].mean()) < 0.2 * truth[moved[:, 1] > 0, 0].mean()
    again = LEARNERS["lift"].from_files(learned.to_files())
    np.testing.assert_array_equal(again.effects(trial.features[:50]), found[:50])


def test_what_an_arm_gives_away_is_taken_from_what_it_brings() -> None:
    trial, _, _ = frequent(1)
    margin = trial.outcome * np.where(trial.arm == 2, 0.6, 1.0)
    cheaper = Trial.of(
        trial.features, trial.arm, margin, kind="money", arms=trial.arms, names=trial.names, visits=trial.visits
    )
    found = LEARNERS["lift"].fit(evidence_of(cheaper)).effects(trial.features)
    assert found[:, 1].mean() < 0 < found[:, 0].mean()


def test_lifts_need_visits() -> None:
    trial, _ = world("money")
    assert "lift" not in {each.learner for each in fit(trial, ["lift", "linear"]).tried}
    with pytest.raises(InputError, match="with visits"):
        LEARNERS["lift"].fit(evidence_of(trial))
    with pytest.raises(InputError, match="row 7"):
        Trial.of(trial.features, trial.arm, trial.outcome, kind="money", visits=np.where(np.arange(ROWS) == 7, -1.0, 1))


def test_where_nobody_differs_no_difference_is_claimed() -> None:
    rng = np.random.default_rng(3)
    arm, features = rng.integers(0, 2, ROWS), rng.normal(size=(ROWS, 4))
    bought = rng.random(ROWS) < 0.2 + 0.1 * arm
    model = fit(Trial.of(features, arm, bought, kind="binary"), ["linear", "T"])
    effect = model.effects(features).mean[:, 0]
    assert abs(effect.mean() - 0.1) < 0.04
    assert effect.std() < 0.05
    other = rng.random(ROWS) < 0.2 + 0.1 * arm
    scores = evidence_of(Trial.of(features, arm, other, kind="binary")).effects[:, 0]
    assert targeting(effect, scores).autoc_low < 0.02


def test_a_learner_that_there_is_not() -> None:
    with pytest.raises(InputError, match='"Z"'):
        fit(world("binary")[0], ["Z"])


def test_one_order_does_not_decide() -> None:
    trial, _ = world("money")
    outcome = trial.outcome.copy()
    outcome[5] = 1e9
    capped, taken = winsorised(Trial.of(trial.features, trial.arm, outcome, kind="money"))
    assert capped.max() < 1000 < taken * 1e6


def test_qini_by_head() -> None:
    # C = 1, 1, 1, 1; less i/4 of C(4).
    assert qini_score([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 0]) == pytest.approx((0.75 + 0.5 + 0.25 + 0) / 16)
    with pytest.raises(InputError, match="treated"):
        qini_score([1, 2], [1, 1], [0, 1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 200))
def test_areas_do_not_hang_on_the_scale_of_predictions(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    effect, treated, outcome = rng.normal(size=rows), np.arange(rows) % 2, rng.random(rows)
    assert qini_score(effect, treated, outcome) == qini_score(3 * effect + 1, treated, outcome)
    assert auuc_score(effect, treated, outcome) == auuc_score(3 * effect + 1, treated, outcome)


def test_value_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        arm = rng.integers(0, 2, 400)
        outcome = rng.exponential(1, 400) * np.where(arm == 1, 2.0, 1.0)
        trial = Trial.of(np.zeros((400, 1)), arm, outcome, kind="money", costs=[0, 0.5])
        scores = np.full((400, 2), 1.5)
        scores[np.arange(400), arm] += (outcome - 1.5) / 0.5
        found = value(trial, scores, np.ones(400, int))
        hits += found.low <= 1.5 <= found.high
    assert 0.91 <= hits / 200 <= 0.985


def test_ours_is_set_beside_the_usual_policies() -> None:
    trial, moved = world("binary")
    evidence = evidence_of(trial)
    gain = np.column_stack([np.zeros(ROWS), moved[:, 1:] * 0.4]) - trial.costs
    policies = usual_policies(trial, gain, np.arange(ROWS).astype(float), budget=0.01)
    assert set(policies) == {
        "ours", "nobody", "everybody: mail", "everybody: 优惠券", "most likely to buy", "random",
    }  # fmt: skip
    spent = {name: value(trial, evidence.scores, policy).spent for name, policy in policies.items()}
    assert spent["ours"] <= 0.01 + 1e-9
    assert spent["random"] == pytest.approx(spent["ours"])
    assert spent["most likely to buy"] == pytest.approx(spent["ours"])
    for name in ("nobody", "most likely to buy", "random"):
        assert difference(trial, evidence.scores, policies["ours"], policies[name]).is_better
    curve = gain_curve(trial, evidence.scores, gain, [0.0, 0.005, 0.01])
    assert curve.spent[0] == curve.value[0] == 0
    assert (np.diff(curve.value) > 0).all()
    assert (curve.value[1:] > curve.random[1:]).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.floats(0, 1))
def test_a_budget_holds_and_is_used_for_the_best(seed: int, people: int, budget: float) -> None:
    rng = np.random.default_rng(seed)
    gain = np.column_stack([np.zeros(people), rng.normal(size=(people, 2))])
    arm = best_within(gain, np.array([0.0, 1.0, 1.0]), budget)
    assert (arm > 0).sum() <= budget * people + 1e-6
    best = np.sort(gain.max(1))[::-1][: int(budget * people + 1e-6)]
    assert gain[np.arange(people), arm].sum() == pytest.approx(best.sum())


def test_who_cannot_be_compared_is_left_out_or_nobody_is() -> None:
    rng = np.random.default_rng(0)
    features, arm = rng.normal(size=(1000, 2)), rng.integers(0, 2, 1000)
    chance = np.full((1000, 2), 0.5)
    chance[:100] = [0.99, 0.01]
    inside, found = comparable(features, arm, chance, ("none", "mail"))
    assert (~inside).sum() == 100
    assert "10.0 % of the customers" in str(found)
    chance[:600] = [0.999, 0.001]
    with pytest.raises(NotEnoughError, match="by lot"):
        comparable(features, arm, chance, ("none", "mail"))


@given(st.floats(0.01, 100))
def test_e_values_are_the_same_for_harm_and_help(ratio: float) -> None:
    assert e_value(ratio) == pytest.approx(e_value(1 / ratio))
    assert e_value(ratio) >= 1


def test_a_log_that_no_lot_drew_is_put_right_by_what_is_known_and_warned_of() -> None:
    """Who comes often is contacted often and buys often: contacts do nothing, and naively seem to."""
    rng = np.random.default_rng(0)
    often = rng.normal(size=ROWS)
    contacted = (rng.random(ROWS) < 1 / (1 + np.exp(-1.5 * often))).astype(int)
    bought = rng.random(ROWS) < 1 / (1 + np.exp(1 - often))
    naive = bought[contacted == 1].mean() - bought[contacted == 0].mean()
    trial, overlap = observed(often[:, None], contacted, bought, kind="binary", arms=["none", "mail"])
    assert overlap.imbalance < 0.25
    model = fit(trial, ["linear"])
    assert naive > 0.2
    assert abs(model.effects(trial.features).mean.mean()) < 0.07
    found = judge(model, trial)
    assert any("not drawn by lot" in note for note in found.notes)
    assert found.e_values["mail"][1] <= found.e_values["mail"][0] < 1.6


def test_a_model_is_not_judged_by_other_arms() -> None:
    trial, _ = world("binary")
    model = fit(trial, ["linear"])
    other = Trial.of(trial.features, trial.arm, trial.outcome, kind="binary")
    with pytest.raises(InputError, match="优惠券"):
        judge(model, other)
