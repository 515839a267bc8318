"""The value of a policy by the estimator that fits, comparisons, and what no log can say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError, NotEnoughError
from regulars.experiment.offpolicy import Logged, OverlapError, compare, methods, slope, value
from regulars.experiment.offpolicy.bounds import sure, sure_low
from regulars.experiment.offpolicy.rewards import expect

Floats = npt.NDArray[np.float64]

LOGGED = np.array([0.6, 0.3, 0.1])
TARGET = np.array([0.1, 0.1, 0.8])
WAYS = ("IPS", "SNIPS", "DM", "DR", "Switch-DR", "DRos", "chosen")


def chance(context: Floats) -> Floats:
    """(n, 3) of a reward: the third action is good for those whose context is high."""
    high = context[:, :1]
    return np.clip(np.hstack([0.3 + 0 * high, 0.3 - 0.1 * high, 0.4 + 0.2 * high]), 0.02, 0.98)


def a_log(seed: int, rows: int = 600, customers: int | None = None) -> tuple[Logged, Floats, float]:
    """A log, the chances of a policy that likes the third action, and what that policy is worth."""
    rng = np.random.default_rng(seed)
    context = rng.normal(size=(rows, 2))
    action = rng.choice(3, rows, p=LOGGED)
    reward = rng.random(rows) < chance(context)[np.arange(rows), action]
    whose = None if customers is None else rng.integers(0, customers, rows)
    logged = Logged.of(action, reward, LOGGED[action], actions=3, customers=whose, context=context)
    many = np.random.default_rng(0).normal(size=(200_000, 2))
    return logged, np.tile(TARGET, (rows, 1)), float((chance(many) @ TARGET).mean())


def test_the_chosen_interval_holds_the_truth_as_often_as_it_says() -> None:
    found = [(value(logged, target), truth) for logged, target, truth in map(a_log, range(60))]
    assert np.mean([one.value - truth for one, truth in found]) == pytest.approx(0, abs=0.015)
    assert 0.9 <= np.mean([one.low <= truth <= one.high for one, truth in found]) <= 1
    assert all(one.sure_low <= truth <= one.sure_high for one, truth in found)  # type: ignore[operator]


def test_the_chosen_errs_less_than_plain_weighting() -> None:
    errors: dict[str, list[float]] = {name: [] for name in ("IPS", "chosen")}
    for seed in range(25):
        logged, target, truth = a_log(seed)
        found = methods(logged, target)
        for name, each in errors.items():
            each.append(found[name].value - truth)
    assert np.std(errors["chosen"]) < 0.8 * np.std(errors["IPS"])


def test_each_method_is_there_and_near_the_truth() -> None:
    logged, target, truth = a_log(1, rows=4000)
    found = methods(logged, target)
    assert tuple(found) == WAYS
    assert {name: one.value for name, one in found.items()} == pytest.approx(dict.fromkeys(WAYS, truth), abs=0.05)


@given(st.integers(0, 1000))
@settings(max_examples=6, deadline=None)
def test_of_the_logging_policy_itself_weighting_says_the_plain_mean(seed: int) -> None:
    logged, _, _ = a_log(seed, rows=200)
    found = methods(logged, np.tile(LOGGED, (200, 1)))
    assert found["IPS"].value == pytest.approx(logged.reward.mean())
    assert found["SNIPS"].value == pytest.approx(logged.reward.mean())
    assert found["chosen"].overlap.effective == pytest.approx(200)
    assert found["chosen"].value == pytest.approx(logged.reward.mean(), abs=0.08)


@given(st.integers(0, 1000), st.floats(-1e6, 1e6))
@settings(max_examples=6, deadline=None)
def test_where_every_action_brings_the_same_so_does_every_policy(seed: int, constant: float) -> None:
    logged, target, _ = a_log(seed)
    logged = Logged.of(logged.action, np.full(600, constant), logged.propensity, actions=3, context=logged.context)
    found = methods(logged, target)
    for name in ("SNIPS", "DM", "DR", "Switch-DR", "DRos", "chosen"):
        assert found[name].value == pytest.approx(constant, rel=1e-6, abs=1e-6), name


@given(st.integers(0, 1000), st.floats(0.01, 1000), st.floats(-1000, 1000))
@settings(max_examples=6, deadline=None)
def test_other_units_of_the_reward_change_nothing_else(seed: int, scale: float, shift: float) -> None:
    logged, target, _ = a_log(seed)
    other = Logged.of(
        logged.action, logged.reward * scale + shift, logged.propensity, actions=3, context=logged.context
    )
    for name in ("DM", "DR"):
        one, two = methods(logged, target)[name], methods(other, target)[name]
        assert two.value == pytest.approx(one.value * scale + shift, rel=1e-6, abs=1e-6 * (scale + abs(shift)))
        assert two.high - two.low == pytest.approx((one.high - one.low) * scale, rel=1e-4)


@given(st.permutations(range(3)))
@settings(max_examples=6, deadline=None)
def test_actions_may_stand_in_any_order(order: list[int]) -> None:
    logged, target, _ = a_log(3)
    back = np.argsort(order)
    other = Logged.of(back[logged.action], logged.reward, logged.propensity, actions=3, context=logged.context)
    assert value(other, target[:, order]).value == pytest.approx(value(logged, target).value)


def test_rows_of_one_customer_do_not_count_as_many() -> None:
    logged, _, _ = a_log(2)
    four = [np.repeat(each, 4, axis=0) for each in (logged.action, logged.reward, logged.propensity, logged.context)]
    again = Logged.of(*four[:3], actions=3, customers=np.repeat(np.arange(600), 4), context=four[3])
    one, two = (methods(log, np.tile(TARGET, (len(log.reward), 1)))["SNIPS"] for log in (logged, again))
    assert two.value == pytest.approx(one.value)
    assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.03)


def test_the_model_never_learned_from_the_customer_it_is_asked_about() -> None:
    logged, _, _ = a_log(4, customers=120)
    before = expect(logged).of_actions
    own = logged.owner == 7
    reward = np.where(own, 1 - logged.reward, logged.reward)
    other = Logged.of(
        logged.action, reward, logged.propensity, actions=3, customers=logged.owner, context=logged.context
    )
    assert expect(other).of_actions[own] == pytest.approx(before[own])


def test_a_better_policy_goes_live_and_a_doubtful_one_does_not() -> None:
    logged, target, _ = a_log(5, rows=6000)
    found = compare(logged, target)
    assert found.goes_live
    assert "goes live" in str(found)
    assert found.present.value == pytest.approx(logged.reward.mean())
    nearly = np.tile(LOGGED + np.array([0.01, -0.01, 0]), (6000, 1))
    assert not compare(logged, nearly).goes_live
    assert "does not go live" in str(compare(logged, nearly))
    assert not compare(logged, np.tile([0.1, 0.8, 0.1], (6000, 1)), target).goes_live


def test_a_policy_beside_itself_is_no_better_for_certain() -> None:
    logged, target, _ = a_log(6)
    found = compare(logged, target, target).difference
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert not compare(logged, target, target).goes_live


def test_the_difference_is_narrower_than_two_apart() -> None:
    logged, target, _ = a_log(7, rows=3000)
    near = 0.9 * target + 0.1 * LOGGED
    found = compare(logged, target, near)
    assert found.difference.high - found.difference.low < 0.5 * (found.new.high - found.new.low)


def test_what_was_never_done_is_refused_with_figures() -> None:
    logged, _, _ = a_log(8, rows=3000)
    four = Logged.of(logged.action, logged.reward, logged.propensity, actions=4)
    with pytest.raises(OverlapError, match=r"About 6\d% of what the policy does was never done") as caught:
        value(four, np.tile([0.2, 0.1, 0.1, 0.6], (3000, 1)))
    assert caught.value.overlap.support == pytest.approx(0.4, abs=0.08)
    assert isinstance(caught.value, NotEnoughError)
    with pytest.raises(OverlapError, match="worth 0 of the policy's own"):
        value(four, np.tile([0.0, 0, 0, 1], (3000, 1)))


def test_propensities_that_cannot_be_right_are_refused() -> None:
    logged, target, _ = a_log(9, rows=3000)
    wrong = Logged.of(logged.action, logged.reward, logged.propensity / 2, actions=3)
    with pytest.raises(OverlapError, match="propensities cannot be right"):
        value(wrong, target)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ([[0.5, 0.5]], r"\(1, 2\); \(2, 2\) are expected"),
        ([[0.5, 0.5], [0.5, 0.4]], "row 1: .* 1 in sum"),
        ([[1.5, -0.5], [1, 0]], "row 0: .* 1 in sum"),
        ([[float("nan"), 1], [1, 0]], "row 0"),
    ],
)
def test_chances_that_are_none_are_refused(target: list[list[float]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        value(Logged.of([0, 1], [1.0, 0], [0.5, 0.5], actions=2), target)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"action": [0, 2]}, "from 0 to 1; 0 to 2 found"),
        ({"action": [0, 1, 1]}, "as many of each"),
        ({"action": [0.0, 1.0]}, "whole numbers"),
        ({"reward": [1, float("inf")]}, "row 1: the reward"),
        ({"propensity": [0.5, 0]}, "row 1: the logged propensity"),
        ({"context": [[0.0], [float("nan")]]}, "row 1: the context"),
        ({"customers": ["ada"]}, "as many are needed"),
        ({"action": [], "reward": [], "propensity": []}, "no decision"),
    ],
)
def test_logs_that_are_none_are_refused(given: dict[str, list[object]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Logged.of(**{"action": [0, 1], "reward": [1.0, 0.0], "propensity": [0.5, 0.5], "actions": 2} | given)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0.01, 10)), min_size=1, max_size=9))
def test_of_estimates_that_agree_the_narrowest_is_taken(pairs: list[tuple[float, float]]) -> None:
    values, errors = [one for one, _ in pairs], [error for _, error in pairs]
    assert 0 <= slope(values, errors) < len(pairs)
    assert errors[slope([1.0] * len(pairs), errors)] == min(errors)


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_the_sure_bound_lies_below_the_mean_of_what_it_saw(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight, reward, owner = rng.exponential(size=300), rng.random(300), rng.integers(0, 50, 300)
    owner = np.unique(owner, return_inverse=True)[1]
    assert 0 <= sure_low(weight, reward, owner) <= (weight * reward).mean()
    low, high = sure(np.ones(300), reward, owner)
    assert reward.min() <= low <= reward.mean() <= high <= reward.max()
