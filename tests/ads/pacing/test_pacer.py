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


def test_a_reserve_is_held_for_the_whole_wait_and_not_longer() -> None:
    pacer = Pacer(10.0, SpendCurve(), MORNING, wait=timedelta(minutes=10))
    pacer.ask("a", 8.0, MORNING)
    assert pacer.ask("b", 8.0, MORNING + timedelta(minutes=10)).most == 2.0
    assert pacer.ask("c", 9.0, MORNING + timedelta(minutes=10, seconds=1)).most == 8.0


def test_to_the_last_cent_and_no_further() -> None:
    pacer = Pacer(10.0, SpendCurve(), MORNING)
    assert pacer.ask("a", 10.0, MORNING) == (True, 10.0, 1.0)
    assert pacer.ask("b", 0.01, MORNING) == (False, 0.0, 1.0)
    pacer.lost("a", MORNING)
    pacer.lost("a", MORNING)
    assert pacer.reserved == 0.0
    pacer.ask("c", 4.0, MORNING)
    pacer.won("c", 0.0, MORNING)
    pacer.won("of another", 5.0, MORNING)
    assert (pacer.spent, pacer.reserved) == (0.0, 0.0)


def test_a_bid_under_way_at_midnight_is_paid_by_the_day_of_its_notice() -> None:
    midnight = MORNING + timedelta(days=1)
    pacer = Pacer(10.0, SpendCurve(), MORNING, wait=timedelta(minutes=10))
    pacer.ask("given up", 1.0, MORNING)
    pacer.ask("late", 6.0, midnight - timedelta(minutes=1))
    assert pacer.ask("next", 10.0, midnight).most == 4.0
    pacer.won("late", 5.0, midnight + timedelta(minutes=1))
    pacer.won("given up", 1.0, midnight + timedelta(minutes=1))  # of a day that is closed
    assert pacer.spent == 5.0
    assert pacer.start == midnight


def spending(pacer: Pacer, share: float, hours: int) -> list[float]:
    """The price of money after each hour in which so many times the plan was spent, five minutes at a time."""
    prices = []
    for number in range(hours * 12):
        at = pacer.start + timedelta(minutes=5 * number)
        if share:
            pacer.ask(str(number), share * pacer.budget / 288, at)
            pacer.won(str(number), share * pacer.budget / 288, at)
        pacer.lost("", at + timedelta(minutes=4, seconds=59))
        if number % 12 == 11:
            prices.append(pacer.price)
    return prices


def test_along_the_plan_money_is_worth_itself() -> None:
    assert spending(Pacer(100.0, SpendCurve(), MORNING), 1.0, 12) == pytest.approx([1.0] * 12, abs=0.05)


def test_ahead_of_the_plan_money_grows_dear_within_bounds() -> None:
    prices = spending(Pacer(100.0, SpendCurve(), MORNING), 3.0, 8)
    assert prices == sorted(prices)
    # Each hour the level rises by STEADY x 2 a step, and what has gathered adds at most GAIN x 5.
    assert prices[0] == pytest.approx(np.exp(0.08 * 2 * 11 + 0.6 * 2 * 11 / 12), rel=0.15)
    assert prices[-1] <= np.exp(5.0)


def test_behind_the_plan_it_bids_above_worth_only_where_that_is_allowed() -> None:
    assert spending(Pacer(100.0, SpendCurve(), MORNING), 0.0, 6) == [1.0] * 6
    prices = spending(Pacer(100.0, SpendCurve(), MORNING, spends_all=True), 0.0, 6)
    assert prices == sorted(prices, reverse=True)
    assert prices[0] < 1.0
    assert prices[-1] == pytest.approx(np.exp(-1.5))


def test_a_day_begins_at_the_price_that_was_learned_and_never_above_worth() -> None:
    dear, cheap = Pacer(100.0, SpendCurve(), MORNING), Pacer(100.0, SpendCurve(), MORNING, spends_all=True)
    spending(dear, 2.0, 1)
    spending(cheap, 0.0, 6)
    learned = dear.price
    for pacer in (dear, cheap):
        pacer.lost("", MORNING + timedelta(days=1))
    assert 1.0 < dear.price < learned  # without what was to be made up for
    assert cheap.price == 1.0


def test_what_is_on_offer_teaches_the_hour_in_which_it_came() -> None:
    curve = SpendCurve(memory=1.0)
    pacer = Pacer(100.0, curve, MORNING)
    for number, (hour, minute) in enumerate([(0, 0), (0, 59), (1, 0), (23, 59)]):
        pacer.ask(str(number), 1.0, MORNING + timedelta(hours=hour, minutes=minute))
    assert pacer.offered[[0, 1, 2, 23]].tolist() == [2.0, 1.0, 0.0, 1.0]
    pacer.lost("", MORNING + timedelta(days=3))
    assert curve.hours_[[0, 1, 2, 23]].tolist() == [0.5, 0.25, 0.0, 0.25]
    assert pacer.start == MORNING + timedelta(days=3)


def test_a_curve_keeps_a_floor_and_mixes_days_by_its_memory() -> None:
    curve = SpendCurve([1.0] + [0.0] * 23, memory=0.25)
    assert curve.plan.sum() == pytest.approx(1.0)
    assert curve.plan[[0, 1]] == pytest.approx([0.9 + 0.1 / 24, 0.1 / 24])
    curve.learn([0.0] * 23 + [5.0])
    assert curve.hours_[[0, 23]].tolist() == [0.75, 0.25]
    assert [curve.share(day) for day in (0.0, 1.0)] == [0.0, 1.0]
    assert curve.share(1 / 48) == pytest.approx(curve.plan[0] / 2)
    untold = SpendCurve(memory=0.25)
    assert untold.plan == pytest.approx([1 / 24] * 24)
    untold.learn([0.0] * 23 + [5.0])
    assert untold.hours_[[0, 23]] == pytest.approx([0.75 / 24, 0.25 + 0.75 / 24])
    for wrong in ([-1.0] + [2.0] * 23, [np.inf] + [1.0] * 23):
        with pytest.raises(InputError, match="24 finite amounts"):
            curve.learn(wrong)
