"""Vacuum: what is old and needed by nobody goes, what a reader may still hold stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from regulars import clock
from regulars.errors import CorruptLogError, NotFoundError
from regulars.events import commit as commits
from regulars.events.compaction import compact
from regulars.events.vacuum import vacuum

START = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def aged(till):
    """Versions 1 to 3 by imports on three days, version 4 by a compaction on the fourth."""
    for day in range(3):
        with clock.held_at(START + timedelta(days=day)):
            till.import_(till.file(f"{day}.csv", f"2024-05-0{day + 1},ada,tea,1,4.50,A{day}"))
    with clock.held_at(START + timedelta(days=3)):
        compact(till.log)
    return till


def vacuum_after(till, days: float, keep_days: int = 2, *, dry_run: bool = False):
    with clock.held_at(START + timedelta(days=days)):
        return vacuum(till.log, keep_days, dry_run=dry_run)


def living(till) -> list[int]:
    return [commit.version for commit in till.log.history()]


def test_a_version_stays_for_the_days_after_the_next_one_came(aged):
    # Version 1 was replaced on day 1, version 2 on day 2, version 3 on day 3.
    assert vacuum_after(aged, 3).versions == []
    assert vacuum_after(aged, 3.5).versions == [1]
    assert vacuum_after(aged, 4).versions == []
    assert living(aged) == [4, 3, 2]


def test_files_go_with_the_last_version_that_needs_them(aged):
    done = vacuum_after(aged, 4.5)
    assert done.versions == [1, 2]
    assert done.files == []  # version 3 needs the files of both
    done = vacuum_after(aged, 9)
    assert (done.versions, len(done.files)) == ([3], 3)
    assert living(aged) == [4]
    assert len(list((aged.log.folder / "data").iterdir())) == 1
    assert aged.rows("order_id") == [("A0",), ("A1",), ("A2",)]


def test_a_dry_run_says_the_same_and_removes_nothing(aged):
    said = vacuum_after(aged, 9, dry_run=True)
    assert living(aged) == [4, 3, 2, 1]
    assert vacuum_after(aged, 9) == said
    assert said.bytes > 0
    assert vacuum_after(aged, 9) == ([], [], 0)


def test_the_newest_version_stays_whatever_its_age(aged):
    vacuum_after(aged, 10_000, keep_days=0)
    assert living(aged) == [4]
    assert vacuum_after(aged, 10_000, keep_days=0) == ([], [], 0)


def test_a_version_that_is_gone_is_told_from_one_that_never_was(aged):
    vacuum_after(aged, 9)
    with pytest.raises(NotFoundError, match=r"Version 2 .* no longer kept.* The oldest that can be read is 4"):
        aged.log.snapshot(2)
    with pytest.raises(NotFoundError, match=r"no version 5"):
        aged.log.snapshot(5)


def test_files_of_an_import_that_is_under_way_are_not_touched(aged):
    coming = aged.log.folder / "data" / "0000000005-00000.parquet"
    coming.write_text("half")
    assert vacuum_after(aged, 9).versions == [1, 2, 3]
    assert coming.exists()


def test_a_clock_that_was_wrong_once_costs_no_version(till):
    for number, day in enumerate((0, -9000, 1)):
        with clock.held_at(START + timedelta(days=day)):
            till.import_(till.file(f"{number}.csv", f"1990-05-0{number + 1},ada,tea,1,4.50,A{number}"))
    assert vacuum_after(till, 2).versions == [1]


def test_a_commit_that_cannot_be_read_stops_the_vacuum(aged):
    path = commits.commit_path(aged.log.folder, 3)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CorruptLogError, match=r"00003\.json .*check --drop-damaged"):
        vacuum_after(aged, 3.5)
    assert len(list((aged.log.folder / "commits").glob("*.json"))) == 4


def test_an_empty_log_has_nothing_to_remove(till):
    assert vacuum(till.log, 0) == ([], [], 0)
