"""The log: its versions, its files, and what a change that fails leaves behind."""

from __future__ import annotations

import pytest

from regulars.errors import CorruptLogError
from regulars.events.log import EventLog
from regulars.events.schema import CATALOGUE, EVENTS

ROW = "2024-05-01 10:00,ada,tea,1,4.50,A1"


def test_an_empty_log_has_no_rows_and_all_columns(till):
    assert till.log.version == 0
    assert till.log.read("events").schema == EVENTS
    assert till.log.read("catalogue").schema == CATALOGUE
    assert till.log.read("events", ["time", "type"]).column_names == ["time", "type"]


def test_a_log_is_read_in_its_own_types(till):
    till.import_rows(ROW)
    assert till.log.read("events").schema == EVENTS


def test_history_begins_with_the_newest(till):
    till.import_rows(ROW)
    till.import_rows(ROW.replace("ada", "bob"))
    assert [commit.version for commit in till.log.history()] == [2, 1]
    assert [commit.rows("events") for commit in till.log.history()] == [2, 1]
    assert till.log.snapshot(1).rows("events") == 1


def test_what_adds_nothing_makes_no_version(till):
    till.import_rows(ROW)
    assert till.import_rows(ROW).version == 1
    assert till.log.version == 1


def test_a_file_that_is_missing_or_cut_off_is_named(till):
    till.import_rows(ROW)
    (path,) = till.log.paths(till.log.snapshot(), "events")
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(CorruptLogError, match=rf"{path.name} has {len(data) - 1} bytes, {len(data)} were committed"):
        till.log.read("events")
    path.unlink()
    with pytest.raises(CorruptLogError, match=rf"{path.name} is missing. Restore it from a backup"):
        till.log.read("events")


def test_a_change_that_fails_leaves_no_file(till):
    till.import_rows(ROW)
    before = sorted(path.name for path in (till.log.folder / "data").iterdir())
    events = till.log.read("events")
    with pytest.raises(ValueError, match="broken"), till.log.transaction("a change") as transaction:  # noqa: PT012
        transaction.write(events, "orders.csv", None, transaction.reserve())
        assert len(list((till.log.folder / "data").iterdir())) == 2
        raise ValueError("broken")
    assert sorted(path.name for path in (till.log.folder / "data").iterdir()) == before
    assert till.log.version == 1


def test_what_a_killed_process_left_is_removed_by_the_next_change(till):
    till.import_rows(ROW)
    data, commits = till.log.folder / "data", till.log.folder / "commits"
    (data / "0000000002-00000.parquet").write_text("half a fi")
    (commits / ".00000000000000000002.json.99.1.tmp").write_text("half a com")
    assert till.import_rows(ROW.replace("ada", "bob")).added == 1
    assert len(list(data.iterdir())) == 2
    assert sorted(path.name for path in commits.iterdir()) == [f"{n:020d}.json" for n in (1, 2)]


def test_a_reader_keeps_the_version_that_it_opened(till):
    till.import_rows(ROW)
    opened = till.log.snapshot()
    till.import_rows(ROW.replace("ada", "bob"))
    assert len(EventLog(till.log.folder).paths(opened, "events")) == 1
