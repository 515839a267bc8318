"""Shops to test with: an empty one, the gift shop that comes with the package, and one with every kind of event."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop
from regulars.config import ShopSettings
from regulars.events.mapping import Mapping

LEARNED_UNTIL = datetime(2011, 9, 10, tzinfo=UTC)

Say = Callable[..., Shop]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty shop."""
    return Shop.create(tmp_path / "shop", ShopSettings(name="Tea", currency="GBP", timezone="UTC"))


@pytest.fixture
def shop_of(tmp_path: Path) -> Say:
    """A new shop of the events given, in London."""
    made: list[Shop] = []

    def say(*events: dict[str, Any], timezone: str = "Europe/London") -> Shop:
        folder = tmp_path / f"shop{len(made)}"
        made.append(Shop.create(folder, ShopSettings(name="Tiny", currency="GBP", timezone=timezone)))
        import_events(made[-1], events, tmp_path / f"events{len(made)}.jsonl")
        return made[-1]

    return say


def import_events(shop: Shop, events: Any, file: Path) -> None:
    """Import events; each is numbered, unless it has its own id."""
    said = [{"event_id": f"e{number}", **event} for number, event in enumerate(events)]
    file.write_text("".join(json.dumps(event) + "\n" for event in said))
    names = dict.fromkeys(name for event in said for name in event)
    result = shop.import_(file, mapping=Mapping("events", {name: name for name in names}))
    assert result.rejected == 0, result.reasons


def gift_file() -> Path:
    """The orders of the gift shop, as they come with the package."""
    return Path(str(files("regulars.demo") / "online_retail.parquet"))


@contextmanager
def once(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """A folder that all workers of a test run share, and whether it is still to be filled."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with (base / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        done = base / f"{name}.done"
        yield base / name, not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def gift_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The gift shop, profile and churn learned until 10 September 2011. To be read, never changed."""
    with once(tmp_path_factory, "gift") as (folder, is_new):
        if is_new:
            made = Shop.create(folder, ShopSettings(name="Gifts", currency="GBP", timezone="Europe/London"))
            made.import_(gift_file())
            for name in ("profile", "churn"):
                made.learn(name, LEARNED_UNTIL)
        return Shop.open(folder)


ANYTHING = (
    "order_refunded",
    "order_cancelled",
    "product_viewed",
    "product_added",
    "product_removed",
    "checkout_started",
    "products_searched",
    "product_added_to_wishlist",
    "product_reviewed",
    "coupon_applied",
    "message_sent",
    "message_opened",
    "message_clicked",
    "support_asked",
    "sign_in",
    "ad_clicked",
    "payment_disputed",
)
"""The kinds of event, other than orders, that features are made of."""


@pytest.fixture(scope="session")
def tea_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three customers in 2024, each with every kind of event; learned from by nobody. To be read, never changed."""
    folder = tmp_path_factory.mktemp("tea")
    made = Shop.create(folder / "shop", ShopSettings(name="Tea", currency="GBP", timezone="Europe/London"))
    import_events(made, list(_tea()), folder / "tea.jsonl")
    return made


def _tea() -> Iterator[dict[str, Any]]:
    products = [("oolong", "tea", "Leaf"), ("assam", "tea", "Root"), ("pot", "ware", "Clay")]
    for who, customer in enumerate(("ada", "bob", "cyd")):
        for visit in range(6):
            start = datetime(2024, 1, 8 + who, 10, tzinfo=UTC) + timedelta(days=31 * visit)
            common = {
                "customer_id": customer,
                "session_id": f"{customer}-{visit}",
                "channel": ("web", "app")[visit % 2],
                "device_id": ("phone", "desk")[visit % 2],
            }
            product, category, brand = products[(who + visit) % 3]
            bought = {
                "product_id": product,
                "category": category,
                "brand": brand,
                "quantity": 1 + visit % 2,
                "unit_price": 4.5 - 0.5 * (visit % 3),
                "order_id": f"{customer}-order-{visit}",
            }
            for place, kind in enumerate(ANYTHING):
                moment = start + timedelta(minutes=place)
                yield {"type": kind, "time": moment.isoformat(), **common, **(bought if kind != "sign_in" else {})}
            moment = start + timedelta(minutes=30)
            yield {"type": "order_completed", "time": moment.isoformat(), **common, **bought}
