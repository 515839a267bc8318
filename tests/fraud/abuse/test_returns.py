"""Customers who give back more than peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.fraud.abuse import returns
from regulars.fraud.abuse.returns import Bought, find
from tests.fraud.abuse.making import DAY, FIRST, event, moment, order

CANDLES, DRESSES = 0, 1


def bought(orders: list[tuple[int, int, bool]], waited: int = 10, kept: bool = False) -> Bought:
    """Orders of one line of 20 each: customer, category, whether it was given back."""
    customer, category, back = (np.array(column) for column in zip(*orders, strict=True))
    count = len(orders)
    return Bought(
        pa.array([f"顾客{n}" for n in range(int(customer.max()) + 1)]), customer.astype(np.int32),
        np.arange(count, dtype=np.int32), category.astype(np.int32), FIRST + np.arange(count) * DAY // 100,
        np.full(count, 20.0), np.where(back, 20.0, 0.0), np.where(back, waited * DAY, -1), back & kept,
    )  # fmt: skip


def shop_of(abuser: list[bool]) -> list[tuple[int, int, bool]]:
    """Two hundred buy candles, of which 2 % come back, two hundred dresses, of which half do, five orders each; and
    one who buys candles."""
    rng = np.random.default_rng(0)
    honest = [(n, CANDLES, bool(rng.random() < 0.02)) for n in range(200) for _ in range(5)]
    honest += [(n, DRESSES, bool(rng.random() < 0.5)) for n in range(200, 400) for _ in range(5)]
    return [*honest, *((400, CANDLES, back) for back in abuser)]


def test_who_gives_back_candles_like_dresses_is_found_and_nobody_else() -> None:
    found = find(bought(shop_of([True] * 6 + [False])), "EUR").to_pylist()
    assert [row["subject_id"] for row in found] == ["顾客400"]
    assert found[0]["score"] > 0.95
    assert 110 < found[0]["money"] < 120  # 120 came back, of which candles of 140 would bring 2 %
    assert "gave back 86 % of what was bought in 7 orders" in found[0]["evidence"]
    assert "6 whole orders given back" in found[0]["evidence"]
    assert "整单退回 6 次" in found[0]["evidence_zh"]


@settings(deadline=None, max_examples=10)
@given(st.lists(st.booleans(), min_size=1, max_size=2))
def test_nobody_is_accused_of_two_orders(few: list[bool]) -> None:
    assert "顾客400" not in find(bought(shop_of(few)), "EUR")["subject_id"].to_pylist()


def test_a_share_that_peers_with_dresses_have_is_no_abuse() -> None:
    candles = find(bought(shop_of([])), "EUR")
    assert candles.num_rows == 0


def test_who_wears_first_and_returns_at_the_end_is_found() -> None:
    rng = np.random.default_rng(1)
    orders = [(n, DRESSES, True) for n in range(300) for _ in range(4)]
    orders += [(n, DRESSES, False) for n in range(300) for _ in range(4)]
    shop = bought(orders)
    waited = np.where(shop.waited >= 0, rng.integers(3, 30, len(orders)) * DAY + rng.integers(0, DAY, len(orders)), -1)
    waited[(shop.customer == 7) & (shop.waited >= 0)] = 30 * DAY
    found = find(shop._replace(waited=waited), "EUR").to_pylist()
    found = [row for row in found if row["score"] > 0.9]
    assert [row["subject_id"] for row in found] == ["顾客7"]
    assert "its 4 returns came later than nearly all returns do" in found[0]["evidence"]


def test_nothing_bought() -> None:
    none, codes, money = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0)
    empty = Bought(pa.array([], pa.string()), codes, codes, codes, none, money, money, none, np.empty(0, bool))
    assert find(empty, "EUR").num_rows == 0


def test_what_came_back_of_which_order(shop: Shop, record: Callable[..., Any]) -> None:
    kept, told = {"reason": "Item not received"}, {"reason": "未收到货"}
    line = {"product_id": "tea", "quantity": 1, "unit_price": 4.0}
    record(
        shop,
        *(order("ada", n, f"o{n}", category="茶") for n in range(4)),
        event("order_refunded", "ada", 7, order_id="o0", **line),  # a part
        event("order_refunded", "ada", 8, order_id="o1"),  # names no product and no amount: all
        event("order_refunded", "ada", 8, order_id="o2", properties=kept, **{**line, "unit_price": 99.0}),
        event("order_refunded", "ada", 20, order_id="o3", properties=told, **line),
    )
    found = returns.read(shop, moment(10))
    assert found.refunded.tolist() == [4, 10, 10, 0]
    assert (found.waited / DAY).tolist()[:3] == [7, 7, 6]
    assert found.kept.tolist() == [False, False, True, False]
    later = returns.read(shop, moment(30))
    assert later.kept.tolist() == [False, False, True, True]
    assert returns.read(shop, moment(0)).value.tolist() == []


def test_refunds_for_nothing_are_a_sign_of_their_own() -> None:
    orders = shop_of([True] * 4)
    shop = bought(orders)
    is_abuser = shop.customer == 400
    found = find(shop._replace(kept=is_abuser), "EUR").to_pylist()
    assert "4 refunds for which nothing came back" in found[0]["evidence"]
    assert "4 次退款而未退货" in found[0]["evidence_zh"]
