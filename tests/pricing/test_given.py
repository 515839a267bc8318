"""What discounts really gave away: orders that used one count, and what nobody used comes back when it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from regulars import Shop
from regulars.pricing.given import Tally, tally
from tests.pricing.conftest import PERSONAL, T, events

DAY = timedelta(days=1)


@pytest.fixture
def played(shop: Shop, tell: Callable[..., None]) -> Callable[..., Tally]:
    """played(*rows): the tally at `T` of a shop that sells tea at 10.00, with a budget of 100 for 28 days."""
    tell("tea", 1000, 400)

    def counted(*rows: dict[str, Any]) -> Tally:
        (shop.folder / "shop.toml").write_text('[shop]\ncurrency = "EUR"\n[pricing]\nmode = "personal"\nbudget = 100\n')
        named = [{"event_id": f"{number}", **row} for number, row in enumerate(rows)]
        shop.log.append(events(*sorted(named, key=lambda row: row["time"])), "played")
        return tally(Shop.open(shop.folder), T)

    return counted


def offered(who: str, days_ago: float, share: float = 0.2, cost: float = 8.0, **note: Any) -> dict[str, Any]:
    said = {"capability": "pricing", "mode": "personal", "share": share, "policy": "most expected margin",
            "expected_cost": cost, "expected_log": -0.1, "horizon_days": 28, "spend": 40.0, "elasticity": -2.0} | note  # fmt: skip
    return {"type": "decision_made", "time": T - days_ago * DAY, "customer_id": who, "properties": json.dumps(said)}


def bought(who: str, days_ago: float, price: str, quantity: float = 1.0) -> dict[str, Any]:
    about = {"type": "order_completed", "product_id": "tea", "currency": "EUR", "order_id": f"{who} {days_ago}"}
    return {**about, "time": T - days_ago * DAY, "customer_id": who, "unit_price": Decimal(price), "quantity": quantity}


def test_an_order_that_used_a_discount_counts_and_what_was_not_used_comes_back_at_its_end(
    played: Callable[..., Tally],
) -> None:
    found = played(
        offered("ada", 14), bought("ada", 10, "8.00", 3.0),
        offered("bob", 14, cost=5.0),
        offered("eve", 34, cost=7.0), bought("eve", 30, "8.00"), bought("eve", 5, "8.00"),
    )  # fmt: skip
    # Ada may still use 2 of 8, Bob all of 5; Eve's has ended within the 28 days, of which none of her orders was.
    assert found == Tally(discounts=3, used=1, offered=20.0, given=6.0, open=7.0, back=7.0, left=100.0)


def test_only_what_the_discount_took_off_counts(played: Callable[..., Tally]) -> None:
    found = played(
        offered("ada", 14), bought("ada", 10, "5.00"), bought("ada", 9, "10.00"), bought("ada", 20, "8.00"),
        offered("bob", 14, policy="stated rule: members have 20% off"), bought("bob", 10, "8.00"),
        offered("eve", 14, mode="declared"), bought("eve", 10, "8.00"),
    )  # fmt: skip
    assert (found.discounts, found.given) == (1, 2.0)


def test_a_new_decision_gives_back_what_the_one_before_did_not_use(played: Callable[..., Tally]) -> None:
    found = played(offered("ada", 14), offered("ada", 7, cost=6.0), bought("ada", 10, "8.00"), bought("ada", 3, "8.00"))
    assert (found.offered, found.given, found.back, found.open) == (14.0, 4.0, 6.0, 4.0)


def test_what_was_given_beyond_its_part_is_taken_off_the_next_decision(played: Callable[..., Tally]) -> None:
    # Half of the days have passed, which is half of the budget; 120 were given.
    found = played(offered("ada", 14), bought("ada", 10, "8.00", 60.0))
    assert (found.given, found.left) == (120.0, 30.0)


def test_a_shop_that_has_decided_nothing_has_its_budget(played: Callable[..., Tally]) -> None:
    assert played() == Tally(0, 0, 0.0, 0.0, 0.0, 0.0, 100.0)


def test_a_decision_gives_away_no_more_than_is_left(tea: Callable[..., Shop]) -> None:
    shop = tea(**PERSONAL | {"budget": 50.0})
    first = shop.decide("pricing", T).table.to_pylist()
    who = next(line["customer_id"] for line in first if line["share"] > 0)
    later = T + 14 * DAY
    listed = {
        "type": "order_completed",
        "product_id": "p01",
        "currency": "EUR",
        "order_id": "large",
        "customer_id": who,
    }
    row = listed | {"event_id": "large", "time": T + DAY, "unit_price": Decimal("1.00"), "quantity": 40.0}
    shop.log.append(events(row), "a large order")
    found = tally(shop, later)
    assert 0 <= found.left < 50.0
    then = shop.decide("pricing", later).table.to_pylist()
    own = [line for line in then if line["mode"] == "personal" and line["share"] > 0]
    assert sum(line["expected_cost"] for line in own) <= found.left
