"""The log of a shop: everything that ever happened, in numbered versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from regulars import storage
from regulars.events import commit as commits
from regulars.events.commit import Commit
from regulars.events.integrity import verified
from regulars.events.known import Known
from regulars.events.schema import CATALOGUE, EVENTS, RATES
from regulars.events.transaction import Transaction

SCHEMAS = {"events": EVENTS, "catalogue": CATALOGUE, "rates": RATES}


class EventLog:
    """A folder of Parquet files, of which the newest commit says which count.

    Two tables live in it and change together: `events` and `catalogue`.

    Parameters
    ----------
    folder : of the log; `commits/` and `data/` lie in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known = Known()

    @classmethod
    def create(cls, folder: Path) -> EventLog:
        """An empty log, version 0."""
        storage.make_folder(folder / "commits")
        storage.make_folder(folder / "data")
        return cls(folder)

    @property
    def version(self) -> int:
        """The number of the newest version; 0 is the empty log."""
        return commits.newest_version(self.folder)

    def snapshot(self, version: int | None = None) -> Commit:
        """A version (default: the newest): which files it is made of."""
        return commits.read(self.folder, self.version if version is None else version)

    def history(self) -> Iterator[Commit]:
        """All versions that live, the newest first."""
        for version in reversed(commits.versions(self.folder)):
            yield commits.read(self.folder, version)

    def paths(self, snapshot: Commit, table: str) -> list[Path]:
        """Where the files of a table are, each checked when this process first asks for it.

        Raises
        ------
        CorruptLogError
            If one is missing, or its bytes are not those that were committed.
        """
        return verified(self.folder, snapshot.tables.get(table, ()))

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A whole table in memory, for small logs and tests; large ones go through the engine."""
        nothing = SCHEMAS[table].empty_table().select(columns or SCHEMAS[table].names)
        paths = self.paths(self.snapshot(), table)
        found = [pq.read_table(path, columns=columns).cast(nothing.schema) for path in paths]
        return pa.concat_tables([nothing, *found])

    def append(self, events: pa.Table, operation: str, details: Mapping[str, Any] | None = None) -> int:
        """Add events that have ids, in one commit; those that are there already are not added again. The version.

        events : in the columns of `EVENTS`, by time.
        """
        with self.transaction(operation, details) as transaction:
            transaction.write(events, operation, np.arange(events.num_rows), transaction.reserve())
            transaction.settle(ids_are_derived=False)
            return transaction.commit()

    @contextmanager
    def transaction(
        self, operation: str, details: Mapping[str, Any] | None = None, *, base: Callable[[], Commit] | None = None
    ) -> Iterator[Transaction]:
        """Change the log: hold its lock, write files, and make them count by one commit at the end.

        If anything is raised inside, or the process dies, the log stays as it was.

        base : gives the version to start from, asked under the lock; default: the newest.
        """
        with storage.lock(self.folder / "lock", operation):
            began = (base or self.snapshot)()
            transaction = Transaction(self.folder, began, operation, dict(details or {}), self._known)
            try:
                yield transaction
            except BaseException:
                transaction.abandon()
                raise
