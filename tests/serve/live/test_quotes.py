"""Prices are told from what was read of the log, which is read anew only where something came that was not heard of."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from regulars import clock
from regulars.events.inbox import FOLDER, Inbox, fold, open_store
from regulars.serve.live import LiveShop, lists


@pytest.fixture
def live(shop, record, monkeypatch):
    """A shop that sells tea at 4.50, and looks for list prices without a pause."""
    record(shop, {"type": "product_viewed", "customer_id": "ada", "product_id": "tea", "title": "Tea", "list_price": 4.5,
                  "time": "2024-05-01T10:00:00Z"})  # fmt: skip
    monkeypatch.setattr(lists, "RULES_SECONDS", 0.0)
    inbox = Inbox(open_store(shop.folder / FOLDER))
    made = LiveShop(shop, inbox, asyncio.new_event_loop())
    made.inbox = inbox
    refreshed(made, made.prices)
    yield made
    inbox.close()


def refreshed(live, part) -> bool:
    """Whether something is made anew, and is in place."""
    is_new = part.refresh()
    live._loop.run_until_complete(asyncio.sleep(0))
    return is_new


def price(live, product: str) -> float:
    return float(live._loop.run_until_complete(live.quotes.quote(product, None, None, 1)).price)


def come(live, shop, **said) -> None:
    """A view that says something of a product comes, and is put into the log."""
    now = (clock.now() - timedelta(seconds=1)).isoformat()
    view = {"type": "track", "event": "Product Viewed", "userId": "ada", "timestamp": now, "receivedAt": now}
    live.inbox.put([json.dumps({**view, "messageId": str(said), "properties": said}).encode()]).result()
    fold(live.inbox, shop.log, currency="EUR", timezone="UTC", received_at=clock.now(), rejects=shop.folder / "rejects")


def test_views_that_come_do_not_let_the_log_be_read_anew(live, shop):
    assert price(live, "tea") == 4.5
    come(live, shop, product_id="tea")
    assert not refreshed(live, live.prices)


def test_a_list_price_that_an_event_brings_counts_though_all_else_is_not_read(live, shop):
    refreshed(live, live.list_prices)
    come(live, shop, product_id="tea", price=3.0)
    assert not refreshed(live, live.prices)
    assert refreshed(live, live.list_prices)
    assert price(live, "tea") == 3.0
