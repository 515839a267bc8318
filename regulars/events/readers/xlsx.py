"""XLSX: the first sheet that has rows, its cells as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import python_calamine as calamine

from regulars.errors import InputError
from regulars.events.readers.rows import Chunk, RawRows, refuse_unknown

CHUNK_ROWS = 1 << 16


class XlsxSource:
    """A workbook, opened: its first sheet with at least a header; the place of a row is the sheet's own number.

    Raises
    ------
    InputError
        If it is no workbook, is protected by a password, or has no rows.
    """

    encoding = "xlsx"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0
        try:
            book = calamine.CalamineWorkbook.from_path(str(path))
            sheet = next((s for s in map(book.get_sheet_by_name, book.sheet_names) if s.total_height), None)
        except calamine.PasswordError:
            raise InputError(f"{path}: is protected by a password. Save it without one.") from None
        except (FileNotFoundError, PermissionError):
            raise
        except (calamine.CalamineError, OSError) as error:
            raise InputError(f"{path}: not a whole XLSX workbook ({error}).") from None
        if sheet is None:
            raise InputError(f"{path}: the workbook is empty.")
        self._sheet = sheet
        rows = sheet.iter_rows()
        # Rows above the first cell in use are not given; the sheet counts them all the same.
        self._first_row = (sheet.start or (0, 0))[0] + 1
        self.headers = tuple((_text(cell) or "").strip() for cell in next(rows))
        if not any(_has_text(row) for row in rows):
            raise InputError(f"{path}: has a header ({', '.join(self.headers)}) and no rows after it.")
        for index, header in enumerate(self.headers):
            if header and header in self.headers[:index]:
                raise InputError(f'{path}, row {self._first_row}: the header "{header}" stands twice. Rename one.')

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        cells = self._sheet.iter_rows()
        next(cells)
        return [[_text(cell) for cell in row] for row in islice(filter(_has_text, cells), rows)]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole sheet, 65,536 rows at a time; only the columns asked for."""
        refuse_unknown(self.path, columns, self.headers)
        cells = self._sheet.iter_rows()
        next(cells)
        at = {header: index for index, header in enumerate(self.headers)}
        number = self._first_row + 1
        while rows := list(islice(cells, CHUNK_ROWS)):
            filled = [place for place, row in enumerate(rows) if _has_text(row)]
            table = pa.table(
                {name: pa.array([_text(rows[place][at[name]]) for place in filled], pa.string()) for name in columns}
            )
            yield partial(RawRows, table, number + np.array(filled, np.int64))
            number += len(rows)
            self.share_read = (number - self._first_row) / self._sheet.total_height


def _has_text(row: Sequence[Any]) -> bool:
    return any(cell is not None and cell != "" for cell in row)


def _text(cell: Any) -> str | None:
    """A cell as one would write it in a CSV file: 17850 for the number 17850.0, ISO 8601 for times."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()
    return str(cell)
