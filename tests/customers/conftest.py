"""Days and events for the tests of customers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

Event = dict[str, Any]


def day(number: float) -> datetime:
    """A moment: so many days after the first of May."""
    return datetime(2024, 5, 1, tzinfo=UTC) + timedelta(days=number)


def said(kind: str, at: float, customer: str | None = None, visitor: str | None = None, **more: Any) -> Event:
    """An event for `record`."""
    event = {"type": kind, "time": day(at).isoformat(), "customer_id": customer, "anonymous_id": visitor, **more}
    named = " ".join(str(value) for value in event.values())
    return {name: value for name, value in {"event_id": named, **event}.items() if value is not None}


def bought(at: float, customer: str | None = None, visitor: str | None = None, **more: Any) -> Event:
    """An order of one tea for 4."""
    order = {"order_id": f"{customer or visitor} {at}", "product_id": "tea", "unit_price": 4}
    return said("order_completed", at, customer, visitor, **{**order, **more})


def identified(at: float, customer: str, visitor: str | None = None, **traits: Any) -> Event:
    """A visitor becomes known."""
    named = {f"properties.{name}": value for name, value in traits.items()}
    return said("customer_identified", at, customer, visitor, **named)


@pytest.fixture(scope="module", autouse=True)
def at_hand() -> None:
    """Here features are what is tested: none are at hand."""


@pytest.fixture(scope="session")
def tell() -> Any:
    """What events say: tell.day, tell.said, tell.bought, tell.identified."""
    return SimpleNamespace(day=day, said=said, bought=bought, identified=identified)
