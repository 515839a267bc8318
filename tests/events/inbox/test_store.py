from __future__ import annotations

import sqlite3

import pytest

from regulars.errors import ConfigError, DiskFullError, NotFoundError, ShopError, UnavailableError
from regulars.events.inbox import open_reader, open_store
from regulars.events.inbox import sqlite as engine


def test_what_was_kept_is_read_in_order_and_from_any_number(store):
    numbers = [*store.append([b"1", b"2"]), *store.append([b"3"])]
    assert numbers == sorted(set(numbers))
    assert [(e.sequence, e.body) for e in store.read(0, 10)] == list(zip(numbers, [b"1", b"2", b"3"], strict=True))
    assert [e.body for e in store.read(numbers[0], 1)] == [b"2"]
    assert store.read(numbers[2], 10) == []
    assert store.count() == 3


def test_what_is_deleted_is_gone_and_a_late_reader_is_told(store):
    first, second, third = store.append([b"1", b"2", b"3"])
    store.delete(second)
    assert (store.count(), store.deleted()) == (1, second)
    assert [e.body for e in store.read(second, 10)] == [b"3"]
    with pytest.raises(NotFoundError, match="in the log already"):
        store.read(first, 10)
    store.delete(third)
    assert store.count() == 0
    assert store.append([b"4"])[0] > third  # numbers are never used again


def test_what_is_deleted_within_a_commit_leaves_the_rest_of_it(opened, monkeypatch):
    monkeypatch.setattr(engine, "DELETED_AT_ONCE", 4)
    store = opened()
    numbers = [*store.append([b"%d" % number for number in range(9)]), *store.append([b"9", b"10"])]
    store.delete(numbers[5])
    store.delete(numbers[2])  # what is gone stays gone
    assert [entry.sequence for entry in store.read(numbers[5], 10)] == numbers[6:]
    assert (store.count(), store.deleted()) == (5, numbers[5])
    store.close()
    store = opened()
    assert [entry.body for entry in store.read(numbers[5], 4)] == [b"6", b"7", b"8", b"9"]
    assert store.append([b"11"])[0] > numbers[-1]
    store.close()


def test_events_that_wait_in_the_table_of_0_1_are_taken_over_with_their_numbers(tmp_path):
    before = sqlite3.connect(tmp_path / engine.FILE)
    before.execute("CREATE TABLE waiting (sequence INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)")
    before.execute("CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT, deleted INTEGER)")
    before.executemany("INSERT INTO waiting (body) VALUES (?)", [[b"1"], [b"2"], [b"a\nb"]])
    before.execute("DELETE FROM waiting WHERE sequence = 1")
    before.execute("INSERT INTO about VALUES (1, 'same', 1)")
    before.commit()
    before.close()
    for _ in range(2):  # the second time there is nothing more to take over
        store = open_store(tmp_path)
        assert [tuple(entry) for entry in store.read(1, 10)] == [(2, b"2"), (3, b"a\nb")]
        assert (store.identity, store.count(), store.deleted()) == ("same", 2, 1)
        store.close()


def test_numbers_go_on_where_nothing_waits_in_the_table_of_0_1(tmp_path):
    before = sqlite3.connect(tmp_path / engine.FILE)
    before.execute("CREATE TABLE waiting (sequence INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)")
    before.execute("INSERT INTO sqlite_sequence VALUES ('waiting', 100)")
    before.commit()
    before.close()
    store = open_store(tmp_path)
    assert store.append([b"new"]) == [101]
    store.close()


def test_a_store_that_is_opened_again_is_the_same(opened):
    store = opened()
    number = store.append([b"1"])[0]
    identity = store.identity
    store.close()
    store = opened()
    assert (store.identity, store.read(0, 10)[0].sequence, store.count()) == (identity, number, 1)
    assert store.append([b"2"])[0] > number
    store.close()


def test_the_promise_says_what_an_acknowledgement_is_worth(store):
    assert ("synced" in store.promise) or ("Redis" in store.promise)


def test_each_commit_of_sqlite_is_synced_and_its_journal_is_a_wal(tmp_path):
    store = open_store(tmp_path)
    settings = [store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]
    store.close()


def test_one_process_writes_and_others_read(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "WAIT_SECONDS", 0.1)
    with pytest.raises(NotFoundError, match="no server has run"):
        open_reader(tmp_path)
    store = open_store(tmp_path)
    with pytest.raises(ShopError, match="in use"):
        open_store(tmp_path)
    reader = open_reader(tmp_path)
    store.append([b"1"])
    assert [entry.body for entry in reader.read(0, 10)] == [b"1"]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM portions")
    reader.close()
    store.close()


def test_a_full_disk_is_said_and_nothing_is_kept_in_part(tmp_path):
    store = open_store(tmp_path)
    store.append([b"1"])
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(DiskFullError, match="Free some space"):
        store.append([b"x" * 5000] * 10)
    assert [entry.body for entry in store.read(0, 10)] == [b"1"]
    store._connection.execute("PRAGMA max_page_count = 100000")
    store.append([b"2"])
    assert store.count() == 2
    store.close()


def test_a_store_put_back_from_an_older_copy_gives_no_number_twice(tmp_path):
    store = open_store(tmp_path)
    store.append([b"old"])
    store.delete(100)  # the log says that it has a hundred: this copy is older
    assert store.count() == 0
    assert store.append([b"new"]) == [101]
    store.close()


def test_a_redis_that_is_away_or_no_redis_is_said(tmp_path):
    with pytest.raises(UnavailableError, match="Redis at 127"):
        open_store(tmp_path, "redis://127.0.0.1:1/0", "test")
    with pytest.raises(ConfigError, match="redis://host"):
        open_store(tmp_path, "http://127.0.0.1", "test")
