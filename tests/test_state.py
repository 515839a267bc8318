"""The state of a shop: one suite for SQLite and PostgreSQL."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from regulars.errors import ConfigError, ShopError, UnavailableError
from regulars.state import FILE, Document, Moment, State, _to_wal

NOTES = [("CREATE TABLE notes (id {id}, at BIGINT, about TEXT)",)]
notes = sa.Table(
    "notes", sa.MetaData(), sa.Column("id", sa.BigInteger), sa.Column("at", Moment), sa.Column("about", Document)
)


@pytest.fixture
def state(tmp_path: Path, url: str) -> Iterator[State]:
    state = State.open(tmp_path, url)
    state.migrate("notes", NOTES)
    yield state
    state.close()


def add(state: State, about: object, at: datetime | None = None) -> None:
    with state.write() as change:
        change.execute(sa.insert(notes).values(at=at, about=about))


def abouts(state: State) -> list[object]:
    with state.read() as view:
        return list(view.execute(sa.select(notes.c.about).order_by(notes.c.id)).scalars())


def test_values_come_back_as_they_went_in(state: State) -> None:
    moment = datetime(2024, 5, 1, 10, 30, 0, 7, tzinfo=timezone(timedelta(hours=8)))
    add(state, {"茶": [1, None, "\x00 '\";%s :a"]}, moment)
    with state.read() as view:
        row = view.execute(sa.select(notes)).one()
    assert row.at == moment
    assert row.at.tzinfo is UTC
    assert row.about == {"茶": [1, None, "\x00 '\";%s :a"]}


def test_a_moment_without_a_zone_is_refused(state: State) -> None:
    with pytest.raises(sa.exc.StatementError, match="no time zone"):
        add(state, 1, datetime(2024, 5, 1))
    assert abouts(state) == []


def test_what_fails_inside_a_change_leaves_nothing(state: State) -> None:
    def fail() -> None:
        with state.write() as change:
            change.execute(sa.insert(notes).values(about=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert abouts(state) == []


def test_a_reader_sees_one_moment(state: State) -> None:
    add(state, 1)
    count = sa.select(sa.func.count()).select_from(notes)
    with state.read() as view:
        assert view.execute(count).scalar() == 1
        add(state, 2)
        assert view.execute(count).scalar() == 1


def test_changes_by_many_threads_are_all_kept(state: State) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add(state, number), range(64)))
    assert sorted(map(int, map(str, abouts(state)))) == list(range(64))


def test_changes_of_one_name_run_one_at_a_time(state: State) -> None:
    add(state, 0)

    def count_up(_: int) -> None:
        with state.write(alone="count") as change:
            before = change.execute(sa.select(notes.c.about)).scalar_one()
            change.execute(sa.update(notes).values(about=before + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(40)))
    assert abouts(state) == [40]


def test_later_steps_are_added_and_earlier_ones_not_repeated(tmp_path: Path, url: str, state: State) -> None:
    add(state, "kept")
    again = State.open(tmp_path, url)
    again.migrate("notes", NOTES)
    again.migrate("notes", [*NOTES, ("ALTER TABLE notes ADD COLUMN colour TEXT", "UPDATE notes SET colour = 'red'")])
    with again.read() as view:
        assert view.execute(sa.text("SELECT colour FROM notes")).scalars().all() == ["red"]
    with pytest.raises(ShopError, match="at step 2, this version of Regulars knows 1"):
        again.migrate("notes", NOTES)
    again.close()


def test_a_step_that_fails_leaves_nothing(state: State) -> None:
    steps = [*NOTES, ("CREATE TABLE others (id {id})", "INSERT INTO nowhere VALUES (1)")]
    with pytest.raises((ShopError, sa.exc.ProgrammingError)):
        state.migrate("notes", steps)
    with state.read() as view:
        assert not sa.inspect(view).has_table("others")


BEGINS = """
import sys
from pathlib import Path
from regulars.state import State
state = State.open(Path(sys.argv[1]), sys.argv[2])
state.migrate("notes", [("CREATE TABLE notes (id {id}, about TEXT)", "INSERT INTO notes (about) VALUES ('1')")])
print(state.secret("salt"))
"""


def test_processes_that_begin_at_once_do_each_step_once(tmp_path: Path, url: str) -> None:
    words = [sys.executable, "-c", BEGINS, str(tmp_path), url]
    begun = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate(timeout=60)[0] for process in begun}
    assert [process.returncode for process in begun] == [0] * 3
    assert len(said) == 1
    state = State.open(tmp_path, url)
    assert abouts_of_texts(state) == ["1"]
    state.close()


def test_who_begins_while_another_changes_a_new_database_waits(tmp_path: Path) -> None:
    # Of a change to WAL SQLite says at once that it is locked, whatever its time-out: as here without one.
    first, second = (
        sqlite3.connect(tmp_path / "new.db", timeout=0, isolation_level=None, check_same_thread=False) for _ in range(2)
    )
    first.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        second.execute("PRAGMA journal_mode=WAL")
    ends = threading.Timer(0.2, first.execute, ["COMMIT"])
    ends.start()
    _to_wal(second)
    assert second.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    ends.join()
    first.close()
    second.close()


def abouts_of_texts(state: State) -> list[str]:
    with state.read() as view:
        return list(view.execute(sa.text("SELECT about FROM notes")).scalars())


WRITES = """
import sys
from pathlib import Path
import sqlalchemy as sa
from regulars.state import State
state = State.open(Path(sys.argv[1]), sys.argv[2])
number = 0
while True:
    number += 1
    with state.write() as change:
        change.execute(sa.text("INSERT INTO notes (about) VALUES (:about)"), {"about": str(number)})
    print(number, flush=True)
"""


def test_what_a_killed_process_had_committed_is_there(tmp_path: Path, url: str, state: State) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITES, str(tmp_path), url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 25:
            break
    process.send_signal(signal.SIGKILL)
    acknowledged = 25 + len(process.stdout.read().split())
    process.wait(timeout=10)
    kept = sorted(map(int, abouts_of_texts(state)))
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= acknowledged


def test_a_secret_is_made_once(tmp_path: Path, url: str, state: State) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: state.secret("salt"), range(16)))
    assert len(found) == 1
    assert state.secret("other") not in found
    again = State.open(tmp_path, url)
    assert {again.secret("salt")} == found
    again.close()


def test_sqlite_syncs_every_commit_and_holds_its_keys(tmp_path: Path) -> None:
    state = State.open(tmp_path)
    with state.read() as view:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [view.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert found == ["wal", 2, 1, 30000]
    state.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "cannot be read"),
        ("postgresql+psycopg://host:port/x", "cannot be read"),
        ("mysql://ada:tea@host/x", "mysql://ada:\\*\\*\\*@host/x"),
        ("sqlite:///elsewhere.db", "in SQLite"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        State.open(tmp_path, url)


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"ada:\*\*\*@127\.0\.0\.1:1/") as caught:
        State.open(tmp_path, "postgresql+psycopg://ada:tea@127.0.0.1:1/x")
    assert ":tea@" not in str(caught.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("tea " * 999)
    with pytest.raises(ShopError, match="no database of SQLite"):
        State.open(tmp_path)
