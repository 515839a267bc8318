"""One change of the log: data files first, then the commit that makes them count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import clock, storage
from regulars.events import catalogue, rates
from regulars.events import commit as commits
from regulars.events.commit import Commit, DataFile
from regulars.events.duplicates import Hashes, concatenate, in_sorted, repeated, repeats
from regulars.events.erased import Erased
from regulars.events.identity import hash_rows, keys, whole
from regulars.events.integrity import verified
from regulars.events.known import Known
from regulars.events.returns import tie, untied
from regulars.events.schema import CATALOGUE, EVENTS, RATES

Rows = npt.NDArray[np.int64]
Found = TypeVar("Found")

WORKERS = 2
"""Files of the log that are compared with a change at the same time."""

REMEMBERED = 1_000
"""So many files that were imported whole are known by their bytes, the newest."""

MERGED = {"catalogue": (CATALOGUE, catalogue.merge), "rates": (RATES, rates.merge)}
"""Tables that are small and kept whole: a change merges what it says with what is known."""

CONTENT = tuple(name for name in EVENTS.names if name not in ("event_id", "line", "received_at"))


class Conflict(NamedTuple):
    """An event that bears the id of another and says something else: the first one stays.

    Attributes
    ----------
    content, first : 64-bit hashes of what this one says and of what the first one says.
    """

    event_id: str
    source: str
    place: int
    content: int
    first: int


@dataclass
class Staged:
    """A data file that is written but not yet committed, with the key of each of its rows."""

    file: DataFile
    keys: Hashes
    places: Rows
    number: int


class Transaction:
    """Files on their way into the log. Made by `EventLog.transaction`, which holds the lock.

    Duplicates are found at the end by 64-bit keys of the identities: 8 bytes a new row, whatever the
    size of the log, and as many of it as `known` keeps.
    """

    def __init__(self, folder: Path, base: Commit, operation: str, details: dict[str, Any], known: Known) -> None:
        self._folder, self._base, self._known = folder, base, known
        self._operation, self.details = operation, details
        self._version = base.version + 1
        self._staged: list[Staged] = []
        self._next = 0
        self._guard = Lock()
        self._said: dict[str, list[pa.Table]] = {name: [] for name in MERGED}
        self._imported = dict(base.imported)
        self._folded = dict(base.folded)
        self._replaced: list[tuple[str, Collection[str], Sequence[DataFile]]] = []
        self._erased = Erased.read(folder)
        self._remove_orphans()

    def _remove_orphans(self) -> None:
        """Files that a killed process wrote for a version that never came."""
        # By the commits that are there, not by this change's number: a commit whose folder could not
        # be synced failed for us, and yet it stands, and readers have its files.
        newest = commits.newest_version(self._folder)
        for path in (self._folder / "data").glob("[0-9]*.parquet"):
            if int(path.name.split("-")[0]) > newest:
                storage.remove(path)
        for path in (self._folder / "commits").glob(".*.tmp"):
            storage.remove(path)

    def reserve(self) -> int:
        """The number of the next data file: files are ordered as these were asked for."""
        self._next += 1
        return self._next - 1

    def write(self, events: pa.Table, source: str, places: Rows, number: int) -> None:
        """Write events, ordered by time, as one data file. May be called from several threads.

        Those of customers who were erased are left out.

        places: (n,) the line of the source on which each row stands, for the report of conflicts.
        number: from `reserve`.
        """
        if self._erased.until:
            stays = pc.invert(self._erased.refused(events))
            events, places = events.filter(stays), places[stays.to_numpy()]
        if events.num_rows:
            its_keys = keys(whole(events["event_id"]), whole(events["line"]))
            staged = Staged(self.store(events, number, {source: events.num_rows}), its_keys, places, number)
            with self._guard:
                self._staged.append(staged)

    def add(self, table: str, rows: pa.Table) -> None:
        """Rows for the catalogue or the rates."""
        if rows.num_rows:
            with self._guard:
                self._said[table].append(rows)

    def remember(self, fingerprint: str, rows: int) -> None:
        """That a file, which has so many rows, is whole in the log once this change is."""
        self._imported = dict([*self._imported.items(), (fingerprint, rows)][-REMEMBERED:])

    def forget(self) -> None:
        """That any file is whole in the log: rows are being left out of it."""
        self._imported = {}

    def folded(self, inbox: str) -> int:
        """Up to which number the log has the events of an inbox; 0 if none."""
        return self._folded.get(inbox, 0)

    def fold(self, inbox: str, through: int) -> None:
        """That the log has the events of an inbox up to a number once this change is."""
        self._folded[inbox] = through

    def tie_returns(self, refunds: pa.Table) -> pa.Table:
        """Refunds with the order that each belongs to, where it is in the log or in this change."""
        latest = pc.max(refunds["time"]).as_py()
        files = [*self._base.tables.get("events", ()), *(staged.file for staged in self._staged)]
        earlier = [file for file in files if (file.first or "") <= latest.isoformat()]
        return tie(refunds, verified(self._folder, earlier), latest)

    def settle(self, *, ids_are_derived: bool) -> tuple[int, list[Conflict]]:
        """Leave out what the log has already: how many rows that were, and which said something else.

        Parameters
        ----------
        ids_are_derived : whether event ids were made from content: then equal ids in different
            data files of this change are different events (equal rows of the file), numbered on.
        """
        self._staged.sort(key=lambda staged: staged.number)
        if not ids_are_derived:
            return self._drop_given()
        self._number_on()
        return self._drop_derived(), []

    def commit(self) -> int:
        """Make what was written count; the number of the version. No new version if nothing is new."""
        tables = dict(self._base.tables)
        merged = {name: file for name in MERGED if (file := self._store_merged(name)) is not None}
        for name, left_out, instead in self._replaced:
            kept = (file for file in tables.get(name, ()) if file.path not in left_out)
            tables[name] = (*kept, *instead)
        is_folded = self._folded != self._base.folded
        if not self._staged and not merged and not self._replaced and not is_folded:
            return self._base.version
        tables |= {name: (file,) for name, file in merged.items()}
        self._staged.sort(key=lambda staged: staged.number)
        tables["events"] = (*tables.get("events", ()), *(staged.file for staged in self._staged))
        storage.sync_folder(self._folder / "data")
        commits.write(
            self._folder,
            Commit(
                self._version,
                clock.now(),
                self._operation,
                tables,
                self.details | {"added": self.added},
                self._imported,
                self._folded,
            ),
        )
        return self._version

    def replace(self, table: str, left_out: Collection[str], instead: Sequence[DataFile] = ()) -> None:
        """Leave files of the base, named by their paths, out of the new version, and put others in their place.

        instead : from `store`.
        """
        self._replaced.append((table, left_out, instead))

    @property
    def added(self) -> int:
        """Rows that this change adds to the log, after `settle`."""
        return sum(staged.file.rows for staged in self._staged)

    def abandon(self) -> None:
        """Remove what was written; the log is as it was.

        Unless its commit is there all the same, because only what comes after it failed (the sync of
        the folder, say): then readers may have seen it, and what it lists stays.
        """
        if not commits.commit_path(self._folder, self._version).exists():
            self._remove_orphans()

    def store(self, table: pa.Table, number: int, sources: Mapping[str, int]) -> DataFile:
        """Write a data file, of which nobody knows before the commit.

        Parameters
        ----------
        number : from `reserve`.
        sources : rows by the file from outside that they came from.
        """
        name = f"data/{self._version:010d}-{number:05d}.parquet"
        written = storage.create(self._folder / name, storage.parquet(table, unique=["event_id"], bounded=["time"]))
        first, last = (None, None)
        if "time" in table.column_names:
            bounds = pc.min_max(table["time"])
            first, last = bounds["min"].as_py().isoformat(), bounds["max"].as_py().isoformat()
        currencies = None
        if "unit_price" in table.column_names:
            currencies = tuple(sorted(pc.unique(table["currency"]).drop_null().to_pylist()))
        return DataFile(name, table.num_rows, written.size, written.sha256, first, last, sources, currencies)

    def _replace(self, staged: Staged, table: pa.Table, places: Rows) -> None:
        """Write a staged file anew with other rows; an empty one is dropped."""
        self._drop(staged)
        self.write(table, _source(staged), places, staged.number)

    def _drop(self, staged: Staged) -> None:
        storage.remove(self._folder / staged.file.path)
        self._staged.remove(staged)

    def _read(self, file: DataFile, columns: list[str] | None = None) -> pa.Table:
        (path,) = verified(self._folder, [file])
        return pq.read_table(path, columns=columns)

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
            # Its equals of higher number in this file move too, though their keys clash with none. Equals
            # may clash within the file itself: refunds of several pieces are written as one.
            names = pc.unique(table["event_id"].filter(pa.array(is_shared)))
            is_equal = np.asarray(pc.is_in(table["event_id"], names))
            lines = table["line"].to_numpy().copy()
            ids = table["event_id"].filter(pa.array(is_equal)).to_pylist()
            for row, name in zip(np.flatnonzero(is_equal).tolist(), ids, strict=True):
                lines[row] = counted.get(name, 0)
                counted[name] = lines[row] + 1
            at = table.column_names.index("line")
            self._replace(staged, table.set_column(at, "line", pa.array(lines)), staged.places)

    def _drop_derived(self) -> int:
        """Drop rows whose identity the log has; made from content, it says all that the row says."""
        # Such an id holds its time: where times do not meet, no ids do. So each file is compared with those
        # near it alone; where all are, as in a file without order, what they hold is put in order once.
        staged = list(self._staged)
        changed = [one.file for one in staged]
        files = [file for file in self._base.tables.get("events", ()) if _meeting(file, changed)]
        if not files:
            return 0
        fresh = lru_cache(WORKERS)(lambda which: _ordered([staged[place].keys for place in which]))

        def met_in(file: DataFile) -> Hashes:
            existing = self._keys(file)
            found: Hashes = existing[in_sorted(existing, fresh(_meeting(file, changed)))]
            return found

        met = _side_by_side(met_in, files)
        old = lru_cache(1)(lambda which: _ordered([met[place] for place in which]))
        dropped = 0
        for one in staged:
            known = np.flatnonzero(in_sorted(one.keys, old(_meeting(one.file, files))))
            self._leave_out(one, known, known[:0])
            dropped += len(known)
        return dropped

    def _drop_given(self) -> tuple[int, list[Conflict]]:
        """Drop rows that the log or an earlier row has, and name those that say something else."""
        fresh = np.sort(concatenate([staged.keys for staged in self._staged]))
        base = self._base.tables.get("events", ())
        self._known.keep(base)

        def met_in(file: DataFile) -> tuple[Hashes, Hashes]:
            if not in_sorted(fresh, self._known.ordered(file, self._keys)).any():
                return fresh[:0], fresh[:0]
            existing = self._keys(file)
            rows = np.flatnonzero(in_sorted(existing, fresh))
            return existing[rows], self._content(file, rows)

        # Of each identity that is met twice: its key and what it says, the log's before the change's own.
        found_in = _side_by_side(met_in, base)
        met, said = [one for one, _ in found_in], [one for _, one in found_in]
        old = sum(map(len, met))
        suspects = np.unique(concatenate([*met, repeated(fresh)]))
        places = [np.flatnonzero(in_sorted(staged.keys, suspects)) for staged in self._staged]
        for staged, rows in zip(self._staged, places, strict=True):
            met.append(staged.keys[rows])
            said.append(self._content(staged.file, rows))
        content = concatenate(said)
        is_known, first = repeats(concatenate(met), content)
        differs = content != first
        ends = old + np.cumsum([len(rows) for rows in places])
        conflicts: list[Conflict] = []
        for staged, rows, end in zip(list(self._staged), places, ends.tolist(), strict=True):
            own = slice(end - len(rows), end)
            found = self._leave_out(staged, rows[is_known[own]], rows[differs[own]])
            both = zip(content[own][differs[own]].tolist(), first[own][differs[own]].tolist(), strict=True)
            conflicts += [Conflict(*one, *hashes) for one, hashes in zip(found, both, strict=True)]
        return int(is_known[old:].sum()) - len(conflicts), conflicts

    def _leave_out(self, staged: Staged, known: Rows, differing: Rows) -> list[tuple[str, str, int]]:
        """Drop known rows; of those that differ from what is known: id, source and place."""
        if len(known) == staged.file.rows and not len(differing):
            self._drop(staged)
            return []
        if not len(known):
            return []
        table = self._read(staged.file)
        names = table["event_id"].take(pa.array(differing)).to_pylist()
        source = _source(staged)
        lines = staged.places[differing].tolist()
        kept = np.delete(np.arange(table.num_rows), known)
        self._replace(staged, table.take(pa.array(kept)), staged.places[kept])
        return [(name, source, line) for name, line in zip(names, lines, strict=True)]

    def _keys(self, file: DataFile) -> Hashes:
        ids = self._read(file, ["event_id", "line"])
        return keys(whole(ids["event_id"]), whole(ids["line"]))

    def _content(self, file: DataFile, rows: Rows) -> Hashes:
        if not len(rows):
            return np.empty(0, np.uint64)
        return hash_rows(untied(self._read(file).take(pa.array(rows))), CONTENT)

    def _store_merged(self, name: str) -> DataFile | None:
        if not self._said[name]:
            return None
        schema, merge = MERGED[name]
        old = [self._read(file) for file in self._base.tables.get(name, ())]
        merged = merge(pa.concat_tables(old).cast(schema) if old else None, self._said[name])
        return None if merged is None else self.store(merged, self.reserve(), {})


def _meeting(file: DataFile, others: Sequence[DataFile]) -> tuple[int, ...]:
    """Which of some files hold times between the first and the last of a file, by their places."""
    return tuple(place for place, other in enumerate(others) if _meet(file, other))


def _meet(one: DataFile, other: DataFile) -> bool:
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return True
    return one.first <= other.last and other.first <= one.last


def _ordered(keys: list[Hashes]) -> Hashes:
    return np.sort(concatenate(keys))


def _side_by_side(work: Callable[[DataFile], Found], files: Iterable[DataFile]) -> list[Found]:
    """What some work gives for each file; so many at a time, for each is in memory then."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, files))


def _source(staged: Staged) -> str:
    (source,) = staged.file.sources
    return source
