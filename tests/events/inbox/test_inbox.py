from __future__ import annotations

import threading

import pytest

from regulars.errors import OverLimitError, UnavailableError
from regulars.events.inbox import Inbox
from regulars.events.inbox import inbox as module


def test_many_callers_share_a_commit_and_each_gets_its_own_number(store, monkeypatch):
    groups = []
    append = store.append
    monkeypatch.setattr(store, "append", lambda bodies: groups.append(len(bodies)) or append(bodies))
    inbox = Inbox(store)
    done = {}

    def put(name: int) -> None:
        for number in range(20):
            body = b"%d-%d" % (name, number)
            done[body] = inbox.put([body]).result()

    threads = [threading.Thread(target=put, args=[name]) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry.body: entry.sequence for entry in inbox.read(0, 1000)} == done
    assert sum(groups) == 160 > len(groups)
    inbox.close()


def test_more_than_may_wait_is_refused_and_taken_again_once_there_is_room(store):
    inbox = Inbox(store, most=3)
    last = inbox.put([b"1", b"2", b"3"]).result()
    with pytest.raises(OverLimitError, match="3 events wait"):
        inbox.put([b"4"]).result()
    inbox.delete(last)
    assert inbox.put([b"4"]).result() > last
    inbox.close()


def test_what_does_not_fit_into_memory_is_refused_at_once(store, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    inbox = Inbox(store)
    with pytest.raises(OverLimitError, match="faster than the disk"):
        inbox.put([b"x" * 11])
    inbox.put([b"x" * 10]).result()
    inbox.close()


def test_closing_writes_what_was_asked_for_and_takes_no_more(opened):
    inbox = Inbox(opened())
    asked = [inbox.put([b"%d" % number]) for number in range(50)]
    inbox.close()
    inbox.close()
    assert all(future.done() for future in asked)
    with pytest.raises(UnavailableError, match="closed"):
        inbox.put([b"1"])
    again = opened()
    assert again.count() == 50
    again.close()


def test_a_failure_is_told_to_those_who_wait_and_the_next_commit_goes_on(store, monkeypatch):
    append = store.append
    failing = iter([True, False])

    def sometimes(bodies):
        if next(failing):
            raise RuntimeError("odd")
        return append(bodies)

    monkeypatch.setattr(store, "append", sometimes)
    inbox = Inbox(store)
    with pytest.raises(UnavailableError, match="odd"):
        inbox.put([b"1"]).result()
    inbox.put([b"2"]).result()
    assert [entry.body for entry in inbox.read(0)] == [b"2"]
    inbox.close()


def test_who_waits_no_more_keeps_nobody_from_being_told(store):
    inbox = Inbox(store)
    inbox.put([b"1"]).cancel()
    inbox.put([b"2"]).result(10)
    assert [entry.body for entry in inbox.read(0)] == [b"1", b"2"]
    inbox.close()
