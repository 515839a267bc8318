"""Events wait in SQLite, in the shop's folder: each commit is synced, and one connection writes and checkpoints.

Versions of SQLite before 3.51.3 (3.50.7, 3.44.6) can corrupt a database in WAL mode where one connection writes while
another one checkpoints (sqlite.org/wal.html, the WAL-reset bug). Here one connection of one process does both, held
to that by a lock; all others open the file for reading only, and those never checkpoint.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from regulars import storage
from regulars.errors import DiskFullError, NotFoundError, ShopError, UnavailableError
from regulars.events.inbox.store import Entry

FILE = "inbox.db"
WAIT_SECONDS = 10
"""So long a server that starts waits for the one before it to let go."""
DELETED_AT_ONCE = 5_000
"""Rows, so that no acknowledgement waits for long."""

TABLES = (
    "CREATE TABLE IF NOT EXISTS waiting (sequence INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS about (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT, deleted INTEGER)",
)


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
    """What this engine has kept it has: a file that was put back from an older copy is told by `begin_after`."""

    def __init__(self, folder: Path) -> None:
        self._path = storage.make_folder(folder) / FILE
        storage.refuse_network(self._path)
        self._held = ExitStack()
        self._held.enter_context(storage.lock(folder / "lock", "serving", wait_seconds=WAIT_SECONDS))
        try:
            with suppress(FileExistsError):
                storage.create_exclusive(self._path, b"")  # an empty file is an empty database, its name on the disk
            self._connection = self._connected()
            self._reader = SQLiteReader(folder)
            (self.identity,) = self._connection.execute("SELECT identity FROM about").fetchone()
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
        return connection

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """See `Store.append`."""
        with self._said(), _transaction(self._connection):
            self._connection.executemany("INSERT INTO waiting (body) VALUES (?)", ((body,) for body in bodies))
            (last,) = self._connection.execute("SELECT last_insert_rowid()").fetchone()
        return list(range(last - len(bodies) + 1, last + 1))

    def delete(self, through: int) -> None:
        """See `Store.delete`."""
        with self._said():
            (first,) = self._connection.execute("SELECT min(sequence) FROM waiting").fetchone()
            for begin in range(first or through + 1, through + 1, DELETED_AT_ONCE):
                end = min(begin + DELETED_AT_ONCE - 1, through)
                with _transaction(self._connection):
                    self._connection.execute("DELETE FROM waiting WHERE sequence <= ?", [end])
                    self._connection.execute("UPDATE about SET deleted = max(deleted, ?)", [end])

    def deleted(self) -> int:
        """See `Store.deleted`."""
        return self._reader.deleted()

    def read(self, after: int, most: int) -> list[Entry]:
        """See `Reader.read`."""
        return self._reader.read(after, most)

    def count(self) -> int:
        """See `Store.count`. Numbers have no gaps, so the first and the last tell."""
        with self._said():
            first, last = self._connection.execute("SELECT min(sequence), max(sequence) FROM waiting").fetchone()
        return 0 if first is None else int(last - first + 1)

    def begin_after(self, sequence: int) -> None:
        """See `Store.begin_after`."""
        with self._said(), _transaction(self._connection):
            known = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'waiting'").fetchone()
            if known is None:
                self._connection.execute("INSERT INTO sqlite_sequence VALUES ('waiting', ?)", [sequence])
            elif known[0] < sequence:
                # What it holds up to that number is in the log; rows before a gap would make `count` wrong.
                self._connection.execute("DELETE FROM waiting")
                self._connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'waiting'", [sequence])

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

    def read(self, after: int, most: int) -> list[Entry]:
        """See `Reader.read`."""
        asked = "SELECT sequence, body FROM waiting WHERE sequence > ? ORDER BY sequence LIMIT ?"
        rows = self._connection.execute(asked, [after, most]).fetchall()
        # Asked after them: what was deleted before is deleted still.
        deleted = self.deleted()
        if deleted > after:
            raise NotFoundError(f"The events after number {after} are in the log already, up to number {deleted}.")
        return list(map(Entry._make, rows))

    def deleted(self) -> int:
        """See `Store.deleted`."""
        return int(self._connection.execute("SELECT deleted FROM about").fetchone()[0])

    def close(self) -> None:
        """See `Reader.close`."""
        self._connection.close()


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
