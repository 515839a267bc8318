from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from regulars.events.compaction import compact
from regulars.events.log import EventLog
from regulars.events.vacuum import vacuum

KILLS = int(os.environ.get("REGULARS_KILLS", "25"))
"""In all; `make soak` asks for more. Three fifths fall on imports, one each on compaction and vacuum."""

# One process imports the package once; each line asks it for a child that works on a log.
ZYGOTE = """
import os, sys
from pathlib import Path
from tests_till import Till, cut
from regulars.events.compaction import compact
from regulars.events.vacuum import vacuum
cut(1 << 16)
for line in sys.stdin:
    work, folder, file = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        till = Till(Path(folder))
        if work == "import":
            till.import_(Path(file))
        elif work == "compaction":
            compact(till.log)
        else:
            vacuum(till.log, 0)
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("done", flush=True)
"""

TILL = """
from regulars.events.readers import csv as csv_reader

def cut(size):
    csv_reader.SMALLEST_CHUNK = csv_reader.LARGEST_CHUNK = size
"""


@pytest.fixture
def zygote(tmp_path: Path):
    modules = tmp_path / "modules"
    modules.mkdir()
    source = Path(__file__).with_name("conftest.py").read_text()
    (modules / "tests_till.py").write_text(source + TILL)
    process = subprocess.Popen(
        [sys.executable, "-c", ZYGOTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=modules
    )

    def start(folder: Path, file: Path | str = "", work: str = "import") -> int:
        process.stdin.write(f"{work}\t{folder}\t{file}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    start.wait = process.stdout.readline
    yield start
    process.stdin.close()
    process.wait(10)


def orders(days: range) -> list[str]:
    rows = [
        f"2024-05-{day:02d} 10:{minute:02d},c{minute % 7},p{minute % 11},{-1 if minute % 9 == 8 else 1},4.50,A{day}-{minute}"
        for day in days
        for minute in range(60)
        for _ in range(12)  # equal rows, in different pieces of the file too
    ]
    random.Random(0).shuffle(rows)
    return rows


def assert_whole(log: EventLog) -> None:
    """Each file that the newest version lists is there, byte for byte."""
    for files in log.snapshot().tables.values():
        for file in files:
            assert hashlib.sha256((log.folder / file.path).read_bytes()).hexdigest() == file.sha256


def test_an_import_killed_at_any_moment_leaves_the_old_or_the_new_version(till, zygote):
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    old, new = orders(range(1, 4)), orders(range(2, 16))
    expected = Counter(row.rsplit(",", 1)[1] for row in {*old, *new} for _ in range(12))
    old_file, new_file = till.file("old.csv", *old), till.file("new.csv", *new)
    till.import_(old_file)
    assert (till.log.version, till.log.snapshot().rows("events")) == (1, len(old))
    first = till.log.snapshot()

    def back_to_the_old_version() -> None:
        (till.log.folder / "commits" / f"{2:020d}.json").unlink(missing_ok=True)

    for _ in range(2):  # the first child also waits for the zygote to start
        zygote(till.folder, new_file)
        began = time.monotonic()
        zygote.wait()
        whole = time.monotonic() - began
        assert till.log.version == 2
        back_to_the_old_version()
    outcomes: Counter[int] = Counter()
    kills = max(KILLS * 3 // 5, 1)
    for kill in range(kills):
        child = zygote(till.folder, new_file)
        time.sleep(rng.uniform(0, whole * 1.25))
        # The zygote waits for the child, so its number may be gone but can hardly be another's yet.
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        zygote.wait()
        log = EventLog(till.log.folder)
        version = log.version
        outcomes[version] += 1
        assert version in (1, 2)
        assert_whole(log)
        assert version == 2 or log.snapshot() == first
        assert log.read("events", ["event_id"]).num_rows == log.snapshot().rows("events")
        if kill % 5 == 0 or kill == kills - 1:
            till.import_(new_file)
            assert log.version == 2
            assert_whole(log)
            table = log.read("events", ["event_id", "line", "order_id", "type", "properties"])
            identities = set(zip(table["event_id"].to_pylist(), table["line"].to_pylist(), strict=True))
            assert len(identities) == table.num_rows == sum(expected.values())
            listed = {Path(file.path).name for file in log.snapshot().tables["events"]}
            assert {path.name for path in (log.folder / "data").iterdir()} == listed
            assert [path.name for path in (log.folder / "commits").iterdir() if path.suffix != ".json"] == []
        back_to_the_old_version()
    print("outcomes", outcomes)
    assert outcomes[1] >= kills // 10


@pytest.mark.parametrize("work", ["compaction", "vacuum"])
def test_upkeep_killed_at_any_moment_loses_no_row(till, zygote, work):
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    for number, row in enumerate(orders(range(1, 2))[:40]):
        till.import_(till.file(f"{number}.csv", row, f"2024-05-09 10:00,c{number},p,1,4.50,B{number}"))
    expected = till.rows("event_id", "line", "customer_id", "order_id")
    newest = till.log.version
    original = till.log.folder.with_name("original")
    shutil.copytree(till.log.folder, original)

    def back() -> None:
        shutil.rmtree(till.log.folder)
        shutil.copytree(original, till.log.folder)

    for _ in range(2):
        back()
        zygote(till.folder, work=work)
        began = time.monotonic()
        zygote.wait()
        whole = time.monotonic() - began
    outcomes: Counter[tuple[int, int]] = Counter()
    for _ in range(max(KILLS // 5, 1)):
        back()
        child = zygote(till.folder, work=work)
        time.sleep(rng.uniform(0, whole * 1.25))
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        zygote.wait()
        log = EventLog(till.log.folder)
        living = [commit.version for commit in log.history()]
        assert living == list(range(log.version, living[-1] - 1, -1))  # no gap
        for version in living:
            log.paths(log.snapshot(version), "events")
            log.paths(log.snapshot(version), "catalogue")
        assert log.version in (newest, newest + 1)
        assert till.rows("event_id", "line", "customer_id", "order_id") == expected
        outcomes[log.version, len(living)] += 1
        assert compact(log).after == 1
        assert vacuum(log, 0).versions[-1] == log.version - 1
        listed = {Path(file.path).name for files in log.snapshot().tables.values() for file in files}
        assert {path.name for path in (log.folder / "data").iterdir()} == listed
        assert till.rows("event_id", "line", "customer_id", "order_id") == expected
    print("outcomes", outcomes)
