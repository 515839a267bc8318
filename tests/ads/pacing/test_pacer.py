"""Pacing: never beyond the budget however late notices come, along the plan, and no clock that goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.ads.pacing import Pacer, SpendCurve, Threshold, paced_day, smoothness_error
from regulars.errors import InputError

MORNING = datetime(2024, 5, 1, tzinfo=UTC)
HOURS = np.full(24, 60.0)

STEP = st.tuples(st.floats(0, 400), st.floats(0.01, 30), st.sampled_from(["won", "lost", "no notice", "twice"]))


@given(st.lists(STEP, max_size=60), st.floats(0.5, 100))
@settings(max_examples=40, deadline=None)
def test_what_is_spent_and_reserved_is_never_above_the_budget(
    steps: list[tuple[float, float, str]], budget: float
) -> None:
    pacer = Pacer(budget, SpendCurve(), MORNING, wait=timedelta(hours=30))
    at = MORNING
    for number, (seconds, bid, notice) in enumerate(steps):
        at += timedelta(seconds=seconds)
        permit = pacer.ask(str(number), bid, at)
        assert permit.most <= bid
        if permit.may_bid and notice in ("won", "twice"):
            for _ in range(1 + (notice == "twice")):
                pacer.won(str(number), permit.most, at)
        elif notice == "lost":
            pacer.lost(str(number), at)
        assert pacer.spent + pacer.reserved <= budget * (1 + 1e-9)


def test_a_win_told_after_its_reserve_was_given_up_still_counts() -> None:
    pacer = Pacer(10.0, SpendCurve(), MORNING, wait=timedelta(minutes=1))
    pacer.ask("a", 8.0, MORNING)
    assert pacer.ask("b", 8.0, MORNING + timedelta(minutes=5)).most == 8.0
    pacer.won("b", 8.0, MORNING + timedelta(minutes=5))
    pacer.won("a", 8.0, MORNING + timedelta(minutes=6))
    assert pacer.spent == 16.0
    assert not pacer.ask("c", 0.1, MORNING + timedelta(minutes=7)).may_bid


def test_a_clock_that_goes_back_is_refused_and_nothing_changes() -> None:
    pacer = Pacer(10.0, SpendCurve(), MORNING)
    pacer.ask("a", 1.0, MORNING + timedelta(hours=2))
    with pytest.raises(InputError, match="the clock went back from 2024-05-01T02"):
        pacer.ask("b", 1.0, MORNING + timedelta(hours=1))
    with pytest.raises(InputError, match="the clock went back"):
        pacer.won("a", 1.0, MORNING)
    assert pacer.reserved == 1.0


def test_a_new_day_has_its_whole_budget_and_a_plan_of_the_day_before() -> None:
    curve = SpendCurve(memory=1.0)
    pacer = Pacer(10.0, curve, MORNING)
    for minute in range(60):
        pacer.ask(f"{minute}", 0.1, MORNING + timedelta(hours=20, minutes=minute))
        pacer.won(f"{minute}", 0.1, MORNING + timedelta(hours=20, minutes=minute))
    pacer.ask("next", 1.0, MORNING + timedelta(days=1, hours=1))
    assert pacer.spent == 0.0
    assert int(np.argmax(curve.plan)) == 20


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Pacer(0.0, SpendCurve(), MORNING), "budget = 0: more than 0"),
        (lambda: Pacer(1.0, SpendCurve(), datetime(2024, 5, 1)), "no time zone"),
        (lambda: Pacer(1.0, SpendCurve(), MORNING).ask("a", 1.0, datetime(2024, 5, 1)), "no time zone"),
        (lambda: Pacer(1.0, SpendCurve(), MORNING).ask("a", 0.0, MORNING), "bid = 0"),
        (lambda: Pacer(1.0, SpendCurve(), MORNING).won("a", -1.0, MORNING), "cost = -1"),
        (lambda: SpendCurve([0.0] * 24), "not all of them 0"),
        (lambda: SpendCurve([1.0] * 23), "24 finite amounts"),
        (lambda: SpendCurve(memory=0.0), "memory = 0"),
    ],
)
def test_what_cannot_be_is_refused(make: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()  # type: ignore[operator]


def test_one_id_for_two_bids_that_wait_is_refused() -> None:
    pacer = Pacer(10.0, SpendCurve(), MORNING)
    pacer.ask("a", 1.0, MORNING)
    with pytest.raises(InputError, match="an id of its own"):
        pacer.ask("a", 1.0, MORNING)


def test_a_day_with_shocks_follows_its_plan_better_than_threshold_pacing() -> None:
    curve = SpendCurve(HOURS)
    days = [
        paced_day(make, MORNING, HOURS, seed=4)
        for make in (Pacer(300.0, curve, MORNING), Threshold(300.0, curve, MORNING))
    ]
    ours, theirs = (smoothness_error([day.spend], [curve.plan]) for day in days)
    assert days[0].total <= 300.0
    assert days[0].total > 285.0
    assert ours < theirs
