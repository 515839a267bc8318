"""The tables of a shop: what capabilities produced, for people and for each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import capability as capabilities
from regulars import storage
from regulars.capability import Describing, Rows, Spanning
from regulars.errors import InputError, NotFoundError
from regulars.spreadsheet import to_csv

if TYPE_CHECKING:
    import ibis

    from regulars.shop import Shop


class Written(NamedTuple):
    """Which table of a kind: the name of its file, and the SHA-256 of what stands in it."""

    file: str
    digest: str


class Tables:
    """A folder for each capability, in it the newest of each table, as Parquet and as CSV.

    Through it one capability reads another, which it may not import: `of` asks a describing one for
    what it knows as of any moments, `read` gives what was written last.
    """

    def __init__(self, shop: Shop, folder: Path) -> None:
        self._shop = shop
        self.folder = folder

    def of(self, name: str, pairs: pa.Table) -> pa.Table:
        """What a capability knows of customers as of moments.

        Parameters
        ----------
        name : of a capability that describes, e.g. "profile".
        pairs : (n,) customer_id and as_of.

        Returns
        -------
        (n,) rows in the order of the pairs; each column's metadata has its `meaning` and `unit`.
        """
        return cast(Describing, capabilities.load(name)).table(self._shop, pairs)

    def rows(self, name: str, customers: ibis.Table, as_of: datetime) -> Rows:
        """As `of`, of customers (a column, customer_id) as of one moment, before any of it is computed."""
        return cast(Spanning, capabilities.load(name)).rows(self._shop, customers, as_of)

    @contextmanager
    def scored(
        self, rows: ibis.Table, through: Callable[[pa.Table], pa.Table], schema: pa.Schema
    ) -> Iterator[ibis.Table]:
        """What a model says of rows, a table to ask for as long as the context lasts.

        The engine computes, scores and writes them piece by piece (see `Engine.write`), so that all of them are
        never in the memory of this process.
        """
        with storage.scratch(self._shop.folder / self._shop.config.engine.spill) as folder:
            self._shop.engine.write(rows, folder, through, schema)
            yield self._shop.engine.parquet(sorted(folder.glob("*.parquet")), schema)

    def write(self, name: str, kind: str, table: pa.Table, as_of: datetime) -> list[Path]:
        """Write a table as of a moment, as Parquet and CSV; where they are."""
        folder = storage.make_folder(self.folder / name)
        stem = folder / f"{kind}-{as_of:%Y-%m-%dT%H%M%S}"
        said = table.schema.metadata or {}
        stamped = table.replace_schema_metadata({**said, "as_of": as_of.isoformat(), "kind": kind})
        paths = [stem.with_suffix(".parquet"), stem.with_suffix(".csv")]
        storage.replace(paths[0], bytes(storage.parquet(stamped, has_metadata=True)))
        storage.replace(paths[1], to_csv(_flat(table)))
        return paths

    def read(self, name: str, kind: str, customer_id: str | None = None) -> pa.Table:
        """The newest table of a kind (by its as-of time), or a customer's rows of it; NotFoundError without one."""
        return pq.read_table(self._newest(name, kind), filters=customer_id and [("customer_id", "=", customer_id)])

    def newest(self, name: str, kind: str) -> Written:
        """Which table `read` would read now: for who agrees to one and means no other; NotFoundError without one."""
        path = self._newest(name, kind)
        return Written(path.name, hashlib.sha256(path.read_bytes()).hexdigest())

    def exactly(self, name: str, written: Written) -> pa.Table:
        """That very table; InputError if it is gone, or something else was written in its place."""
        path = self.folder / name / written.file
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != written.digest:
            raise InputError(f"{path} is not what it was: it was made anew, or removed. Look at it and ask again.")
        return pq.read_table(pa.BufferReader(content))

    def _newest(self, name: str, kind: str) -> Path:
        found = sorted((self.folder / name).glob(f"{kind}-*.parquet"))
        if not found:
            raise NotFoundError(f"There are no {kind} of {name} in {self.folder}. Make them: regulars decide {name}")
        return found[-1]


def _flat(table: pa.Table) -> pa.Table:
    """Lists as one text, for CSV has no lists."""
    columns = {
        name: pc.binary_join(table[name], "; ") if pa.types.is_list(table[name].type) else table[name]
        for name in table.column_names
    }
    return pa.table(columns)
