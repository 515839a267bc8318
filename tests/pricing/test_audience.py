"""Whom a discount is for: who is not known to look at prices is given none, and doubt never makes anybody eager."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from regulars import Shop
from regulars.events.schema import EVENTS
from regulars.pricing.audience import Audience
from regulars.pricing.caring import caring_of

T = datetime(2026, 11, 1, tzinfo=UTC)
LEVELS = [0.0, 0.05, 0.1, 0.2]
shares = st.floats(0.0, 1.0)


@given(
    elasticity=st.floats(-8.0, 1.0), error=st.floats(0.0, 3.0), caring=shares, cost=shares, chance=st.floats(0.5, 0.99)
)
def test_doubt_never_raises_what_a_discount_would_bring(
    elasticity: float, error: float, caring: float, cost: float, chance: float
) -> None:
    one = Audience(*(np.array([each]) for each in (100.0, elasticity, error, caring, cost, 1.0)))
    doubted = one.doubted(chance)
    assert elasticity <= doubted.elasticity[0] <= max(elasticity, 0.0)
    leaves = 1 - np.array(LEVELS) >= cost  # nobody sells below cost
    assert (doubted.gain(LEVELS, 0.5)[0] <= one.gain(LEVELS, 0.5)[0] + 1e-9)[:, leaves].all()
    if caring == 0:
        assert (doubted.gain(LEVELS, 0.5)[0] <= 1e-9).all()


def test_who_buys_reduced_is_known_to_look_at_prices_and_who_never_does_is_not(shop: Shop) -> None:
    rows: list[dict[str, Any]] = []
    for week in range(12):
        for number in range(40):
            # In each week one of two products is at half its price; ten of forty always take the other.
            reduced = week % 2 if number < 30 else 1 - week % 2
            at = T - timedelta(weeks=12 - week) + timedelta(minutes=number)
            price = Decimal(5) if reduced == week % 2 else Decimal(10)
            rows.append(
                {"event_id": f"{week} {number}", "line": 0, "time": at, "received_at": at, "type": "order_completed",
                 "customer_id": f"c{number:02d}", "product_id": f"p{reduced}", "unit_price": price, "quantity": 1.0,
                 "currency": "EUR", "order_id": f"{week} {number}"}
            )  # fmt: skip
    nullable = pa.schema([field.with_nullable(True) for field in EVENTS])
    shop.log.append(pa.Table.from_pylist(rows, schema=nullable), "played")
    found = caring_of(shop, pa.array(["c00", "c39", "new"]), T, 0.7)
    assert found[0] > 0.7
    assert found[1] == 0
    assert found[1] <= found[2] < found[0]
    assert caring_of(shop, pa.array(["c00"]), T - timedelta(days=365), 0.7).tolist() == [1.0]
