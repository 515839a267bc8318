"""What campaigns brought, on shops so small that it is known by head."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.campaign.effects import CampaignEffect, Total, _together, effects
from regulars.campaign.effects_report import in_words
from regulars.config import ShopSettings
from regulars.errors import NotEnoughError
from regulars.experiment import Design, Experiments, assign_all, exposures

Record = Callable[..., Any]
START = datetime(2024, 5, 1, tzinfo=UTC)
CUSTOMERS = 200


def order(customer: str, day: float, price: float) -> dict[str, Any]:
    moment = START + timedelta(days=day)
    return {"type": "order_completed", "customer_id": customer, "time": moment.isoformat(), "product_id": "tea",
            "order_id": f"{customer}-{day}", "quantity": 1, "unit_price": price}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, record: Record) -> Iterator[Shop]:
    """All ordered once; then an e-mail by lot, after which each who got it ordered for ten."""
    shop = Shop.create(tmp_path / "shop", ShopSettings(currency="EUR"))
    record(shop, *(order(f"c{k:03}", -3, 4.0) for k in range(CUSTOMERS)))
    known = Experiments(shop.state)
    known.create("spring", Design({"control": 1, "spring by email": 1}))
    known.start("spring")
    assign_all(shop, "spring", START)
    yield shop
    shop.state.close()


def test_ten_more_from_each_who_was_contacted_is_ten_more_each(shop: Shop, record: Record) -> None:
    got = exposures(shop, "spring", START + timedelta(days=1)).to_pylist()
    treated = [row["customer_id"] for row in got if row["variant"] == "spring by email"]
    record(shop, *(order(each, 2, 10.0) for each in treated), order("c000", 20, 1.0))
    (one,) = effects(shop, START + timedelta(days=14), 14)
    assert (one.contacted, one.left_alone) == (len(treated), CUSTOMERS - len(treated))
    assert one.margin.value == pytest.approx(10 * len(treated))
    assert one.orders.value == pytest.approx(len(treated))
    assert one.cost == pytest.approx(0.01 * len(treated))
    assert one.net.value == pytest.approx(9.99 * len(treated))
    assert one.returned is not None
    assert one.returned.value == pytest.approx(999)
    assert one.attributed == pytest.approx(10 * len(treated))
    assert "earned" in in_words(one, "EUR")


def test_an_order_at_the_end_of_the_window_does_not_count(shop: Shop, record: Record) -> None:
    record(shop, *(order(f"c{k:03}", 14, 10.0) for k in range(CUSTOMERS)))
    (one,) = effects(shop, START + timedelta(days=14), 14)
    assert (one.margin.value, one.attributed) == (0, 0)
    assert "cannot be told from luck" in in_words(one, "EUR") or "lost money" in in_words(one, "EUR")


def test_a_window_that_is_not_over_is_not_read(shop: Shop) -> None:
    with pytest.raises(NotEnoughError, match="nobody can know"):
        effects(shop, START + timedelta(days=13), 14)


def test_a_split_that_is_not_what_the_lot_says_is_told() -> None:
    total = Total(1.0, 0.5, 1.5)
    off = CampaignEffect(
        "mail", "x", START, START, 900, 100, total, total, 0.0, total, None, 0.0, balance=1e-9, attributed=1.0
    )
    assert not off.is_sure
    assert "worth nothing until" in in_words(off, "EUR")


@given(st.integers(0, 2**32 - 1), st.floats(-5, 5), st.sampled_from([0.2, 0.5, 0.8]))
@settings(max_examples=40, deadline=None)
def test_strata_of_different_chances_do_not_bias(seed: int, effect: float, other: float) -> None:
    """Lots of different chances, with customers of different means: pooled plainly, the chance would pass for effect."""
    rng = np.random.default_rng(seed)
    kind = np.repeat([0, 1], 3000)
    treated = rng.random(6000) < np.where(kind == 0, 0.1, other)
    before = rng.normal(np.where(kind == 0, 0, 50), 5)
    after = before + effect * treated + rng.normal(0, 1, 6000)
    found, saved = _together(np.array([0.1, other]), kind, treated, after, before)
    assert abs(found.value - effect) < 1.5
    assert found.low <= found.value <= found.high
    assert 0 <= saved <= 1
