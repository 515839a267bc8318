from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime
from itertools import count

import pytest

from regulars import storage
from regulars.events.inbox import Inbox, fold, open_store
from regulars.events.inbox import folding as module
from regulars.events.log import EventLog

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def call(name: str, **said: object) -> bytes:
    event = {"type": "track", "event": "Product Viewed", "messageId": name, "userId": "ada"}
    times = {"timestamp": "2024-05-01T10:00:00Z", "receivedAt": "2024-05-01T10:00:01Z"}
    return json.dumps(event | times | said).encode()


@pytest.fixture
def log(tmp_path) -> EventLog:
    return EventLog.create(tmp_path / "log")


@pytest.fixture
def inbox(store):
    inbox = Inbox(store)
    yield inbox
    inbox.close()


@pytest.fixture
def folded(log, inbox, tmp_path):
    return lambda: fold(inbox, log, currency="EUR", timezone="UTC", received_at=NOON, rejects=tmp_path / "rejects")


def ids(log: EventLog) -> list[tuple[str, int]]:
    table = log.read("events", ["event_id", "line"])
    return sorted(zip(table["event_id"].to_pylist(), table["line"].to_pylist(), strict=True))


def test_what_waits_is_in_the_log_by_one_commit_and_gone_from_the_inbox(inbox, log, folded):
    order = {"order_id": "o1", "products": [{"product_id": "tea", "price": 4.5}, {"product_id": "pot", "price": 30}]}
    last = inbox.put([call("m1"), call("m2", event="Order Completed", properties=order)]).result()
    found = folded()
    assert (found.read, found.added, found.duplicates, found.rejected, found.through) == (2, 3, 0, 0, last)
    assert ids(log) == [("m1", 0), ("m2", 0), ("m2", 1)]
    assert (log.version, inbox.count(), log.snapshot().folded) == (1, 0, {inbox.identity: last})
    assert folded() is None
    assert log.version == 1
    assert log.read("catalogue", ["product_id"])["product_id"].to_pylist() == ["pot", "tea"]


def test_a_fold_that_was_killed_after_its_commit_is_not_counted_twice(inbox, log, folded, monkeypatch):
    inbox.put([call("m1"), call("")]).result()  # the second is refused: it must not be refused again
    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "delete", lambda self, through: None)
        folded()
    assert (log.version, inbox.count()) == (1, 2)
    inbox.put([call("m2")]).result()
    found = folded()
    assert (found.read, found.added, found.duplicates, found.rejected) == (1, 1, 0, 0)
    assert (ids(log), inbox.count()) == ([("m1", 0), ("m2", 0)], 0)


def test_an_event_sent_again_counts_once_for_ever(inbox, log, folded):
    for _ in range(3):
        inbox.put([call("m1"), call("m1", receivedAt="2024-05-01T10:09:00Z")]).result()
        folded()
    assert ids(log) == [("m1", 0)]
    assert log.snapshot().folded[inbox.identity] > 0


def test_the_same_id_with_other_content_is_refused_and_listed(inbox, log, folded, tmp_path):
    inbox.put([call("m1"), call("m1", userId="bob"), call("m2", timestamp="never")]).result()
    assert folded().rejected == 2
    assert log.read("events", ["customer_id"])["customer_id"].to_pylist() == ["ada"]
    (path,) = (tmp_path / "rejects").iterdir()
    with path.open(newline="") as file:
        reasons = sorted(row["reason"] for row in csv.DictReader(file))
    assert reasons == ["another event has this id and says something else; the first one stays", "not a time"]


def test_many_events_are_folded_in_parts(inbox, log, folded, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 4)
    inbox.put([call(f"m{number}") for number in range(10)]).result()
    assert [folded().read, folded().read, folded().read, folded()] == [4, 4, 2, None]
    assert log.read("events").num_rows == 10


def test_the_mark_outlives_other_changes_of_the_log(inbox, log, folded):
    inbox.put([call("m1")]).result()
    through = folded().through
    with log.transaction("recovery") as transaction:
        transaction.forget()
        transaction.replace("events", {file.path for file in log.snapshot().tables["events"]})
        transaction.commit()
    assert log.snapshot().folded == {inbox.identity: through}


CALLS = ("_open", "_write", "_sync", "_link", "_rename", "_unlink")


class Stopped(BaseException):
    """The process is no more: nothing after it is done, not even tidying up."""


def stop_after(number: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let so many calls of storage be made and no further one; the list tells which were."""
    made: list[str] = []

    def stopping(name, call):
        def instead(*arguments):
            if len(made) == number:
                raise Stopped
            made.append(name)
            return call(*arguments)

        return instead

    for name in CALLS:
        monkeypatch.setattr(storage, name, stopping(name, getattr(storage, name)))
    return made


def test_a_fold_that_stops_after_any_call_is_done_once_by_the_next(tmp_path, monkeypatch):
    begun = tmp_path / "begun"
    log = EventLog.create(begun / "log")
    inbox = Inbox(open_store(begun / "inbox"))
    order = {"order_id": "o1", "products": [{"product_id": "tea", "price": 4.5}, {"product_id": "pot", "price": 30}]}
    inbox.put([call("m1"), call("m2", event="Order Completed", properties=order), call("")]).result()
    fold(inbox, log, currency="EUR", timezone="UTC", received_at=NOON, rejects=begun / "rejects")
    inbox.put([call("m1"), call("m3"), call("", userId="bob")]).result()
    inbox.close()
    seen = set()
    for number in count():
        folder = shutil.copytree(begun, tmp_path / str(number))
        settings = {"currency": "EUR", "timezone": "UTC", "received_at": NOON, "rejects": folder / "rejects"}
        inbox = Inbox(open_store(folder / "inbox"))
        with monkeypatch.context() as patched:
            made = stop_after(number, patched)
            is_done = False
            try:
                fold(inbox, EventLog(folder / "log"), **settings)
                is_done = True
            except Stopped:
                pass
        inbox.close()
        log = EventLog(folder / "log")
        seen.add(log.version)
        assert ids(log) in ([("m1", 0), ("m2", 0), ("m2", 1)], [("m1", 0), ("m2", 0), ("m2", 1), ("m3", 0)])
        assert len(ids(log)) == log.snapshot().rows("events") == log.version + 2
        inbox = Inbox(open_store(folder / "inbox"))
        fold(inbox, log, **settings)
        assert fold(inbox, log, **settings) is None
        assert ids(log) == [("m1", 0), ("m2", 0), ("m2", 1), ("m3", 0)]
        assert log.version == 2
        assert len(list((folder / "rejects").iterdir())) == 2
        assert {path.name for path in (folder / "log" / "data").iterdir()} == {
            path.name for table in log.snapshot().tables for path in log.paths(log.snapshot(), table)
        }
        inbox.close()
        if is_done:
            break
    assert seen == {1, 2}
    assert {"_write", "_sync", "_link"} <= set(made)
