"""The log's data files on their way to a reader: none is opened before its bytes are known to be the committed ones."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from regulars import storage
from regulars.errors import CorruptLogError
from regulars.events.commit import DataFile

WORKERS = 4
"""Files that are hashed at the same time: a disk gives no more to more."""

MENDING = "Restore it from a backup; without one: regulars check --drop-damaged"

# What was hashed in this process: a file that still has the same inode, size and time is not read again.
_hashed: dict[tuple[str, int, int, int], str] = {}


def verified(folder: Path, files: Iterable[DataFile]) -> list[Path]:
    """Where files of a version are, each checked against its commit when this process first asks for it.

    Parquet does not notice a flipped bit by itself: its readers give wrong rows.

    Parameters
    ----------
    folder : of the log.

    Raises
    ------
    CorruptLogError
        If one is missing, or its size or SHA-256 is not what was committed; the message names it.
    """
    files = list(files)
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda file: _verified(folder, file), files))


def _verified(folder: Path, file: DataFile) -> Path:
    path = folder / file.path
    try:
        found = path.stat()
        key = (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
        if _hashed.get(key) != file.sha256:
            fault = damage(folder, file)
            if fault is not None:
                raise CorruptLogError(f"{path} {fault}. {MENDING}")
            _hashed[key] = file.sha256
    except FileNotFoundError:
        raise CorruptLogError(f"{path} is missing. {MENDING}") from None
    return path


def damage(folder: Path, file: DataFile) -> str | None:
    """What is wrong with the bytes of a data file, read from the disk; None if nothing is.

    Raises
    ------
    OSError
        If it cannot be read for another reason than that it is missing.
    """
    path = folder / file.path
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"has {size} bytes, {file.size} were committed: it was changed or cut off"
        with storage.named(path), path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return "cannot be read from the disk any more (input/output error)"
    return None if digest == file.sha256 else "is not what was committed: its SHA-256 differs, a bit of it was changed"
