"""What is told of one customer, at the edges: nothing known, hardly anything, all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.profile.base import Levels, Usual
from regulars.profile.rhythm import Pauses
from regulars.profile.traits import (
    discount_affinity,
    interests,
    next_order,
    preference,
    price_level,
    sensitivity,
)

HOURS = Usual({str(hour): 1 / 24 for hour in range(24)}, 10.0)
SHOP = Levels(middle=0.0, between=0.05, within=0.1)


def rows(**weights: float) -> pa.Table:
    n = len(weights)
    return pa.table(
        {
            "name": list(weights), "weight": list(weights.values()), "total": [sum(weights.values())] * n,
            "orders": [1] * n, "occasions": [1] * n, "age_days": [3.0] * n,
        }
    )  # fmt: skip


def test_what_is_surely_more_than_usual_comes_first_and_the_unknown_is_left_out() -> None:
    usual = Usual({"cups": 0.7, "lamps": 0.1}, 5.0)
    found = interests(rows(cups=10.0, lamps=8.0, novelties=2.0), usual)
    assert [each.name for each in found] == ["lamps", "cups"]
    assert found[0].confidence > 0.99
    assert found[1].confidence < 0.5
    assert found[1].share > found[0].share


def test_one_choice_of_one_is_not_yet_a_love() -> None:
    (found,) = interests(rows(lamps=1.0), Usual({"lamps": 0.3}, 20.0))
    assert found.share == pytest.approx(1 / 21 + 0.3 * 20 / 21, abs=1e-3)
    assert found.confidence < 0.9
    assert found.low < 0.3 < found.high


def test_of_nothing_there_are_no_interests() -> None:
    assert interests(rows().cast(rows(a=1.0).schema), Usual({"lamps": 0.3}, 20.0)) == []


def test_hours_go_round_midnight() -> None:
    found = preference("hour", ["23", "0", "1"], [3, 3, 3], HOURS)
    assert found.name == "23"
    assert found.confidence > 0.99


@given(st.lists(st.integers(0, 23), max_size=4))
def test_so_few_hours_in_different_places_are_no_preference(hours: list[int]) -> None:
    apart = [hour for k, hour in enumerate(hours) if all(min(abs(hour - o), 24 - abs(hour - o)) > 3 for o in hours[:k])]
    assert preference("hour", [str(hour) for hour in apart], [1] * len(apart), HOURS).name is None


def test_chance_alone_is_seldom_taken_for_a_preference() -> None:
    """By accident at most one in ten customers without a habit is said to have one."""
    rng = np.random.default_rng(0)
    week = Usual({str(day): 1 / 7 for day in range(7)}, 10.0)
    days = rng.multinomial(15, [1 / 7] * 7, 500)
    said = [preference("weekday", list("0123456"), each.tolist(), week).name is not None for each in days]
    assert np.mean(said) <= 0.1


def test_of_one_channel_alone_there_is_nothing_to_prefer() -> None:
    assert preference("channel", ["web"], [12], Usual({"web": 1.0}, 5.0)).name is None


def test_few_orders_are_told_by_the_shop_and_many_by_themselves() -> None:
    half = float(np.log(0.5))
    once, often = price_level(1, half, SHOP), price_level(100, 100 * half, SHOP)
    assert 0.5 < once.level < 1
    assert often.level == pytest.approx(0.5, abs=0.02)
    assert often.high - often.low < once.high - once.low
    assert often.confidence > once.confidence
    assert price_level(0, 0.0, SHOP).level == pytest.approx(1)
    assert price_level(0, 0.0, SHOP).confidence == pytest.approx(0.5)


def test_sensitivity_is_told_by_what_is_sure() -> None:
    cheap, usual, dear = (price_level(50, 50 * float(np.log(ratio)), SHOP) for ratio in (0.6, 1.0, 1.6))
    discounts = Usual({"below": 0.3}, 5.0)
    hunter, never = discount_affinity(20, 18.0, discounts), discount_affinity(40, 0.0, discounts)
    assert sensitivity(None, None) is None
    assert sensitivity(cheap, None) == "high"
    assert sensitivity(dear, never) == "low"
    assert sensitivity(usual, None) == "middling"
    assert sensitivity(dear, hunter) == "high"


def test_the_next_order_is_a_date_after_now() -> None:
    now = datetime(2024, 7, 1, tzinfo=UTC)
    log = float(np.log(30.0))
    gaps = {"order_days": 5, "log_sum": 4 * log, "log_square_sum": 4 * log**2, "last_days": 29.0}
    found = next_order(gaps, Pauses(3.4, 1.0, 0.5, 4.0), now)
    assert found is not None
    assert now < found.earliest < found.expected < found.latest < now + timedelta(days=90)
    assert found.pauses == 4
    assert next_order({**gaps, "last_days": 400.0}, Pauses(3.4, 1.0, 0.5, 4.0), now) is None


def test_levels_of_a_shop_are_those_that_made_it() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal(0.1, 0.3, (3000, 1))
    orders = rng.normal(own, 0.5, (3000, 4))
    found = Levels.of(np.full(3000, 4.0), orders.sum(axis=1), (orders**2).sum(axis=1))
    assert found is not None
    assert (found.middle, found.between, found.within) == pytest.approx((0.1, 0.09, 0.25), abs=0.02)
    assert Levels.of(np.ones(3), np.ones(3), np.ones(3)) is None
