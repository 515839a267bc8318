"""Compaction: many small files of the log rewritten as few, the same rows, ordered by time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from regulars.events.commit import Commit, DataFile
from regulars.events.integrity import verified
from regulars.events.log import EventLog
from regulars.events.schema import EVENTS

SMALL = 8 << 20
"""Files below this many bytes are put together when a user asks for it."""

TINY, MANY = 1 << 20, 64
"""An import puts files together by itself if there are more than MANY below TINY bytes. A large import cuts its
files above that size, so only what many imports and decisions left is ever written twice."""

LARGE, MOST_ROWS = 16 << 20, 1 << 20
"""No file that comes out has more bytes, or rows, than this: it is sorted in memory."""


class Compacted(NamedTuple):
    """What a compaction did: the log's version, and the number of files of events before and after."""

    version: int
    before: int
    after: int


def compact(
    log: EventLog,
    *,
    below: int = SMALL,
    more_than: int = 1,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Compacted:
    """Rewrite small files of the newest version as few, in a new version with the same rows.

    Memory stays flat: one file that comes out is held at a time. Nothing new, no version.

    Parameters
    ----------
    below : the size in bytes under which a file is small.
    more_than : do nothing unless there are more small files than this.
    on_progress : called with the share that is done, 0 to 1.
    """
    snapshot = log.snapshot()
    if not _groups(snapshot, below, more_than):
        return Compacted(snapshot.version, _count(snapshot), _count(snapshot))
    with log.transaction("compaction") as transaction:
        # Looked at again under the lock: another process may have been faster.
        before = log.snapshot()
        groups = _groups(before, below, more_than)
        for number, group in enumerate(groups, 1):
            # Sorted by time alone, and what is equal in it stays in its order: the same files give the same.
            rows = pa.concat_tables([pq.read_table(path).cast(EVENTS) for path in verified(log.folder, group)])
            rows = rows.sort_by("time")
            sources: Counter[str] = Counter()
            for file in group:
                sources.update(file.sources)
            made = transaction.store(rows, transaction.reserve(), dict(sources))
            transaction.replace("events", {file.path for file in group}, [made])
            on_progress(number / len(groups))
        version = transaction.commit()
    return Compacted(version, _count(before), _count(log.snapshot(version)))


def small_files(commit: Commit, below: int = TINY) -> list[DataFile]:
    """The files of events of a version that have fewer bytes, ordered by their first time."""
    return sorted(
        (file for file in commit.tables.get("events", ()) if file.size < below), key=lambda file: file.first or ""
    )


def _groups(commit: Commit, below: int, more_than: int) -> list[list[DataFile]]:
    """Small files that become one, neighbours in time; a file that would be alone stays as it is."""
    small = small_files(commit, below)
    groups: list[list[DataFile]] = []
    if len(small) > more_than:
        size = rows = 0
        for file in small:
            size, rows = size + file.size, rows + file.rows
            if not groups or size > LARGE or rows > MOST_ROWS:
                groups.append([])
                size, rows = file.size, file.rows
            groups[-1].append(file)
    return [group for group in groups if len(group) > 1]


def _count(commit: Commit) -> int:
    return len(commit.tables.get("events", ()))
