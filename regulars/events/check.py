"""Checking a log: is each of its files what was committed, and does each row keep what the log promises?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars.engine import Engine
from regulars.errors import CorruptLogError
from regulars.events import commit as commits
from regulars.events.commit import Commit, DataFile
from regulars.events.integrity import WORKERS, damage
from regulars.events.log import SCHEMAS, EventLog
from regulars.events.schema import EVENTS, TIME

RULED = ("quantity", "unit_price", "propensity")
"""Columns of events with a rule of their own, besides those that may not be empty."""

EPOCH = pa.scalar(0, pa.int64()).cast(TIME)


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be.

    Attributes
    ----------
    file : where; relative to the shop's folder.
    fault : what, in words.
    is_current : whether what is in use has it: the newest version of the log, a model in use. Else only older
        versions do, which nothing reads unless it is asked to.
    """

    file: str
    fault: str
    is_current: bool


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes
    ----------
    version : the newest.
    versions, files, bytes : how many were checked.
    rows : {table: rows of the newest version}.
    """

    version: int
    versions: int
    files: int
    bytes: int
    rows: dict[str, int]
    faults: tuple[Fault, ...]


def check(log: EventLog, engine: Engine, *, on_progress: Callable[[float], None] = lambda share: None) -> Checked:
    """Read every file of every version that lives, and hold it against its commit and the rules of the log.

    Parameters
    ----------
    engine : for what is asked of all files together.
    on_progress : called with the share of bytes that was read, 0 to 1.
    """
    versions = commits.versions(log.folder)
    newest_version = versions[-1] if versions else 0
    living: list[Commit] = []
    faults: list[Fault] = []
    for version in range(versions[0] if versions else 1, newest_version + 1):
        try:
            living.append(commits.read(log.folder, version))
        except CorruptLogError as error:
            path = commits.commit_path(log.folder, version).relative_to(log.folder.parent)
            faults.append(Fault(str(path), str(error), version == newest_version))
    newest = living[-1] if living and living[-1].version == newest_version else commits.read(log.folder, 0)
    in_newest = {file.path for files in newest.tables.values() for file in files}
    listed = {file.path: (name, file) for commit in living for name, files in commit.tables.items() for file in files}
    total, done = sum(file.size for _, file in listed.values()), 0
    with ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(lambda one: list(_file_faults(log, *one)), listed.values())
        for (_, file), said in zip(listed.values(), found, strict=True):
            faults += [Fault(f"{log.folder.name}/{file.path}", fault, file.path in in_newest) for fault in said]
            done += file.size
            on_progress(done / total)
    if not any(fault.is_current for fault in faults):
        faults += _doubled(log, engine, newest)
    rows = {name: newest.rows(name) for name in newest.tables}
    return Checked(newest_version, len(living), len(listed), total, rows, tuple(faults))


def _file_faults(log: EventLog, table: str, file: DataFile) -> Iterator[str]:
    """What is wrong with one data file: its bytes, or if those are right, its rows."""
    fault = damage(log.folder, file)
    if fault is not None:
        yield fault
        return
    schema = SCHEMAS[table]
    path = log.folder / file.path
    opened = pq.ParquetFile(path)
    if opened.metadata.num_rows != file.rows:
        yield f"has {opened.metadata.num_rows} rows, {file.rows} were committed"
    if sum(file.sources.values()) not in (0, file.rows):
        yield f"has {file.rows} rows, its sources {sum(file.sources.values())}"
    if opened.schema_arrow.names != schema.names:
        yield f"has the columns {', '.join(opened.schema_arrow.names)}; expected are {', '.join(schema.names)}"
        return
    counts: dict[str, int] = defaultdict(int)
    # A row group at a time, so that memory does not depend on the file.
    needed = [field.name for field in schema if not field.nullable]
    needed += [name for name in RULED if table == "events"]
    for number in range(opened.metadata.num_row_groups):
        for rule, count in _broken(opened.read_row_group(number, columns=needed), schema, file):
            counts[rule] += count
    yield from (f"{count:,} row{'s' * (count != 1)} {rule}" for rule, count in counts.items() if count)


def _broken(rows: pa.Table, schema: pa.Schema, file: DataFile) -> Iterator[tuple[str, int]]:
    """Each rule of the log, and how many rows break it."""
    for field in schema:
        if not field.nullable:
            yield f"with an empty {field.name}", rows[field.name].null_count
    if schema is not EVENTS:
        return
    times = rows["time"].cast(TIME)
    yield "with a time before 1970", _count(pc.less(times, EPOCH))
    if file.first is not None and file.last is not None:
        first, last = (pa.scalar(datetime.fromisoformat(text), TIME) for text in (file.first, file.last))
        outside = pc.or_(pc.less(times, first), pc.greater(times, last))
        yield f"with a time outside {file.first} to {file.last}, as committed", _count(outside)
    quantity = rows["quantity"]
    is_whole = pc.and_(pc.is_finite(quantity), pc.greater_equal(quantity, 0.0))
    yield "with a quantity that is negative or no number", _count(pc.invert(is_whole))
    yield "with a negative price", _count(pc.less(rows["unit_price"].cast(pa.float64()), 0.0))
    share = rows["propensity"]
    is_chance = pc.and_(pc.greater(share, 0.0), pc.less_equal(share, 1.0))
    is_broken = pc.and_(pc.equal(rows["type"], "decision_made"), pc.invert(is_chance))
    yield "of a decision whose propensity is not above 0 and at most 1", _count(is_broken)


def _count(is_broken: pa.ChunkedArray) -> int:
    return int(np.sum(pc.fill_null(is_broken, False).to_numpy()))


def _doubled(log: EventLog, engine: Engine, newest: Commit) -> Iterator[Fault]:
    """Identities that stand more than once: asked of the engine, which spills what does not fit into memory."""
    files = newest.tables.get("events", ())
    rows = engine.parquet([log.folder / file.path for file in files], EVENTS)
    counted = rows.group_by("event_id", "line").agg(times=rows.count())
    found = engine.to_arrow(counted.filter(counted.times > 1).order_by("event_id", "line").limit(10))
    for row in found.to_pylist():
        what = f"event {row['event_id']}, line {row['line']}, stands {row['times']} times in the events"
        path = commits.commit_path(log.folder, newest.version).relative_to(log.folder.parent)
        yield Fault(str(path), what, True)
