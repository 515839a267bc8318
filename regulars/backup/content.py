"""What of a shop is backed up, and in which order: so that a copy of a shop at work is one that it could have been.

What is on its way into the log is copied before the log. An event that went from the inbox (or from the state) to the
log meanwhile is then in both, and the log's own commits and identities count it once; the other way round it would be
in neither.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from regulars import storage
from regulars.events import commit as commits
from regulars.events.commit import Commit
from regulars.events.inbox import FOLDER as INBOX
from regulars.events.inbox.sqlite import FILE as INBOX_FILE
from regulars.models import POINTER
from regulars.state import FILE as STATE
from regulars.storage import Written

if TYPE_CHECKING:
    from regulars.shop import Shop

MADE_ANEW = ("cache", "realtime/state", "realtime/followed")
"""Folders of what a shop makes by itself from the rest. Snapshots of the live state would know more than the log."""


class Part(NamedTuple):
    """A file to keep: its bytes, or where they are and, of those that never change, what they must be."""

    name: str
    source: Path | bytes
    expected: Written | None = None


def outside(shop: Shop) -> tuple[str, ...]:
    """What of a shop lies in other programs, which have backups of their own."""
    found = []
    if shop.config.state.url:
        found.append("state: PostgreSQL")
    if shop.config.serve.inbox:
        found.append("inbox: Redis")
    return tuple(found)


def parts(shop: Shop) -> Iterator[Part]:
    """All files, in the order in which they must be copied.

    Raises
    ------
    FileNotFoundError
        If one went meanwhile: begin anew.
    CorruptLogError
        If a commit is damaged.
    """
    folder = shop.folder
    for name in (STATE, f"{INBOX}/{INBOX_FILE}"):
        if (folder / name).is_file():
            yield Part(name, _database(folder / name))
    # Before the versions: a pointer copied after them could name one that was not there yet.
    for path in sorted(shop.models.folder.glob(f"*/{POINTER}")):
        yield Part(path.relative_to(folder).as_posix(), path.read_bytes())
    yield from _log(shop.log.folder, shop.log.folder.name)
    yield from _others(shop)


def _database(path: Path) -> bytes:
    """A database of SQLite as of one moment, whoever writes to it; read only, so nothing is checkpointed."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as connection:
        return connection.serialize()


def _log(folder: Path, name: str) -> Iterator[Part]:
    listed: dict[str, Written] = {}
    # From the newest on, so that a change of the log meanwhile leaves no gap.
    for version in reversed(commits.versions(folder)):
        path = commits.commit_path(folder, version)
        data = path.read_bytes()
        listed |= log_files(Commit.from_json(data, path))
        yield Part(f"{name}/commits/{path.name}", data)
    for file, kept in listed.items():
        yield Part(f"{name}/{file}", folder / file, kept)
    for path in sorted(folder.glob("*.json")):
        yield Part(f"{name}/{path.name}", path.read_bytes())


def log_files(commit: Commit) -> dict[str, Written]:
    """The data files of a version, relative to the log's folder."""
    return {file.path: Written(file.size, file.sha256) for files in commit.tables.values() for file in files}


def _others(shop: Shop) -> Iterator[Part]:
    copied = {shop.log.folder.name, INBOX}
    passed = {*MADE_ANEW, shop.config.engine.spill}
    for path in storage.files(shop.folder):
        name = path.relative_to(shop.folder)
        is_passed = any(name.is_relative_to(each) for each in passed)
        is_lock = path.name == "lock" or path.suffix == ".lock"
        is_unfinished = any(part.startswith(".") for part in name.parts)
        is_copied = name.parts[0] in copied or path.name.startswith(STATE) or path.name == POINTER
        if path.is_file() and not (is_passed or is_lock or is_unfinished or is_copied):
            yield Part(name.as_posix(), path)
