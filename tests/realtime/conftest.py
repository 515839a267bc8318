"""A small shop whose customers look at products in sessions."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from regulars.realtime.live import Numbered
from regulars.realtime.store import PREFIX, Redis

START = datetime(2024, 5, 1, tzinfo=UTC)
KINDS = ("product_viewed", "product_viewed", "product_added", "order_completed", "products_searched", "message_sent")


def row(customer: str | None, kind: str, at: datetime, product: str | None = None, **more: Any) -> dict[str, Any]:
    """A row as the log has it."""
    return {"customer_id": customer, "type": kind, "time": at, "product_id": product, **more}


def traffic(count: int, seed: int = 0, customers: int = 80) -> list[dict[str, Any]]:
    """Customers who go from one product to the next of the same line of products."""
    rng = random.Random(seed)
    rows, moment = [], START
    at = {}
    for _ in range(count):
        moment += timedelta(seconds=rng.expovariate(1 / 40))
        who = f"c{rng.randrange(customers)}"
        line, step = at.get(who, (rng.randrange(5), 0))
        at[who] = (line, step + 1) if rng.random() < 0.8 else (rng.randrange(5), 0)
        kind = rng.choice(KINDS)
        product = None if kind in ("products_searched", "message_sent") else f"line{line}-{step % 6}"
        rows.append(row(who, kind, moment, product, unit_price=4.5, quantity=1.0))
    return rows


def numbered(rows: list[dict[str, Any]], first: int = 1) -> list[Numbered]:
    """With their places in the stream."""
    return [Numbered(first + place, each) for place, each in enumerate(rows)]


@pytest.fixture
def shared_place(redis_url: str) -> Iterator[tuple[str, str]]:
    """`[realtime] state` and the shop's name, where several processes share it; what was written is removed."""
    name = f"test-{secrets.token_hex(8)}"
    yield redis_url, name
    redis = Redis(redis_url, name)._redis
    for key in redis.scan_iter(match=f"{PREFIX}{name}:*"):
        redis.delete(key)


@pytest.fixture(params=["memory", "redis"])
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The same in either place."""
    return ("", "alone") if request.param == "memory" else request.getfixturevalue("shared_place")
