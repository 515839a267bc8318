"""Files from outside, opened: CSV, TSV, JSON lines, Parquet and XLSX, each row with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from regulars.errors import InputError
from regulars.events.readers.csv import CsvSource
from regulars.events.readers.jsonl import JsonLinesSource
from regulars.events.readers.parquet import ParquetSource
from regulars.events.readers.rows import WHOLE, Chunk, RawRows, Reject, Source
from regulars.events.readers.xlsx import XlsxSource

__all__ = ["KINDS", "WHOLE", "Chunk", "RawRows", "Reject", "Source", "open_source"]

KINDS: dict[str, Callable[[Path], Source]] = {
    ".csv": CsvSource,
    ".tsv": CsvSource,
    ".txt": CsvSource,
    ".jsonl": JsonLinesSource,
    ".ndjson": JsonLinesSource,
    ".json": JsonLinesSource,
    ".parquet": ParquetSource,
    ".xlsx": XlsxSource,
}
"""What reads a file, by the end of its name."""


def open_source(path: Path) -> Source:
    """Open a file from outside by the end of its name (`KINDS`; `.gz` and `.zst` may follow a text file's).

    Raises
    ------
    InputError
        If there is no such file, it may not be read, its kind is unknown, or it is empty or broken.
    """
    suffix = Path(path.stem).suffix if path.suffix in (".gz", ".zst") else path.suffix
    kind = KINDS.get(suffix.lower())
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder. Name the file in it: {_listing(path)}")
        if kind is None:
            raise InputError(f"{path}: cannot tell what kind of file this is. Known are {', '.join(KINDS)}.")
        path.open("rb").close()  # here, for each reader says it in other words that it may not
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. In that folder: {_listing(path.parent)}") from None
    except PermissionError:
        raise InputError(f"{path}: may not be read by this user. Give it read permission: chmod a+r") from None
    return kind(path)


def _listing(folder: Path) -> str:
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in KINDS)
    except PermissionError:
        return f"{folder} may not be read by this user; give it read permission: chmod u+rx"
    except OSError:
        return f"there is no folder {folder} either"
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "no file of a known kind"
