"""XLSX: the first sheet that has rows, its cells as text."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import python_calamine as calamine

from regulars.errors import InputError
from regulars.events.readers import archive
from regulars.events.readers.bombs import refuse_bomb
from regulars.events.readers.rows import Chunk, RawRows, refuse_unknown
from regulars.events.readers.unpacked import whole_file

CHUNK_ROWS = 1 << 16
LARGEST_WORKBOOK = 1 << 30
"""In bytes, unpacked. Reading takes about twice as much memory."""


class XlsxSource:
    """A workbook, opened: its first sheet with at least a header; the place of a row is the sheet's own number.

    Raises
    ------
    InputError
        If it is no workbook, is protected by a password, or has no rows.
    """

    encoding = "xlsx"
    gives_whole = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0
        try:
            file = whole_file(path)
            _refuse_large(path, file)
            book = calamine.CalamineWorkbook.from_object(file)
            sheet = next((s for s in map(book.get_sheet_by_name, book.sheet_names) if s.start is not None), None)
        except calamine.PasswordError:
            raise InputError(f"{path}: is protected by a password. Save it without one.") from None
        except (calamine.CalamineError, OSError) as error:
            raise InputError(f"{path}: not a whole XLSX workbook ({error}).") from None
        if sheet is None:
            raise InputError(f"{path}: the workbook is empty.")
        self._sheet = sheet
        rows = self._rows()
        number, header = next(rows, (1, []))
        self.headers = tuple((_text(cell) or "").strip() for cell in header)
        if next(rows, None) is None:
            raise InputError(f"{path}: has a header ({', '.join(self.headers)}) and no rows after it.")
        seen: set[str] = set()
        for name in filter(None, self.headers):
            if name in seen:
                raise InputError(f'{path}, row {number}: the header "{name}" stands twice. Rename one.')
            seen.add(name)

    def _rows(self) -> Iterator[tuple[int, list[Any]]]:
        """The rows that are not empty, each with its number in the sheet; the header is the first."""
        for number, row in enumerate(self._sheet.iter_rows(), 1):
            if any(cell is not None and cell != "" for cell in row):
                yield number, row

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        return [[_text(cell) for cell in row] for _, row in islice(self._rows(), 1, rows + 1)]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole sheet, 65,536 rows at a time; only the columns asked for."""
        refuse_unknown(self.path, columns, self.headers)
        at = {header: index for index, header in enumerate(self.headers)}
        numbered = islice(self._rows(), 1, None)
        while rows := list(islice(numbered, CHUNK_ROWS)):
            table = pa.table(
                {name: pa.array([_text(row[at[name]]) for _, row in rows], pa.string()) for name in columns}
            )
            self.share_read = rows[-1][0] / (self._sheet.total_height + 1)
            yield partial(RawRows, table, np.array([number for number, _ in rows], np.int64))


def _refuse_large(path: Path, file: Path | io.BytesIO) -> None:
    """By what the workbook, an archive, says of itself; who lies there meets the limit on memory."""
    try:
        with zipfile.ZipFile(file) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
    except archive.LIES:
        return  # no archive: calamine says what it is
    if isinstance(file, io.BytesIO):
        file.seek(0)
        size = len(file.getbuffer())
    else:
        size = file.stat().st_size
    refuse_bomb(path, size, unpacked)
    if unpacked > LARGEST_WORKBOOK:
        raise InputError(
            f"{path}: a workbook of {unpacked >> 20:,} MiB; at most {LARGEST_WORKBOOK >> 20:,} MiB are read, for all "
            "of it has to be in memory. Save it as CSV."
        )


def _text(cell: Any) -> str | None:
    """A cell as one would write it in a CSV file: 17850 for the number 17850.0, ISO 8601 for times."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()
    return str(cell)
