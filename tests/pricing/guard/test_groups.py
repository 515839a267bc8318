"""Parity of discounts, features that no price may hang on, and the earlier price that may be named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.pricing.guard import (
    GuardError,
    ParityError,
    held_within,
    parity,
    reduced_from,
    refused,
    require_allowed,
)

DAY = 86_400_000_000


@given(st.integers(0, 100), st.integers(1, 100))
def test_a_run_stops_exactly_where_one_mean_is_under_four_fifths_of_another(low: int, high: int) -> None:
    found = parity([low / 1000] * 30 + [high / 1000] * 30, ["a"] * 30 + ["b"] * 30)
    smaller, larger = sorted((low, high))
    # Means of equal shares are sums over counts: at the very bar they may round either way.
    if smaller * 5 == larger * 4:
        return
    if smaller * 5 < larger * 4:
        with pytest.raises(ParityError, match="too unlike"):
            found.require()
    else:
        found.require()


def test_a_group_too_small_to_judge_stops_nothing_and_unknown_ones_are_no_group() -> None:
    groups = ["a"] * 40 + ["b"] * 40 + ["c"] * 5 + [None] * 100
    found = parity([0.1] * 80 + [0.9] * 5 + [0.5] * 100, groups)
    assert found.holds
    assert found.names == ("a", "b", "c")
    assert found.is_judged == (True, True, False)


def test_where_nobody_gets_a_discount_all_are_alike() -> None:
    assert parity([0.0] * 80, ["a", "b"] * 40).holds


def test_a_discount_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match="never above the list price"):
        parity([-0.1], ["a"])


def test_protected_traits_are_refused_by_name_in_both_languages() -> None:
    names = ["orders", "Gender", "customer_age", "average_margin", "billingZip", "客户性别", "message", "postage"]
    assert refused(names) == ["Gender", "customer_age", "billingZip", "客户性别"]
    with pytest.raises(GuardError, match="may not hang on gender"):
        require_allowed({"orders": np.arange(2.0), "gender": np.arange(2.0)}, ["a", "b"])


def test_a_feature_that_stands_for_a_group_is_refused_and_one_that_does_not_is_not() -> None:
    rng = np.random.default_rng(0)
    groups = ["a" if coin else "b" for coin in rng.random(1000) < 0.5]
    proxy = np.array([float(each == "a") for each in groups]) + rng.normal(0, 0.3, 1000)
    require_allowed({"orders": rng.normal(size=1000)}, groups)
    with pytest.raises(GuardError, match="may not hang on shade"):
        require_allowed({"orders": rng.normal(size=1000), "shade": proxy}, groups)
    # Of few members chance explains much.
    require_allowed(
        {"shade": proxy[:40]}, [None if one == "b" else f"a{place}" for place, one in enumerate(groups[:40])]
    )


def test_the_price_that_held_when_the_thirty_days_began_counts() -> None:
    low, high = held_within([0, 0], [0, 80 * DAY], [700, 900], [0], [100 * DAY])
    assert (low.tolist(), high.tolist()) == ([700], [900])
    # Changed on the very day on which the thirty begin: the one before no longer held.
    low, _ = held_within([0, 0], [0, 70 * DAY], [700, 900], [0], [100 * DAY])
    assert low.tolist() == [900]


def test_the_moment_itself_does_not_count_and_an_unknown_product_has_no_price() -> None:
    low, _ = held_within([0, 0], [0, 100 * DAY], [700, 500], [0, 4], [100 * DAY, 100 * DAY])
    assert low.tolist() == [700, -1]


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 1000)), min_size=1, max_size=12), st.integers(0, 100))
def test_the_lowest_price_is_that_of_a_day_by_day_count(history: list[tuple[int, int]], until: int) -> None:
    days = dict(sorted(history))
    low, high = held_within([0] * len(days), [day * DAY for day in days], list(days.values()), [0], [until * DAY])
    held, now = [], None
    for day in range(until):
        now = days.get(day, now)
        if day >= until - 30 and now is not None:
            held.append(now)
    assert low.tolist() == [min(held, default=-1)]
    assert high.tolist() == [max(held, default=-1)]


def test_what_is_no_reduction_has_no_earlier_price() -> None:
    assert reduced_from([900, 900, 900], [900, 850, 1000]).tolist() == [-1, -1, 1000]
