"""Bought reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from regulars import Shop
from regulars.fraud.abuse import reviews
from regulars.fraud.abuse.reviews import Reviews, find
from tests.fraud.abuse.making import DAY, FIRST, event, moment, order

PRODUCTS, DAYS = 40, 200


def shop_of(burst: int, *, ordered: bool, copies: bool, new: bool, sold: int = 0, product: int = 3) -> Reviews:
    """Each product has two orders a day and a review every fourth day, of who ordered it five days before, in words of
    its own. One has a burst within six hours of day 100, and may have sold well before."""
    rng = np.random.default_rng(0)
    day = np.tile(np.arange(0, DAYS, 4), PRODUCTS)
    of = np.repeat(np.arange(PRODUCTS), DAYS // 4)
    quiet = len(of)
    time = np.concatenate(
        [day * DAY + rng.integers(0, DAY, quiet), 100 * DAY + np.arange(burst) * 6 * DAY // 24 // max(burst, 1)]
    )
    orders = np.concatenate([np.repeat(np.arange(PRODUCTS), 2 * DAYS), np.full(sold, product)])
    when = np.concatenate(
        [np.tile(np.arange(2 * DAYS) * DAY // 2, PRODUCTS), 92 * DAY + np.arange(sold) * DAY // max(sold, 1)]
    )
    count = quiet + burst
    return Reviews(
        pa.array([f"顾客{n}" for n in range(count)]), pa.array([f"壶{n}" for n in range(PRODUCTS)]),
        np.arange(count, dtype=np.int32), np.concatenate([of, np.full(burst, product)]).astype(np.int32), FIRST + time,
        np.concatenate([rng.integers(20 * DAY, 400 * DAY, quiet),
                        np.full(burst, DAY // 24) if new else rng.integers(20 * DAY, 400 * DAY, burst)]),
        np.concatenate([np.full(quiet, 5 * DAY), np.full(burst, 8 * DAY if ordered else -1)]),
        np.concatenate([np.arange(quiet), np.full(burst, quiet) if copies else quiet + np.arange(burst)]),
        orders.astype(np.int32), FIRST + when,
    )  # fmt: skip


def test_twelve_copies_by_new_accounts_that_never_ordered_are_found() -> None:
    found = find(shop_of(12, ordered=False, copies=True, new=True)).to_pylist()
    assert [(row["subject"], row["subject_id"]) for row in found] == [("product", "壶3")]
    assert found[0]["score"] > 0.9
    assert len(found[0]["customers"]) == 12
    assert "12 by customers who never ordered it" in found[0]["evidence"]
    assert "12 in nearly the same words as another" in found[0]["evidence"]
    assert "12 条来自新账户" in found[0]["evidence_zh"]


def test_a_burst_of_honest_buyers_after_a_sale_accuses_nobody() -> None:
    assert find(shop_of(12, ordered=True, copies=False, new=False, sold=60)).num_rows == 0
    assert find(shop_of(12, ordered=True, copies=False, new=False)).num_rows == 0


def test_one_review_without_an_order_accuses_nobody() -> None:
    assert find(shop_of(1, ordered=False, copies=False, new=True)).num_rows == 0


def test_quiet_shops_and_empty_ones_have_no_findings() -> None:
    quiet = shop_of(0, ordered=True, copies=False, new=False)
    assert find(quiet).num_rows == 0
    none = np.empty(0, np.int64)
    empty = Reviews(
        pa.array([], pa.string()), pa.array([], pa.string()), none.astype(np.int32), none.astype(np.int32), none, none,
        none, none, none.astype(np.int32), none,
    )  # fmt: skip
    assert find(empty).num_rows == 0


def test_where_no_orders_are_logged_that_a_reviewer_has_none_says_nothing() -> None:
    shop = shop_of(0, ordered=True, copies=False, new=False)
    none = np.empty(0, np.int64)
    shop = shop._replace(ordered=np.full(len(shop.time), -1), order_product=none.astype(np.int32), order_time=none)
    assert find(shop).num_rows == 0


def test_what_is_known_of_an_author(shop: Shop, record: Callable[..., Any]) -> None:
    said = {"product_id": "tea"}
    record(
        shop,
        event("signed_up", "ada", 0), order("ada", 1, "o1"),
        event("product_reviewed", "ada", 4, text="很好喝，会回购的茶", **said),
        event("product_reviewed", "bo", 5, text="很好喝，会回购的茶！", **said), order("bo", 6, "o2"),
        event("product_reviewed", "cy", 7, **said),
    )  # fmt: skip
    found = reviews.read(shop, moment(9))
    assert (found.ordered // DAY).tolist() == [3, -1, -1]
    assert (found.age // DAY).tolist() == [4, 0, 0]
    assert found.text[0] == found.text[1] >= 0
    assert found.text[2] == -1
    assert len(reviews.read(shop, moment(5)).time) == 1
