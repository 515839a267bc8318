"""From a file to the log: read in pieces, convert side by side, commit once."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from regulars import storage
from regulars.errors import RejectedError
from regulars.events.catalogue import merge
from regulars.events.convert import Conversion, Converted, Placed, convert
from regulars.events.identity import whole
from regulars.events.imported import Fingerprint
from regulars.events.log import EventLog
from regulars.events.mapping import Mapping
from regulars.events.products import described, since_met
from regulars.events.readers import Chunk, Reject, Source
from regulars.events.schema import CATALOGUE, EVENTS
from regulars.events.transaction import Conflict, Transaction
from regulars.events.values import plain
from regulars.spreadsheet import to_csv

Progress = Callable[[int, float], None]
"""Called with the rows read so far and the share of the file that was read, 0 to 1."""

MOST_WORKERS = 8
"""Each holds a piece of the file and its events, some 150 MiB: more cores must not need more memory."""

REFUNDS_AT_ONCE = 500_000
"""Refunds wait for their orders to be read; so many of them, then those are written."""


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Attributes
    ----------
    version : of the log afterwards.
    read, added, duplicates, rejected : rows. Every row read was added, known already, or refused.
    reasons : {reason: rows refused for it}.
    rejects : the file that lists the refused rows; None if there are none.
    notes : {what is odd about rows that were read all the same: how many}.
    """

    source: str
    version: int
    read: int
    added: int
    duplicates: int
    rejected: int
    reasons: dict[str, int] = field(default_factory=dict)
    rejects: Path | None = None
    notes: dict[str, int] = field(default_factory=dict)


def import_file(
    log: EventLog,
    source: Source,
    conversion: Conversion,
    rejects: Path,
    *,
    strict: bool = False,
    on_progress: Progress = lambda rows, share: None,
) -> ImportResult:
    """Import a file into the log, in one commit.

    Parameters
    ----------
    rejects : where to list refused rows (CSV: file, line, column, value, reason, detail).
    strict : fail whole, leaving the log as it was, if any row is refused.

    Raises
    ------
    RejectedError
        If strict, and a row was refused; the list of refused rows is written.
    """
    mapping = conversion.mapping
    name = source.path.name
    fingerprint = Fingerprint(source.path, conversion)
    snapshot = log.snapshot()
    known = fingerprint.rows_among(snapshot.imported)
    if known is not None:
        return ImportResult(str(source.path), snapshot.version, known, 0, known, 0)
    refusals = _Refusals(rejects, source.path)
    read = 0
    notes: Counter[str] = Counter()
    with log.transaction(f"import of {name}", {"source": name, "mapping": mapping.name}) as transaction:
        fingerprint.begin()
        refunds: list[Placed] = []
        said: list[pa.Table] = []
        rows_described = 0
        # Closed even if a row is refused: no thread may write on once the transaction is abandoned.
        with closing(_in_parallel(source, conversion, transaction)) as pieces:
            for converted, rows in pieces:
                read += rows
                refusals.add(converted.rejects, strict=strict)
                notes += converted.notes
                said.append(converted.products)
                rows_described += converted.described
                refunds.append(converted.refunds)
                if sum(len(placed.places) for placed in refunds) >= REFUNDS_AT_ONCE:
                    write_refunds(transaction, refunds, name)
                    refunds = []
                on_progress(read, source.share_read)
        write_refunds(transaction, refunds, name)
        told = pa.concat_tables([CATALOGUE.empty_table(), *said])
        new = 0
        if rows_described:
            known = log.read("catalogue")
            told = told if conversion.met is None else since_met(known, told, conversion.met)
            new = min(described(known, merge(known, [told])), rows_described)
        transaction.add("catalogue", told)
        has_ids = "event_id" in mapping.columns or "event_id" in mapping.constants
        duplicates, conflicts = transaction.settle(ids_are_derived=not has_ids)
        refusals.add(conflicting(conflicts, mapping), strict=strict)
        if not refusals.count and (text := fingerprint.text()):
            transaction.remember(text, read)
        version = transaction.commit()
    return ImportResult(
        source=str(source.path),
        version=version,
        read=read,
        added=transaction.added + new,
        duplicates=duplicates + rows_described - new,
        rejected=refusals.count,
        reasons=dict(refusals.reasons.most_common()),
        rejects=rejects if refusals.count else None,
        notes=dict(notes.most_common()),
    )


def conflicting(conflicts: Sequence[Conflict], mapping: Mapping) -> list[Reject]:
    """Events that bear the id of another, as refused rows."""
    header = mapping.columns.get("event_id", "")
    reason = "another event has this id and says something else; the first one stays"
    return [Reject(c.place, header, c.event_id, reason, _hashes(c)) for c in conflicts]


def _hashes(conflict: Conflict) -> str:
    return f"hash of this row {conflict.content:016x}, of the first {conflict.first:016x}"


def _in_parallel(
    source: Source, conversion: Conversion, transaction: Transaction
) -> Generator[tuple[Converted, int], None, None]:
    """Parse, convert and write the chunks of a file, two or more at a time; results in the file's order."""
    workers = min(max(os.cpu_count() or 1, 2), MOST_WORKERS)

    def work(chunk: Chunk, number: int) -> tuple[Converted, int]:
        raw = chunk()
        converted = convert(raw, conversion)
        events, places = converted.events
        transaction.write(events, source.path.name, places, number)
        converted.events = Placed(EVENTS.empty_table(), np.empty(0, np.int64))  # it is on disk now
        return converted, raw.table.num_rows + len(raw.rejects)

    columns = tuple(dict.fromkeys(conversion.mapping.columns.values()))
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[tuple[Converted, int]]] = deque()
        try:
            for chunk in source.chunks(columns):
                waiting.append(pool.submit(work, chunk, transaction.reserve()))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def write_refunds(transaction: Transaction, refunds: Sequence[Placed], source: str) -> None:
    """Write refunds, each with the order that it belongs to, as one data file."""
    pieces = [placed.events for placed in refunds if placed.events.num_rows]
    if not pieces:
        return
    events = pa.concat_tables([pa.table({n: plain(whole(piece[n])) for n in piece.column_names}) for piece in pieces])
    places = np.concatenate([placed.places for placed in refunds])
    order = np.argsort(events["time"].cast(pa.int64()).to_numpy(), kind="stable")
    tied = transaction.tie_returns(events.take(pa.array(order)))
    transaction.write(tied, source, places[order], transaction.reserve())


def listing(rejects: Sequence[Reject], source: str) -> pa.Table:
    """Refused rows for people: file, line, column, value, reason and detail of each."""
    return pa.table(
        {
            "file": pa.array([source] * len(rejects)),
            "line": pa.array([reject.line for reject in rejects], pa.int64()),
            **{
                name: pa.array([getattr(reject, name) for reject in rejects], pa.string())
                for name in ("column", "value", "reason", "detail")
            },
        }
    )


class _Refusals:
    """The refused rows of an import: counted, and listed in a file as they come."""

    def __init__(self, path: Path, source: Path) -> None:
        self.path, self._source = path, source
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self._first: Reject | None = None

    def add(self, rejects: Sequence[Reject], *, strict: bool) -> None:
        """List refused rows; RejectedError if strict and there are any."""
        if not rejects:
            return
        storage.make_folder(self.path.parent)
        storage.append(self.path, to_csv(listing(rejects, str(self._source)), header=self.count == 0))
        self.count += len(rejects)
        self.reasons.update(reject.reason for reject in rejects)
        if strict:
            first = rejects[0]
            column = f', column "{first.column}"' if first.column else ""
            raise RejectedError(
                f"{self._source}, line {first.line}{column}: {first.value!r}: {first.reason}. "
                f"Nothing was imported. Mend the rows listed in {self.path}, or import without --strict "
                "to leave them out."
            )
