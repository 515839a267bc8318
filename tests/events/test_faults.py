from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import threading

import pytest

from regulars import storage
from regulars.errors import RegularsError, ShopError
from regulars.events.log import EventLog

OLD = [f"2024-05-0{day} 10:00,ada,tea,1,4.50,A{day}" for day in range(1, 4)]
NEW = [
    *OLD,
    *(f"2024-05-1{day} 10:00,bob,tea,1,4.50,B{day}" for day in range(4)),
    "2024-05-20 10:00,bob,tea,-1,4.50,C1",
]


class Failing:
    """A call that fails from its n-th time on: once, or for ever."""

    def __init__(self, call, number: int, *, for_ever: bool) -> None:
        self.call, self.number, self.for_ever = call, number, for_ever
        self.count = 0
        self.guard = threading.Lock()

    def __call__(self, *arguments):
        with self.guard:
            self.count += 1
            fails = self.count >= self.number if self.for_ever else self.count == self.number
        if fails:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.call(*arguments)


def assert_whole(log: EventLog) -> None:
    snapshot = log.snapshot()
    for files in snapshot.tables.values():
        for file in files:
            assert hashlib.sha256((log.folder / file.path).read_bytes()).hexdigest() == file.sha256
    assert log.read("events", ["event_id"]).num_rows == snapshot.rows("events")


@pytest.mark.parametrize("for_ever", [False, True], ids=["once", "for_ever"])
@pytest.mark.parametrize("name", ["_write", "_sync", "_link", "_rename"])
def test_a_disk_that_fails_at_any_call_leaves_the_old_or_the_new_version(till, cut_to, name, for_ever, monkeypatch):
    cut_to(150)
    till.import_rows(*OLD)
    first = till.log.snapshot()
    file = till.file("new.csv", *NEW, "soon,ada,tea,1,4.50,A1")
    number = 0
    while True:
        number += 1
        failing = Failing(getattr(storage, name), number, for_ever=for_ever)
        monkeypatch.setattr(storage, name, failing)
        error = None
        try:
            till.import_(file)
        except (OSError, RegularsError) as caught:
            error = caught
        monkeypatch.setattr(storage, name, failing.call)
        assert till.log.version in (1, 2)
        assert till.log.version == 2 or till.log.snapshot() == first
        assert_whole(till.log)
        if error is None:
            break
        result = till.import_(file)
        assert result.added + result.duplicates == len(NEW)
        assert till.log.version == 2
        assert_whole(till.log)
        assert till.rows("order_id", "type", "line") == sorted(
            [(row.rsplit(",", 1)[1], "order_completed", 0) for row in NEW[:-1]] + [("B3", "order_refunded", 0)], key=str
        )
        listed = {path.name for path in till.log.paths(till.log.snapshot(), "events")}
        assert {path.name for path in (till.log.folder / "data").iterdir()} == listed
        (till.log.folder / "commits" / f"{2:020d}.json").unlink()
    assert number > {"_write": 3, "_sync": 5, "_link": 1, "_rename": 0}[name]
    assert till.log.version == 2


HOLD = """
import sys
from pathlib import Path
from regulars import storage
with storage.lock(Path(sys.argv[1]) / "lock", "import of yesterday.csv"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(till):
    """Another process that holds the log's lock until its input is closed."""
    command = [sys.executable, "-c", HOLD, str(till.log.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_waits_for_the_first(till, holder):
    timer = threading.Timer(0.3, holder.stdin.close)
    timer.start()
    assert till.import_rows(*OLD).added == 3
    assert not timer.is_alive()


def test_a_writer_that_waits_in_vain_is_told_who_holds_the_log(till, holder):
    message = rf"log is in use: process {holder.pid} on .*, import of yesterday.csv, since 20\d\d-"
    with pytest.raises(ShopError, match=message), storage.lock(till.log.folder / "lock", "mine", wait_seconds=0.1):
        pass


def test_a_killed_holder_blocks_nobody(till, holder):
    holder.kill()
    holder.wait(10)
    assert till.import_rows(*OLD).added == 3


def test_two_imports_at_once_both_count(till):
    files = [till.file(f"{name}.csv", *rows) for name, rows in [("a", OLD), ("b", NEW[3:])]]
    threads = [threading.Thread(target=till.import_, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert till.log.version == 2
    assert till.log.snapshot().rows("events") == len(NEW)
