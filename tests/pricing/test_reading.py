"""What a test of prices said is what prices did."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from regulars import Shop
from regulars.errors import NotEnoughError, NotFoundError
from regulars.pricing.reading import MARGIN, PRICE, REVENUE, UNITS, _stood, read_test
from regulars.pricing.suggesting import set_prices, tries
from tests.pricing.conftest import T

Tell = Callable[..., None]
Cli = Callable[..., tuple[int, str, str]]
PRODUCTS, BLOCKS, WEEK = 40, 4, timedelta(days=7)
END = T + BLOCKS * WEEK


@pytest.fixture
def tested(shop: Shop, tell: Tell, record: Callable[..., Any]) -> Shop:
    """Forty products whose price a lot draws in four weeks; of each 2 % less is sold for 1 % more."""
    for number in range(PRODUCTS):
        tell(f"p{number}", 1_000, 400)
    rng = np.random.default_rng(0)
    orders = []
    for block in range(BLOCKS):
        begin = T + block * WEEK
        drawn = tries(shop, begin, "spring", block)
        set_prices(shop, drawn, begin)
        for product, price in zip(drawn["product_id"].to_pylist(), drawn["suggested"].to_pylist(), strict=True):
            for day in range(7):
                # On the first day everybody has ten in the cart: that day says nothing.
                units = 10 if day == 0 else rng.poisson(200 * (float(price) / 10) ** -2.0 * (1 + block))
                orders.append({
                    "type": "order_completed", "customer_id": "ada", "order_id": f"{product} {block} {day}",
                    "product_id": product, "quantity": int(units), "unit_price": float(price), "currency": "EUR",
                    "time": (begin + timedelta(days=day, hours=12)).isoformat(),
                })  # fmt: skip
    record(shop, *orders)
    return shop


def test_where_a_lot_asked_more_less_was_sold(tested: Shop) -> None:
    found = read_test(tested, "spring", END)
    dearer = found[PRICE].change
    assert dearer > 0.02
    assert found[UNITS].low < (1 + dearer) ** -2.0 - 1 < found[UNITS].high
    assert found[UNITS].high < 0
    assert found[REVENUE].low < 1 / (1 + dearer) - 1 < found[REVENUE].high
    assert found[MARGIN].high < 0
    assert 20 <= found[MARGIN].products <= PRODUCTS


def test_a_test_that_was_not_made_or_is_too_young_is_named(tested: Shop, cli: Cli) -> None:
    with pytest.raises(NotFoundError, match='of a test "autumn"'):
        read_test(tested, "autumn", END)
    with pytest.raises(NotFoundError, match="more than a day"):
        read_test(tested, "spring", T + timedelta(hours=20))
    with pytest.raises(NotEnoughError, match="0 products had"):
        read_test(tested, "spring", T + timedelta(days=3))
    code, said, _ = cli(
        "pricing", "read", "--name", "spring", "--shop", tested.folder, "--as-of", "2026-11-29", "--json"
    )
    assert code == 0
    assert json.loads(said)["units"]["change"] < 0
    assert "margin" in cli("pricing", "read", "--name", "spring", "--shop", tested.folder, "--as-of", "2026-11-29")[1]


def test_a_price_of_the_catalogue_ends_what_the_lot_drew(tested: Shop, tell: Tell) -> None:
    drawn = tries(tested, T, "spring", 0)
    listed = dict(zip(drawn["product_id"].to_pylist(), drawn["suggested"].to_pylist(), strict=True))
    whole = _stood(tested, "spring", END)
    tell("p0", 1234, 400, days_ago=-3)
    tell("p1", round(listed["p1"] * 100), 400, days_ago=-3)  # the same price, told again
    stood = _stood(tested, "spring", END)
    before, after = ((each.end - each.begin)[(each.block == 0)] / 86_400_000_000 for each in (whole, stood))
    changed = {one: days for one, days in zip(stood.ids, after, strict=True) if days != before[stood.ids.index(one)]}
    assert changed == {"p0": 2.0}  # the first day is left out
