"""Checking a log: each rule of the log is found broken where it is, and a sound log has no fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from regulars.engine import Engine
from regulars.events import commit as commits
from regulars.events.check import Checked, check
from regulars.events.schema import EVENTS

MOMENT = datetime(2024, 5, 1, tzinfo=UTC)
GOOD = {
    "event_id": "e1", "line": 0, "time": MOMENT, "received_at": MOMENT, "customer_id": "ada", "type": "order_completed",
    "quantity": 1.0, "unit_price": Decimal("4.50"),
}  # fmt: skip


@pytest.fixture
def written(till):
    """Write events past all rules, as a mistake of the program could."""

    def write(*events: dict[str, object]) -> Checked:
        loose = pa.schema([pa.field(field.name, field.type) for field in EVENTS])
        table = pa.Table.from_pylist([GOOD | {"event_id": f"e{n}"} | event for n, event in enumerate(events)], loose)
        with till.log.transaction("a mistake") as transaction:
            transaction.write(table, "mistake", np.arange(len(table)), transaction.reserve())
            transaction.commit()
        return check(till.log, Engine())

    return write


def test_a_sound_log_has_no_fault_and_is_counted(till):
    for day in (1, 2):
        till.import_rows(f"2024-05-0{day},ada,tea,1,4.50,A{day}", f"2024-05-0{day},ada,tea,-1,4.50,B{day}")
    shares = []
    found = check(till.log, Engine(), on_progress=shares.append)
    assert found.faults == ()
    assert (found.version, found.versions, found.files, found.rows) == (2, 2, 4, {"events": 4})
    assert found.bytes == sum(path.stat().st_size for path in (till.log.folder / "data").iterdir())
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_an_empty_log_is_sound(till):
    assert check(till.log, Engine()) == Checked(0, 0, 0, 0, {}, ())


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        ({"time": datetime(1969, 12, 31, tzinfo=UTC)}, "1 row with a time before 1970"),
        ({"quantity": -1.0}, "1 row with a quantity that is negative or no number"),
        ({"quantity": float("nan")}, "1 row with a quantity that is negative or no number"),
        ({"quantity": float("inf")}, "1 row with a quantity that is negative or no number"),
        ({"unit_price": Decimal("-0.01")}, "1 row with a negative price"),
        ({"type": None}, "1 row with an empty type"),
        ({"received_at": None}, "1 row with an empty received_at"),
        ({"type": "decision_made", "propensity": 0.0}, "1 row of a decision whose propensity is not above 0"),
        ({"type": "decision_made", "propensity": 1.01}, "1 row of a decision whose propensity is not above 0"),
        ({"type": "decision_made", "propensity": float("nan")}, "1 row of a decision whose propensity is not above 0"),
    ],
)
def test_each_rule_is_found_broken_in_its_file(written, event, fault):
    found = written({}, event, {"quantity": None, "unit_price": None})
    assert [(one.file, one.is_current) for one in found.faults] == [("log/data/0000000001-00000.parquet", True)]
    assert found.faults[0].fault.startswith(fault)


def test_an_identity_that_stands_twice_is_named(written):
    written({"event_id": "a"}, {"event_id": "b"})
    found = written({"event_id": "a", "line": 1}, {"event_id": "b"})
    assert [one.fault for one in found.faults] == ["event b, line 0, stands 2 times in the events"]


def with_commit(till, **changes) -> Checked:
    """The log with something else in its newest commit's only file of events."""
    commit = till.log.snapshot()
    (file,) = commit.tables["events"]
    other = type(file)(**(vars(file) | changes))
    path = commits.commit_path(till.log.folder, commit.version)
    path.write_bytes(type(commit)(**(vars(commit) | {"tables": {"events": (other,)}})).to_json())
    return check(till.log, Engine())


def test_a_commit_that_says_something_else_than_its_file_is_found(till):
    till.import_rows("2024-05-01,ada,tea,1,4.50,A1", "2024-05-03,ada,tea,1,4.50,A2")
    later = (MOMENT + timedelta(days=1)).isoformat()
    assert [f.fault[:26] for f in with_commit(till, first=later).faults] == ["1 row with a time outside "]
    assert [f.fault for f in with_commit(till, first=MOMENT.isoformat(), rows=3).faults] == [
        "has 2 rows, 3 were committed", "has 3 rows, its sources 2",
    ]  # fmt: skip


def test_a_gap_in_the_numbers_and_a_damaged_commit_are_faults_of_older_versions(till):
    for day in range(1, 5):
        till.import_rows(f"2024-05-0{day},ada,tea,1,4.50,A{day}")
    commits.commit_path(till.log.folder, 2).unlink()
    commits.commit_path(till.log.folder, 3).write_text("{")
    found = check(till.log, Engine())
    assert [(one.file[-10:], one.is_current) for one in found.faults] == [("00002.json", False), ("00003.json", False)]
    assert "is missing" in found.faults[0].fault
    commits.commit_path(till.log.folder, 4).write_text("{")
    assert check(till.log, Engine()).faults[-1].is_current


def test_damage_that_only_an_older_version_has_is_told_apart(till):
    till.import_rows("2024-05-01,ada,tea,1,4.50,A1")
    (path,) = till.log.paths(till.log.snapshot(), "events")
    with till.log.transaction("leaving it out") as transaction:
        transaction.replace("events", {f"data/{path.name}"})
        transaction.commit()
    path.write_bytes(path.read_bytes()[:-1])
    (fault,) = check(till.log, Engine()).faults
    assert (fault.file, fault.is_current) == (f"log/data/{path.name}", False)


def test_a_file_that_the_disk_gives_no_more_is_a_fault_and_not_the_end(till, monkeypatch):
    till.import_rows("2024-05-01,ada,tea,1,4.50,A1")

    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("regulars.events.integrity.hashlib.file_digest", broken)
    (fault,) = check(till.log, Engine()).faults
    assert "input/output error" in fault.fault
