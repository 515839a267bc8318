"""A tea shop with prices, costs and a little history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.events.schema import CATALOGUE, TIME
from regulars.pricing.money import to_amounts

T = datetime(2026, 11, 1, tzinfo=UTC)

Tell = Callable[..., None]


@pytest.fixture
def tell(shop: Shop) -> Tell:
    """tell(product_id, price, cost, days_ago, **fields): put a line into the catalogue; amounts in cents, -1 for none."""

    def said(product_id: str, price: int, cost: int = -1, days_ago: float = 100, **fields: Any) -> None:
        row = {
            "product_id": [product_id], "list_price": to_amounts([price], "EUR"), "unit_cost": to_amounts([cost], "EUR"),
            "valid_from": pa.array([T - timedelta(days=days_ago)], TIME), **{name: [value] for name, value in fields.items()},
        }  # fmt: skip
        columns = {field.name: row.get(field.name, pa.nulls(1, field.type)) for field in CATALOGUE}
        with shop.log.transaction("catalogue") as transaction:
            transaction.add("catalogue", pa.table(columns, schema=CATALOGUE))
            transaction.commit()

    return said
