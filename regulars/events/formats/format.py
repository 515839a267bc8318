"""What a ready-made format is: rows of a platform's export unfolded into one row a line of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.events.identity import whole
from regulars.events.readers import WHOLE, Chunk, RawRows, Reject, Source
from regulars.events.readers.rows import SHOWN, refuse_unknown
from regulars.events.values import encoded, plain

Rows = npt.NDArray[np.int64]


class Format(Protocol):
    """The structure of a platform's export. Which column is which field stays a mapping, in `presets/NAME.toml`.

    Attributes
    ----------
    name : as in `format = "NAME"` of a mapping.
    added : columns that it makes, beside those of the file.
    """

    name: str
    added: tuple[str, ...]

    def recognises(self, headers: Sequence[str]) -> bool:
        """Whether a file with these headers is such an export: by the few that no other has."""

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """Columns of the file that it needs; `WHOLE` alone for JSON."""

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """The pieces of the file, each with a row for every line of an event, and the columns asked for."""


class Unfolded:
    """A file read as a format says: a `Source` like any other, whose rows are lines of events."""

    def __init__(self, source: Source, form: Format) -> None:
        self._source, self._format = source, form
        own = [header for header in source.headers if header not in form.added]
        self.headers = (*form.added, *own)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._source.path

    @property
    def encoding(self) -> str:
        """Of its text."""
        return self._source.encoding

    @property
    def share_read(self) -> float:
        """How much of it was given, 0 to 1."""
        return self._source.share_read

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        for chunk in self.chunks(self.headers):
            first = chunk().table.slice(0, rows)
            texts = [plain(whole(first[name])).cast(pa.string()).to_pylist() for name in self.headers]
            if first.num_rows:
                return [list(row) for row in zip(*texts, strict=True)]
        return []

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file in pieces, in its own order; only the columns asked for."""
        refuse_unknown(self.path, columns, self.headers)
        reads = self._format.reads(self._source.headers)
        own = [name for name in columns if name not in self._format.added]
        wanted = reads if reads == (WHOLE,) else tuple(dict.fromkeys([*reads, *own]))
        yield from self._format.unfold(self._source.chunks(wanted), columns)


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
