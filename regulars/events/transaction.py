"""One change of the log: data files first, then the commit that makes them count."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import clock, storage
from regulars.events import commit as commits
from regulars.events.catalogue import merge
from regulars.events.commit import Commit, DataFile
from regulars.events.duplicates import Hashes, Known, concatenate, in_sorted, repeated
from regulars.events.identity import hash_rows, keys, whole
from regulars.events.returns import tie
from regulars.events.schema import CATALOGUE, EVENTS

Rows = npt.NDArray[np.int64]

CONTENT = tuple(name for name in EVENTS.names if name not in ("event_id", "line", "received_at"))


class Conflict(NamedTuple):
    """An event that bears the id of another and says something else: the first one stays."""

    event_id: str
    source: str
    place: int


@dataclass
class Staged:
    """A data file that is written but not yet committed, with the key of each of its rows."""

    file: DataFile
    keys: Hashes
    places: Rows


class Transaction:
    """Files on their way into the log. Made by `EventLog.transaction`, which holds the lock.

    Duplicates are found at the end by 64-bit keys of the identities: 8 bytes a new row, whatever the
    size of the log.
    """

    def __init__(self, folder: Path, base: Commit, operation: str, details: dict[str, Any]) -> None:
        self._folder, self._base = folder, base
        self._operation, self.details = operation, details
        self._version = base.version + 1
        self._staged: list[Staged] = []
        self._next = 0
        self._guard = Lock()
        self._products: list[pa.Table] = []
        self._remove_orphans()

    def _remove_orphans(self) -> None:
        """Files that a killed process wrote for a version that never came."""
        for path in (self._folder / "data").glob("[0-9]*.parquet"):
            if int(path.name.split("-")[0]) >= self._version:
                storage.remove(path)

    def reserve(self) -> int:
        """The number of the next data file: files are ordered as these were asked for."""
        self._next += 1
        return self._next - 1

    def write(self, events: pa.Table, source: str, places: Rows, number: int) -> None:
        """Write events, ordered by time, as one data file. May be called from several threads.

        places: (n,) the line of the source on which each row stands, for the report of conflicts.
        number: from `reserve`.
        """
        if events.num_rows:
            its_keys = keys(whole(events["event_id"]), whole(events["line"]))
            staged = Staged(self._store(events, number, source), its_keys, places)
            with self._guard:
                self._staged.append(staged)

    def add_products(self, products: pa.Table) -> None:
        """Rows for the catalogue."""
        with self._guard:
            self._products.append(products)

    def tie_returns(self, refunds: pa.Table) -> pa.Table:
        """Refunds with the order that each belongs to, where it is in the log or in this change."""
        times = refunds["time"]
        earliest, latest = pc.min(times).as_py(), pc.max(times).as_py()
        files = [*self._base.tables.get("events", ()), *(staged.file for staged in self._staged)]
        return tie(refunds, [self._folder / f.path for f in files], earliest, latest)

    def settle(self, *, ids_are_derived: bool) -> tuple[int, list[Conflict]]:
        """Leave out what the log has already: how many rows that were, and which said something else.

        Parameters
        ----------
        ids_are_derived : whether event ids were made from content: then equal ids in different
            data files of this change are different events (equal rows of the file), numbered on.
        """
        self._staged.sort(key=lambda staged: staged.file.path)
        if ids_are_derived:
            self._number_on()
        return self._drop_known(ids_are_derived=ids_are_derived)

    def commit(self) -> int:
        """Make what was written count; the number of the version. No new version if nothing is new."""
        tables = dict(self._base.tables)
        products = self._store_products()
        if products is not None:
            tables["catalogue"] = (products,)
        if not self._staged and products is None:
            return self._base.version
        self._staged.sort(key=lambda staged: staged.file.path)
        tables["events"] = (*tables.get("events", ()), *(staged.file for staged in self._staged))
        storage.sync_folder(self._folder / "data")
        commits.write(
            self._folder,
            Commit(self._version, clock.now(), self._operation, tables, self.details | {"added": self.added}),
        )
        return self._version

    @property
    def added(self) -> int:
        """Rows that this change adds to the log, after `settle`."""
        return sum(staged.file.rows for staged in self._staged)

    def abandon(self) -> None:
        """Remove what was written; the log is as it was."""
        self._remove_orphans()

    def _store(self, table: pa.Table, number: int, source: str | None = None) -> DataFile:
        name = f"data/{self._version:010d}-{number:05d}.parquet"
        written = storage.create(self._folder / name, storage.parquet(table, unique=["event_id"], bounded=["time"]))
        first, last = (None, None)
        if "time" in table.column_names:
            bounds = pc.min_max(table["time"])
            first, last = bounds["min"].as_py().isoformat(), bounds["max"].as_py().isoformat()
        return DataFile(name, table.num_rows, written.size, written.sha256, first, last, source)

    def _replace(self, staged: Staged, table: pa.Table, places: Rows) -> None:
        """Write a staged file anew with other rows; an empty one is dropped."""
        storage.remove(self._folder / staged.file.path)
        self._staged.remove(staged)
        if table.num_rows:
            self.write(table, staged.file.source or "", places, self.reserve())

    def _read(self, file: DataFile, columns: list[str] | None = None) -> pa.Table:
        return pq.read_table(self._folder / file.path, columns=columns)

    def _number_on(self) -> None:
        """Equal rows that fell into different data files: number them on over the files."""
        shared = repeated(concatenate([staged.keys for staged in self._staged]))
        if not len(shared):
            return
        counted: dict[str, int] = {}
        for staged in list(self._staged):
            is_shared = in_sorted(staged.keys, shared)
            if not is_shared.any():
                continue
            table = self._read(staged.file)
            # Its equals of higher number in this file move too, though their keys clash with none.
            names = pc.unique(table["event_id"].filter(pa.array(is_shared)))
            is_equal = np.asarray(pc.is_in(table["event_id"], names))
            lines = table["line"].to_numpy().copy()
            ids = table["event_id"].filter(pa.array(is_equal)).to_pylist()
            lines[is_equal] += np.array([counted.get(name, 0) for name in ids], np.int32)
            for name in ids:
                counted[name] = counted.get(name, 0) + 1
            at = table.column_names.index("line")
            self._replace(staged, table.set_column(at, "line", pa.array(lines)), staged.places)

    def _drop_known(self, *, ids_are_derived: bool) -> tuple[int, list[Conflict]]:
        """Drop rows that the log or an earlier row has; with given ids, name those that say something else."""
        span = self._span()
        files = self._base.tables.get("events", ())
        if ids_are_derived:
            # An id made from content holds its time: where times do not meet, no ids do.
            files = tuple(file for file in files if _overlaps(file, span))
            if not files:
                return 0, []
        fresh = concatenate([staged.keys for staged in self._staged])
        ordered = np.sort(fresh)
        known = Known()
        for file in files:
            ids = self._read(file, ["event_id", "line"])
            existing = keys(whole(ids["event_id"]), whole(ids["line"]))
            rows = np.flatnonzero(in_sorted(existing, ordered))
            if len(rows):
                known.add(existing[rows], self._content(file, existing, rows, ids_are_derived=ids_are_derived))
        suspects = np.union1d(known.keys, repeated(fresh))
        duplicates = 0
        conflicts: list[Conflict] = []
        for staged in list(self._staged):
            rows = np.flatnonzero(in_sorted(staged.keys, suspects))
            if not len(rows):
                continue
            content = self._content(staged.file, staged.keys, rows, ids_are_derived=ids_are_derived)
            is_known, differs = known.judge(staged.keys[rows], content)
            known.add(staged.keys[rows], content)
            if not is_known.any():
                continue
            table = self._read(staged.file)
            for row in rows[differs]:
                name = table["event_id"][int(row)].as_py()
                conflicts.append(Conflict(name, staged.file.source or "", int(staged.places[row])))
            keep = np.ones(table.num_rows, bool)
            keep[rows[is_known]] = False
            duplicates += int(is_known.sum())
            self._replace(staged, table.filter(pa.array(keep)), staged.places[keep])
        return duplicates - len(conflicts), conflicts

    def _content(self, file: DataFile, its_keys: Hashes, rows: Rows, *, ids_are_derived: bool) -> Hashes:
        # An id made from content says all that its event says: no need to read it.
        return its_keys[rows] if ids_are_derived else hash_rows(self._read(file).take(rows), CONTENT)

    def _span(self) -> tuple[str, str]:
        firsts = [staged.file.first or "" for staged in self._staged]
        lasts = [staged.file.last or "" for staged in self._staged]
        return min(firsts, default=""), max(lasts, default="")

    def _store_products(self) -> DataFile | None:
        said = [table for table in self._products if table.num_rows]
        if not said:
            return None
        old = [self._read(file) for file in self._base.tables.get("catalogue", ())]
        merged = merge(pa.concat_tables(old).cast(CATALOGUE) if old else None, said)
        return None if merged is None else self._store(merged, self.reserve())


def _overlaps(file: DataFile, span: tuple[str, str]) -> bool:
    return file.first is None or file.last is None or not (file.last < span[0] or file.first > span[1])
