"""What another policy would have earned: right on average, inside the interval as often as it says, or not said at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.errors import InputError, NotEnoughError
from regulars.experiment import Estimate, doubly_robust, ips, overlap, snips

ARMS = 6
REWARDS = np.array([0.02, 0.05, 0.03, 0.10, 0.04, 0.06])
LOGGED = np.array([0.5, 0.2, 0.1, 0.08, 0.07, 0.05])
TARGET = np.array([0.1, 0.1, 0.1, 0.5, 0.1, 0.1])
TRUTH = float(TARGET @ REWARDS)


def estimates(seed: int, rows: int = 4000) -> list[Estimate]:
    rng = np.random.default_rng(seed)
    arm = rng.choice(ARMS, rows, p=LOGGED)
    reward = (rng.random(rows) < REWARDS[arm]).astype(float)
    logged, target = LOGGED[arm], TARGET[arm]
    # A model that is wrong by half.
    expected = REWARDS[arm] * 0.5
    of_policy = np.full(rows, TRUTH * 0.5)
    return [
        ips(reward, logged, target),
        snips(reward, logged, target),
        doubly_robust(reward, logged, target, expected, of_policy),
    ]


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    runs = [estimates(seed) for seed in range(400)]
    for number, method in enumerate(("IPS", "SNIPS", "DR")):
        found = [run[number] for run in runs]
        assert {one.method for one in found} == {method}
        assert np.mean([one.value for one in found]) == pytest.approx(TRUTH, rel=0.02)
        held = np.mean([one.low <= TRUTH <= one.high for one in found])
        assert 0.92 <= held <= 0.98, (method, held)


def test_rows_of_one_customer_do_not_count_as_many() -> None:
    rng = np.random.default_rng(0)
    reward = np.repeat((rng.random(400) < 0.3).astype(float), 10)
    half = np.full(4000, 0.5)
    apart = ips(reward, half, half)
    together = ips(reward, half, half, np.repeat(np.arange(400), 10))
    assert together.value == apart.value
    assert together.high - together.low > 2.5 * (apart.high - apart.low)


def test_of_the_policy_itself_all_say_the_mean() -> None:
    rng = np.random.default_rng(1)
    reward = rng.random(200)
    chance = rng.uniform(0.1, 1, 200)
    for one in (ips(reward, chance, chance), snips(reward, chance, chance)):
        assert one.value == pytest.approx(reward.mean())
        assert one.overlap.effective == pytest.approx(200)


def test_a_log_that_cannot_speak_is_refused() -> None:
    logged = np.full(1000, 0.001)
    target = np.zeros(1000)
    target[:5] = 1.0
    with pytest.raises(NotEnoughError, match=r"1,000 decisions are worth 5 .* the largest weighs 1000.0"):
        ips(np.ones(1000), logged, target)


@pytest.mark.parametrize(
    ("logged", "target", "says"),
    [
        ([0.5, 0.0], [1, 1], "row 1: the logged propensity is 0.0"),
        ([0.5, float("nan")], [1, 1], "row 1: the logged propensity is nan"),
        ([0.5, 0.5], [1, 1.5], "row 1: the propensity of the policy is 1.5"),
        ([0.5], [1, 1], "as many are needed"),
    ],
)
def test_chances_that_are_none_are_refused(logged: list[float], target: list[float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        overlap(logged, target)


def test_rewards_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="row 1: the reward is no number"):
        ips([1.0, float("nan")], [0.5, 0.5], [1, 1])
    with pytest.raises(InputError, match="as many are needed"):
        snips([1.0], [0.5, 0.5], [1, 1])


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_no_log_is_worth_more_than_it_has_rows(pairs: list[tuple[float, float]]) -> None:
    found = overlap([a for a, _ in pairs], [b for _, b in pairs])
    assert 0 <= found.effective <= len(pairs) * (1 + 1e-9)


def test_a_real_log_is_read(shared_file: Callable[[str], Path]) -> None:
    """Open Bandit, women, random policy: its own value is its mean; its 46 clicks in 10,000 say no more than that."""
    table = pq.read_table(shared_file("open_bandit_women_random.parquet"))
    click = table["click"].to_numpy().astype(float)
    chance = table["propensity_score"].to_numpy()
    found = ips(click, chance, chance)
    assert found.value == pytest.approx(0.0046)
    assert found.low > 0.003
    assert found.high < 0.0065
