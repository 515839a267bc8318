"""Zip archives: each file inside is one of its own, called `orders.zip!/a.csv`."""

from __future__ import annotations

import re
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from regulars.errors import InputError
from regulars.events.readers.bombs import refuse_bomb
from regulars.events.readers.rows import damaged

MOST_MEMBERS = 10_000
"""Of an archive. An export by day over twenty years has fewer."""

LIES = (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError, OverflowError)
"""What `zipfile` raises for an archive that is not what it says."""


def split(path: Path) -> tuple[Path, str]:
    """The archive and the name inside of it; of a path that leads into no archive, itself and "".

    >>> split(Path("in/orders.zip!/may/a.csv"))
    (PosixPath('in/orders.zip'), 'may/a.csv')
    """
    found = re.match(r"(?is)(.*?\.zip)!/(.+)", str(path))
    if found is None or path.exists():
        return path, ""
    return Path(found[1]), found[2]


def members(path: Path) -> list[str]:
    """The names of the files in an archive, in sorted order.

    Raises
    ------
    InputError
        If it is no whole archive, holds more than `MOST_MEMBERS` files or a name that leads out of
        it, or unpacks to a size that no honest file has.
    """
    with _opened(path) as archive:
        return sorted(_by_name(path, archive))


def open_member(path: Path, name: str) -> tuple[IO[bytes], zipfile.ZipInfo]:
    """A file of an archive, to be read from its beginning, and what the archive says of it.

    Raises
    ------
    InputError
        As `members` does, or if the archive has no such file, or it is a link or has a password.
    """
    with _opened(path) as archive:
        found = _by_name(path, archive)
        if name not in found:
            there = ", ".join(sorted(found)[:5]) + (", …" if len(found) > 5 else "")
            raise InputError(f"{path}: there is no {name} in it. It holds: {there}")
        info = found[name]
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InputError(f"{path}!/{name}: is a link, not a file. Pack the file itself.")
        if info.flag_bits & 1:
            raise InputError(f"{path}!/{name}: is protected by a password. Pack it without one.")
        try:
            # It stays open when the archive is closed: both share one file, which the last closes.
            return archive.open(info), info
        except LIES as error:
            raise damaged(Path(f"{path}!/{name}"), error) from None


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except PermissionError:
        raise InputError(f"{path}: may not be read by this user. Give it read permission: chmod a+r") from None
    except LIES as error:
        raise damaged(path, error) from None


def _by_name(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MOST_MEMBERS:
        raise InputError(
            f"{path}: holds {len(infos):,} files; at most {MOST_MEMBERS:,} are read from one archive. "
            "Unpack it, and import the folder."
        )
    refuse_bomb(path, path.stat().st_size, sum(info.file_size for info in infos))
    found = {}
    for info in infos:
        name = PurePosixPath(info.filename.replace("\\", "/"))
        # Nothing is ever unpacked to a disk here; but whoever packs such a name means harm.
        if name.is_absolute() or ".." in name.parts or re.match("[A-Za-z]:", info.filename):
            raise InputError(
                f"{path}: holds a file named {info.filename!r}, which leads out of the archive. "
                "It may be made to do harm: nothing is read from it."
            )
        found[str(name)] = info
    return found
