"""What a ready-made format is: rows of a platform's export unfolded into one row a line of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.identity import whole
from regulars.events.readers import WHOLE, Chunk, RawRows, Reject, Source
from regulars.events.readers.rows import SHOWN, refuse_unknown
from regulars.events.times import to_time
from regulars.events.values import encoded, plain

Rows = npt.NDArray[np.int64]


class Format(Protocol):
    """The structure of a platform's export. Which column is which field stays a mapping, in `presets/NAME.toml`.

    Attributes
    ----------
    name : as in `format = "NAME"` of a mapping.
    added : columns that it makes, beside those of the file.
    weakness : what such an export cannot tell, to be said where it is offered; "" for none.
    """

    name: str
    added: tuple[str, ...]
    weakness: str

    def recognises(self, headers: Sequence[str]) -> bool:
        """Whether a file with these headers is such an export: by the few that no other has."""

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """Columns of the file that it needs; `WHOLE` alone for JSON."""

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """The pieces of the file, each with a row for every line of an event, and the columns asked for."""


class Unfolded:
    """A file read as a format says: a `Source` like any other, whose rows are lines of events."""

    gives_whole = False

    def __init__(self, source: Source, form: Format) -> None:
        self._source, self._format = source, form
        self.path, self.encoding, self.share_read = source.path, source.encoding, 0.0
        own = [header for header in source.headers if header not in form.added]
        self.headers = (*form.added, *own)

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        for chunk in self._pieces(self.headers, lambda piece: partial(_first, piece, rows)):
            first = chunk().table.slice(0, rows)
            texts = [plain(whole(first[name])).cast(pa.string()).to_pylist() for name in self.headers]
            if first.num_rows:
                return [list(row) for row in zip(*texts, strict=True)]
        return []

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file in pieces, in its own order; only the columns asked for."""
        refuse_unknown(self.path, columns, self.headers)
        for chunk in self._pieces(columns):
            self.share_read = self._source.share_read
            yield chunk

    def _pieces(self, columns: Sequence[str], cut: Callable[[Chunk], Chunk] = lambda piece: piece) -> Iterator[Chunk]:
        reads = self._format.reads(self._source.headers)
        own = [name for name in columns if name not in self._format.added]
        wanted = reads if reads == (WHOLE,) else tuple(dict.fromkeys([*reads, *own]))
        return self._format.unfold(map(cut, self._source.chunks(wanted)), columns)


def _first(piece: Chunk, count: int) -> RawRows:
    rows = piece()
    return RawRows(rows.table.slice(0, count), rows.lines[:count])


def whole_orders(pieces: Iterator[Chunk], column: str) -> Iterator[RawRows]:
    """The rows of the pieces, cut so that no order falls into two; orders are told apart by a column.

    Parsed here, one piece after the other: what is cut off the end of one must stand before the next.
    """
    held = None
    for piece in pieces:
        rows = plain_rows(piece())
        if held is not None:
            rows = RawRows(
                pa.concat_tables([held.table, rows.table]), np.concatenate([held.lines, rows.lines]), rows.rejects
            )
        names = pc.fill_null(whole(rows.table[column]), "")
        others = np.flatnonzero(np.asarray(pc.not_equal(names, names[-1]))) if len(names) else np.empty(0, np.int64)
        cut = int(others[-1]) + 1 if len(others) else 0
        yield RawRows(rows.table.slice(0, cut), rows.lines[:cut], rows.rejects)
        held = RawRows(rows.table.slice(cut), rows.lines[cut:])
    if held is not None:
        yield held


def plain_rows(rows: RawRows) -> RawRows:
    """The rows with all columns as plain text."""
    table = pa.table({name: plain(whole(rows.table[name])).cast(pa.string()) for name in rows.table.column_names})
    return RawRows(table, rows.lines, rows.rejects)


def first_rows(names: pa.Array) -> Rows:
    """For each row the first of its order, where orders are runs of one name.

    >>> first_rows(pa.array(["#1", "#1", "#2", None, None]))
    array([0, 0, 2, 3, 4])
    """
    is_same = np.asarray(pc.fill_null(pc.equal(names[1:], names[:-1]), False))
    starts = np.arange(len(names))
    starts[1:][is_same] = 0
    return np.maximum.accumulate(starts)


def latest(times: Sequence[pa.Array]) -> pa.Array:
    """The latest of some times, as it is written.

    >>> latest([pa.array(["2024-05-01 10:00:00 -0400"]), pa.array(["2024-05-01 13:00:00 +0000"])]).to_pylist()
    ['2024-05-01 10:00:00 -0400']
    """
    newest, moment = times[0], to_time(times[0], "", "UTC").values
    for texts in times[1:]:
        other = to_time(texts, "", "UTC").values
        is_later = pc.fill_null(
            pc.or_kleene(pc.greater(other, moment), pc.and_(pc.is_null(moment), pc.is_valid(other))), False
        )
        newest, moment = pc.if_else(is_later, texts, newest), pc.if_else(is_later, other, moment)
    return newest


def by_word(values: pa.Array, meaning: Callable[[str], str | None]) -> pa.Array:
    """Another text for each distinct text; null for null.

    >>> by_word(pa.array(["a", None, "b"]), {"a": "x"}.get).to_pylist()
    ['x', None, None]
    """
    distinct = encoded(values)
    said = [None if word is None else meaning(word) for word in distinct.dictionary.to_pylist()]
    return pa.array(said, pa.string()).take(distinct.indices)


def refused(rows: RawRows, problems: dict[int, str], shown: pa.Array, column: str = "") -> list[Reject]:
    """Rejects of some rows, each with what stands there and why."""
    return [
        Reject(int(rows.lines[row]), column, (shown[row].as_py() or "").strip()[:SHOWN], reason)
        for row, reason in problems.items()
    ]
