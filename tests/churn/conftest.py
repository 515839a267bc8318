"""A club: a shop of subscribers whose true chance to leave is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.events.schema import EVENTS

CLUB_START = datetime(2024, 1, 1, tzinfo=UTC)
CLUB_AS_OF = CLUB_START + timedelta(days=310)


def _club_events() -> Iterator[dict[str, Any]]:
    """Who looks around seldom leaves four times as often as others, and on the small plan twice as often as on the
    large; at the first renewal most. Half of those who leave cancel, the others do not pay again."""
    rng = np.random.default_rng(5)

    def at(day: float) -> str:
        return (CLUB_START + timedelta(days=float(day))).isoformat(timespec="microseconds")

    for number in range(700):
        customer, is_large, is_keen = f"c{number:03d}", rng.random() < 0.4, rng.random() < 0.5
        day, period = rng.uniform(0, 280), 1
        about = {"customer_id": customer, "properties.plan": "large" if is_large else "small"}
        yield {"type": "subscription_started", "time": at(day), **about}
        while day < 400:
            chance = (0.35 if period == 1 else 0.15) * (0.5 if is_large else 1.2) * (0.35 if is_keen else 1.4)
            for _ in range(rng.poisson(4 if is_keen else 0.7)):
                yield {"type": "product_viewed", "customer_id": customer, "time": at(day + rng.uniform(0, 30))}
            if rng.random() < chance:
                if rng.random() < 0.5:
                    yield {"type": "subscription_cancelled", "time": at(day + rng.uniform(15, 30)), **about}
                break
            day, period = day + 30 + rng.uniform(-0.2, 0.5), period + 1
            yield {"type": "subscription_renewed", "time": at(day), **about}


@pytest.fixture(scope="session")
def club(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., Any]) -> Shop:
    """700 subscribers by the month, from January 2024 on, on two plans. Not to be written to."""
    shop = Shop.create(tmp_path_factory.mktemp("club") / "shop")
    record(shop, *_club_events())
    return shop


@pytest.fixture(scope="session")
def club_as_of() -> datetime:
    """A moment in the middle of the club's log."""
    return CLUB_AS_OF


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Shop]:
    """seen(*events): a shop as if these were its events, each {field: value}; nothing is written."""
    shop = Shop.create(tmp_path_factory.mktemp("seen") / "shop")

    def make(*events: dict[str, Any]) -> Shop:
        rows = [
            {
                "event_id": f"e{number:04d}", "line": 0, "received_at": event["time"], **event,
                "properties": json.dumps(event["properties"]) if event.get("properties") else None,
            }
            for number, event in enumerate(events)
        ]  # fmt: skip
        return shop.with_events(shop.engine.table(pa.Table.from_pylist(rows, schema=EVENTS)))

    return make
