"""Findings in a file of one's own choosing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from regulars import storage
from regulars.errors import InputError
from regulars.spreadsheet import to_csv


def write(path: Path, found: pa.Table) -> Path:
    """Findings as CSV, their customers in one cell, or as Parquet, by the file's name; InputError if it is neither."""
    match path.suffix.lower():
        case ".csv":
            place = found.column_names.index("customers")
            joined = pc.binary_join(found["customers"], "; ")
            storage.replace(path, to_csv(found.set_column(place, "customers", joined)))
        case ".parquet":
            storage.replace(path, bytes(storage.parquet(found)))
        case _:
            raise InputError(f"{path}: a name that ends in .csv or .parquet is expected.")
    return path
