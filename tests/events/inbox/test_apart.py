from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime

import pytest

from regulars.errors import UnavailableError
from regulars.events.inbox import Inbox, open_store
from regulars.events.inbox.apart import Folding, Place
from regulars.events.log import EventLog
from regulars.events.transaction import Transaction

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    return EventLog.create(tmp_path / "log")


@pytest.fixture
def inbox(tmp_path):
    inbox = Inbox(open_store(tmp_path / "inbox"))
    for number in range(3):
        view = {"type": "page", "messageId": f"m{number}", "userId": "ada", "timestamp": "2024-05-01T10:00:00Z"}
        inbox.put([json.dumps(view).encode()]).result()
    yield inbox
    inbox.close()


@pytest.fixture
def folding(tmp_path, log, inbox):
    places = (str(tmp_path / name) for name in ("log", "inbox", "rejects"))
    folding = Folding(Place(*places, url="", name="", currency="EUR", timezone="UTC"))
    yield folding
    folding.close()


def test_another_process_goes_on_for_one_that_is_killed_and_no_event_counts_twice(folding, log, inbox):
    assert folding.fold(NOON).added == 3
    os.kill(folding._process.pid, signal.SIGKILL)
    with pytest.raises(UnavailableError, match="Another one goes on"):
        folding.fold(NOON)
    found = folding.fold(NOON)
    assert (found.read, found.through, inbox.count()) == (0, 3, 3)
    inbox.delete(found.through)
    assert inbox.count() == 0
    assert log.snapshot().rows("events") == 3


def test_it_outlives_the_signal_by_which_a_service_is_stopped(folding, log):
    assert folding.fold(NOON).added == 3
    os.kill(folding._process.pid, signal.SIGTERM)
    folding.compact()
    assert folding._process.poll() is None


def test_what_goes_wrong_in_it_is_said(folding, log):
    hidden = (log.folder / "commits").rename(log.folder / "hidden")
    with pytest.raises(UnavailableError, match="log"):
        folding.fold(NOON)
    hidden.rename(log.folder / "commits")
    assert folding.fold(NOON).added == 3


def test_a_fold_after_many_reads_no_file_of_the_log_that_one_before_it_read(folding, inbox, monkeypatch):
    read, keys = [], Transaction._keys
    monkeypatch.setattr(Transaction, "_keys", lambda self, file: read.append(file.path) or keys(self, file))
    place = folding._place
    for number in range(4):
        inbox.delete(place.fold(NOON).through)
        view = {"type": "page", "messageId": f"n{number}", "userId": "ada", "timestamp": "2024-05-01T10:00:00Z"}
        inbox.put([json.dumps(view).encode()]).result()
    assert len(read) == len(set(read)) == 3
