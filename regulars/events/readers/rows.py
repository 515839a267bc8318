"""What every reader gives: rows as text or typed columns, each with its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.errors import InputError

Lines = npt.NDArray[np.int64]

SHOWN = 200
"""How much of a row that cannot be read is shown in the rejects, in characters."""


WHOLE = "$"
"""The column that is the row itself, as one JSON object: JSON lines and Parquet give it besides their own."""


class Reject(NamedTuple):
    """A row that cannot be read: where it is, what stands there, and why it is refused.

    `detail` says more of this row alone: rows are counted by their reason.
    """

    line: int
    column: str
    value: str
    reason: str
    detail: str = ""


@dataclass
class RawRows:
    """Some rows of a file: columns by header, and the line of the file on which each row begins.

    Attributes
    ----------
    properties : for each row what goes to `properties` as it is, a JSON object; None if there is nothing.
    """

    table: pa.Table
    lines: Lines
    rejects: list[Reject] = field(default_factory=list)
    properties: pa.Array | None = None


Chunk = Callable[[], RawRows]
"""A piece of a file, cut but not yet parsed: calling it parses, so that pieces can be parsed in parallel."""


class Source(Protocol):
    """An opened file.

    Attributes
    ----------
    path : where it is.
    headers : of its columns.
    encoding : of its text, e.g. "utf-8"; "parquet" or "xlsx" for those.
    gives_whole : whether `chunks` can give `WHOLE`.
    share_read : how much of it `chunks` has given, 0 to 1.
    """

    path: Path
    headers: tuple[str, ...]
    encoding: str
    gives_whole: bool
    share_read: float

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file in pieces of bounded size, in its own order; only the columns asked for."""


MOST_COLUMNS = 1 << 14
"""As many as a spreadsheet has; each is looked at for what it may be."""


def refuse_wide(path: Path, headers: Sequence[str]) -> None:
    """InputError if a file has more columns than any export."""
    if len(headers) > MOST_COLUMNS:
        raise InputError(
            f"{path}: has {len(headers):,} columns; at most {MOST_COLUMNS:,} are read. Is it what you meant to import? "
            "If it is, leave out those that are not needed."
        )


def refuse_unknown(path: Path, columns: Sequence[str], headers: Sequence[str]) -> None:
    """InputError if a column is asked for that the file does not have."""
    if missing := [name for name in columns if name not in headers]:
        raise InputError(
            f'{path}: no column "{missing[0]}". Found: {", ".join(headers)}. Name one of these in the mapping instead.'
        )


def damaged(path: Path, error: Exception) -> InputError:
    """A file that ends too early, or whose compressed bytes do not unpack."""
    why = str(error).split(". ", maxsplit=1)[0].strip()
    return InputError(f"{path}: damaged inside ({why}). It may have been cut off while it was copied: fetch it again.")
