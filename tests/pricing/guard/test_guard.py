"""No price breaks a guardrail, whatever is asked: bounds against a checker that was written apart."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.pricing.guard import (
    UNKNOWN,
    GuardError,
    Ints,
    Rules,
    list_prices,
    personal_prices,
    require_none,
    wrong_list_prices,
    wrong_personal_prices,
)

shares = st.integers(0, 60).map(lambda part: part / 100)
rules_drawn = st.builds(
    Rules,
    min_margin=shares,
    lowest=st.integers(40, 100).map(lambda part: part / 100),
    highest=st.integers(100, 300).map(lambda part: part / 100),
    max_change=shares,
    max_discount=shares,
    endings=st.sampled_from([(), (99,), (0, 50), (5, 49, 95), (7,)]),
)
price = st.integers(1, 10**7)
maybe = st.one_of(st.just(UNKNOWN), st.integers(0, 10**7))


class Drawn(NamedTuple):
    now: Ints
    cost: Ints
    reference: Ints
    week_low: Ints
    week_high: Ints
    brand: Ints
    shown: Ints
    wanted: Ints


def one(*values: int) -> Drawn:
    return Drawn(*(np.array([value]) for value in values))


def drawn(count: int, seed: int) -> Drawn:
    rng = np.random.default_rng(seed)
    now = np.exp(rng.uniform(0, 14, count)).astype(np.int64) + 1
    around = [np.maximum((now * rng.uniform(0.5, 1.6, count)).astype(np.int64), 1) for _ in range(6)]
    cost, brand, shown = (np.where(rng.random(count) < 0.2, UNKNOWN, each) for each in around[:3])
    return Drawn(now, cost, around[3], np.minimum(now, around[4]), np.maximum(now, around[4]), brand, shown, around[5])


def broken(rules: Rules, rows: Drawn) -> int:
    """How many of the rows break a guardrail, as list prices and as personal ones."""
    bounds = list_prices(
        rules, rows.now, rows.cost, reference=rows.reference, week_low=rows.week_low, week_high=rows.week_high,
        brand_minimum=rows.brand,
    )  # fmt: skip
    own = personal_prices(rules, rows.now, rows.cost, brand_minimum=rows.brand, shown=rows.shown)
    count = 0
    for asked in (bounds.nearest(rows.wanted), *bounds.grid(3).T):
        wrong = wrong_list_prices(
            rules, asked, rows.now, rows.cost, reference=rows.reference, week_low=rows.week_low,
            week_high=rows.week_high, brand_minimum=rows.brand,
        )  # fmt: skip
        count += sum(int(each.sum()) for each in wrong.values())
    for asked in (own.nearest(rows.wanted), *own.grid(3).T):
        wrong = wrong_personal_prices(
            rules, asked, rows.now, rows.cost, brand_minimum=rows.brand, shown=rows.shown
        )  # fmt: skip
        count += sum(int(each.sum()) for each in wrong.values())
    return count


@given(rules_drawn, price, maybe, price, price, price, maybe, st.one_of(st.just(UNKNOWN), price), st.integers(0, 10**8))
@settings(max_examples=300, deadline=None)
def test_no_price_breaks_a_guardrail(
    rules: Rules, now: int, cost: int, reference: int, a: int, b: int, brand: int, shown: int, wanted: int
) -> None:
    rows = one(now, cost, reference, min(a, b, now), max(a, b, now), brand, shown, wanted)
    assert broken(rules, rows) == 0


@pytest.mark.parametrize("endings", [(), (99,), (0, 49, 95)])
def test_a_hundred_thousand_shops_and_none_breaks_a_guardrail(endings: tuple[int, ...]) -> None:
    rules = Rules(min_margin=0.07, lowest=0.71, highest=1.33, max_change=0.13, max_discount=0.29, endings=endings)
    assert broken(rules, drawn(100_000, len(endings))) == 0


@given(rules_drawn, price, st.integers(0, 10**7), price, price, price, st.integers(0, 10**8))
@settings(max_examples=200, deadline=None)
def test_exact_fractions_agree(rules: Rules, now: int, cost: int, reference: int, a: int, b: int, wanted: int) -> None:
    low, high = min(a, b, now), max(a, b, now)
    rows = one(now, cost, reference, low, high, UNKNOWN, UNKNOWN, wanted)
    asked = int(list_prices(
        rules, rows.now, rows.cost, reference=rows.reference, week_low=rows.week_low, week_high=rows.week_high
    ).nearest(rows.wanted)[0])  # fmt: skip
    if asked == now:
        return
    share = {name: Fraction(str(getattr(rules, name))) for name in ("min_margin", "lowest", "highest", "max_change")}
    assert Fraction(asked - cost, asked) >= share["min_margin"]
    assert share["lowest"] <= Fraction(asked, reference) <= share["highest"]
    assert Fraction(high - asked, high) <= share["max_change"]
    assert Fraction(asked - low, low) <= share["max_change"]


@given(rules_drawn, price, st.integers(0, 10**7), st.integers(0, 10**8))
@settings(max_examples=200, deadline=None)
def test_the_nearest_admissible_price_is_the_nearest(rules: Rules, now: int, cost: int, wanted: int) -> None:
    """Among all prices around the answer, none that the checker lets pass is nearer."""
    asked = int(list_prices(rules, [now], [cost]).nearest([wanted])[0])
    others = np.arange(max(wanted - 150, 1), wanted + 151)
    same = np.full(len(others), now)
    wrong = wrong_list_prices(
        rules, others, same, np.full(len(others), cost), reference=same, week_low=same, week_high=same,
        brand_minimum=np.full(len(others), UNKNOWN),
    )  # fmt: skip
    good = others[~np.any(list(wrong.values()), axis=0) & (others != now)]
    assert not len(good) or abs(asked - wanted) <= np.abs(good - wanted).min()


def test_rounding_comes_before_the_floor_is_held() -> None:
    """9.99 would be the ending below; at a cost of 9.50 and a margin of 5 % it would be too low."""
    bounds = list_prices(Rules(min_margin=0.05, endings=(99,)), [1099], [950])
    assert bounds.nearest([1000]).tolist() == [1099]


def test_where_the_cost_is_missing_the_price_stays() -> None:
    bounds = list_prices(Rules(), [1000], [UNKNOWN])
    assert bounds.nearest([900]).tolist() == [1000]
    assert bounds.why(0) == "cost is not known: the price stays as it is"
    assert personal_prices(Rules(), [1000], [UNKNOWN]).nearest([900]).tolist() == [1000]


def test_where_the_cost_is_above_the_price_nobody_gets_a_discount() -> None:
    bounds = personal_prices(Rules(), [1000], [1200])
    assert bounds.nearest([900]).tolist() == [1000]
    assert bounds.why(0) == "no price is left between cost and margin and list price: the price stays as it is"


def test_a_list_price_below_cost_may_rise_to_what_a_week_allows_only_if_that_covers_the_cost() -> None:
    assert list_prices(Rules(max_change=0.1), [1000], [1000]).nearest([1200]).tolist() == [1100]
    bounds = list_prices(Rules(max_change=0.1), [1000], [1200])
    assert bounds.nearest([1300]).tolist() == [1000]
    assert bounds.why(0) == "no price is left between cost and margin and change in a week: the price stays as it is"


def test_whoever_looks_again_does_not_see_a_higher_price() -> None:
    rules = Rules(min_margin=0.2)
    assert personal_prices(rules, [1000], [500], shown=[850]).nearest([1000]).tolist() == [850]
    # Even where the cost has risen since.
    held = personal_prices(rules, [1000], [900], shown=[850])
    assert held.nearest([1000]).tolist() == [850]
    assert held.why(0) == "was shown before at this price: it stands"


def test_a_customer_who_saw_more_pays_the_list_price_at_most() -> None:
    assert personal_prices(Rules(), [1000], [500], shown=[1200]).nearest([1200]).tolist() == [1000]


def test_the_list_price_may_always_be_asked_whatever_it_ends_in() -> None:
    bounds = personal_prices(Rules(endings=(99,)), [1037], [500])
    assert bounds.nearest([1036]).tolist() == [1037]
    assert bounds.nearest([1010]).tolist() == [999]
    assert bounds.nearest([1018]).tolist() == [999]  # in the middle, to the lower one


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0], "row 0: a price of 0: more than 0"),
        ([10.5], "whole numbers"),
        ([10**14], "is no amount"),
        ([-7], "is no amount"),
        ([-2], "is no amount"),
        ([[1000]], "its shape is"),
        ([5, 10**14], f"{10**14} is no amount"),
    ],
)
def test_what_is_no_price_is_refused(values: list[float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        list_prices(Rules(), values, 5)


@pytest.mark.parametrize(
    "wrong", [{"min_margin": 1.0}, {"max_change": 35}, {"lowest": float("nan")}, {"endings": (100,)}]
)
def test_a_rule_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Rules(**wrong)  # type: ignore[arg-type]


def test_what_binds_is_said() -> None:
    assert list_prices(Rules(), [1000], [500]).why(0) == "not lower: change in a week; not higher: change in a week"
    assert personal_prices(Rules(), [1000], [500]).why(0) == "not lower: largest discount; not higher: list price"


def test_a_grid_goes_from_the_lowest_to_the_highest() -> None:
    assert list_prices(Rules(), [1000], [500]).grid(2).tolist() == [[900, 1100]]
    assert list_prices(Rules(), [1000], [500]).grid(3).tolist() == [[900, 1000, 1100]]
    assert list_prices(Rules(), [1000], [UNKNOWN]).grid(3).tolist() == [[1000, 1000, 1000]]
    with pytest.raises(InputError, match="steps = 1: at least 2"):
        list_prices(Rules(), [1000], [500]).grid(1)


def test_one_coin_is_a_price_and_each_price_has_its_cost() -> None:
    assert list_prices(Rules(min_margin=0), [1], [0]).nearest([1]).tolist() == [1]
    with pytest.raises(InputError, match="2 amounts are expected"):
        list_prices(Rules(), [1000, 1000], [1, 2, 3])


def test_the_checker_finds_each_wrong_price() -> None:
    rules, now = Rules(min_margin=0.1, max_discount=0.2, endings=(0,)), np.array([1000])
    none = np.array([UNKNOWN])

    def wrong(asked: int, cost: int = 100, brand: int = UNKNOWN) -> list[str]:
        found = wrong_list_prices(
            rules, np.array([asked]), now, np.array([cost]), reference=now, week_low=now, week_high=now,
            brand_minimum=np.array([brand]),
        )  # fmt: skip
        return [name for name, rows in found.items() if rows.any()]

    assert wrong(1100) == []
    assert wrong(1110) == ["change in a week", "ending"]
    assert wrong(1000, cost=2000) == []
    assert wrong(900, cost=850) == ["cost and margin"]
    assert wrong(900, brand=950) == ["brand minimum"]
    assert wrong(700) == ["corridor", "change in a week"]
    assert "above 0" in wrong(0)
    assert "above 0" not in wrong(1)
    own = wrong_personal_prices(rules, np.array([1100]), now, none, brand_minimum=none, shown=np.array([1050]))
    assert [name for name, rows in own.items() if rows.any()] == [
        "cost known", "above the list price", "rose since it was shown",
    ]  # fmt: skip
    with pytest.raises(GuardError, match=r"tea: the price breaks a guardrail \(cost known\)"):
        require_none(own, ["tea"])
