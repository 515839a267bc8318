"""Prices, costs and history of products as of a moment; amounts as whole coins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import Shop, storage
from regulars.errors import ConfigError, InputError, ShopError
from regulars.pricing.guard import GuardError, Rules
from regulars.pricing.money import to_amount, to_coins
from regulars.pricing.products import Products
from regulars.pricing.suggesting import set_prices

T = datetime(2026, 11, 1, tzinfo=UTC)


@given(st.integers(0, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_coins_go_round(coins: int, currency: str) -> None:
    amount = to_amount(coins, currency)
    assert to_coins([amount], currency).tolist() == [coins]
    assert to_coins(pa.array([amount]), currency).tolist() == [coins]


def test_a_cost_is_rounded_up_however_it_comes() -> None:
    assert to_coins([Decimal("4.5001")], "EUR", "up").tolist() == [451]
    assert to_coins(pa.array([Decimal("4.5001"), None]), "EUR", "up").tolist() == [451, -1]
    assert to_coins(pa.array([4.49, 0.07]), "EUR", "up").tolist() == [449, 7]


def test_the_past_of_a_price_is_known(shop: Shop, tell: Callable[..., None]) -> None:
    for days_ago, price in ((200, 800), (60, 900), (20, 700), (6, 1100), (2, 1000)):
        tell("tea", price, 500, days_ago)
    found = Products.of(shop, T)
    assert found.price.tolist() == [1000]
    assert found.reference.tolist() == [800]
    assert (found.week_low.tolist(), found.week_high.tolist()) == ([700], [1100])
    assert found.lowest.tolist() == [700]


def test_what_is_told_later_is_not_known(shop: Shop, tell: Callable[..., None]) -> None:
    tell("tea", 1000, 500, 10)
    tell("tea", 1200, 900, -5)
    found = Products.of(shop, T)
    assert (found.price.tolist(), found.cost.tolist()) == ([1000], [500])


def test_a_price_of_zero_is_none_and_a_missing_cost_leaves_the_price_as_it_is(
    shop: Shop, tell: Callable[..., None]
) -> None:
    tell("gift", 0, 100)
    tell("tea", 1000)
    found = Products.of(shop, T)
    assert found.ids == ["tea"]
    assert found.bounds(Rules()).nearest([900]).tolist() == [1000]


def test_where_there_is_no_list_price_the_middle_of_what_was_paid_counts(
    shop: Shop, record: Callable[..., object]
) -> None:
    orders = [
        {"type": "order_completed", "time": f"2026-10-{day}", "customer_id": "ada", "product_id": "tea", "quantity": 1,
         "unit_price": price, "order_id": f"{day}{price}"}
        for day, price in ((10, 4.0), (20, 5.0), (20, 6.0), (20, 60.0), (21, 0.0))
    ]  # fmt: skip
    record(shop, *orders)
    assert Products.of(shop, T).price.tolist() == [600]


def test_brands_and_products_have_minimums(shop: Shop, tell: Callable[..., None]) -> None:
    tell("tea", 1000, 100, brand="Leaf")
    tell("pot", 1000, 100, brand="Iron")
    folder = shop.folder / "pricing"
    folder.mkdir()
    (folder / "minimum.csv").write_text("product,brand,minimum\n,Leaf,9.50\ntea,,9.70\n")
    found = Products.of(shop, T)
    assert found.brand_minimum.tolist() == [-1, 970]
    (folder / "minimum.csv").write_text("product,minimum\ntea,much\n")
    with pytest.raises(InputError, match="line 2: minimum = 'much' is no amount"):
        Products.of(shop, T)
    (folder / "minimum.csv").write_text("article,price\ntea,3\n")
    with pytest.raises(ConfigError, match="minimum and product, or brand"):
        Products.of(shop, T)


def test_two_who_set_a_price_at_once_do_not_move_it_by_twice_what_a_week_allows(
    shop: Shop, tell: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("tea", 1000, 100)

    def asked(price: int) -> pa.Table:
        return pa.table({"product_id": ["tea"], "suggested": [to_amount(price, "EUR")]})

    at, later = T, T + timedelta(milliseconds=1)
    assert set_prices(shop, asked(1100), later) == 1
    with pytest.raises(InputError, match="from 2026-11-01 00:00:00 on another price is set already"):
        set_prices(shop, asked(900), at)
    with pytest.raises(GuardError, match="change in a week"):
        set_prices(shop, asked(900), later + timedelta(milliseconds=1))
    read = Products.of

    def reading(shop: Shop, as_of: datetime) -> Products:
        with pytest.raises(ShopError), storage.lock(shop.log.folder / "lock", "another", wait_seconds=0):
            pass
        return read(shop, as_of)

    # Nobody can write between the look at the guardrails and the new price.
    monkeypatch.setattr(Products, "of", reading)
    assert set_prices(shop, asked(1050), later + timedelta(milliseconds=2)) == 1
