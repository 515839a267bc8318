"""Tries by lot: chances that are exact, prices that stay within a block, effects that are read without bias."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.explore import (
    by_customer,
    by_product_and_time,
    drawn,
    evenly,
    lot,
    read_switchback,
    thompson,
)
from regulars.pricing.suggest import ConstantElasticity, worth

ONE = np.ones(1)
GRID = np.array([[900, 1000, 1100]])
COST = np.array([500])


@given(st.floats(-5, -0.5), st.floats(0, 2), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_chances_add_to_one_and_none_is_below_its_even_part(e: float, error: float, explore: float) -> None:
    demand = ConstantElasticity(ONE, 1000 * ONE, e * ONE, error * ONE)
    found = thompson(GRID, COST, lambda price, z: worth(demand.away(z), price, COST), explore=explore)
    assert found.sum() == pytest.approx(1)
    assert found.min() >= explore / 3 - 1e-9


def test_a_price_is_tried_as_often_as_it_is_the_best_by_what_is_believed() -> None:
    demand = ConstantElasticity(ONE, 1000 * ONE, -2.0 * ONE, 0.7 * ONE)
    found = thompson(GRID, COST, lambda price, z: worth(demand.away(z), price, COST), explore=0.0)[0]
    drawn_e = np.random.default_rng(0).normal(-2.0, 0.7, 100_000)
    profit = np.exp(drawn_e[:, None] * np.log(GRID / 1000)) * (GRID - 500)
    assert found == pytest.approx(np.bincount(profit.argmax(1), minlength=3) / 100_000, abs=0.01)


def test_a_sure_price_has_the_chance_one_and_not_a_hair_more() -> None:
    assert thompson(GRID, COST, lambda price, _: price * 1.0, explore=0.0).tolist() == [[0.0, 0.0, 1.0]]
    assert thompson(GRID[:, :1], COST, lambda price, _: price * 1.0, explore=0.1).tolist() == [[1.0]]


def test_the_same_price_twice_is_one_price_and_an_unknown_cost_is_left_alone() -> None:
    assert evenly(np.array([[900, 900, 1100]]), COST).tolist() == [[0.5, 0.0, 0.5]]
    assert evenly(GRID, np.array([-1])).tolist() == [[1.0, 0.0, 0.0]]
    with pytest.raises(InputError, match="explore = 2"):
        thompson(GRID, COST, lambda price, _: np.ones(price.shape), explore=2)


def test_prices_are_drawn_as_often_as_their_chance_says() -> None:
    ids = pa.array([f"p{number}" for number in range(20_000)])
    chances = np.tile([0.2, 0.0, 0.5, 0.3], (20_000, 1))
    place, propensity = drawn(chances, by_product_and_time("spring", ids, 3))
    assert np.bincount(place, minlength=4) / 20_000 == pytest.approx([0.2, 0.0, 0.5, 0.3], abs=0.01)
    assert (propensity == chances[0][place]).all()


def test_a_place_hangs_on_its_block_and_a_customers_does_not() -> None:
    ids = pa.array(["a", "b"])
    assert by_product_and_time("s", ids, 1).tolist() == by_product_and_time("s", ids, 1).tolist()
    assert by_product_and_time("s", ids, 1).tolist() != by_product_and_time("s", ids, 2).tolist()
    assert by_customer("s", ids).tolist() != by_customer("t", ids).tolist()


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5))
def test_mean_and_variance_of_a_lot_are_those_of_many_draws(weights: list[float]) -> None:
    price = np.arange(100, 100 + 10 * len(weights), 10)[None]
    chances = np.array([weights]) / sum(weights)
    mean, variance = lot(price, chances)
    x = np.log(price[0])
    assert mean[0] == pytest.approx((chances[0] * x).sum())
    assert variance[0] == pytest.approx((chances[0] * x**2).sum() - mean[0] ** 2, abs=1e-9)


def test_a_switchback_is_read_without_bias_where_chances_followed_the_past() -> None:
    """Good products got the high price more often: a plain mean would say that a high price sells more."""
    rng = np.random.default_rng(1)
    level = rng.gamma(4, 10, (600, 1))
    chance = np.where(level > 40, 0.8, 0.2)
    arm = (rng.random((600, 10)) < chance).astype(int)
    season = np.linspace(0.5, 2, 10)
    outcome = rng.poisson(level * season * (1 - 0.2 * arm)).astype(float)
    assert outcome[arm == 1].mean() > outcome[arm == 0].mean()
    (found,) = read_switchback(outcome, arm, np.where(arm == 1, chance, 1 - chance))
    assert found.low < -0.2 < found.high
    assert found.high < 0


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        arm = rng.integers(0, 2, (60, 8))
        outcome = rng.poisson(rng.gamma(3, 10, (60, 1)) * (1 + 0.1 * arm)).astype(float)
        (found,) = read_switchback(outcome, arm, np.full(arm.shape, 0.5))
        held += found.low <= 0.1 <= found.high
    assert held >= 88


def test_too_few_products_and_chances_that_cannot_be_are_refused() -> None:
    arm = np.tile([0, 1], (5, 3))
    with pytest.raises(NotEnoughError, match="5 products"):
        read_switchback(np.ones(arm.shape), arm, np.full(arm.shape, 0.5))
    with pytest.raises(InputError, match="propensity"):
        read_switchback(np.ones(arm.shape), arm, np.zeros(arm.shape))
