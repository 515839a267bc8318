"""How much more often who clicks orders, from a shop's log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.ads.after_click import AfterClick, after_click, learned
from regulars.events.schema import TIME
from regulars.logistic import probability

UNTIL = datetime(2024, 6, 1, tzinfo=UTC)
CLICK = UNTIL - timedelta(days=20)


def clicks(count: int) -> pa.Table:
    """The first half on red, the others on blue."""
    creative = ["red" if 2 * k < count else "blue" for k in range(count)]
    when = pa.array([CLICK] * count, TIME)
    return pa.table({"customer_id": [f"c{k}" for k in range(count)], "as_of": when, "creative": creative})


def ordered(shop: Shop, record: Callable[..., Any], count: int, at: datetime) -> None:
    record(
        shop,
        *(
            {"type": "order_completed", "time": at.isoformat(), "customer_id": f"c{k}", "product_id": "tea",
             "quantity": 1, "unit_price": 9.0, "order_id": f"o{k}"}
            for k in range(count)
        ),
    )  # fmt: skip


def test_the_odds_after_a_click_are_those_of_the_log(shop: Shop, record: Callable[..., Any]) -> None:
    ordered(shop, record, 200, CLICK + timedelta(days=2))
    found = after_click(shop, clicks(400), np.full(400, 0.2), 14, UNTIL)
    assert found.level == pytest.approx(np.log(4), abs=0.1)  # odds of 1 to 1 where 1 to 4 was expected
    any_click, red, blue, new = (found.chance(np.array([0.2]), name)[0] for name in (None, "red", "blue", "new"))
    assert any_click == new == pytest.approx(0.5, abs=0.02)
    assert blue < 0.1
    assert red > 0.9  # all orders came after clicks on red


def test_what_came_later_is_not_known_and_few_orders_say_nothing(shop: Shop, record: Callable[..., Any]) -> None:
    ordered(shop, record, 200, UNTIL + timedelta(days=1))
    assert after_click(shop, clicks(400), np.full(400, 0.2), 60, UNTIL) == AfterClick()
    assert after_click(shop, clicks(0), np.zeros(0), 14, UNTIL) == AfterClick()


def test_creatives_alike_are_drawn_together_and_those_apart_are_not() -> None:
    rng = np.random.default_rng(3)
    count, kinds = 4_000, 20
    elapsed, delay, creative = rng.uniform(0, 14, count), rng.exponential(4, count), rng.integers(1, kinds + 1, count)
    before = rng.uniform(0.05, 0.3, count)
    missed = []
    for apart in (0.0, 0.8):
        true = np.log(2.0) + apart * rng.normal(size=kinds)
        after = probability(np.log(before / (1 - before)) + true[creative - 1]) / (1 - np.exp(-14 / 4))
        came = (rng.random(count) < after) & (delay < elapsed)
        level, *own = learned(np.where(came, delay, np.nan), elapsed, before, 14.0, creative).tolist()
        missed.append(np.sqrt(np.mean((np.array(own) - true) ** 2)))
        alike = np.sqrt(np.mean((level - true) ** 2))
        assert missed[-1] < (0.25 if apart == 0 else 0.6 * alike)
