"""A shop whose frauds are plain: new devices, large amounts, disputes weeks later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars import Shop
from regulars.config import ShopSettings
from regulars.events.importing import ImportResult

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 200
Record = Callable[..., ImportResult]


def payments(seed: int, count: int = 2400, days: int = DAYS, fraud: float = 0.06) -> list[dict[str, Any]]:
    """Payments of 150 customers, and what was disputed of them 10 to 40 days later."""
    rng = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    for number in range(count):
        customer = int(rng.integers(150))
        at = START + timedelta(days=float(rng.uniform(0, days)))
        is_fraud = rng.random() < fraud
        device = f"new{number}" if is_fraud else f"d{customer}"
        amount = float(np.round(np.exp(rng.normal(5.5 if is_fraud else 3.5, 0.4)), 2))
        row = {
            "event_id": f"p{number}", "type": "payment_attempted", "time": at.isoformat(),
            "customer_id": f"c{customer}", "device_id": device, "ip": f"203.0.113.{customer % 250}",
            "payment_id": f"card{customer}", "order_id": f"o{number}", "product_id": f"t{rng.integers(20)}",
            "unit_price": amount, "outcome": "approved",
        }  # fmt: skip
        found.append(row)
        if is_fraud and rng.random() < 0.9:
            later = at + timedelta(days=float(rng.uniform(10, 40)))
            if later < START + timedelta(days=days):
                told = {"event_id": f"x{number}", "type": "payment_disputed", "time": later.isoformat()}
                found.append(told | {"customer_id": f"c{customer}", "order_id": f"o{number}"})
    return found


@pytest.fixture(scope="session")
def disputed(tmp_path_factory: pytest.TempPathFactory, record: Record) -> Path:
    """A shop with disputes, and a fraud model that was learned; read only."""
    folder = tmp_path_factory.mktemp("disputed") / "shop"
    shop = Shop.create(folder, ShopSettings(name="Tea", currency="EUR"))
    record(shop, *payments(1))
    learned, _ = shop.learn("fraud")
    shop.models.use("fraud", learned.version)
    return folder
