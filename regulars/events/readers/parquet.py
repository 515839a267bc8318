"""Parquet: typed columns, read in batches."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars.engine.json import to_json
from regulars.errors import InputError
from regulars.events.readers.bombs import refuse_bomb
from regulars.events.readers.rows import WHOLE, Chunk, Lines, RawRows, damaged, refuse_unknown, refuse_wide
from regulars.events.readers.unpacked import whole_file

CHUNK_ROWS = 1 << 18
CHUNK_CELLS = 1 << 24
"""Of hundreds of columns fewer rows come at a time: as properties each cell is written with the name of its column."""
LARGEST_CHUNK = 256 << 20
"""In bytes, each text counted as often as it stands: rows of long texts come fewer at a time."""


class ParquetSource:
    """A Parquet file, opened; the place of a row is its number, from 1.

    Raises
    ------
    InputError
        If it is no whole Parquet file, or holds no rows.
    """

    encoding = "parquet"
    gives_whole = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0
        try:
            file = whole_file(path)
            opened = pq.ParquetFile(file)
            # As dictionaries: a text of a kilobyte that stands in a million rows stays one text in memory.
            texts = [field.name for field in opened.schema_arrow if _is_text(field.type)]
            self._file = pq.ParquetFile(file, metadata=opened.metadata, read_dictionary=texts)
        except MemoryError:
            raise  # pyarrow's is an ArrowException too, but says nothing of the file
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{path}: not a whole Parquet file ({_first_sentence(error)}). It may have been cut off while "
                "it was copied: fetch it again."
            ) from None
        self.headers = tuple(self._file.schema_arrow.names)
        refuse_wide(path, self.headers)
        if twice := [name for name, count in Counter(self.headers).items() if count > 1]:
            raise InputError(f'{path}: the column "{twice[0]}" stands twice. Rename one of them and import again.')
        self._size = len(file.getbuffer()) if isinstance(file, io.BytesIO) else file.stat().st_size
        refuse_bomb(path, self._size, _said_unpacked(self._file.metadata))
        if self._file.metadata.num_rows == 0:
            raise InputError(f"{path}: has columns ({', '.join(self.headers)}) and no rows.")

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        try:
            batch = next(self._file.iter_batches(batch_size=rows))
            batch.validate(full=True)
            refuse_bomb(self.path, self._size, sum(map(_unpacked, batch.columns)))
        except MemoryError:
            raise  # pyarrow's is an ArrowException too, but says nothing of the file
        except (pa.ArrowException, OSError) as error:
            raise damaged(self.path, error) from None
        return [list(row) for row in zip(*map(_shown, batch.columns), strict=True)]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file, up to 262,144 rows at a time; only the columns asked for (`WHOLE`: all of them, as one)."""
        refuse_unknown(self.path, columns, (*self.headers, WHOLE))
        wanted = None if WHOLE in columns else list(dict.fromkeys(columns))
        size = max(CHUNK_ROWS // 32, 1)  # as JSON, rows are long
        if wanted is not None:
            size = max(min(CHUNK_ROWS, CHUNK_CELLS // max(len(wanted), 1)), 1)
        parse = _objects if wanted is None else _raw_rows
        row, unpacked = 1, 0
        try:
            for batch in self._file.iter_batches(batch_size=size, columns=wanted):
                batch.validate(full=True)  # a damaged file may hold texts that are none
                in_batch = sum(map(_unpacked, batch.columns))
                unpacked += in_batch
                refuse_bomb(self.path, self._size, unpacked)
                self.share_read = (row - 1 + batch.num_rows) / self._file.metadata.num_rows
                rows = max(batch.num_rows * LARGEST_CHUNK // max(in_batch, LARGEST_CHUNK), 1)
                for start in range(0, batch.num_rows, rows):
                    part = batch.slice(start, rows)
                    yield partial(parse, part, np.arange(row, row + part.num_rows, dtype=np.int64))
                    row += part.num_rows
        except MemoryError:
            raise  # pyarrow's is an ArrowException too, but says nothing of the file
        except (pa.ArrowException, OSError) as error:
            raise damaged(self.path, error) from None


def _shown(values: pa.Array) -> list[str | None]:
    """Cells as text; times as Arrow writes them, for Python has no year 10000."""
    is_time = pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)
    cells = (values.cast(pa.string()) if is_time else values).to_pylist()
    return [None if cell is None else str(cell) for cell in cells]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _said_unpacked(metadata: pq.FileMetaData) -> int:
    """The bytes that a file says its columns take unpacked; values that repeat may be stored once."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return sum(group.column(column).total_uncompressed_size for group in groups for column in range(group.num_columns))


def _unpacked(values: pa.Array) -> int:
    """The bytes of a column, a text counted as often as it stands."""
    if not pa.types.is_dictionary(values.type) or not _is_text(values.type.value_type):
        return int(values.nbytes)
    lengths = pc.binary_length(values.dictionary).take(values.indices)
    return int(pc.sum(lengths.cast(pa.int64())).as_py() or 0) + int(values.indices.nbytes)


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
