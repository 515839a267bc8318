"""Events of small shops whose abuse is known by head."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2024, 5, 1, tzinfo=UTC)
DAY = 86_400_000_000
FIRST = int(START.timestamp()) * 1_000_000


def at(days: float) -> str:
    """So many days after the start."""
    return (START + timedelta(days=days)).isoformat()


def moment(days: float) -> datetime:
    """The same as a moment."""
    return START + timedelta(days=days)


def event(type_: str, customer: str, days: float, **fields: Any) -> dict[str, Any]:
    """One event of a customer; what is no column is said under `properties`."""
    said = {f"properties.{name}": value for name, value in fields.pop("properties", {}).items()}
    return {"type": type_, "customer_id": customer, "time": at(days), **fields, **said}


def order(customer: str, days: float, number: str, product: str = "tea", **fields: Any) -> dict[str, Any]:
    """An order of one line."""
    line = {"product_id": product, "quantity": 1, "unit_price": 10.0, "order_id": number}
    return event("order_completed", customer, days, **{**line, **fields})
