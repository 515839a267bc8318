"""Members in a file of one's own choosing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from regulars import storage
from regulars.errors import InputError
from regulars.spreadsheet import to_csv


def write(path: Path, table: pa.Table) -> Path:
    """A table as CSV or Parquet, by the file's name; InputError if it is neither."""
    match path.suffix.lower():
        case ".csv":
            storage.replace(path, to_csv(table))
        case ".parquet":
            storage.replace(path, bytes(storage.parquet(table)))
        case _:
            raise InputError(f"{path}: a name that ends in .csv or .parquet is expected.")
    return path
