"""Data files on their way to a reader: any changed bit of a log or a model is noticed, and the file named."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from regulars.errors import CorruptLogError
from regulars.events import integrity
from regulars.events.compaction import compact
from regulars.events.log import EventLog
from regulars.models import Models

FLIPS = int(os.environ.get("REGULARS_FLIPS", "200"))


def flip(path: Path, rng: random.Random) -> bytes:
    """Change one bit of a file; its bytes as they were."""
    data = path.read_bytes()
    at = rng.randrange(len(data))
    path.write_bytes(data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :])
    return data


def read_all(log: EventLog, models: Models) -> None:
    """What a process that has just begun reads: every version of the log, every model."""
    integrity._hashed.clear()
    for commit in log.history():
        for table in commit.tables:
            log.paths(commit, table)
    for model in models.history("churn"):
        for name in model.card["files"]:
            model.read(name)
    models.in_use("churn")


def test_no_flipped_bit_is_read_silently(till):
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    for day in range(1, 5):
        rows = [f"2024-05-0{day} 10:00,c{n},p{n},1,4.50,A{n}" for n in range(50)]
        till.import_(till.file(f"{day}.csv", *(f"{row},Tea" for row in rows), header=f"{till.header},title"),
                     mapping=till.mapping_with(title="title"))  # fmt: skip
    compact(till.log)
    models = Models(till.folder / "models")
    models.save("churn", {"model.json": b"{}" * 500, "trees.txt": b"tree" * 500}, {"about": "x" * 500})
    models.use("churn", 1)
    read_all(till.log, models)
    all_files = [
        p for p in [*till.log.folder.rglob("*"), *models.folder.rglob("*")] if p.is_file() and p.name != "lock"
    ]
    assert len(all_files) >= 15
    silent: list[Path] = []
    misnamed: list[Path] = []
    for number in range(FLIPS):
        # Half of them anywhere by size, half in any file: commits are small.
        weights = [path.stat().st_size for path in all_files] if number % 2 else None
        (path,) = rng.choices(all_files, weights)
        data = flip(path, rng)
        try:
            read_all(till.log, models)
            silent.append(path)
        except CorruptLogError as error:
            misnamed += [path] if path.name not in str(error) else []
        path.write_bytes(data)
    read_all(till.log, models)
    assert (silent, misnamed) == ([], [])


def test_a_flipped_bit_stops_an_import_that_would_read_it(till):
    rows = ["2024-05-01 10:00,ada,tea,1,4.50,A1", "2024-05-02 10:00,ada,tea,1,4.50,A2"]
    till.import_rows(*rows)
    (path,) = till.log.paths(till.log.snapshot(), "events")
    flip(path, random.Random(0))
    integrity._hashed.clear()
    for row in (rows[0], "2024-05-03 10:00,ada,tea,-1,4.50,A3"):  # to find duplicates; to find the refund's order
        with pytest.raises(CorruptLogError, match=rf"{path.name} is not what was committed"):
            till.import_rows(row)
    assert till.log.version == 1


def test_a_file_is_read_to_be_hashed_once_in_a_process_and_again_when_it_changed(till, monkeypatch):
    till.import_rows("2024-05-01 10:00,ada,tea,1,4.50,A1")
    snapshot = till.log.snapshot()
    hashed = []

    def counted(folder, file):
        hashed.append(file.path)
        return damage(folder, file)

    damage = integrity.damage
    monkeypatch.setattr(integrity, "damage", counted)
    integrity._hashed.clear()
    (path,) = till.log.paths(snapshot, "events")
    till.log.paths(snapshot, "events")
    assert len(hashed) == 1
    os.utime(path, ns=(0, 0))
    till.log.paths(snapshot, "events")
    assert len(hashed) == 2
