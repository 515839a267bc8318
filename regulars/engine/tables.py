"""Tables in the engine: expressions of Ibis, computed by DuckDB."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import duckdb
import ibis
import pyarrow as pa
from ibis.backends import BaseBackend

from regulars import storage
from regulars.engine.query import Query
from regulars.errors import RegularsError

__all__ = ["Engine"]


class Engine:
    """A connection to the engine of a shop, for any thread: they take turns, for the connection refuses a second one.

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
        self._begin(ibis.duckdb.connect(**settings))

    def _begin(self, backend: BaseBackend) -> None:
        self._backend = backend
        self._turn = Lock()
        self._tables: dict[tuple[str, ...], ibis.Table] = {}
        self._answers: dict[str, pa.Table] = {}
        # The log is in UTC, and so are the days and hours that are computed from it.
        self._backend.raw_sql("SET TimeZone = 'UTC'")

    def beside(self) -> Engine:
        """Another one that takes turns of its own, out of the same memory, disk and cores.

        A table of the one is none of the other.

        >>> engine = Engine()
        >>> other = engine.beside()
        >>> other.to_arrow(other.table(pa.table({"price": [2.0, 3.0]})).price.sum()).as_py()
        5.0
        """
        other = Engine.__new__(Engine)
        other._begin(ibis.duckdb.from_connection(self._backend.con.cursor()))
        return other

    def parquet(self, paths: Sequence[Path], schema: pa.Schema) -> ibis.Table:
        """The rows of Parquet files that have a schema; no files, no rows."""
        key = tuple(str(path) for path in paths) or tuple(schema.names)
        if not paths and key not in self._tables:
            self._tables[key] = self.table(schema.empty_table())
        if key not in self._tables:
            # Files never change once written: the same list is the same table, and expressions
            # made from it at different times can be put together.
            with self._turn, _refused():
                self._tables[key] = self._backend.read_parquet(list(key))
        return self._tables[key]

    def table(self, rows: pa.Table) -> ibis.Table:
        """An Arrow table as a table of the engine."""
        return ibis.memtable(rows)

    def to_arrow(self, expression: ibis.Expr) -> pa.Table:
        """Compute an expression, into memory; RegularsError if the system refuses memory, disk or a file."""
        with self._turn, _refused():
            return self._backend.to_pyarrow(expression)

    def answers(self, queries: Sequence[Query], tables: Mapping[str, ibis.Table]) -> list[pa.Table]:
        """The answer to each query, of tables by the names of their stand-ins.

        >>> engine = Engine()
        >>> orders = engine.table(pa.table({"customer": ["ada", "bob"], "price": [2.0, 5.0]}))
        >>> dear = Query.of(Query.stand_in("orders", orders.schema()).filter(ibis._.price > 4))
        >>> engine.answers([dear], {"orders": orders})[0].to_pylist()
        [{'customer': 'bob', 'price': 5.0}]
        """
        with self._turn, _refused():
            given = self._given(tables)
            return [self._backend.con.sql(given + query.sql).to_arrow_table() for query in queries]

    def answer_once(self, query: Query, tables: Mapping[str, ibis.Table]) -> pa.Table:
        """The answer to a query, a few rows, kept for as long as the engine is there: of a log its first events, say.

        What stands in a table never changes: files are written once, and Arrow tables under names of their own.
        """
        with self._turn, _refused():
            text = self._given(tables) + query.sql
            if text not in self._answers:
                self._answers[text] = self._backend.con.sql(text).to_arrow_table()
            return self._answers[text]

    def _given(self, tables: Mapping[str, ibis.Table]) -> str:
        """What says before a query which tables its stand-ins are."""
        for table in tables.values():
            self._backend._run_pre_execute_hooks(table)
        # Not materialized: else the engine would hold a whole log in memory, every column of it.
        named = (f'"{name}" AS NOT MATERIALIZED ({self._backend.compile(t)})' for name, t in tables.items())
        return f"WITH {', '.join(named)} FROM "

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
