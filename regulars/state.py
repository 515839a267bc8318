"""The small mutable state of a shop: what people and running parts change, in one database.

Events never change and lie in the log. What does change (reviews, experiments, campaigns, keys) lies here: in SQLite
in the shop's folder, or by `[state] url` in PostgreSQL, the same tables and the same code. What was acknowledged is on
the disk: SQLite syncs each commit, PostgreSQL is told not to put it off.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event, exc

from regulars import clock, mounts, storage
from regulars.errors import ConfigError, DiskFullError, ShopError, UnavailableError

FILE = "state.db"
WAIT_SECONDS = 30
"""So long a change waits for another one to be done."""
NO_SUCH_TABLE = "42P01"
"""What PostgreSQL calls that."""
SYNCED = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""

STEPS: tuple[tuple[str, ...], ...] = (
    ("CREATE TABLE state_secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL)",),
)  # fmt: skip


class Moment(sa.TypeDecorator[datetime]):
    """A moment, UTC, kept as microseconds since 1970: the same in every database. A column of it is a BIGINT."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """To the database; ValueError without a time zone."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value.isoformat()} has no time zone; UTC is expected")
        return clock.micros(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else clock.moment_of(value)


class Document(sa.TypeDecorator[Any]):
    """Lists and objects of plain values, kept as JSON. A column of it is a TEXT."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        """To the database."""
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        """From the database."""
        return None if value is None else json.loads(value)


class State:
    """The door to a shop's state. Threads may share one; a process that forks opens its own.

    Examples
    --------
    >>> import tempfile
    >>> state = State.open(Path(tempfile.mkdtemp()))
    >>> state.migrate("notes", [("CREATE TABLE notes (id {id}, text TEXT NOT NULL)",)])
    >>> with state.write() as change:
    ...     _ = change.execute(sa.text("INSERT INTO notes (text) VALUES ('茶')"))
    >>> with state.read() as view:
    ...     view.execute(sa.text("SELECT id, text FROM notes")).all()
    [(1, '茶')]
    >>> state.close()
    """

    def __init__(self, engine: sa.Engine, place: str) -> None:
        self._engine, self._place = engine, place
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._reading = engine if self._is_sqlite else engine.execution_options(isolation_level="REPEATABLE READ")
        self._writing = engine.execution_options(is_writing=True)

    @classmethod
    def open(cls, folder: Path, url: str = "") -> Self:
        """Open a shop's state; it is made if there is none.

        Parameters
        ----------
        folder : of the shop.
        url : `[state] url`: "" for SQLite in that folder, else such as postgresql+psycopg://name@host/database.

        Raises
        ------
        ConfigError
            If the url is none, or names a database that this cannot use.
        ShopError
            If a newer Regulars has written it.
        UnavailableError
            If the database cannot be reached.
        """
        state = cls(*(_postgresql(url) if url else _sqlite(folder)))
        state.migrate("state", STEPS)
        return state

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Look at the state as it is at one moment."""
        with self._said(), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def write(self, alone: str = "") -> Iterator[sa.Connection]:
        """Change the state: all of it when the block is left, nothing of it if anything is raised inside.

        Parameters
        ----------
        alone : a name; of the changes that give the same one, one runs at a time. In SQLite all do.
        """
        with self._said(), self._writing.begin() as connection:
            if alone and not self._is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"regulars {alone}"))))
            yield connection

    def scrub(self) -> None:
        """Leave no byte in the database's files of what was deleted (SQLite; PostgreSQL's own vacuum does it later)."""
        if self._is_sqlite:
            with self._said(), self._engine.connect() as connection:
                # Not by a transaction: neither runs inside one.
                raw = connection.connection.dbapi_connection
                for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    raw.execute(statement).fetchall()  # type: ignore[union-attr]

    def migrate(self, part: str, steps: Sequence[Sequence[str]]) -> None:
        """Bring the tables of a part to its newest form. Processes that begin at once do each step once.

        Parameters
        ----------
        part : whose tables, e.g. "fraud reviews".
        steps : each a few statements that both databases understand; `{id}` is a key that numbers itself. A step that
            was released is never changed: what comes later is a step of its own.

        Raises
        ------
        ShopError
            If the database has steps that are not known here.
        """
        with self.read() as view:
            if self._done(view, part) == len(steps):
                return
        own = (
            "INTEGER PRIMARY KEY AUTOINCREMENT"
            if self._is_sqlite
            else "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        )
        with self.write(alone="migration") as change:
            change.exec_driver_sql(
                "CREATE TABLE IF NOT EXISTS state_steps (part TEXT NOT NULL, number INTEGER NOT NULL, "
                "applied_at BIGINT NOT NULL, PRIMARY KEY (part, number))"
            )
            done = self._done(change, part)
            if done > len(steps):
                raise ShopError(
                    f"{self._place}: the tables of {part} are at step {done}, this version of Regulars knows "
                    f"{len(steps)}. A newer one has written them: pip install -U regulars"
                )
            for number in range(done + 1, len(steps) + 1):
                for statement in steps[number - 1]:
                    change.exec_driver_sql(statement.replace("{id}", own))
                change.execute(sa.insert(_APPLIED).values(part=part, number=number, applied_at=clock.now()))

    def secret(self, name: str) -> str:
        """A random text under a name: made when first asked for, the same ever after and for all processes."""
        asked = sa.select(_SECRETS.c.value).where(_SECRETS.c.name == name)
        with self.read() as view:
            found = view.execute(asked).scalar()
        if found is None:
            with self.write(alone="secret") as change:
                found = change.execute(asked).scalar()
                if found is None:
                    found = secrets.token_hex(16)
                    change.execute(sa.insert(_SECRETS).values(name=name, value=found))
        return str(found)

    def _done(self, connection: sa.Connection, part: str) -> int:
        if not sa.inspect(connection).has_table("state_steps"):
            return 0
        newest = sa.select(sa.func.max(_APPLIED.c.number)).where(_APPLIED.c.part == part)
        return connection.execute(newest).scalar() or 0

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (exc.OperationalError, exc.InterfaceError) as error:
            said = str(error.orig).strip()
            if "lock" in said:  # of both: "database is locked", "canceling statement due to lock timeout"
                said = f"another change held it for {WAIT_SECONDS} s. Wait until that is done, and do this again"
            elif not self._is_sqlite:
                raise UnavailableError(f"{self._place}: {said}. Start it, and do this again.") from None
            elif getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
                raise DiskFullError(f"{self._place}: the disk is full. Free some space and do this again.") from None
            raise ShopError(f"{self._place}: {said}.") from None
        except exc.DatabaseError as error:
            if isinstance(error.orig, sqlite3.DatabaseError) and "not a database" in str(error.orig):
                raise ShopError(f"{self._place} is no database of SQLite. Put back a copy that you saved.") from None
            if getattr(error.orig, "sqlstate", "") == NO_SUCH_TABLE and not sa.inspect(self._engine).has_table(
                "state_steps"
            ):
                raise UnavailableError(
                    f"{self._place} lacks tables that it had: it was emptied, or is another one. Put back a copy that "
                    "you saved; to begin with an empty state, start the server again."
                ) from None
            raise


_METADATA = sa.MetaData()
_APPLIED = sa.Table(
    "state_steps",
    _METADATA,
    sa.Column("part", sa.Text),
    sa.Column("number", sa.Integer),
    sa.Column("applied_at", Moment),
)
_SECRETS = sa.Table("state_secrets", _METADATA, sa.Column("name", sa.Text), sa.Column("value", sa.Text))


def _sqlite(folder: Path) -> tuple[sa.Engine, str]:
    path = folder / FILE
    mounts.refuse_network(path)
    with suppress(FileExistsError):
        storage.create_exclusive(path, b"")  # an empty file is an empty database, and its name is on the disk
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # else the driver begins by itself, and not at once
        _to_wal(connection)
        for setting in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A change that began as a reader would fail where another got in between.
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")

    return engine, str(path)


def _to_wal(connection: sqlite3.Connection) -> None:
    """Where processes begin at once, SQLite waits for none that changes the mode: it says that it is locked."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "lock" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _postgresql(url: str) -> tuple[sa.Engine, str]:
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        raise ConfigError(
            '[state] url cannot be read. Leave it "" for SQLite, or write it as '
            "postgresql+psycopg://name@host:5432/database"
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    if parsed.drivername not in ("postgresql", "postgresql+psycopg"):
        raise ConfigError(
            f'[state] url = "{shown}": the state lies in SQLite (url = "") or in PostgreSQL '
            "(postgresql+psycopg://name@host:5432/database)."
        )
    try:
        engine = sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except ImportError:
        raise ConfigError(
            f"[state] url = \"{shown}\": the driver of PostgreSQL is missing: pip install 'regulars[postgres]'"
        ) from None

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        connection.autocommit = True  # else the settings would go with the first change that fails
        connection.execute(SYNCED)
        connection.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
        connection.autocommit = False

    return engine, shown
