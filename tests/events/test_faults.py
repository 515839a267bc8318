from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from regulars import storage
from regulars.errors import RegularsError, ShopError
from regulars.events.compaction import compact
from regulars.events.log import EventLog
from regulars.events.recovery import drop_damaged
from regulars.events.vacuum import vacuum
from regulars.models import Models

from .conftest import Till

OLD = [f"2024-05-0{day} 10:00,ada,tea,1,4.50,A{day}" for day in range(1, 4)]
NEW = [
    *OLD,
    *(f"2024-05-1{day} 10:00,bob,tea,1,4.50,B{day}" for day in range(4)),
    "2024-05-20 10:00,bob,tea,-1,4.50,C1",
]


CALLS = {
    "_open": errno.EMFILE,
    "_write": errno.ENOSPC,
    "_sync": errno.EIO,
    "_link": errno.EIO,
    "_rename": errno.EIO,
    "_unlink": errno.EIO,
}


class Failing:
    """A call that fails from its n-th time on: once, or for ever."""

    def __init__(self, name: str, number: int, *, for_ever: bool) -> None:
        self.name, self.call = name, getattr(storage, name)
        self.number, self.for_ever = number, for_ever
        self.count = 0
        self.guard = threading.Lock()

    def __call__(self, *arguments):
        with self.guard:
            self.count += 1
            fails = self.count >= self.number if self.for_ever else self.count == self.number
        if fails:
            raise OSError(CALLS[self.name], os.strerror(CALLS[self.name]))
        return self.call(*arguments)


def failures(monkeypatch, name, for_ever, work) -> Iterator[OSError | RegularsError | None]:
    """Do some work with the first, the second, ... call failing, until none is left to fail; each time its error."""
    for number in count(1):
        failing = Failing(name, number, for_ever=for_ever)
        monkeypatch.setattr(storage, name, failing)
        error = None
        try:
            work()
        except (OSError, RegularsError) as caught:
            error = caught
        monkeypatch.setattr(storage, name, failing.call)
        if isinstance(error, OSError):
            assert error.filename
            assert storage.REMEDIES[CALLS[name]] in str(error)
        yield error
        if failing.count < number:
            assert error is None
            return


def assert_whole(log: EventLog) -> None:
    snapshot = log.snapshot()
    for files in snapshot.tables.values():
        for file in files:
            assert hashlib.sha256((log.folder / file.path).read_bytes()).hexdigest() == file.sha256
    assert log.read("events", ["event_id"]).num_rows == snapshot.rows("events")


def listed(log: EventLog) -> set[str]:
    return {path.name for path in log.paths(log.snapshot(), "events")}


def data_files(log: EventLog) -> set[str]:
    return {path.name for path in (log.folder / "data").iterdir()}


every_call = pytest.mark.parametrize("name", CALLS)
once_or_for_ever = pytest.mark.parametrize("for_ever", [False, True], ids=["once", "for_ever"])


@once_or_for_ever
@every_call
def test_a_disk_that_fails_at_any_call_leaves_the_old_or_the_new_version(till, cut_to, name, for_ever, monkeypatch):
    cut_to(150)
    till.import_rows(*OLD)
    first = till.log.snapshot()
    file = till.file("new.csv", *NEW, "soon,ada,tea,1,4.50,A1")
    times = 0
    for error in failures(monkeypatch, name, for_ever, lambda: till.import_(file)):
        times += 1
        assert error is not None or till.log.version == 2
        assert till.log.version in (1, 2)
        assert till.log.version == 2 or till.log.snapshot() == first
        assert_whole(till.log)
        result = till.import_(file)
        assert result.added + result.duplicates == len(NEW)
        assert till.log.version == 2
        assert_whole(till.log)
        assert till.rows("order_id", "type", "line") == sorted(
            [(row.rsplit(",", 1)[1], "order_completed", 0) for row in NEW[:-1]] + [("B3", "order_refunded", 0)], key=str
        )
        assert data_files(till.log) == listed(till.log)
        (till.log.folder / "commits" / f"{2:020d}.json").unlink()
    assert times > {"_open": 5, "_write": 3, "_sync": 5, "_link": 1, "_rename": 0, "_unlink": 1}[name]


@pytest.fixture
def worn(till):
    """A till with three imports, of which the second's only file is damaged, and a copy of its log for each attempt."""
    for number, row in enumerate(NEW[:3]):
        till.import_(till.file(f"{number}.csv", row))
    original = shutil.copytree(till.log.folder, till.folder / "original")

    def back(*, damaged: bool = False) -> None:
        shutil.rmtree(till.log.folder)
        shutil.copytree(original, till.log.folder)
        if damaged:
            (path,) = (till.log.folder / "data").glob("*2-*.parquet")
            data = path.read_bytes()
            path.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])

    till.back = back
    return till


@once_or_for_ever
@every_call
def test_compaction_on_a_disk_that_fails_changes_no_row(worn, name, for_ever, monkeypatch):
    rows = worn.rows("event_id", "line", "order_id")
    for error in failures(monkeypatch, name, for_ever, lambda: compact(worn.log)):
        assert worn.log.version == 4 or (error is not None and worn.log.version == 3)
        assert_whole(worn.log)
        assert worn.rows("event_id", "line", "order_id") == rows
        assert compact(worn.log).after == 1
        assert worn.rows("event_id", "line", "order_id") == rows
        worn.back()


@once_or_for_ever
@every_call
def test_vacuum_on_a_disk_that_fails_leaves_whole_versions_and_goes_on(worn, name, for_ever, monkeypatch):
    compact(worn.log)
    rows = worn.rows("event_id", "line", "order_id")
    shutil.rmtree(worn.folder / "original")
    shutil.copytree(worn.log.folder, worn.folder / "original")
    for _ in failures(monkeypatch, name, for_ever, lambda: vacuum(worn.log, 0)):
        living = [commit.version for commit in worn.log.history()]
        assert living == list(range(4, living[-1] - 1, -1))
        for version in living:
            worn.log.paths(worn.log.snapshot(version), "events")
        assert worn.rows("event_id", "line", "order_id") == rows
        vacuum(worn.log, 0)
        assert data_files(worn.log) == listed(worn.log)
        worn.back()


@once_or_for_ever
@every_call
def test_recovery_on_a_disk_that_fails_drops_nothing_but_what_is_damaged(worn, name, for_ever, monkeypatch):
    worn.back(damaged=True)
    for error in failures(monkeypatch, name, for_ever, lambda: drop_damaged(worn.log)):
        assert worn.log.version == 4 or (error is not None and worn.log.version == 3)
        assert worn.log.version == 3 or worn.log.snapshot().rows("events") == 2
        drop_damaged(worn.log)
        assert worn.rows("order_id") == [("A1",), ("A3",)]
        assert worn.import_(worn.folder / "1.csv").added == 1
        worn.back(damaged=True)


@once_or_for_ever
@every_call
def test_a_model_on_a_disk_that_fails_is_saved_whole_or_not_at_all(tmp_path, name, for_ever, monkeypatch):
    models = Models(tmp_path / "models")
    models.save("churn", {"a.txt": b"a"}, {})
    models.use("churn", 1)

    def save() -> None:
        models.use("churn", models.save("churn", {"a.txt": b"a", "b.txt": b"b"}, {}).version)

    for _ in failures(monkeypatch, name, for_ever, save):
        for version in models.versions("churn"):
            assert models.get("churn", version).read("a.txt") == b"a"
        assert models.in_use("churn").version in models.versions("churn")
        assert list(models.faults()) == []


FULL = """
import resource, signal, sys
from itertools import count
from pathlib import Path
from tests_till import Till
till = Till(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
till.import_(Path(sys.argv[2]))
"""


def test_a_limit_on_the_size_of_files_is_told_and_leaves_the_old_version(till):
    till.import_rows(*OLD)
    (till.folder / "tests_till.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    file = till.file("large.csv", *(f"2024-05-01 10:00,c{n},p{n * 7919 % 997},1,{n}.50,A{n}" for n in range(2000)))
    done = subprocess.run(
        [sys.executable, "-c", FULL, till.folder, file],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(till.folder), *sys.path])},
    )
    assert "File too large" in done.stderr
    assert "ulimit -f" in done.stderr
    assert till.log.version == 1
    assert_whole(till.log)


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of half a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a disk takes the rights of root")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_told_and_when_there_is_room_again_all_goes_on(small_disk):
    till = Till(small_disk)
    till.import_rows(*OLD)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(450_000))
    rng = random.Random(0)
    rows = [f"2024-05-01 10:00,c{rng.random()},p{rng.random()},1,{n % 99}.50,A{n}" for n in range(3000)]
    file = Path(shutil.move(till.file("large.csv"), small_disk.parent / "large.csv"))
    file.write_text("\n".join([till.header, *rows, ""]))
    with pytest.raises(OSError, match=r"No space left on device\. Free some space") as caught:
        till.import_(file)
    assert str(small_disk) in caught.value.filename
    assert till.log.version == 1
    assert_whole(till.log)
    ballast.unlink()
    assert till.import_(file).added == 3000
    assert_whole(till.log)


IMPORT = """
import sys
from itertools import count
from pathlib import Path
from tests_till import Till
till = Till(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for file in sys.argv[2:]:
    till.import_(Path(file))
"""


def test_three_writers_at_once_lose_nothing_and_count_nothing_twice(till):
    (till.folder / "tests_till.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    files = [
        till.file(f"{n}.csv", *(f"2024-05-{day:02d} 10:00,c{n},tea,{n + 1},4.50,A{n}-{day}" for day in range(1, 29)))
        for n in range(6)
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(till.folder), *sys.path])}
    writers = [
        subprocess.Popen(
            # Every second file is sent by two of them.
            [sys.executable, "-c", IMPORT, till.folder, *(files[(n + k) % 6] for k in range(3))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        for n in range(0, 6, 2)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.stdin.close()
        writer.stdout.close()
    quantities = [quantity for (quantity,) in till.rows("quantity")]
    assert len(quantities) == 6 * 28
    assert sum(quantities) == 28 * (1 + 2 + 3 + 4 + 5 + 6)
    assert [commit.version for commit in till.log.history()] == [6, 5, 4, 3, 2, 1]


HOLD = """
import sys
from itertools import count
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
