"""How much more often who clicks orders, from a shop's log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.ads.after_click import shift
from regulars.events.schema import TIME

UNTIL = datetime(2024, 6, 1, tzinfo=UTC)
CLICK = UNTIL - timedelta(days=20)


def clicks(count: int) -> pa.Table:
    return pa.table({"customer_id": [f"c{k}" for k in range(count)], "as_of": pa.array([CLICK] * count, TIME)})


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
    found = shift(shop, clicks(400), np.full(400, 0.2), 14, UNTIL)
    assert found == pytest.approx(np.log(4), abs=0.1)  # odds of 1 to 1 where 1 to 4 was expected


def test_what_came_later_is_not_known_and_few_orders_say_nothing(shop: Shop, record: Callable[..., Any]) -> None:
    ordered(shop, record, 200, UNTIL + timedelta(days=1))
    assert shift(shop, clicks(400), np.full(400, 0.2), 60, UNTIL) == 0.0
    assert shift(shop, clicks(0), np.zeros(0), 14, UNTIL) == 0.0
