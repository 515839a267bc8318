"""Events wait in SQLite, in the shop's folder: each commit is synced, and one connection writes and checkpoints.

A commit is one row with all of its bodies, so it is one statement: for each Python's lock is let go and taken again,
which takes long while other threads are busy. A row of `portions` holds the events with the numbers up to `last`, and
`ends` says where in `bodies` each of them ends.

Versions of SQLite before 3.51.3 (3.50.7, 3.44.6) can corrupt a database in WAL mode where one connection writes while
another one checkpoints (sqlite.org/wal.html, the WAL-reset bug). Here one connection of one process does both, held
to that by a lock; all others open the file for reading only, and those never checkpoint.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import numpy as np

from regulars import mounts, storage
from regulars.errors import DiskFullError, NotFoundError, ShopError, UnavailableError
from regulars.events.inbox.store import Entry

FILE = "inbox.db"
WAIT_SECONDS = 10
"""So long a server that starts waits for the one before it to let go."""
DELETED_AT_ONCE = 1_000
"""Events, or a few more, so that no acknowledgement waits for long."""
END = np.dtype("<u4")

TABLES = (
    "CREATE TABLE IF NOT EXISTS portions (last INTEGER PRIMARY KEY, ends BLOB NOT NULL, bodies BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS about (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT, deleted INTEGER)",
)
OF_0_1 = "SELECT 1 FROM sqlite_master WHERE name = 'waiting'"
"""Version 0.1.0 kept a row for each event, and counted their numbers by AUTOINCREMENT."""


def is_mended(version: str) -> bool:
    """Whether a version of SQLite is without the bug that corrupts databases which two connections write.

    >>> [is_mended(v) for v in ("3.40.1", "3.44.6", "3.45.0", "3.50.7", "3.51.2", "3.51.3")]
    [False, True, False, True, False, True]
    """
    number = tuple(map(int, re.findall(r"\d+", version)[:3]))
    is_old = number < (3, 7)  # without WAL
    return is_old or number >= (3, 51, 3) or (3, 50, 7) <= number < (3, 51) or (3, 44, 6) <= number < (3, 45)


class SQLiteStore:
    """Opens the store for writing, and makes it if there is none.

    Parameters
    ----------
    folder : of the inbox, in the shop's.

    Raises
    ------
    ShopError
        If another process writes to it, or the folder lies on a network file system.
    """

    lost = 0
    """What this engine has kept it has: a file that was put back from an older copy is told by `delete`."""

    def __init__(self, folder: Path) -> None:
        self._path = storage.make_folder(folder) / FILE
        mounts.refuse_network(self._path)
        self._held = ExitStack()
        self._held.enter_context(storage.lock(folder / "lock", "serving", wait_seconds=WAIT_SECONDS))
        try:
            with suppress(FileExistsError):
                storage.create_exclusive(self._path, b"")  # an empty file is an empty database, its name on the disk
            self._connection = self._connected()
            self._reader = SQLiteReader(folder)
            self.identity = self._reader.identity
        except sqlite3.Error as error:
            self._held.close()
            raise ShopError(f"{self._path} cannot be opened: {error}. Put back a copy that you saved.") from None
        except BaseException:
            self._held.close()
            raise
        version = sqlite3.sqlite_version
        why = "" if is_mended(version) else ", as this version needs"
        self.promise = (
            f"What is acknowledged is on this disk: SQLite {version}, each commit synced; one connection writes and "
            f"checkpoints{why}."
        )

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {setting}")
        with _transaction(connection):
            for table in TABLES:
                connection.execute(table)
            connection.execute("INSERT OR IGNORE INTO about VALUES (1, ?, 0)", [secrets.token_hex(8)])
            if connection.execute(OF_0_1).fetchone():
                _take_over(connection)
        # Numbers without a gap from the one after `_deleted` to `_last`; none is used twice, for both only grow.
        self._deleted: int = connection.execute("SELECT deleted FROM about").fetchone()[0]
        (last,) = connection.execute("SELECT max(last) FROM portions").fetchone()
        self._last: int = max(self._deleted, last or 0)
        return connection

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """See `Store.append`."""
        last = self._last + len(bodies)
        with self._said():
            self._connection.execute("INSERT INTO portions VALUES (?, ?, ?)", [last, *_packed(bodies)])
        first, self._last = self._last + 1, last
        return list(range(first, last + 1))

    def delete(self, through: int) -> int:
        """See `Store.delete`: whole portions, for one that stays in part is written anew."""
        with self._said():
            (end,) = self._connection.execute(
                "SELECT min(last) FROM portions WHERE last >= ?", [self._deleted + DELETED_AT_ONCE]
            ).fetchone()
            end = through if end is None else min(end, through)
            if end > self._deleted:
                self._delete(end)
        return end

    def deleted(self) -> int:
        """See `Store.deleted`."""
        return self._reader.deleted()

    def read(self, after: int, most: int) -> list[Entry]:
        """See `Reader.read`."""
        return self._reader.read(after, most)

    def _delete(self, through: int) -> None:
        reached = (
            "SELECT last, ends, bodies FROM portions WHERE last = (SELECT min(last) FROM portions WHERE last > ?1) "
            "AND last - length(ends) / ?2 < ?1"
        )
        with _transaction(self._connection):
            if row := self._connection.execute(reached, [through, END.itemsize]).fetchone():
                ends, bodies = _packed([entry.body for entry in _entries(row, through)])
                self._connection.execute(
                    "UPDATE portions SET ends = ?, bodies = ? WHERE last = ?", [ends, bodies, row[0]]
                )
            self._connection.execute("DELETE FROM portions WHERE last <= ?", [through])
            self._connection.execute("UPDATE about SET deleted = ?", [through])
        self._deleted, self._last = through, max(self._last, through)

    def count(self) -> int:
        """See `Store.count`."""
        return self._last - self._deleted

    def scrub(self) -> None:
        """See `Store.scrub`."""
        with self._said():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """See `Reader.close`."""
        self._reader.close()
        self._connection.close()
        self._held.close()

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _code(error) == sqlite3.SQLITE_FULL:
                raise DiskFullError(
                    f"{self._path}: the disk is full. Free some space and send again: nothing is counted twice."
                ) from None
            # After a failed sync nobody knows what is on the disk (PostgreSQL's fsync lesson of 2018): the handle is
            # dropped, and the next call reads anew what is there.
            self._connection.close()
            with suppress(sqlite3.Error):
                self._connection = self._connected()
            raise UnavailableError(f"{self._path}: {error}. See the system's log (dmesg), and send again.") from None


class SQLiteReader:
    """Follows the store from any process, for reading only.

    Raises
    ------
    NotFoundError
        If there is no inbox.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        if not path.is_file():
            raise NotFoundError(f"There is no inbox in {folder}: no server has run. Start one: regulars serve")
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        self.identity: str = self._connection.execute("SELECT identity FROM about").fetchone()[0]

    def read(self, after: int, most: int) -> list[Entry]:
        """See `Reader.read`."""
        asked, found = "SELECT last, ends, bodies FROM portions WHERE last > ? ORDER BY last", list[Entry]()
        with closing(self._connection.execute(asked, [after])) as rows:
            for row in rows:
                found += _entries(row, after)
                if len(found) >= most:
                    break
        # Asked after them: what was deleted before is deleted still.
        deleted = self.deleted()
        if deleted > after:
            raise NotFoundError(f"The events after number {after} are in the log already, up to number {deleted}.")
        return found[:most]

    def deleted(self) -> int:
        """See `Store.deleted`."""
        return int(self._connection.execute("SELECT deleted FROM about").fetchone()[0])

    def close(self) -> None:
        """See `Reader.close`."""
        self._connection.close()


def _packed(bodies: Sequence[bytes]) -> tuple[bytes, bytes]:
    """`ends` and `bodies` of a portion.

    >>> _entries((7, *_packed([b"tea", b"", b"pot"])), after=5)
    [Entry(sequence=6, body=b''), Entry(sequence=7, body=b'pot')]
    """
    return np.cumsum([len(body) for body in bodies], dtype=END).tobytes(), b"".join(bodies)


def _entries(row: tuple[int, bytes, bytes], after: int) -> list[Entry]:
    """The events of a portion that have numbers above one."""
    last, ends, bodies = row
    places = [0, *np.frombuffer(ends, END).tolist()]
    first = last - len(places) + 2
    skipped = max(after + 1 - first, 0)
    spans = zip(places[skipped:], places[skipped + 1 :], strict=False)
    return [Entry(number, bodies[begin:end]) for number, (begin, end) in enumerate(spans, first + skipped)]


def _take_over(connection: sqlite3.Connection) -> None:
    """Make of each row of 0.1.0 a portion, with its number."""
    rows = connection.execute("SELECT sequence, body FROM waiting ORDER BY sequence").fetchall()
    connection.executemany(
        "INSERT INTO portions VALUES (?, ?, ?)", [(number, *_packed([body])) for number, body in rows]
    )
    connection.execute(
        "UPDATE about SET deleted = max(deleted, coalesce((SELECT min(sequence) - 1 FROM waiting), "
        "(SELECT seq FROM sqlite_sequence), 0))"
    )
    connection.execute("DROP TABLE waiting")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
