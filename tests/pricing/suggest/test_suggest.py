"""List prices, elasticities and discounts on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.guard import Rules, list_prices
from regulars.pricing.suggest import ConstantElasticity, believe, discounts, kept, suggest


def shop_of(
    products: int, weeks: int, elasticity: float, seed: int = 0, *, drifts: bool = False, adapts: bool = False
) -> tuple[np.ndarray, ...]:
    """Lines, log prices, and mean of the lot; a policy that adapts cuts prices of what sold ill."""
    rng = np.random.default_rng(seed)
    grid = np.array([-0.15, 0.0, 0.15])
    x, expected, lines = (np.zeros((products, weeks)) for _ in range(3))
    level = np.full(products, 12.0)
    for week in range(weeks):
        chances = np.full((products, 3), 1 / 3)
        if adapts and week > 2:
            sold_ill = lines[:, week - 1] < lines[:, :week].mean(1)
            chances = np.where(sold_ill[:, None], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8])
        place = (rng.random(products)[:, None] > np.cumsum(chances, axis=1)).sum(1)
        x[:, week] = grid[place]
        expected[:, week] = (chances * grid).sum(1)
        if drifts:
            level *= np.exp(rng.normal(0, 0.3, products))
        lines[:, week] = rng.poisson(level * np.exp(elasticity * x[:, week]))
    return lines, x, expected


@pytest.mark.parametrize("elasticity", [-1.0, -2.5, -4.0])
def test_the_elasticity_is_found(elasticity: float) -> None:
    lines, x, expected = shop_of(200, 20, elasticity)
    found = believe(lines, lines, x, np.zeros(200, int), expected=expected)
    assert abs(found.common - elasticity) < 0.15
    assert np.abs(found.mean - elasticity).mean() < 0.25


def test_a_policy_that_followed_demand_does_not_mislead_what_knows_its_lots() -> None:
    """Demand drifts, and prices were cut where it was low: the plain comparison is wrong, that of the lots is not."""
    naive, honest, group = [], [], np.zeros(400, int)
    for seed in range(3):
        lines, x, expected = shop_of(400, 25, -2.0, seed, drifts=True, adapts=True)
        naive.append(believe(lines, lines, x, group, expected=x.mean(1, keepdims=True) + 0 * x).common)
        honest.append(believe(lines, lines, x, group, expected=expected).common)
    assert abs(np.mean(honest) + 2.0) < 0.15
    assert abs(np.mean(naive) + 2.0) > abs(np.mean(honest) + 2.0) + 0.1


def test_a_product_with_few_sales_is_drawn_to_the_others_and_one_with_many_is_not() -> None:
    lines, x, expected = shop_of(100, 30, -2.0)
    rng = np.random.default_rng(9)
    lines[0] = rng.poisson(400 * np.exp(-5.0 * x[0]))
    lines[1] = rng.poisson(0.2 * np.exp(-5.0 * x[1])) + (np.arange(30) == 0)
    found = believe(lines, lines, x, np.zeros(100, int), expected=expected)
    assert found.mean[0] < -3.5
    assert found.mean[1] > -3.0
    assert found.error[0] < found.error[1]


def test_units_in_a_line_answer_prices_too() -> None:
    lines, x, expected = shop_of(200, 20, -1.0)
    units = lines * 10 * np.exp(-0.8 * x)
    found = believe(lines, units, x, np.zeros(200, int), expected=expected)
    assert abs(found.common + 1.8) < 0.2


def test_from_one_price_nothing_can_be_learned() -> None:
    lines = np.random.default_rng(0).poisson(5, (50, 20)).astype(float)
    with pytest.raises(NotEnoughError, match="From one price nothing can be learned"):
        believe(lines, lines, np.zeros((50, 20)), np.zeros(50, int))


@given(st.floats(-6, -1.2), st.integers(100, 5000), st.floats(0.2, 0.95))
@settings(max_examples=60, deadline=None)
def test_the_suggested_price_is_the_best_of_those_that_may_be_asked(e: float, price: int, share: float) -> None:
    present, cost = np.array([price]), np.array([int(price * share)])
    one = np.ones(1)
    demand = ConstantElasticity(one, price * one, e * one, 0 * one)
    bounds = list_prices(Rules(min_margin=0.0, max_change=0.25), present, cost)
    asked = int(suggest(bounds, present, cost, demand, steps=200).price[0])
    every = np.arange(bounds.low[0], bounds.high[0] + 1) if not bounds.is_empty[0] else present
    profit = (every / price) ** e * (every - cost)
    assert (asked / price) ** e * (asked - cost[0]) >= profit.max() * (1 - 1e-3) - 1e-9


def test_a_price_moves_only_where_it_is_a_gain_with_the_chance_that_is_asked_for() -> None:
    present, cost, one = np.array([1000]), np.array([500]), np.ones(1)
    bounds = list_prices(Rules(), present, cost)
    unsure = ConstantElasticity(one, 1000 * one, -2.2 * one, 2.0 * one)
    assert suggest(bounds, present, cost, unsure, least_chance=0.9).price.tolist() == [1000]
    sure = ConstantElasticity(one, 1000 * one, -1.2 * one, 0.01 * one)
    found = suggest(bounds, present, cost, sure, least_chance=0.9)
    assert found.price.tolist() == [1100]
    assert found.low[0] > 0
    with pytest.raises(InputError, match="least_chance"):
        suggest(bounds, present, cost, sure, least_chance=1.5)


LEVELS = [0.0, 0.05, 0.1, 0.2]


def gains(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    spend = np.outer(rng.gamma(1, 50, count), LEVELS)
    gain = np.outer(rng.normal(0.5, 1, count), np.sqrt(LEVELS)) * 20 - spend * 0.2
    gain[:, 0] = 0
    return gain, spend


@given(st.integers(0, 10_000), st.floats(0, 500))
@settings(max_examples=40, deadline=None)
def test_the_budget_is_never_exceeded_and_nobody_is_given_what_loses(seed: int, budget: float) -> None:
    gain, spend = gains(80, seed)
    found = discounts(LEVELS, gain, spend, budget=budget)
    rows = np.arange(80)
    assert spend[rows, found.level].sum() <= budget + 1e-9
    assert (gain[rows, found.level] >= 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_found_is_near_the_best_under_the_budget(seed: int) -> None:
    """Against the bound of the relaxed problem, by prices."""
    gain, spend = gains(400, seed)
    found = discounts(LEVELS, gain, spend, budget=200.0)
    bound = min((np.maximum(gain - price * spend, 0).max(1).sum() + price * 200.0) for price in np.linspace(0, 5, 500))
    assert found.gain >= 0.98 * bound


@pytest.mark.parametrize("seed", range(3))
def test_groups_that_would_differ_are_brought_together(seed: int) -> None:
    gain, spend = gains(600, seed)
    names = ["a" if number < 300 else "b" for number in range(600)]
    gain[300:, 1:] -= 4.0
    alone = discounts(LEVELS, gain, spend, budget=1500.0)
    means = [alone.share[:300].mean(), alone.share[300:].mean()]
    assert min(means) / max(means) < 0.8
    found = discounts(LEVELS, gain, spend, budget=1500.0, groups=names)
    assert found.parity.ratio >= 0.8
    assert found.spent <= 1500.0
    assert found.gain <= alone.gain


def test_a_level_or_a_budget_that_cannot_be_is_refused() -> None:
    gain, spend = gains(10, 1)
    with pytest.raises(InputError, match="shares from 0 upwards"):
        discounts([0.1, 0.2, 0.3, 0.4], gain, spend)
    with pytest.raises(InputError, match="budget"):
        discounts(LEVELS, gain, spend, budget=-1)


def of_categories(diversion: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Lines of products in six categories: a part of what a price turns away goes to others of the category."""
    rng = np.random.default_rng(seed)
    x = rng.choice([-0.15, 0.0, 0.15], (120, 40))
    group = np.arange(120) % 6
    mean = np.stack([x[group == one].mean(0) for one in range(6)])[group]
    lines = rng.poisson(40 * np.exp(-2.0 * x + 2.0 * diversion * mean)).astype(float)
    return lines, x, group


@pytest.mark.parametrize("diversion", [0.1, 0.5, 0.8])
def test_it_is_learned_how_many_turn_to_other_products(diversion: float) -> None:
    lines, x, group = of_categories(diversion)
    found = believe(lines, lines, x, group, expected=0 * x)
    assert abs(found.diversion - diversion) < 3 * found.diversion_error + 0.05
    assert found.diversion_error < 0.15


def test_what_orders_bring_later_makes_prices_lower() -> None:
    present, cost, group, one = np.array([1000, 1000]), np.array([500, 500]), np.zeros(2, int), np.ones(2)
    bounds = list_prices(Rules(max_change=0.25), present, cost)

    def price(weight: float) -> np.ndarray:
        held = kept(10 * one, one, 0.3, present, cost, group, weight)
        demand = ConstantElasticity(10 * one, 1000 * one, -1.8 * one, 0 * one, held, -1.8 * one)
        return suggest(bounds, present, cost, demand).price

    assert (price(1.0) < price(0.0)).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_policy_that_moves_whole_categories_does_not_mislead_the_diversion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = np.arange(600) % 8
    # The policy follows the demand of categories, and moves them much more than lots do.
    demand = np.cumsum(0.1 * rng.normal(size=(8, 16)), axis=1)
    policy = 0.8 * demand[group]
    x = policy + rng.choice([-0.1, 0.0, 0.1], (600, 16))
    mean = np.stack([x[group == one].mean(0) for one in range(8)])[group]
    lines = rng.poisson(20 * np.exp(-2.0 * x + 2.0 * 0.5 * mean + demand[group])).astype(float)
    found = believe(lines, lines, x, group, expected=policy)
    assert abs(found.diversion - 0.5) < 2.5 * found.diversion_error
    assert found.diversion_error < 0.25


def test_of_one_category_the_diversion_is_not_known_and_half_is_taken() -> None:
    lines, x, expected = shop_of(100, 20, -2.0)
    found = believe(lines, lines, x, np.zeros(100, int), expected=expected)
    assert (found.diversion, found.diversion_error) == (0.5, 0.25)


def test_prices_are_higher_where_customers_turn_to_our_own_products() -> None:
    present, cost, group = np.array([1000, 1000]), np.array([500, 500]), np.zeros(2, int)
    lines, x, of = of_categories(0.5)
    learned = believe(lines, lines, x, of, expected=0 * x)
    one = np.ones(2)
    alone = ConstantElasticity(10 * one, 1000 * one, -2.5 * one, 0 * one)
    among = ConstantElasticity(
        10 * one,
        1000 * one,
        -2.5 * one,
        0 * one,
        kept(10 * one, one, learned.diversion, present, cost, group),
        -2.5 * one,
    )
    bounds = list_prices(Rules(max_change=0.25), present, cost)
    assert (suggest(bounds, present, cost, among).price > suggest(bounds, present, cost, alone).price).all()
    # A cost that is not known: nothing is earned, nothing is moved.
    unknown = suggest(list_prices(Rules(), present, [-1, -1]), present, np.array([-1, -1]), among)
    assert unknown.price.tolist() == [1000, 1000]
    assert unknown.margin.tolist() == [0.0, 0.0]
