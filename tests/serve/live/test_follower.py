"""A process that begins beside one that writes: what is put into the log meanwhile is known to it."""

from __future__ import annotations

import asyncio
import json

import pytest

from regulars import clock
from regulars.events.inbox import FOLDER, Inbox, fold, open_store
from regulars.serve.live import LiveLists, lists
from regulars.serve.live.decisions import Decisions


@pytest.fixture
def inbox(shop):
    made = Inbox(open_store(shop.folder / FOLDER))
    yield made
    made.close()


@pytest.fixture
def come(shop, inbox):
    """come(): customers look at something and object, and the log has it before anybody has read it of the inbox."""

    def now() -> None:
        about = {"userId": "ada", "receivedAt": clock.now().isoformat(), "timestamp": clock.now().isoformat()}
        calls = [
            {"type": "track", "event": "Product Viewed", "messageId": "m1", "properties": {"product_id": "tea"}},
            {"type": "track", "event": "Objection Made", "messageId": "m2", "properties": {"review_body": "profiling"}},
        ]
        inbox.put([json.dumps(about | call).encode() for call in calls]).result()
        fold(inbox, shop.log, currency="EUR", timezone="UTC", received_at=clock.now(), rejects=shop.folder / "rejects")

    return now


@pytest.mark.parametrize("reading", ["Consents", "Had"])
def test_what_is_folded_while_a_process_begins_is_known_to_it_once(shop, inbox, come, monkeypatch, reading):
    read = getattr(lists, reading)

    def slowly(shop, now):
        found = (read.of if reading == "Consents" else read)(shop, now)
        come()
        return found

    monkeypatch.setattr(lists, reading, slowly if reading == "Had" else type("Slow", (), {"of": staticmethod(slowly)}))
    here = LiveLists(shop, inbox, asyncio.new_event_loop(), Decisions(inbox), keeps=False)
    assert here.consents.forbids("ada", "profiling")
    assert here.live.known("ada", clock.now())["events"] == 2
