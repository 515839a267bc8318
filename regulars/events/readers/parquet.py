"""Parquet: typed columns, read in batches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from regulars.engine.json import to_json
from regulars.errors import InputError
from regulars.events.readers.encoding import damaged
from regulars.events.readers.rows import WHOLE, Chunk, Lines, RawRows, refuse_unknown

CHUNK_ROWS = 1 << 18


class ParquetSource:
    """A Parquet file, opened; the place of a row is its number, from 1.

    Raises
    ------
    InputError
        If it is no whole Parquet file, or holds no rows.
    """

    encoding = "parquet"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{path}: not a whole Parquet file ({_first_sentence(error)}). It may have been cut off while "
                "it was copied: fetch it again."
            ) from None
        self.headers = tuple(self._file.schema_arrow.names)
        if self._file.metadata.num_rows == 0:
            raise InputError(f"{path}: has columns ({', '.join(self.headers)}) and no rows.")

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        try:
            batch = next(self._file.iter_batches(batch_size=rows))
        except (pa.ArrowInvalid, OSError) as error:
            raise damaged(self.path, error) from None
        return [[None if cell is None else str(cell) for cell in row.values()] for row in batch.to_pylist()]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file, 262,144 rows at a time; only the columns asked for (`WHOLE`: all of them, as one)."""
        refuse_unknown(self.path, columns, (*self.headers, WHOLE))
        wanted = None if WHOLE in columns else list(dict.fromkeys(columns))
        size = max(CHUNK_ROWS // 32, 1) if wanted is None else CHUNK_ROWS  # as JSON, rows are long
        row = 1
        try:
            for batch in self._file.iter_batches(batch_size=size, columns=wanted):
                lines = np.arange(row, row + batch.num_rows, dtype=np.int64)
                yield partial(_objects if wanted is None else _raw_rows, batch, lines)
                row += batch.num_rows
                self.share_read = (row - 1) / self._file.metadata.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise damaged(self.path, error) from None


def _raw_rows(batch: pa.RecordBatch, lines: Lines) -> RawRows:
    columns = {name: _as_text_if_nested(batch[name]) for name in batch.schema.names}
    return RawRows(pa.table(columns), lines)


def _objects(batch: pa.RecordBatch, lines: Lines) -> RawRows:
    return RawRows(pa.table({WHOLE: to_json(pa.Table.from_batches([batch]))}), lines)


def _as_text_if_nested(values: pa.Array) -> pa.Array:
    """Lists, structs and bytes as JSON, as JSON lines have them."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        return values
    if not pa.types.is_nested(kind):
        texts = [None if cell is None else cell.decode(errors="replace") for cell in values.to_pylist()]
    else:
        cells = values.to_pylist()
        texts = [None if cell is None else json.dumps(cell, ensure_ascii=False, default=str) for cell in cells]
    return pa.array(texts, pa.string())


def _first_sentence(error: Exception) -> str:
    return str(error).split(". ", maxsplit=1)[0].strip()
