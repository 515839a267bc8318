"""Bandits: the propensity is the chance, each reward counts once, and regret is as theory has it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from regulars.errors import InputError, NotFoundError
from regulars.experiment.bandits import (
    Bandit,
    BetaThompson,
    Greedy,
    LinearThompson,
    LinearUCB,
    NormalThompson,
    Policy,
    best_of_betas,
    best_of_normals,
    best_of_students,
)

MONDAY = datetime(2024, 5, 6, tzinfo=UTC)
POLICIES: list[Policy] = [BetaThompson(), NormalThompson(0.5, 1.0), Greedy(), LinearThompson(2), LinearUCB(2)]
each = pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.kind)


def days(number: float) -> datetime:
    return MONDAY + timedelta(days=number)


def contexts(policy: Policy, rows: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=(rows, policy.features))


def taught(policy: Policy, **settings: Any) -> Bandit:
    """A bandit of three arms that has seen forty rewards."""
    bandit = Bandit("banner", ["red", "blue", "绿"], policy, **settings)
    made = bandit.choose_many(contexts(policy, 60), at=MONDAY)
    rng = np.random.default_rng(1)
    bandit.reward_many(made["decision_id"].to_pylist()[:40], (rng.random(40) < 0.3).astype(float), at=MONDAY)
    return bandit


# The chances of being the best.


@pytest.mark.parametrize(
    ("a", "b"), [([3, 9], [40, 60]), ([1, 500, 20], [1, 9500, 700]), ([2000, 2100], [98000, 98500])]
)
def test_the_chance_of_the_best_beta_is_that_of_many_draws(a: list[float], b: list[float]) -> None:
    found = best_of_betas(np.array(a, float), np.array(b, float))
    draws = np.random.default_rng(0).beta(a, b, (400_000, len(a)))
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(np.bincount(draws.argmax(1), minlength=len(a)) / 400_000, abs=0.004)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 2000)), min_size=2, max_size=2))
def test_the_chance_of_the_better_of_two_betas_is_the_integral(seen: list[tuple[int, int]]) -> None:
    (a, b), (c, d) = ((1 + one, 1 + other) for one, other in seen)
    at = stats.beta.ppf([1e-12, 0.001, 0.5, 0.999, 1 - 1e-12], c, d)
    exact = integrate.quad(
        lambda x: stats.beta.pdf(x, a, b) * stats.beta.cdf(x, c, d), 0, 1, points=sorted({*at, a / (a + b)}), limit=500
    )[0]
    assert best_of_betas(np.array([a, c], float), np.array([b, d], float))[0] == pytest.approx(exact, abs=1e-7)


def test_the_chance_of_the_better_of_two_normals_is_known_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    mean, deviation = rng.normal(size=(200, 2)), np.exp(rng.normal(size=(200, 2)) * 2)
    exact = stats.norm.cdf((mean[:, 0] - mean[:, 1]) / np.hypot(deviation[:, 0], deviation[:, 1]))
    assert best_of_normals(mean, deviation)[:, 0] == pytest.approx(exact, abs=1e-8)


def test_the_chance_of_the_best_student_is_that_of_many_draws() -> None:
    freedom, mean, scale = np.array([2.0, 30.0, 5.0]), np.array([0.0, 0.5, 0.2]), np.array([1.0, 0.2, 3.0])
    draws = mean + scale * np.random.default_rng(0).standard_t(freedom, (400_000, 3))
    assert best_of_students(freedom, mean, scale) == pytest.approx(np.bincount(draws.argmax(1)) / 400_000, abs=0.004)


def test_money_has_the_posterior_of_its_formulas() -> None:
    """By a grid over mean and precision: the mean of what was seen and of the prior."""
    rewards = np.array([1009.0, 1015.0, 1012.0, 990.0])
    policy = NormalThompson(1000.0, 20.0)
    seen = np.stack([policy.gather(np.empty((4, 0)), rewards, np.ones(4)), np.zeros(3)])
    mean, precision = np.meshgrid(np.linspace(800, 1200, 1601), np.exp(np.linspace(-13, 0, 600)), indexing="ij")
    logs = (
        stats.norm.logpdf(mean, 1000, 1 / np.sqrt(precision))
        + stats.gamma.logpdf(precision, 1, scale=1 / 400)
        + np.log(precision)
    )
    logs += sum(stats.norm.logpdf(reward, mean, 1 / np.sqrt(precision)) for reward in rewards)
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    above = weight[mean > 1010].sum() + weight[mean == 1010].sum() / 2
    freedom, place, scale = (values[0] for values in policy._posterior(seen))
    assert policy.means(seen, np.empty((1, 0)))[0, 0] == pytest.approx((weight * mean).sum(), rel=1e-4)
    assert stats.t.sf(1010, freedom, place, scale) == pytest.approx(above, abs=0.002)


# Every policy keeps these laws.


@each
def test_the_propensity_is_the_chance_and_arms_come_as_often(policy: Policy) -> None:
    bandit = taught(policy, explore=0.3)
    row = contexts(policy, 1, seed=5)[0]
    chances = bandit.chances(row)
    made = bandit.choose_many(np.tile(row, (5_000, 1)), at=MONDAY)
    assert sum(chances.values()) == pytest.approx(1)
    assert made["propensity"].to_pylist() == [chances[arm] for arm in made["arm"].to_pylist()]
    counts = Counter(made["arm"].to_pylist())
    expected = [chance * 5_000 for chance in chances.values()]
    assert stats.chisquare([counts[arm] for arm in chances], expected).pvalue > 0.001


@each
def test_each_arm_has_its_floor(policy: Policy) -> None:
    bandit = taught(policy, explore=0.3)
    assert min(bandit.chances(contexts(policy, 1)[0]).values()) >= 0.1 - 1e-12


@each
def test_the_same_seed_and_rewards_give_the_same_choices(policy: Policy) -> None:
    one, same, other = (
        taught(policy, seed=seed, explore=0.5).choose_many(contexts(policy, 50, 3), at=MONDAY)
        for seed in ("a", "a", "b")
    )
    assert one.equals(same)
    assert one["arm"].to_pylist() != other["arm"].to_pylist()


@each
def test_one_at_a_time_is_the_same_as_many(policy: Policy) -> None:
    rows = contexts(policy, 30, 3)
    many = taught(policy, explore=0.5).choose_many(rows, at=MONDAY)
    bandit = taught(policy, explore=0.5)
    ones = [bandit.choose(row, at=MONDAY) for row in rows.tolist()]
    assert [choice.decision_id for choice in ones] == many["decision_id"].to_pylist()
    assert [choice.arm for choice in ones] == many["arm"].to_pylist()
    assert [choice.propensity for choice in ones] == pytest.approx(many["propensity"].to_pylist())


@each
def test_from_json_it_goes_on_as_if_nothing_had_been(policy: Policy) -> None:
    bandit = taught(policy, explore=0.2, half_life_days=30.0, worth=2.5, seed="种子")
    bandit.retire("blue")
    again = Bandit.from_json(bandit.to_json())
    assert again.to_json() == bandit.to_json()
    rows = contexts(policy, 40, 9)
    for each_one in (bandit, again):
        each_one.reward("banner/45", 1.0, at=days(3))
    assert again.choose_many(rows, at=days(4)).equals(bandit.choose_many(rows, at=days(4)))
    assert again.exploration() == bandit.exploration()


@each
def test_a_reward_counts_once_whenever_it_comes(policy: Policy) -> None:
    bandit = taught(policy)
    before = json.loads(bandit.to_json())["seen"]
    assert bandit.reward("banner/50", 1.0, at=days(20)) is True
    after = json.loads(bandit.to_json())["seen"]
    assert after != before
    assert bandit.reward("banner/50", 0.0, at=days(21)) is False
    assert bandit.reward("banner/3", 1.0, at=days(21)) is False
    assert json.loads(bandit.to_json())["seen"] == after


@each
def test_rewards_in_any_order_and_in_any_parts_come_to_the_same(policy: Policy) -> None:
    one, other = Bandit("b", ["x", "y"], policy), Bandit("b", ["x", "y"], policy)
    rows, values = contexts(policy, 30), np.random.default_rng(2).random(30)
    ids = one.choose_many(rows, at=MONDAY)["decision_id"].to_pylist()
    assert other.choose_many(rows, at=MONDAY)["decision_id"].to_pylist() == ids
    one.reward_many(ids, values, at=MONDAY)
    for decision_id, value in reversed(list(zip(ids, values.tolist(), strict=True))):
        other.reward(decision_id, value, at=MONDAY)
    rows = contexts(policy, 1, 7)
    assert list(one.chances(rows[0]).values()) == pytest.approx(list(other.chances(rows[0]).values()))


@each
def test_a_refused_reward_leaves_all_as_it_was(policy: Policy) -> None:
    bandit = taught(policy)
    before = bandit.to_json()
    with pytest.raises(InputError, match="finite"):
        bandit.reward_many(["banner/50", "banner/51"], [1.0, math.nan], at=days(1))
    for unknown in ("banner/60", "other/3", "banner/x", ""):
        with pytest.raises(NotFoundError, match="made no decision"):
            bandit.reward_many(["banner/50", unknown], [1.0, 1.0], at=days(1))
    assert bandit.to_json() == before


# Arms, time and money.


def test_arms_come_and_go() -> None:
    bandit = taught(BetaThompson())
    bandit.retire("red")
    assert set(bandit.choose_many(np.empty((200, 0)), at=MONDAY)["arm"].to_pylist()) <= {"blue", "绿"}
    late = [name for name in (f"banner/{number}" for number in range(40, 60)) if bandit.reward(name, 1.0, at=MONDAY)]
    assert len(late) == 20
    seen = json.loads(bandit.to_json())["seen"]["red"]
    bandit.add("new")
    assert bandit.arms == ["blue", "绿", "new"]
    bandit.add("red")
    assert json.loads(bandit.to_json())["seen"]["red"] == seen
    with pytest.raises(InputError, match="already"):
        bandit.add("new")
    with pytest.raises(NotFoundError, match="It offers: blue"):
        bandit.retire("white")
    for arm in ("blue", "绿", "new"):
        bandit.retire(arm)
    with pytest.raises(InputError, match="only arm"):
        bandit.retire("red")


def test_an_arm_out_of_stock_is_left_out_this_once() -> None:
    bandit = taught(BetaThompson())
    assert set(bandit.choose_many(np.empty((100, 0)), among=["red", "绿"], at=MONDAY)["arm"].to_pylist()) == {
        "red",
        "绿",
    }
    assert set(bandit.chances(among=["red"])) == {"red"}
    assert bandit.choose(among=["red"], at=MONDAY).propensity == 1
    with pytest.raises(NotFoundError, match="white"):
        bandit.choose(among=["white"], at=MONDAY)
    with pytest.raises(NotFoundError, match="no arm"):
        bandit.choose(among=[], at=MONDAY)


@each
def test_what_is_recalled_counts_as_what_was_told_in_time(policy: Policy) -> None:
    lived, anew = (Bandit("b", ["x", "y"], policy, half_life_days=10.0) for _ in range(2))
    rows, rewards = contexts(policy, 20), (np.random.default_rng(1).random(20) < 0.3).astype(float)
    made = lived.choose_many(rows, among=["x"], at=MONDAY)
    lived.reward_many(made["decision_id"].to_pylist(), rewards, at=days(5))
    anew.recall("x", rows, rewards, np.full(20, 0.5**0.5), at=days(5))
    context = contexts(policy, 1, seed=2)[0].tolist()
    assert anew.chances(context) == pytest.approx(lived.chances(context))
    assert anew.waiting == 0
    with pytest.raises(NotFoundError, match='does not offer "z"'):
        anew.recall("z", rows, rewards, np.ones(20), at=days(5))
    with pytest.raises(InputError, match="not a finite number"):
        anew.recall("x", rows, rewards + np.nan, np.ones(20), at=days(5))


def test_evidence_fades_by_half_in_its_half_life_and_late_rewards_as_if_they_had_come_in_time() -> None:
    early, late = (Bandit("b", ["x", "y"], BetaThompson(), half_life_days=10.0) for _ in range(2))
    ids = [bandit.choose(among=["x"], at=MONDAY).decision_id for bandit in (early, late)]
    early.reward(ids[0], 1.0, at=MONDAY)
    late.reward(ids[1], 1.0, at=days(10))
    for bandit in (early, late):
        bandit.choose(at=days(20))
    seen = [json.loads(bandit.to_json())["seen"]["x"] for bandit in (early, late)]
    assert seen[0] == pytest.approx([0.25, 0]) == seen[1]


def test_a_drifting_world_is_followed_by_who_forgets() -> None:
    def after_the_turn(half_life_days: float | None) -> float:
        bandit = Bandit("b", ["x", "y"], BetaThompson(), half_life_days=half_life_days, explore=0.1)
        rng = np.random.default_rng(0)
        for day in range(120):
            made = bandit.choose_many(np.empty((50, 0)), at=days(day))
            rates = {"x": 0.3, "y": 0.1} if day < 80 else {"x": 0.1, "y": 0.3}
            won = rng.random(50) < [rates[arm] for arm in made["arm"].to_pylist()]
            bandit.reward_many(made["decision_id"].to_pylist(), won.astype(float), at=days(day))
        return bandit.chances()["y"]

    assert after_the_turn(7.0) > 0.9 > after_the_turn(None)


def test_silence_is_taken_as_an_answer_when_it_is_settled() -> None:
    bandit = Bandit("b", ["x", "y"], BetaThompson())
    first, second = (bandit.choose(among=["x"], at=days(day)).decision_id for day in (0, 5))
    assert (bandit.waiting, bandit.settle(days(5), at=days(9)), bandit.waiting) == (2, 1, 1)
    assert bandit.reward(first, 1.0, at=days(9)) is False
    assert bandit.reward(second, 1.0, at=days(9)) is True
    assert json.loads(bandit.to_json())["seen"]["x"] == [1.0, 1.0]


def test_the_even_share_tells_its_cost_in_money_by_day() -> None:
    """Of 0.2 spread over two arms, half goes to the worse one: 0.1 x (0.5 - 0.1) of a reward worth 30, each decision."""
    bandit = Bandit("b", ["good", "bad"], Greedy(), explore=0.2, worth=30.0)
    for arm, value in (("good", 1.0), ("bad", 0.2)):
        bandit.reward(bandit.choose(among=[arm], at=MONDAY).decision_id, value, at=MONDAY)
    bandit.choose_many(np.empty((100, 0)), at=days(1))
    bandit.choose_many(np.empty((50, 0)), at=days(2))
    told = {day.date: (day.decisions, round(day.cost, 9)) for day in bandit.exploration()}
    assert told == {"2024-05-06": (2, 0.0), "2024-05-07": (100, 120.0), "2024-05-08": (50, 60.0)}


# Regret.


def regret(policy: Policy, rates: list[float], rounds: int, batch: int, seed: int, explore: float = 0.0) -> float:
    bandit = Bandit("b", [f"arm {number}" for number in range(len(rates))], policy, explore=explore, seed=str(seed))
    rng, lost = np.random.default_rng(seed), 0.0
    for _ in range(rounds // batch):
        made = bandit.choose_many(np.empty((batch, 0)), at=MONDAY)
        chosen = np.array([bandit.arms.index(arm) for arm in made["arm"].to_pylist()])
        lost += (max(rates) - np.array(rates)[chosen]).sum()
        bandit.reward_many(
            made["decision_id"].to_pylist(), (rng.random(batch) < np.array(rates)[chosen]).astype(float), at=MONDAY
        )
    return lost


def test_the_regret_of_thompson_sampling_grows_like_the_lower_bound() -> None:
    """Lai and Robbins: between two horizons, ln of their ratio times gap / KL is the least that is lost."""
    rates, runs = [0.5, 0.35], 16
    divergence = 0.35 * math.log(0.35 / 0.5) + 0.65 * math.log(0.65 / 0.5)
    late = np.mean([regret(BetaThompson(), rates, 4000, 50, seed) for seed in range(runs)])
    early = np.mean([regret(BetaThompson(), rates, 500, 50, seed) for seed in range(runs)])
    bound = 0.15 / divergence * math.log(4000 / 500)
    assert 0.3 * bound < late - early < 3 * bound
    assert late < 0.1 * 4000 * 0.075  # a tenth of what choosing evenly loses


def test_the_regret_of_epsilon_greedy_is_its_even_share() -> None:
    lost = np.mean([regret(Greedy(), [0.9, 0.1], 3000, 25, seed, explore=0.2) for seed in range(5)])
    assert lost == pytest.approx(3000 * 0.2 * 0.5 * 0.8, rel=0.2)


@pytest.mark.parametrize(
    "policy", [LinearThompson(3, noise=0.5), LinearUCB(3, alpha=0.7)], ids=lambda policy: policy.kind
)
def test_linear_policies_learn_whom_each_arm_suits(policy: Policy) -> None:
    slopes = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.2, 0.0, 0.5]])
    bandit, rng = Bandit("b", ["x", "y", "z"], policy), np.random.default_rng(0)
    lost = []
    for _ in range(40):
        rows = np.column_stack([np.ones(25), rng.normal(size=(25, 2))])
        made = bandit.choose_many(rows, at=MONDAY)
        chosen, means = np.array([bandit.arms.index(arm) for arm in made["arm"].to_pylist()]), rows @ slopes.T
        got = means[np.arange(25), chosen]
        lost.append((means.max(axis=1) - got).mean())
        bandit.reward_many(made["decision_id"].to_pylist(), got + rng.normal(scale=0.5, size=25), at=MONDAY)
    assert np.mean(lost[-10:]) < 0.1 * lost[0]


def test_linear_ucb_has_the_bound_of_its_formula() -> None:
    policy, rows = LinearUCB(2, alpha=1.5), np.array([[1.0, 2.0], [1.0, -1.0], [1.0, 0.5]])
    seen = np.stack([policy.gather(rows, np.array([1.0, 0.0, 2.0]), np.ones(3)), np.zeros(6)])
    inverse = np.linalg.inv(np.eye(2) + rows.T @ rows)
    x = np.array([1.0, 1.0])
    upper = x @ inverse @ rows.T @ [1.0, 0.0, 2.0] + 1.5 * math.sqrt(x @ inverse @ x)
    assert policy.chances(seen, x[None]).tolist() == [
        [float(upper > 1.5 * math.sqrt(2)), float(upper < 1.5 * math.sqrt(2))]
    ]


# What cannot be.


@pytest.mark.parametrize(("make", "said"), [
    (lambda: Bandit("b", ["x"], Greedy()), "two or more"),
    (lambda: Bandit("b", ["x", "x"], Greedy()), "each once"),
    (lambda: Bandit("a/b", ["x", "y"], Greedy()), "cannot be the name"),
    (lambda: Bandit("b", ["x", "y"], Greedy(), explore=5), "For 5 %, write 0.05"),
    (lambda: Bandit("b", ["x", "y"], Greedy(), half_life_days=0.0), "half_life_days"),
    (lambda: Bandit("b", ["x", "y"], Greedy(), worth=math.inf), "worth"),
    (lambda: BetaThompson(successes=0.5), "successes"),
    (lambda: NormalThompson(0.0, 0.0), "deviation"),
    (lambda: LinearUCB(0), "at least 1"),
    (lambda: LinearThompson(2, noise=-1.0), "noise"),
    (lambda: Bandit("b", ["x", "y"], LinearUCB(2)).choose([1.0]), r"\(n, 2\) is expected"),
    (lambda: Bandit("b", ["x", "y"], LinearUCB(2)).choose([1.0, math.nan]), "finite"),
    (lambda: Bandit("b", ["x", "y"], Greedy()).choose([1.0]), r"\(n, 0\) is expected"),
    (lambda: taught(BetaThompson()).reward("banner/50", 3.5, at=MONDAY), "NormalThompson"),
])  # fmt: skip
def test_what_cannot_be_is_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


@pytest.mark.parametrize("spoil", [
    lambda said: said.pop("policy"),
    lambda said: said.update(format=2),
    lambda said: said["policy"].update(kind="magic"),
    lambda said: said["seen"].update(red=[1.0]),
    lambda said: said.update(offered=["white"]),
])  # fmt: skip
def test_a_text_that_is_no_bandit_is_refused(spoil: Callable[[Any], Any]) -> None:
    said = json.loads(taught(BetaThompson()).to_json())
    spoil(said)
    for text in (json.dumps(said), "", "[]"):
        with pytest.raises(InputError, match="no bandit"):
            Bandit.from_json(text)
