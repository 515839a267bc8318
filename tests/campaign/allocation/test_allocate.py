"""Allocation: what must hold always holds, small ones are the best there are, large ones near it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.campaign.allocation import Allocation, Floor, Limit, Problem, allocate, by_prices, exact, receipts
from regulars.errors import InputError

ACTIONS = ("coupon by e-mail", "coupon by sms", "message by e-mail", "消息")


def drawn(seed: int, people: int, budget: float = 0.2, floor: float = 0.0, contacts: int = 1) -> Problem:
    rng = np.random.default_rng(seed)
    gain = rng.normal(0.3, 1.0, (people, len(ACTIONS))) * rng.lognormal(0, 1, (people, 1))
    gain[rng.random(gain.shape) < 0.1] = -np.inf
    group = rng.integers(0, 3, people)
    can = np.isfinite(gain).any(1)
    group[~can] = -1  # whom nothing may reach can be owed nothing
    return Problem.of(
        gain,
        cost=[0.6, 0.5, 0.1, 0.05],
        actions=ACTIONS,
        budget=budget * people,
        contacts=rng.integers(1, contacts + 1, people) if contacts > 1 else 1,
        limits=[Limit("coupons", ACTIONS[:2], people // 8), Limit("e-mail", (ACTIONS[0], ACTIONS[2]), people // 3)],
        group=group,
        floors=[Floor(1, floor)] if floor else [],
    )


def holds(problem: Problem, found: Allocation) -> bool:
    chosen = found.chosen
    reached = np.bincount(problem.floor_of[problem.floor_of >= 0], chosen.sum(1)[problem.floor_of >= 0], 1)
    return bool(
        problem.cost[chosen].sum() <= problem.budget + 1e-6
        and (chosen.sum(1) <= problem.contacts).all()
        and (chosen.sum(0) @ problem.counted.T <= problem.most).all()
        and np.isfinite(problem.gain[chosen]).all()
        and (reached[: len(problem.least)] >= problem.least).all()
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(20, 400), st.floats(0.0, 0.5), st.sampled_from([0.0, 0.2]), st.integers(1, 3))
def test_constraints_hold_and_no_allocation_exceeds_the_bound(
    seed: int, people: int, budget: float, floor: float, contacts: int
) -> None:
    problem = drawn(seed, people, budget + (0.3 if floor else 0.0), floor, contacts)
    found = by_prices(problem)
    assert holds(problem, found)
    assert found.gain <= found.bound + 1e-9


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 60))
def test_prices_bound_and_nearly_reach_what_highs_finds(seed: int, people: int) -> None:
    problem = drawn(seed, people, budget=0.3)
    best = allocate(problem)
    near = by_prices(problem)
    assert holds(problem, best)
    assert near.gain <= best.gain + 1e-6
    assert near.bound >= best.gain - 1e-6


def test_a_small_one_is_the_best_of_all_there_are() -> None:
    problem = Problem.of(
        [[2.0, 1.0], [3.0, 2.9], [0.5, 0.4]], cost=[1.0, 0.1], actions=["a", "b"], budget=1.2, limits=[]
    )
    every = np.stack(np.meshgrid(*[range(3)] * 3), -1).reshape(-1, 3)  # 0, 1: an action; 2: none
    gains = []
    for each in every:
        rows = [i for i in range(3) if each[i] < 2]
        spent = sum(problem.cost[i, each[i]] for i in rows)
        gains.append(
            sum(problem.gain[i, each[i]] - problem.cost[i, each[i]] for i in rows) if spent <= 1.2 + 1e-9 else -1
        )
    assert allocate(problem).gain == pytest.approx(max(gains))


def test_of_many_customers_the_gap_is_small() -> None:
    problem = drawn(1, 40_000, floor=0.3)
    found = by_prices(problem)
    assert holds(problem, found)
    assert found.gap < 0.001


def test_a_floor_reaches_those_on_whom_money_is_lost() -> None:
    problem = Problem.of(
        [[1.0], [1.0], [-0.5], [-2.0]], cost=[0.1], actions=["m"], group=[0, 0, 1, 1], floors=[Floor(1, 0.5)]
    )
    for found in (allocate(problem), by_prices(problem)):
        assert found.chosen[:, 0].tolist() == [True, True, True, False]


def test_nobody_and_nothing_to_give() -> None:
    none = Problem.of(np.zeros((0, 2)), cost=[0, 0], actions=["a", "b"])
    assert allocate(none).gain == 0
    broke = Problem.of([[5.0]], cost=[1.0], actions=["a"], budget=0)
    assert allocate(broke).gain == by_prices(broke).gain == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gain": [[np.nan]]}, "gain, row 0"),
        ({"cost": [-1.0]}, "cost, row 0"),
        ({"cost": [1.0, 2.0]}, "cost"),
        ({"budget": -1.0}, "budget"),
        ({"budget": float("nan")}, "budget"),
        ({"contacts": -1}, "contacts"),
        ({"limits": [Limit("stock", ("gift",), 1)]}, 'there is no action "gift"'),
        ({"limits": [Limit("stock", ("m",), -1)]}, "at most -1"),
        ({"group": [0], "floors": [Floor(0, 1.5)]}, "group 0"),
        ({"group": [0], "floors": [Floor(0, 1.0), Floor(0, 0.5)]}, "has two"),
        ({"group": [0], "contacts": 0, "floors": [Floor(0, 1.0)]}, "Lower the share"),
        ({"group": [0], "budget": 0.5, "floors": [Floor(0, 1.0)]}, "Raise it"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    plain: dict[str, object] = {"gain": [[1.0]], "cost": [1.0], "actions": ["m"]}
    with pytest.raises(InputError, match=said):
        Problem.of(**{**plain, **change})  # type: ignore[arg-type]


def test_floors_that_limits_do_not_allow_are_told() -> None:
    problem = Problem.of(
        np.ones((10, 1)), cost=[0.1], actions=["m"], limits=[Limit("stock", ("m",), 2)], group=np.zeros(10, int),
        floors=[Floor(0, 0.5)],
    )  # fmt: skip
    for solve in (exact.solve, by_prices):
        with pytest.raises(InputError, match="floor"):
            solve(problem)


def test_receipts_say_why() -> None:
    gain = np.array([[3.0, 2.0], [2.9, 0.5], [-1.0, -0.1], [-np.inf, -np.inf], [4.0, 4.0]])
    problem = Problem.of(
        gain, cost=[0.5, 0.1], actions=["券", "message"], limits=[Limit("coupons", ("券",), 1)],
        contacts=[1, 1, 1, 1, 0],
    )  # fmt: skip
    table = receipts(problem, allocate(problem), pa.array(["a", "b", "c", "d", "e"]), gain - 1, gain + 1, "EUR")
    assert table["customer_id"].to_pylist() == ["a", "b", "c", "d", "e"]
    assert table["action"].to_pylist() == ["message", "券", None, None, None]
    why = table["why"].to_pylist()
    assert (
        why[0]
        == "message brings 1.90 EUR after costs, what budget and limits leave; 券 would bring 2.50 EUR, and is worth more elsewhere."
    )
    assert why[1] == "券 brings 2.40 EUR after costs, the best of 2 possible; next is message with 0.40 EUR."
    assert "No action brings more than it costs" in why[2]
    assert why[3] == "No action is allowed for this customer."
    assert why[4] == "The customer has had as many contacts as it may."
    assert table["gain_low"].to_pylist()[:2] == [1.0, 1.9]
