"""Tables in the engine: expressions of Ibis, computed by DuckDB."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
from ibis.backends import BaseBackend

from regulars import storage
from regulars.errors import RegularsError

__all__ = ["Engine"]


class Engine:
    """A connection to the engine of a shop.

    Parameters
    ----------
    spill : folder for what does not fit into memory; made if missing.
    memory : the most memory that the engine takes, e.g. "4GB"; above it, it spills.
    threads : cores that it uses; 0 for all.

    Examples
    --------
    >>> engine = Engine()
    >>> orders = engine.table(pa.table({"customer": ["ada", "ada", "bob"], "price": [2.0, 3.0, 5.0]}))
    >>> total = orders.group_by("customer").agg(paid=orders.price.sum()).order_by("customer")
    >>> engine.to_arrow(total).to_pylist()
    [{'customer': 'ada', 'paid': 5.0}, {'customer': 'bob', 'paid': 5.0}]
    """

    def __init__(self, *, spill: Path | None = None, memory: str = "4GB", threads: int = 0) -> None:
        settings: dict[str, str | int | bool] = {
            "memory_limit": memory,
            "threads": threads or os.cpu_count() or 1,
            # Row order within a result is asked for where it matters; keeping the order of
            # insertion besides makes the engine hold whole files in memory.
            "preserve_insertion_order": False,
        }
        if spill is not None:
            settings["temp_directory"] = str(storage.make_folder(spill))
        self._backend: BaseBackend = ibis.duckdb.connect(**settings)
        self._tables: dict[tuple[str, ...], ibis.Table] = {}
        # The log is in UTC, and so are the days and hours that are computed from it.
        self._backend.raw_sql("SET TimeZone = 'UTC'")

    def parquet(self, paths: Sequence[Path], schema: pa.Schema) -> ibis.Table:
        """The rows of Parquet files that have a schema; no files, no rows."""
        if not paths:
            return self.table(schema.empty_table())
        key = tuple(str(path) for path in paths)
        if key not in self._tables:
            # Files never change once written: the same list is the same table, and expressions
            # made from it at different times can be put together.
            with _refused():
                self._tables[key] = self._backend.read_parquet(list(key))
        return self._tables[key]

    def table(self, rows: pa.Table) -> ibis.Table:
        """An Arrow table as a table of the engine."""
        return ibis.memtable(rows)

    def to_arrow(self, expression: ibis.Expr) -> pa.Table:
        """Compute an expression, into memory; RegularsError if the system refuses memory, disk or a file."""
        with _refused():
            return self._backend.to_pyarrow(expression)

    def sql(self, expression: ibis.Expr) -> str:
        """What the engine is asked, as it reads it."""
        return str(ibis.to_sql(expression, dialect=self._backend.name))


@contextmanager
def _refused() -> Iterator[None]:
    """What the system refuses the engine (a full disk, too many open files, no memory), said as a user can mend it."""
    try:
        yield
    except duckdb.OperationalError as error:
        raise RegularsError(
            f"{error} Free some space on the disk, raise [engine] memory in shop.toml, or the limit on open files "
            "(ulimit -n 4096), and do it again."
        ) from error
