"""The files of a shop's folder without some customers: tables lose their rows, other files go as a whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from regulars import storage
from regulars.privacy.finder import OF_CUSTOMERS, Finder
from regulars.seal import sealed, unsealed
from regulars.state import FILE as STATE

APART = ("log", "inbox")
"""Folders that are rewritten by who knows them."""
AUTHORED = (".toml", ".md")
"""What people of the shop write: it is told, and never changed by itself."""
MOST_UNPACKED = 1 << 30
UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)
"""What unpacking raises of an archive that is damaged or locked: nobody can read a name in it."""
LONGEST_CELL = 1 << 30
"""Characters: Python's own limit, of an eighth of a million, would stop an erasure for ever."""


@dataclass
class Cleaned:
    """What was done to files, relative to the shop's folder.

    Attributes
    ----------
    rewritten : that lost rows.
    removed : that went as a whole: they are made anew, by learning, deciding or asking again.
    left : that name a customer and are the shop's own words: change them by hand.
    """

    rewritten: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def forget(folder: Path, finder: Finder) -> Cleaned:
    """Rewrite or remove each file of a shop that names a customer."""
    done = Cleaned()
    for path in sorted(_files(folder)):
        if not path.is_file():  # it went with another
            continue
        name = path.relative_to(folder).as_posix()
        if path.suffix in AUTHORED and not name.startswith("models/"):
            if finder.is_in(path.read_bytes()):
                done.left.append(name)
            continue
        is_model = name.startswith("models/") and path.parent.name.isdecimal()
        if not finder.is_in(name.encode()) and not _names(path, finder):
            continue
        if is_model:
            # What was learned and the ids beside it stand in one order: a version goes as a whole.
            _without_version(path.parent)
            done.removed.append(path.parent.relative_to(folder).as_posix())
        elif not finder.is_in(name.encode()) and (shorter := _shortened(path, finder)) is not None:
            storage.replace(path, shorter)
            done.rewritten.append(name)
        else:
            for one in _with_companions(folder, path):
                storage.remove(one)
            done.removed.append(name)
    return done


def _with_companions(folder: Path, path: Path) -> list[Path]:
    """A file that goes, and those of the same name beside it, which are about it; never what people wrote.

    Files alone: beside a `log.txt` lies the folder of all events, and beside a `state.json` the state.
    """
    beside = [one for one in path.parent.iterdir() if one.stem == path.stem and one.suffix not in AUTHORED]
    return sorted({path, *(one for one in beside if _is_looked_at(folder, one))})


def naming(folder: Path, finder: Finder) -> Iterator[str]:
    """Every file that names one of the customers, whatever it is: the proof that none does."""
    for path in storage.files(folder):
        if path.is_file() and (finder.is_in(path.name.encode()) or _names(path, finder)):
            yield path.relative_to(folder).as_posix()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in storage.files(folder) if _is_looked_at(folder, path))


def _is_looked_at(folder: Path, path: Path) -> bool:
    top = path.relative_to(folder).parts[0]
    return path.is_file() and top not in APART and not top.startswith((STATE, "erasure."))


def _names(path: Path, finder: Finder) -> bool:
    """Whether a file names a customer, as it lies or unpacked."""
    if path.suffix == ".parquet":
        table = _table(path)
        if table is not None:
            about = b"\n".join(
                [
                    *(table.schema.metadata or {}).values(),
                    *(v for f in table.schema for v in (f.metadata or {}).values()),
                ]
            )
            return bool(finder.rows(table).any()) or finder.is_in(about)
    if path.suffix in (".csv", ".tsv") and finder.rows(_csv(path)).any():
        return True
    return any(finder.is_in(data) for data in _unpacked(path))


def _unpacked(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    yield data
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as opened:
                yield opened.read(MOST_UNPACKED)
        elif path.suffix == ".zst":
            yield pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(MOST_UNPACKED)
        elif path.suffix in (".zip", ".xlsx", ".docx"):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    with archive.open(name) as opened:
                        yield opened.read(MOST_UNPACKED)
    except UNREADABLE:
        return


def _shortened(path: Path, finder: Finder) -> bytes | None:
    """A table without the customers' rows, or a list without their entries; None where that cannot be."""
    kind = _SHORTENED.get(path.suffix)
    made = kind(path, finder) if kind else None
    return None if made is None or (path.suffix != ".parquet" and finder.is_in(made)) else made


def _of_parquet(path: Path, finder: Finder) -> bytes | None:
    table = _table(path)
    if table is None or finder.is_in(b"\n".join((table.schema.metadata or {}).values())):
        return None
    return bytes(storage.parquet(table.filter(pa.array(~finder.rows(table))), has_metadata=True))


def _of_csv(path: Path, finder: Finder) -> bytes:
    stays = ~finder.rows(_csv(path))
    out = io.StringIO()
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as opened, _long_cells():
        lines = csv.reader(opened)
        writer = csv.writer(out)
        writer.writerow(next(lines))
        writer.writerows(line for line, stay in zip(lines, stays.tolist(), strict=True) if stay)
    mark = "\ufeff" if path.read_bytes().startswith(b"\xef\xbb\xbf") else ""
    return (mark + out.getvalue()).encode()


def _of_lines(path: Path, finder: Finder) -> bytes:
    lines = path.read_bytes().splitlines(keepends=True)
    texts = pa.chunked_array([pa.array([line.decode(errors="replace") for line in lines], pa.string())])
    return b"".join(line for line, is_named in zip(lines, finder.cells(texts).tolist(), strict=True) if not is_named)


def _of_sealed(path: Path, finder: Finder) -> bytes | None:
    """A sealed list of entries (those of fraud, say) without the ones that name a customer."""
    try:
        found = unsealed(path.read_bytes())
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(value, list) for value in found.values()):
        return None
    return sealed(json.dumps({name: _unnamed(value, finder) for name, value in found.items()}, ensure_ascii=False))


def _unnamed(entries: list[Any], finder: Finder) -> list[Any]:
    written = pa.chunked_array([pa.array([json.dumps(entry, ensure_ascii=False) for entry in entries], pa.string())])
    values = [entry.get("value") if isinstance(entry, Mapping) else entry for entry in entries]
    named = finder.cells(written) | np.array([value in finder.ids for value in values], bool)
    return [entry for entry, is_named in zip(entries, named.tolist(), strict=True) if not is_named]


_SHORTENED: Mapping[str, Callable[[Path, Finder], bytes | None]] = {
    ".parquet": _of_parquet, ".csv": _of_csv, ".jsonl": _of_lines, ".json": _of_sealed,
}  # fmt: skip


def _table(path: Path) -> pa.Table | None:
    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError):
        return None


@contextmanager
def _long_cells() -> Iterator[None]:
    """Python's limit is one for the whole process: it is given back."""
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv(path: Path) -> pa.Table:
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as opened, _long_cells():
        lines = list(csv.reader(opened, delimiter="\t" if path.suffix == ".tsv" else ","))
    header, rows = (lines[0], lines[1:]) if lines else ([], [])
    # One column of all cells, and those that hold ids: a row may have more cells than the header.
    found = {"cells": pa.array(["\n".join(row) for row in rows], pa.string())}
    for place, name in enumerate(header):
        if OF_CUSTOMERS.search(name):
            found[f"{name} customer {place}"] = pa.array(
                [row[place].lstrip("'") if place < len(row) else None for row in rows], pa.string()
            )
    return pa.table(found)


def _without_version(version: Path) -> None:
    """Remove a version of a model. If it was in use none is, until the next is learned or an older one chosen."""
    home = version.parent
    pointer = home / "in_use.json"
    try:
        in_use = f"{unsealed(pointer.read_bytes())['version']:04d}"
    except (OSError, ValueError, KeyError):
        in_use = None
    if in_use == version.name:
        storage.remove(pointer)
    storage.remove(version)
