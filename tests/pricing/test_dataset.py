"""What is learned from: weeks of products, with what else moves demand beside the price."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.events.schema import EVENTS
from regulars.pricing.competitor import Competitors
from regulars.pricing.dataset import Dataset, dataset
from regulars.pricing.model import PricingModel
from regulars.pricing.products import Products

T = datetime(2026, 11, 1, tzinfo=UTC)
NULLABLE = pa.schema([field.with_nullable(True) for field in EVENTS])


@pytest.fixture
def seen(shop: Shop, tell: Callable[..., None], tmp_path: Path) -> Dataset:
    """Two weeks: sixty customers buy tea and pots; tea is sold out from the tenth day on, and is promoted."""
    tell("tea", 1000, 500, category="Tea", stock=40.0)
    tell("pot", 3000, 900, category="Pots")
    tell("tea", 1000, 500, days_ago=4, category="Tea", stock=0.0)
    path = tmp_path / "seen.csv"
    path.write_text("product,competitor,price,seen_at,source\ntea,Leaf,8.00,2026-10-25 12:00,web\n")
    Competitors(shop, Products.of(shop, T)).import_(path)

    def event(number: int, days_ago: float, kind: str, product: str) -> dict[str, Any]:
        at = T - timedelta(days=days_ago)
        return {"event_id": f"{kind} {number} {product}", "line": 0, "time": at, "received_at": at, "type": kind,
                "customer_id": f"c{number}", "product_id": product, "unit_price": Decimal(10), "quantity": 1.0,
                "currency": "EUR", "order_id": f"{number} {product}"}  # fmt: skip

    rows = [event(number, 13, "order_completed", product) for number in range(60) for product in ("tea", "pot")]
    rows += [event(number, 3, "promotion_viewed", "tea") for number in range(9)]
    shop.log.append(pa.Table.from_pylist(rows, schema=NULLABLE), "played")
    return dataset(shop, T, weeks=2)


def test_what_the_shop_has_of_stock_competitors_and_promotions_stands_beside_the_price(seen: Dataset) -> None:
    assert seen.ids == ["pot", "tea"]
    assert seen.lines.tolist() == [[60.0, 0.0], [60.0, 0.0]]
    assert seen.stocked.round(3).tolist() == [[1.0, 1.0], [1.0, round(3 / 7, 3)]]
    theirs = seen.controls["competitor's price"]
    assert np.isnan(theirs[0]).all()
    assert np.isnan(theirs[1, 0])
    assert theirs[1, 1] == pytest.approx(np.log(800))
    assert seen.controls["promotion"].tolist() == [[0.0, 0.0], [0.0, np.log(10)]]


def test_a_week_at_a_price_of_the_catalogue_was_not_drawn(shop: Shop, tell: Callable[..., None], seen: Dataset) -> None:
    note = json.dumps({"expected": 6.9, "variance": 0.01})
    rows = [
        {"event_id": product, "line": 0, "time": T - timedelta(days=20), "received_at": T, "type": "price_set",
         "product_id": product, "unit_price": Decimal(9), "properties": note}
        for product in ("tea", "pot")
    ]  # fmt: skip
    shop.log.append(pa.Table.from_pylist(rows, schema=NULLABLE), "drawn")
    tell("pot", 3100, 900, days_ago=7, category="Pots")
    found = dataset(shop, T, weeks=2).expected[0]
    assert (found[0], np.isnan(found[1])) == (pytest.approx(6.9), True)


def test_a_competitor_s_price_is_told_apart_from_the_shop_s_own_and_kept() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0, 0.1, (2, 60, 20))
    lines = rng.poisson(30 * np.exp(-2 * ours + 0.8 * theirs)).astype(float)
    data = Dataset(
        ids=[f"p{number}" for number in range(60)], categories=["Tea"], group=np.zeros(60, np.int64), lines=lines, units=lines,
        log_price=ours + 7, expected=np.full(ours.shape, 7.0), stocked=np.ones(ours.shape), controls={"competitor's price": theirs},
    )  # fmt: skip
    model = PricingModel.from_files(PricingModel.fit(data).to_files())
    assert model.common == pytest.approx(-2, abs=0.15)
    assert model.effects["competitor's price"] == pytest.approx(0.8, abs=0.15)
