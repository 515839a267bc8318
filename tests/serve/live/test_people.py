"""What tables say of customers, as routes tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.errors import NotFoundError
from regulars.serve.live.people import People

NOON = datetime(2024, 5, 15, 12, tzinfo=UTC)


def test_whom_to_contact_is_as_whoever_decided_last_has_it(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "shop")
    with pytest.raises(NotFoundError, match="regulars decide campaign"):
        People.contacts(shop)
    campaign = pa.table({"customer_id": ["ada"], "action": ["spring by email"], "channel": ["email"], "hour": [9]})
    shop.tables.write("campaign", "decisions", campaign, NOON)
    assert People.contacts(shop).ids == ["ada"]
    lifecycle = {"customer_id": ["bob", "cem", "dan"], "action": ["spring by sms", "call", "none"]}
    channel = pa.array(["sms", "phone", None])
    shop.tables.write("lifecycle", "decisions", pa.table({**lifecycle, "channel": channel}), NOON + timedelta(days=1))
    found = People.contacts(shop)
    assert (found.name, found.ids) == ("lifecycle", ["bob", "dan"])  # a call is for people, not for a sender
    shop.tables.write("campaign", "decisions", campaign, NOON + timedelta(days=2))
    assert People.contacts(shop).ids == ["ada"]


def test_who_has_not_ordered_is_told_why_nothing_is_known(tmp_path: Path) -> None:
    people = People(pa.table({"customer_id": ["ada"], "rfm_cell": ["champions"]}), "segment", NOON)
    with pytest.raises(NotFoundError, match='segment knows no customer "bob": it tells of those who have ordered'):
        people.of("bob")
