"""The log once more, sorted by customer: who reads the events of one of a million customers reads a few pages of it.

The log itself is in the order of time. This copy lies in the shop's cache, is made by work that may take minutes, and
is made anew when files of the log that it has are gone, or too many have come since.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from regulars import storage
from regulars.engine import Engine
from regulars.events.commit import Commit
from regulars.events.log import EventLog
from regulars.events.schema import EVENTS

SCHEMA = EVENTS.append(pa.field("raw_id", pa.string(), nullable=False))
"""`raw_id` is the customer_id, or the anonymous_id where that is empty; who has neither is not in the copy."""
LEAST_ROWS = 2_000_000
"""A log of fewer is read whole as fast."""
MOST_NEW = 0.1
"""The share of the log that may have come since the copy was made, before it is made anew."""
ROWS_AT_ONCE = 16_384
"""So many rows are read for one customer at least."""
ROOM = 8
"""Times the size of the log: what is sorted is spilled as it is, and that is larger."""
FORGETTING_SECONDS = 900.0
FEW = 100
"""Ids that are named in a query; more are a table that it is joined to."""


class ByCustomer:
    """The copy of a log that is sorted by customer.

    Parameters
    ----------
    folder : where it lies; made when the first copy is.

    Examples
    --------
    >>> import tempfile
    >>> from regulars import Shop
    >>> shop = Shop.create(Path(tempfile.mkdtemp()) / "shop")
    >>> _ = (shop.folder / "a.csv").write_text("date,customer,product,price\\n2024-05-01,ada,tea,4.50\\n")
    >>> _ = shop.import_(shop.folder / "a.csv")
    >>> copy = ByCustomer(shop.folder / "cache" / "by_customer", shop.log)
    >>> copy.make(shop.engine, least_rows=0)
    >>> rows = copy.rows(shop.engine, shop.log.snapshot(), pa.array(["ada"]))
    >>> shop.engine.to_arrow(rows.select("product_id")).to_pylist()
    [{'product_id': 'tea'}]
    """

    def __init__(self, folder: Path, log: EventLog) -> None:
        self._folder, self._log = folder, log
        self._read: tuple[Path, dict[str, Any]] | None = None

    def rows(self, engine: Engine, snapshot: Commit, ids: pa.Array) -> ibis.Table | None:
        """The events of a version of the log whose raw id is one of some, in the columns of `EVENTS`.

        None where there is no copy, or it has rows that the version has not.
        """
        newest = self._newest()
        if newest is None:
            return None
        folder, about = newest
        covered = set(about["files"])
        files = snapshot.tables.get("events", ())
        if not covered <= {file.sha256 for file in files}:
            return None
        asked = ids.to_pylist()
        wanted = [folder / name for name, first, last in about["parts"] if any(first <= each <= last for each in asked)]
        paths = zip(files, self._log.paths(snapshot, "events"), strict=True)
        later = [path for file, path in paths if file.sha256 not in covered]
        found = []
        if wanted:
            copied = engine.parquet(wanted, SCHEMA)
            found.append(of_ids(engine, copied, copied.raw_id, ids).drop("raw_id"))
        if later or not wanted:
            events = engine.parquet(later, EVENTS)
            found.append(of_ids(engine, events, raw_id(events), ids))
        return ibis.union(*found) if len(found) > 1 else found[0]

    def make(self, engine: Engine, *, least_rows: int = LEAST_ROWS) -> None:
        """Make the copy anew, where it is worth it: of a log of `least_rows`, of which it lacks `MOST_NEW`.

        Where the disk has no room for it, to sort it, and as much again, none is made: events to come need it more.
        """
        snapshot = self._log.snapshot()
        size = sum(file.size for file in snapshot.tables.get("events", ()))
        if shutil.disk_usage(self._log.folder).free < ROOM * size:
            return
        if snapshot.rows("events") < least_rows or not self._is_stale(snapshot):
            return
        storage.make_folder(self._folder)
        with storage.lock(self._folder / "lock", "copy by customer"):
            # Looked at again under the lock: another process may have made it, or erased somebody.
            snapshot = self._log.snapshot()
            if not self._is_stale(snapshot):
                return
            newest = self._newest()
            for path in self._folder.iterdir():
                # The one before stays until the next: somebody may be reading it.
                if path.name != "lock" and (newest is None or path.stem != newest[0].name):
                    storage.remove(path)
            events = engine.parquet(self._log.paths(snapshot, "events"), EVENTS)
            events = events.mutate(raw_id=raw_id(events))
            rows = events.filter(events.raw_id.notnull()).order_by("raw_id", "time")
            folder = self._folder / str(snapshot.version)
            storage.remove(folder)  # of a log that was restored, another one may have this number
            ends: list[tuple[str, str]] = []

            def noted(piece: pa.Table) -> pa.Table:
                if piece.num_rows:
                    ends.append((piece["raw_id"][0].as_py(), piece["raw_id"][-1].as_py()))
                return piece

            engine.write(rows, folder, noted, rows_at_once=ROWS_AT_ONCE)
            # The first piece has no rows: it is there for the columns.
            parts = [(f"part-{number:05d}.parquet", *each) for number, each in enumerate(ends, 1)]
            about = {"files": [file.sha256 for file in snapshot.tables.get("events", ())], "parts": parts}
            storage.replace(folder.with_suffix(".json"), json.dumps(about).encode())

    def forget(self) -> None:
        """Remove all copies: what is erased from the log is in none. One that is being made is waited for."""
        if not self._folder.exists():
            return
        with storage.lock(self._folder / "lock", "erasure", wait_seconds=FORGETTING_SECONDS):
            for path in self._folder.iterdir():
                if path.name != "lock":
                    storage.remove(path)

    def _is_stale(self, snapshot: Commit) -> bool:
        found = self._newest()
        files = {file.sha256: file.rows for file in snapshot.tables.get("events", ())}
        if found is None or not set(found[1]["files"]) <= set(files):
            return True
        return sum(files[each] for each in found[1]["files"]) < (1 - MOST_NEW) * snapshot.rows("events")

    def _newest(self) -> tuple[Path, dict[str, Any]] | None:
        """The folder of the newest copy that is whole, and what it says of itself."""
        numbers = (path.stem for path in self._folder.glob("*.json"))
        newest = max((int(number) for number in numbers if number.isdecimal()), default=None)
        if newest is None:
            return None
        folder = self._folder / str(newest)
        if self._read is None or self._read[0] != folder:
            self._read = folder, json.loads(folder.with_suffix(".json").read_text("utf-8"))
        return self._read


def raw_id(events: ibis.Table) -> Any:
    """Whom each event names."""
    return ibis.coalesce(events.customer_id, events.anonymous_id)


def of_ids(engine: Engine, events: ibis.Table, named: Any, ids: pa.Array) -> ibis.Table:
    """The events that name one of some ids.

    Parameters
    ----------
    named : the column that names whom an event is of.
    ids : each once.
    """
    if len(ids) <= FEW:
        return events.filter(named.isin(ids.to_pylist()))
    asked = engine.table(pa.table({"asked_id": ids}))
    return events.semi_join(asked, named == asked.asked_id)
