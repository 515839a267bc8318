"""Going on without what is damaged: what is lost is named, and importing again brings back exactly that."""

from __future__ import annotations

import pytest

from regulars.engine import Engine
from regulars.errors import CorruptLogError
from regulars.events import commit as commits
from regulars.events.check import check
from regulars.events.recovery import drop_damaged

# Rows that are equal in all, in one file and in two, are the hardest to bring back exactly.
FILES = {
    "may.csv": ["2024-05-01,ada,tea,1,4.50,A1", "2024-05-01,ada,tea,1,4.50,A1", "2024-05-02,bob,tea,1,4.50,A2"],
    "june.csv": ["2024-06-01,ada,cup,1,3.00,A3", "2024-06-02,bob,cup,1,3.00,A4"],
    "july.csv": ["2024-05-01,eve,tea,1,4.50,A5"],
}


@pytest.fixture
def shop(till):
    for name, rows in FILES.items():
        till.import_(till.file(name, *rows))
    return till


def break_file(till, version: int) -> str:
    (path,) = (till.log.folder / "data").glob(f"{version:010d}-*.parquet")
    data = path.read_bytes()
    path.write_bytes(data[:60] + bytes([data[60] ^ 4]) + data[61:])
    return f"data/{path.name}"


def break_commit(till, version: int) -> None:
    path = commits.commit_path(till.log.folder, version)
    path.write_bytes(path.read_bytes().replace(b'"operation"', b'"operatioN"'))


def is_sound(till) -> bool:
    return not any(fault.is_current for fault in check(till.log, Engine()).faults)


def test_where_nothing_is_damaged_nothing_changes(shop):
    assert drop_damaged(shop.log) == type(drop_damaged(shop.log))(3, (), {}, {}, (), None)
    assert shop.log.version == 3


def test_importing_again_brings_back_exactly_the_rows_that_were_lost(shop):
    everything = shop.rows("event_id", "line", "customer_id", "order_id")
    path = break_file(shop, 1)
    with pytest.raises(CorruptLogError, match="check --drop-damaged"):
        shop.rows("order_id")
    done = drop_damaged(shop.log)
    assert (done.version, done.files, done.rows, done.sources) == (4, (path,), {"events": 3}, {"may.csv": 3})
    assert shop.rows("order_id") == [("A3",), ("A4",), ("A5",)]
    assert is_sound(shop)
    assert shop.import_(shop.folder / "june.csv").added == 0
    assert shop.import_(shop.folder / "may.csv").added == 3
    assert shop.rows("event_id", "line", "customer_id", "order_id") == everything


def test_a_file_that_is_missing_is_left_out_like_a_damaged_one(shop):
    (path,) = (shop.log.folder / "data").glob("0000000002-*")
    path.unlink()
    assert drop_damaged(shop.log).sources == {"june.csv": 2}
    assert is_sound(shop)


def test_without_its_newest_commit_the_log_goes_back_to_the_one_before(shop):
    everything = shop.rows("event_id", "line", "order_id")
    break_commit(shop, 3)
    with pytest.raises(CorruptLogError, match=r"00003\.json .*check --drop-damaged"):
        shop.rows("order_id")
    second = commits.read(shop.log.folder, 2)
    done = drop_damaged(shop.log)
    assert (done.version, done.versions, done.since) == (4, (1, 2, 3), second.time.isoformat())
    assert shop.log.snapshot().tables == second.tables
    assert is_sound(shop)
    for name in FILES:
        shop.import_(shop.folder / name)
    assert shop.rows("event_id", "line", "order_id") == everything


def test_an_older_commit_that_cannot_be_read_is_given_up_with_those_before_it(shop):
    newest = shop.log.snapshot()
    break_commit(shop, 2)
    done = drop_damaged(shop.log)
    assert (done.version, done.versions, done.since, done.files) == (3, (1, 2), None, ())
    assert [commit.version for commit in shop.log.history()] == [3]
    assert shop.log.snapshot() == newest


def test_a_commit_that_is_missing_in_between_is_given_up_like_a_damaged_one(shop):
    commits.commit_path(shop.log.folder, 2).unlink()
    assert drop_damaged(shop.log).versions == (1,)
    assert check(shop.log, Engine()).faults == ()


def test_without_any_commit_that_can_be_read_the_log_begins_anew(shop):
    for version in (1, 2, 3):
        break_commit(shop, version)
    done = drop_damaged(shop.log)
    assert (done.version, done.versions, done.since) == (4, (1, 2, 3), "")
    assert shop.log.snapshot().rows("events") == 0
    for name in FILES:
        shop.import_(shop.folder / name)
    assert len(shop.rows("order_id")) == 6
