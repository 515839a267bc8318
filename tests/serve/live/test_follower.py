"""A process that begins beside one that writes: what is put into the log meanwhile is known to it."""

from __future__ import annotations

import asyncio
import json
from threading import Event

import pytest

from regulars import clock
from regulars.events.inbox import FOLDER, Inbox, fold, open_store
from regulars.realtime import snapshot
from regulars.serve.live import LiveLists, follower, lists
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


def test_events_are_known_while_the_state_is_written_to_the_disk(shop, inbox, monkeypatch):
    begun, may_end = Event(), Event()
    write = snapshot.write

    def slowly(folder, taken):
        begun.set()
        assert may_end.wait(10)
        return write(folder, taken)

    monkeypatch.setattr(snapshot, "write", slowly)
    viewed = {"type": "track", "event": "Product Viewed", "messageId": "m1", "properties": {"product_id": "tea"}}

    async def serve() -> LiveLists:
        here = LiveLists(shop, inbox, asyncio.get_running_loop(), Decisions(inbox), keeps=True)
        keeping = asyncio.create_task(here.follower.keep())
        await asyncio.to_thread(begun.wait, 10)
        about = {"userId": "ada", "receivedAt": clock.now().isoformat(), "timestamp": clock.now().isoformat()}
        number = await asyncio.wrap_future(inbox.put([json.dumps(about | viewed).encode()]))
        await asyncio.wait_for(here.follower.reach(number), 5)
        assert not keeping.done()
        may_end.set()
        await keeping
        return here

    here = asyncio.run(serve())
    assert here.live.known("ada", clock.now())["events"] == 1
    kept = snapshot.newest(shop.folder / follower.FOLDER / "state")
    assert kept.texts["customers"] == []
