"""Are backups whole? Every byte is read, and every list compared with the others."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from regulars.backup.content import log_files
from regulars.backup.place import Backup, Place
from regulars.errors import CorruptBackupError, CorruptLogError, NotFoundError
from regulars.events.commit import Commit
from regulars.storage import Written


class Fault(NamedTuple):
    """Something that is not what was saved, and the numbers of the backups that it makes useless."""

    what: str
    backups: tuple[int, ...]


class Checked(NamedTuple):
    """What a check found.

    Attributes
    ----------
    backups : numbers of those there are.
    whole : numbers of those that can be restored, to the byte.
    files, bytes : that were read.
    faults : what is wrong; nothing if all is well.
    """

    backups: tuple[int, ...]
    whole: tuple[int, ...]
    files: int
    bytes: int
    faults: tuple[Fault, ...]


def check(folder: Path) -> Checked:
    """Read all backups in a folder: lists, their numbers and the chain of their hashes, and the bytes of all files.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    place = Place(folder)
    numbers = place.numbers()
    if not numbers:
        raise NotFoundError(f"{folder} holds no backup. Make one: regulars backup {folder}")
    faults: list[Fault] = []
    living: list[Backup] = []
    for number in range(numbers[0], numbers[-1] + 1):
        try:
            living.append(place.read(number))
        except CorruptBackupError as error:
            faults.append(Fault(str(error), (number,)))
    for each in living:
        path = place.list_of(each.number - 1)
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != each.before:
            faults.append(Fault(f"{path} is not the list that the one after it followed", (each.number - 1,)))
    users: dict[Written, dict[int, str]] = {}
    for each in living:
        for name, kept in each.files.items():
            users.setdefault(kept, {})[each.number] = name
    for kept, of in users.items():
        said = place.fault(kept)
        if said is not None:
            faults.append(Fault(f"{next(iter(of.values()))} {said} ({place.bytes_of(kept.sha256)})", tuple(of)))
    spoiled = {number for fault in faults for number in fault.backups}
    for each in living:
        if each.number not in spoiled and (gap := _gap(place, each)):
            faults.append(Fault(gap, (each.number,)))
    spoiled = {number for fault in faults for number in fault.backups}
    whole = tuple(each.number for each in living if each.number not in spoiled)
    return Checked(tuple(numbers), whole, len(users), sum(kept.size for kept in users), tuple(faults))


def commits_of(place: Place, backup: Backup) -> dict[int, tuple[str, Commit]]:
    """The versions of the log in a backup: number, and name and commit of each."""
    found = {}
    for name, kept in backup.files.items():
        if name.startswith("log/commits/"):
            path = Path(name)
            found[int(path.stem)] = name, Commit.from_json(place.bytes_of(kept.sha256).read_bytes(), path)
    return dict(sorted(found.items()))


def _gap(place: Place, backup: Backup) -> str | None:
    """What of the log a backup lacks: a version between others, or a data file of one."""
    try:
        commits = commits_of(place, backup)
    except CorruptLogError as error:
        return str(error)
    numbers = list(commits)
    if numbers != list(range(numbers[0], numbers[-1] + 1)) if numbers else backup.log_version:
        return f"backup {backup.number} lacks a version of the log: it has {', '.join(map(str, numbers)) or 'none'}"
    for version, (_, commit) in commits.items():
        for file, kept in log_files(commit).items():
            if backup.files.get(f"log/{file}") != kept:
                return f"backup {backup.number} lacks log/{file} of version {version}"
    return None
