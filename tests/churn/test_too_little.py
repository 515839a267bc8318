"""Logs that cannot carry a churn model: told how much is needed, never a confident number, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from regulars import Shop
from regulars.churn import learn
from regulars.churn.training import train
from regulars.errors import NotEnoughError

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
UNTIL = BEGIN + timedelta(days=240)


def bought(customer: int, day: float, price: float = 4.0) -> dict[str, Any]:
    moment = BEGIN + timedelta(days=day)
    return {
        "type": "order_completed", "customer_id": f"c{customer:03d}", "time": moment.isoformat(),
        "order_id": f"{customer} {day}", "product_id": "tea", "unit_price": price,
    }  # fmt: skip


CASES = {
    "nobody comes back": [bought(k, k % 200) for k in range(150)],
    "one customer": [bought(0, day) for day in range(0, 230, 5)],
    "all on one day": [bought(k, 100 + k % 3 / 24) for k in range(150)],
}


@pytest.mark.parametrize("events", CASES.values(), ids=CASES)
def test_how_many_are_needed_is_said(events: list[dict[str, Any]], shop: Shop, record: Callable[..., Any]) -> None:
    record(shop, *events)
    with pytest.raises(NotEnoughError, match="50 of each are needed"):
        learn(shop, UNTIL)


def test_what_loses_money_on_every_order_has_a_risk_and_no_value(shop: Shop, record: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    events = []
    for customer in range(220):
        day, pause = rng.uniform(0, 60), rng.choice([12.0, 70.0])
        while day < 239:
            events.append({**bought(customer, round(day, 3)), "unit_cost": 9})
            day += pause * rng.uniform(0.5, 1.5)
    record(shop, *events)
    trained = train(shop, UNTIL, 30)
    assert trained.model.outlook is not None
    assert trained.model.outlook.value is None
    assert any("unit costs" in note for note in trained.notes)
    found = trained.model.predict(np.full((3, len(trained.model.names)), np.nan))
    assert ((found > 0) & (found < 1)).all()
