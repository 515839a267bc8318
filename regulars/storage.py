"""The one place that writes, syncs, links, renames and removes files.

Nothing else in the package does, so the order in which bytes reach the disk is decided here, and a
test can make the n-th call of any kind fail or be the last (`_open`, `_write`, `_sync`, `_link`,
`_rename`, `_unlink`). An error of the system names the file and says what to do (`named`).

The order is always: write the bytes, sync the file, give it its name, sync the folder. A reader, or
whoever opens the shop after a power cut, sees the whole file or none.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from regulars import clock
from regulars.errors import ShopError

# The calls that can fail half-way. Named so that tests can stand in for them.
_open = os.open
_write = os.write
_sync = os.fsync
_link = os.link
_rename = os.rename
_unlink = os.unlink

KEPT_SECONDS = 86_400
"""So long what a killed process left of its scratch is kept."""

REMEDIES = {
    errno.ENOSPC: "Free some space and do it again: nothing is counted twice",
    errno.EDQUOT: "Free some space, or raise your quota, and do it again: nothing is counted twice",
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f unlimited) and do it again",
    errno.EIO: "The disk may be failing: see the system's log (dmesg), save a copy, then: regulars check",
    errno.EMFILE: "Raise the limit on open files (ulimit -n 4096) and do it again",
    errno.ENFILE: "Close other programs, or raise the system's limit on open files, and do it again",
    errno.EACCES: "Give yourself the right to write there (ls -ld shows who has it), and do it again",
    errno.EPERM: "Give yourself the right to write there (ls -ld shows who has it), and do it again",
    errno.EROFS: "Choose a folder on a disk that can be written to",
}
"""What to do about an error of the system."""

COPIED_AT_ONCE = 1 << 20
"""Bytes."""


class Written(NamedTuple):
    """What was written: its size in bytes and the SHA-256 of its bytes, in hexadecimal."""

    size: int
    sha256: str


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an error of the system name its file and say what to do; it stays an OSError of its kind.

    >>> with named(Path("/shop/log/data/a.parquet")):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device. Free some space and do it again: nothing is counted twice:
    '/shop/log/data/a.parquet'
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or isinstance(error.__cause__, OSError):  # it is named: of what a copy reads from
            raise
        remedy = REMEDIES.get(error.errno)
        said = f"{error.strerror}. {remedy}" if remedy else error.strerror
        raise OSError(error.errno, said, str(path)) from error


def make_folder(path: Path) -> Path:
    """Make a folder, and those above it, so that it outlives a power cut. No error if it is there."""
    missing = [path, *path.parents]
    missing = missing[: next((i for i, p in enumerate(missing) if p.is_dir()), 0)]
    for folder in reversed(missing):
        with named(folder):
            folder.mkdir(exist_ok=True)
        try:
            sync_folder(folder.parent)
        except OSError:
            # Else the next call would find it there, and never sync it.
            with suppress(OSError):
                folder.rmdir()
            raise
    return path


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable: a new file is not safe before its folder is synced."""
    with named(path):
        handle = _open(path, os.O_RDONLY)
        try:
            _sync(handle)
        finally:
            os.close(handle)


def create(path: Path, data: bytes | memoryview) -> Written:
    """Write a new file under its final name and sync it; the folder is left to `sync_folder`.

    For data files that nobody looks for before a commit lists them: several may share one folder
    sync. What is left of a file that could not be written whole is removed.
    """
    return _create(path, [memoryview(data)])


def _create(path: Path, pieces: Iterable[memoryview]) -> Written:
    digest, size = hashlib.sha256(), 0
    with named(path):
        handle = _open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            for piece in pieces:
                done = 0
                while done < len(piece):
                    done += _write(handle, piece[done:])
                digest.update(piece)
                size += len(piece)
            # A failed sync is final: the kernel may have dropped the pages, so a retry would "succeed"
            # without the bytes (PostgreSQL's fsync lesson of 2018).
            _sync(handle)
        except BaseException:
            with suppress(OSError):
                _unlink(path)
            raise
        finally:
            os.close(handle)
    return Written(size, digest.hexdigest())


def files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """All files below a folder, by name; those too that lie elsewhere by a link, unless it leads back.

    above : folders that are not gone into again.
    """
    above |= {folder.resolve()}
    try:
        found = sorted(folder.iterdir())
    except FileNotFoundError:  # it went meanwhile
        return
    for path in found:
        if not path.is_dir():
            yield path
        elif path.resolve() not in above:
            yield from files(path, above)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns():x}.tmp")


def create_exclusive(path: Path, data: bytes) -> None:
    """Make a file that appears whole or not at all, and never replaces another.

    Raises
    ------
    FileExistsError
        If the name is taken; the file that has it is untouched.
    """
    temporary = _temporary(path)
    try:
        create(temporary, data)
        with named(path):
            _link(temporary, path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            _unlink(temporary)


def replace(path: Path, data: bytes | str | Iterator[memoryview]) -> Written:
    """Write a file, whole or piece by piece, in place of the one that has the name: a reader sees the old or the new,
    whole."""
    temporary = _temporary(path)
    if isinstance(data, str):
        data = data.encode()
    try:
        written = create(temporary, data) if isinstance(data, bytes) else _create(temporary, data)
        with named(path):
            _rename(temporary, path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            _unlink(temporary)
    return written


def copy(source: Path, target: Path) -> Written:
    """Copy a file of any size, in place of the one that has the name: a reader sees the old or the new, whole.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or it went meanwhile.
    """
    return replace(target, _pieces(source))


def _pieces(path: Path) -> Iterator[memoryview]:
    with named(path), path.open("rb") as opened:
        while piece := opened.read(COPIED_AT_ONCE):
            yield memoryview(piece)


def append(path: Path, data: bytes) -> None:
    """Add to the end of a file, made if missing, and sync it. For lists that only people read."""
    with named(path):
        handle = _open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[_write(handle, view) :]
            _sync(handle)
        finally:
            os.close(handle)


def parquet(
    table: pa.Table,
    *,
    unique: Sequence[str] = (),
    bounded: Sequence[str] | None = None,
    has_metadata: bool = False,
    rows_at_once: int | None = None,
) -> memoryview:
    """A table as the bytes of a Parquet file (zstd, with page checksums).

    unique: columns whose values hardly repeat, for which building a dictionary would be in vain.
    bounded: columns to keep the least and greatest value of, so that readers can skip; None for all.
    has_metadata: whether what the table and its columns say of themselves is kept.
    rows_at_once: so many are read at least; None for a million.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in table.column_names if name not in unique],
        write_page_checksum=True,
        write_statistics=True if bounded is None else list(bounded),
        store_schema=has_metadata,
        row_group_size=rows_at_once,
    )
    return memoryview(sink.getvalue())


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A name of one's own in a folder, for a file or a folder that is there as long as the context lasts.

    What a killed process left of its own goes when it is a day old: a younger one may be in use, by a process of
    another machine or container too.
    """
    oldest = clock.now().timestamp() - KEPT_SECONDS
    for left in folder.glob("*scratch-*"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < oldest:
                remove(left)
    place = folder / f"scratch-{uuid4().hex}"
    try:
        yield place
    finally:
        remove(place)


def move_folder(source: Path, target: Path) -> None:
    """Give a finished folder its name; FileExistsError or OSError if the name is taken."""
    for file in source.rglob("*"):
        if file.is_dir():
            sync_folder(file)
    sync_folder(source)
    with named(target):
        _rename(source, target)
    sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove a file or a whole folder; no error if it is gone already."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with named(path), suppress(FileNotFoundError):
            _unlink(path)


@contextmanager
def lock(path: Path, purpose: str, *, wait_seconds: float = 60.0) -> Iterator[None]:
    """Hold a folder's lock, so that one process at a time changes it.

    The kernel releases it with the process, however that ends, so a killed holder never blocks.

    Parameters
    ----------
    path : the lock file; made if missing. Its text says who holds it.
    purpose : what for, in words ("import of orders.csv"), for whoever has to wait.
    wait_seconds : how long to wait for another holder.

    Raises
    ------
    ShopError
        If it is still held after that time; the message names the holder. If the lock file may not be written.
    """
    try:
        with named(path):
            handle = _open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError:
        raise ShopError(
            f"{path} may not be written by this user, so nothing in {path.parent} can be changed. Give yourself the "
            f"right to write in that folder (ls -ld {path.parent} shows who has it), or work as its owner."
        ) from None
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ShopError(
                        f"{path.parent} is in use: {_holder(path)}. Wait until it is done, or stop it."
                    ) from None
                time.sleep(0.02)
        holder = {
            "process": os.getpid(),
            "machine": socket.gethostname(),
            "purpose": purpose,
            "since": clock.now().isoformat(timespec="seconds"),
        }
        # Only a note for people: it is neither synced nor trusted, the lock itself is the kernel's.
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(holder).encode(), 0)
        yield
        with suppress(OSError):
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_text())
        return f"process {note['process']} on {note['machine']}, {note['purpose']}, since {note['since']}"
    except (OSError, ValueError, KeyError):
        return "another process holds its lock"
