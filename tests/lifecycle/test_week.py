"""What the days before have taken, whose decisions are judged, and what a day may do beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop, decisions
from regulars.campaign.sources import drawn_before
from regulars.errors import ConfigError, InputError
from regulars.lifecycle import turn as turns
from regulars.lifecycle.actions.candidates import MESSAGE, Action, Candidates
from regulars.lifecycle.decide import _lot
from regulars.lifecycle.past import Past, past
from regulars.lifecycle.proof import DAYS, Proof, decided_by
from regulars.lifecycle.turn import prove

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
IDS = pa.array(["ada", "bob", "cem", "dan"])
LOT = json.dumps({"none": 0.5, "spring by email": 0.5})


@pytest.fixture
def shop(tmp_path: Path, record: Callable[..., object]) -> Shop:
    """Four customers with an order each, and nothing decided."""
    shop = Shop.create(tmp_path / "shop")
    record(
        shop,
        *(
            {"type": "order_completed", "time": BEGIN.isoformat(), "customer_id": name, "product_id": "tea",
             "quantity": 1, "unit_price": 9.0, "order_id": name}
            for name in IDS.to_pylist()
        ),
    )  # fmt: skip
    return shop


def decided(shop: Shop, day: float, version: int = 1, lot: str | None = None, **actions: tuple[str, bool]) -> None:
    """Lifecycle's decisions of a day, into the log: customer -> what, and whether that is a contact."""
    count = len(actions)
    table = pa.table(
        {
            "customer_id": list(actions), "action": [name for name, _ in actions.values()],
            "is_contact": [is_contact for _, is_contact in actions.values()], "cost": [1.0] * count,
            "minutes": [2.0] * count, "lot": pa.array([lot] * count, pa.string()), "reasons": [["so"]] * count,
            "policy": ["x"] * count, "propensity": [1.0] * count, "inputs_hash": [f"{day}"] * count,
            "disclosure": pa.nulls(count, pa.string()),
        }
    )  # fmt: skip
    at = BEGIN + timedelta(days=day)
    shop.log.append(decisions.to_events(table, "lifecycle", version, at, at), "decided")


def test_calls_ads_and_service_count_as_contacts_and_what_is_out_of_sight_does_not(
    shop: Shop, record: Callable[..., object]
) -> None:
    decided(
        shop, 10, ada=("ad audience", True), bob=("service recovery", True), cem=("discount", False),
        dan=("spring by email", True),
    )  # fmt: skip
    decided(shop, 11, ada=("call", True), dan=("call", True))
    sent = {"type": "message_sent", "time": (BEGIN + timedelta(days=10, hours=3)).isoformat(), "channel": "email"}
    record(shop, {**sent, "customer_id": "dan", "campaign_id": "spring"})
    found = past(shop, IDS, BEGIN + timedelta(days=12))
    # The message that was decided for Dan and the one that was sent are one.
    assert found.contacts.tolist() == [2, 1, 0, 2]
    assert (found.contacts_week, found.spent, found.minutes) == (5, 6.0, 12.0)
    assert past(shop, IDS, BEGIN + timedelta(days=18)).contacts.tolist() == [1, 0, 0, 1]


def test_what_lifecycle_drew_is_learned_from(shop: Shop) -> None:
    decided(shop, 10, lot=LOT, ada=("spring by email", True), bob=("none", False))
    decided(shop, 10, cem=("spring by email", True))
    found = drawn_before(shop, BEGIN + timedelta(days=40), 14)
    assert found.table.select(["customer_id", "arm"]).to_pylist() == [
        {"customer_id": "ada", "arm": "spring by email"},
        {"customer_id": "bob", "arm": "none"},
    ]
    assert found.lots == ({"none": 0.5, "spring by email": 0.5},)


def test_a_version_is_judged_by_its_own_decisions_alone(shop: Shop) -> None:
    for day in (0, 10, 20):
        decided(shop, day, ada=("call", True))
    since = BEGIN
    assert decided_by(shop, since, since + timedelta(days=DAYS)) == {1}
    decided(shop, 25, version=2, ada=("call", True))
    assert decided_by(shop, since, since + timedelta(days=DAYS)) == {1, 2}
    # From then on the second decides, but not yet for as long as it is judged by.
    assert decided_by(shop, since + timedelta(days=14), since + timedelta(days=14 + DAYS)) == {1, 2}
    assert decided_by(shop, since + timedelta(days=24), since + timedelta(days=24 + DAYS)) == {2}
    assert decided_by(shop, since + timedelta(days=2), since + timedelta(days=2 + 1)) == set()


def test_only_the_version_that_lost_the_money_is_put_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    in_use = [2]

    def use(name: str, number: int) -> None:
        used.append(number)
        in_use[0] = number

    models = SimpleNamespace(version_in_use=lambda name: in_use[0], versions=lambda name: [1, 2], use=use)
    monkeypatch.setattr(shop, "models", models)
    lost = Proof("the program", -1.0, -2.0, -0.5, -100.0, 100, 50)
    monkeypatch.setattr(turns, "proofs", lambda *_: [lost])
    end = BEGIN + timedelta(days=DAYS)
    for day in (0, 14):
        decided(shop, day, version=1, ada=("call", True))
    # The first lost it; the second was learned this morning.
    assert "in use again" not in prove(shop, end)
    for day in (DAYS, DAYS + 14):
        decided(shop, day, version=2, ada=("call", True))
    assert "in use again" not in prove(shop, end + timedelta(days=7))
    assert "version 1 is in use again" in prove(shop, end + timedelta(days=DAYS))
    # And what the second lost is not held against the first on the day after.
    assert "in use again" not in prove(shop, end + timedelta(days=DAYS + 1))
    assert used == [1]


def lot_of(shop: Shop, spent: float, by_lot: bool = False, **settings: Any) -> int:
    """How many are contacted by lot, of 200 who may have a message at a cost of 1."""
    lifecycle = shop.config.lifecycle.model_copy(
        update={"explore": 0.1, "budget": 100.0, "explore_budget": 0.2, **settings}
    )
    shop.config = shop.config.model_copy(update={"lifecycle": lifecycle})
    ids = pa.array([f"c{k}" for k in range(200)])
    offered = Candidates.of(Action("spring by email", MESSAGE, "email", "campaign"), np.ones(200), 1.0, 1.0)
    drawn = np.zeros(200, bool)
    drawn[0] = by_lot
    done = Past(np.zeros(200, np.int64), drawn, spent, 0.0, 0.0, 0)
    known: Any = SimpleNamespace(ids=ids)
    return int((_lot(shop, known, offered, np.ones((200, 1), bool), done, BEGIN).action >= 0).sum())


def test_a_small_shop_draws_the_lot_of_a_week_at_once(shop: Shop) -> None:
    assert lot_of(shop, 0.0) == 10
    assert lot_of(shop, 0.0, by_lot=True) == 0


def test_a_lot_takes_no_more_than_is_left_of_the_weeks_budget(shop: Shop) -> None:
    assert lot_of(shop, 95.0) == 5
    assert lot_of(shop, 100.0) == 0


@pytest.mark.parametrize("error", [InputError("it learned from what came later"), ConfigError("no such column")])
def test_what_cannot_be_decided_stops_nothing_else(error: Exception) -> None:
    def act() -> str:
        raise error

    assert turns._done(act) == f"Not done: {error}"


def test_what_was_decided_on_an_earlier_day_is_not_sent(shop: Shop) -> None:
    arms = pa.table({"customer_id": ["ada"], "action": ["spring by email"], "channel": ["email"]})
    shop.tables.write("lifecycle", "decisions", arms, BEGIN)
    assert turns._queued(shop, BEGIN + timedelta(days=1)) == (
        "lifecycle decided nothing today: nothing of an earlier day is sent."
    )
