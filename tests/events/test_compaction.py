"""Compaction: fewer files, the same rows, in order; nothing where nothing is small."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq
import pytest

from regulars.events import compaction
from regulars.events.compaction import compact


def rows(day: int) -> list[str]:
    return [
        f"2024-05-{day:02d} {hour:02d}:00,c{hour},tea,{-1 if hour == 9 else 1},4.50,A{day}-{hour}" for hour in range(12)
    ]


@pytest.fixture
def worn(till):
    """Five imports, the later days first."""
    for day in (5, 4, 3, 2, 1):
        till.import_(till.file(f"day{day}.csv", *rows(day)))
    return till


def every_row(till) -> Counter[tuple[object, ...]]:
    return Counter(tuple(row.values()) for row in till.log.read("events").to_pylist())


def test_many_small_files_become_one_with_the_same_rows(worn):
    before = every_row(worn)
    assert compact(worn.log) == (6, 10, 1)
    assert every_row(worn) == before
    assert sum(before.values()) == 60
    (path,) = worn.log.paths(worn.log.snapshot(), "events")
    times = pq.read_table(path)["time"].to_pylist()
    assert times == sorted(times)
    (file,) = worn.log.snapshot().tables["events"]
    assert (file.first, file.last) == (times[0].isoformat(), times[-1].isoformat())


def test_what_came_from_which_file_is_still_known(worn):
    compact(worn.log)
    (file,) = worn.log.snapshot().tables["events"]
    assert file.sources == {f"day{day}.csv": 12 for day in (5, 4, 3, 2, 1)}


def test_an_older_version_is_as_it_was(worn):
    before = worn.log.snapshot()
    compact(worn.log)
    assert worn.log.snapshot(5) == before
    assert sum(pq.read_metadata(path).num_rows for path in worn.log.paths(before, "events")) == 60


def test_importing_again_after_a_compaction_adds_nothing(worn):
    compact(worn.log)
    for day in range(1, 6):
        assert worn.import_(worn.file("again.csv", *rows(day))).added == 0


def test_the_second_compaction_finds_nothing_to_do(worn):
    assert compact(worn.log).version == 6
    assert compact(worn.log) == (6, 1, 1)


def test_large_files_stay_and_no_file_grows_beyond_the_limit(worn, monkeypatch):
    before = every_row(worn)
    monkeypatch.setattr(compaction, "MOST_ROWS", 24)
    assert compact(worn.log).after == 3
    assert sorted(file.rows for file in worn.log.snapshot().tables["events"]) == [12, 24, 24]
    assert every_row(worn) == before
    assert compact(worn.log, below=1) == (6, 3, 3)


def test_few_small_files_are_left_alone(worn):
    assert compact(worn.log, more_than=10) == (5, 10, 10)
    assert compact(worn.log, more_than=9).after == 1


def test_an_empty_log_is_compacted_already(till):
    assert compact(till.log) == (0, 0, 0)


def test_a_log_that_was_compacted_grows_and_is_compacted_again(worn):
    compact(worn.log)
    worn.import_(worn.file("day6.csv", *rows(6)))
    before = every_row(worn)
    assert compact(worn.log).after == 1
    assert every_row(worn) == before
    assert sum(before.values()) == 72
