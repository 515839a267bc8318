"""Files from outside, opened: CSV, TSV, JSON lines, Parquet and XLSX, each row with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from regulars.errors import InputError
from regulars.events.readers import archive
from regulars.events.readers.csv import CsvSource
from regulars.events.readers.jsonl import JsonLinesSource
from regulars.events.readers.parquet import ParquetSource
from regulars.events.readers.rows import WHOLE, Chunk, RawRows, Reject, Source
from regulars.events.readers.unpacked import PACKINGS
from regulars.events.readers.xlsx import XlsxSource

__all__ = ["ARCHIVE", "KINDS", "WHOLE", "Chunk", "RawRows", "Reject", "Source", "kind_of", "open_source"]

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


ARCHIVE = ".zip"
"""How the name of an archive ends."""


def kind_of(path: Path) -> str:
    """What a file is by the end of its name: one of `KINDS`, `ARCHIVE`, or what else it ends with.

    >>> kind_of(Path("orders.CSV.gz")), kind_of(Path("orders.zip!/a.jsonl")), kind_of(Path("orders.zip"))
    ('.csv', '.jsonl', '.zip')
    """
    is_packed = path.suffix.lower() in PACKINGS
    return Path(path.stem if is_packed else path.name).suffix.lower()


def open_source(path: Path) -> Source:
    """Open a file from outside by the end of its name (`KINDS`; `.gz` and `.zst` may follow a text file's).

    A file inside of a zip archive is `Path("orders.zip!/a.csv")`.

    Raises
    ------
    InputError
        If there is no such file, it may not be read, its kind is unknown, or it is empty, broken, or
        packed so that it may do harm.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(f"{str(path)!a}: the name is not in UTF-8. Give it another name.") from None
    kind = kind_of(path)
    if archive.split(path)[1]:
        if kind == ARCHIVE:
            raise InputError(f"{path}: is an archive inside of an archive. Unpack the outer one.")
    else:
        _refuse_unreadable(path, kind)
    if kind not in KINDS:
        raise InputError(f"{path}: cannot tell what kind of file this is. Known are {', '.join(KINDS)}.")
    if path.suffix.lower() in PACKINGS and kind in (".parquet", ".xlsx"):
        raise InputError(f"{path}: {kind} files are packed already. Unpack it, and import the file itself.")
    return KINDS[kind](path)


def _refuse_unreadable(path: Path, kind: str) -> None:
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder. Name the file in it: {_listing(path)}")
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is a pipe or a device. Save what it gives to a file, and import that.")
        if kind in (*KINDS, ARCHIVE):
            path.open("rb").close()  # here, for each reader says it in other words that it may not
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. In that folder: {_listing(path.parent)}") from None
    except PermissionError:
        raise InputError(f"{path}: may not be read by this user. Give it read permission: chmod a+r") from None
    if kind == ARCHIVE:
        names = [f"{path}!/{name}" for name in archive.members(path)]
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "nothing"
        raise InputError(f"{path} is an archive. Name the file in it: {shown}")


def _listing(folder: Path) -> str:
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in KINDS)
    except PermissionError:
        return f"{folder} may not be read by this user; give it read permission: chmod u+rx"
    except OSError:
        return f"there is no folder {folder} either"
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "no file of a known kind"
