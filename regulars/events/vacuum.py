"""Vacuum: files of old versions removed, so that a log does not keep for ever what it no longer is."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from regulars import clock, storage
from regulars.events import commit as commits
from regulars.events.log import EventLog


class Vacuumed(NamedTuple):
    """What a vacuum removed, or would remove.

    Attributes
    ----------
    versions : that can no longer be read.
    files : paths of data files, relative to the log's folder.
    bytes : that the data files took.
    """

    versions: list[int]
    files: list[str]
    bytes: int


def vacuum(log: EventLog, keep_days: int | None, *, dry_run: bool = False) -> Vacuumed:
    """Remove the versions that another replaced more than so many days ago, and the files that only they need.

    A reader takes the list of its files when it begins. So whoever began less than `keep_days` ago is not
    disturbed; the newest version always stays.

    Parameters
    ----------
    keep_days : None keeps the newest version alone, whatever the clock says.
    dry_run : only say what would be removed.

    Raises
    ------
    CorruptLogError
        If a commit cannot be read: then nobody knows which files it needs.
    """
    if dry_run:
        return _plan(log, keep_days)
    with storage.lock(log.folder / "lock", "vacuum"):
        plan = _plan(log, keep_days)
        # Commits first, the oldest before the others: cut short at any place, each version that is left is whole.
        for version in plan.versions:
            storage.remove(commits.commit_path(log.folder, version))
        storage.sync_folder(log.folder / "commits")
        for path in plan.files:
            storage.remove(log.folder / path)
        storage.sync_folder(log.folder / "data")
    return plan


def _plan(log: EventLog, keep_days: int | None) -> Vacuumed:
    limit = clock.now() - timedelta(days=keep_days or 0)
    living = [commits.read(log.folder, version) for version in commits.versions(log.folder)]
    # A version was the newest until the next one came. From the oldest on, and no further than to the first
    # that is young: a clock that once went wrong must not cost a version in between.
    replaced = [keep_days is None or after.time < limit for after in living[1:]]
    gone = replaced.index(False) if False in replaced else len(replaced)
    needed = {file.path for commit in living[gone:] for files in commit.tables.values() for file in files}
    newest = living[-1].version if living else 0
    unneeded = [
        path
        for path in sorted((log.folder / "data").glob("[0-9]*.parquet"))
        # Files of a version to come may be those of an import that is under way.
        if f"data/{path.name}" not in needed and int(path.name.split("-")[0]) <= newest
    ]
    size = sum(path.stat().st_size for path in unneeded)
    return Vacuumed([commit.version for commit in living[:gone]], [f"data/{path.name}" for path in unneeded], size)
