"""Tables in the engine: expressions of Ibis, computed by DuckDB in this process."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary, finalize

import duckdb
import ibis
import pyarrow as pa
import sqlglot
import sqlglot.expressions as sge
from ibis.backends import BaseBackend
from ibis.expr.operations import Relation

from regulars import storage
from regulars.engine.query import Query
from regulars.errors import RegularsError

__all__ = ["Engine"]

PIECE = 1_000_000
"""So many rows are in memory at once where more are written."""

KEPT = 100
"""Lists of files, and answers, that an engine keeps though nobody holds them: a log that grows has ever new ones."""


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
        # While anybody holds one: else a server's memory would grow with each fold of its log.
        self._tables: WeakValueDictionary[tuple[str, ...], Relation] = WeakValueDictionary()
        self._recent: deque[Relation] = deque(maxlen=KEPT)
        self._unused: list[str] = []
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
        # Files never change once written: the same list is the same table, and expressions
        # made from it at different times can be put together.
        table = self._tables.get(key)
        if table is None:
            with self._turn, self._refused():
                table = self._tables.get(key) or self._named(key, paths, schema)
        self._recent.append(table)
        return table.to_expr()

    def table(self, rows: pa.Table) -> ibis.Table:
        """An Arrow table as a table of the engine."""
        return ibis.memtable(rows)

    def to_arrow(self, expression: ibis.Expr) -> pa.Table:
        """Compute an expression, into memory; RegularsError if the system refuses memory, disk or a file."""
        with self._turn, self._refused():
            return self._collected(expression)

    @contextmanager
    def pieces(self, rows: ibis.Table) -> Iterator[Iterator[pa.Table]]:
        """Compute rows, a piece at a time: more than memory holds. The first has none of them, but their columns.

        Nothing else is asked of the engine meanwhile.

        >>> engine = Engine()
        >>> with engine.pieces(engine.table(pa.table({"price": [2.0, 5.0]}))) as pieces:
        ...     [piece["price"].to_pylist() for piece in pieces]
        [[], [2.0, 5.0]]
        """
        with self._turn, self._refused():
            nothing = rows.schema().to_pyarrow().empty_table()
            self._backend._run_pre_execute_hooks(rows)
            found = self._backend.con.sql(self._backend.compile(rows)).to_arrow_reader(PIECE)
            yield chain([nothing], (pa.Table.from_batches([batch]).cast(nothing.schema) for batch in found))

    def write(
        self,
        rows: ibis.Table,
        folder: Path,
        through: Callable[[pa.Table], pa.Table] | None = None,
        schema: pa.Schema | None = None,
        rows_at_once: int | None = None,
    ) -> None:
        """Compute rows and write them as Parquet files into a new folder, a piece at a time: more than memory holds.

        Parameters
        ----------
        folder : is made; it appears whole or not at all.
        through : what becomes of each piece, such as the scores of a model; a piece is any of the rows, and no more
            than a million.
        schema : of what comes out of it.
        rows_at_once : see `storage.parquet`.

        Examples
        --------
        >>> import tempfile
        >>> import pyarrow.parquet as pq
        >>> engine, folder = Engine(), Path(tempfile.mkdtemp()) / "twice"
        >>> orders = engine.table(pa.table({"price": [2.0, 5.0]}))
        >>> twice = lambda piece: pa.table({"twice": [2 * price for price in piece["price"].to_pylist()]}, schema)
        >>> schema = pa.schema({"twice": pa.float64()})
        >>> engine.write(orders, folder, twice, schema)
        >>> pq.read_table(folder).to_pylist()
        [{'twice': 4.0}, {'twice': 10.0}]
        """
        if folder.exists():
            raise RegularsError(f"{folder} is there already. Choose a folder that is new.")
        unfinished = storage.make_folder(folder.with_name(f".{folder.name}.tmp"))
        try:
            with self.pieces(rows) as pieces:
                for number, piece in enumerate(pieces):
                    made = piece if through is None else through(piece)
                    part = storage.parquet(made, has_metadata=True, rows_at_once=rows_at_once)
                    storage.create(unfinished / f"part-{number:05d}.parquet", part)
            storage.move_folder(unfinished, folder)
        finally:
            storage.remove(unfinished)

    def answers(self, queries: Sequence[Query], tables: Mapping[str, ibis.Table]) -> list[pa.Table]:
        """The answer to each query, of tables by the names of their stand-ins.

        >>> engine = Engine()
        >>> orders = engine.table(pa.table({"customer": ["ada", "bob"], "price": [2.0, 5.0]}))
        >>> dear = Query(Query.stand_in("orders", orders.schema()).filter(ibis._.price > 4))
        >>> engine.answers([dear], {"orders": orders})[0].to_pylist()
        [{'customer': 'bob', 'price': 5.0}]
        """
        with self._turn, self._refused():
            given = self._given(tables)
            return [self._asked(given, query) for query in queries]

    def answer_once(self, query: Query, tables: Mapping[str, ibis.Table]) -> pa.Table:
        """The answer to a query, a few rows, kept for when it is asked again: of a log its first events, say.

        What stands in a table never changes: files are written once, and Arrow tables under names of their own.
        """
        with self._turn, self._refused():
            given = self._given(tables)
            text = given + query.sql(self._backend)
            if text not in self._answers:
                if len(self._answers) == KEPT:
                    del self._answers[next(iter(self._answers))]
                self._answers[text] = self._asked(given, query)
            return self._answers[text]

    def interrupt(self) -> None:
        """Stop what is being computed, from another thread; who asked for it is told."""
        self._backend.con.interrupt()

    def _named(self, key: tuple[str, ...], paths: Sequence[Path], schema: pa.Schema) -> Relation:
        """A table that was not asked for before, or whose last holder is gone."""
        while self._unused:
            self._drop(self._unused.pop())
        table = (self._read(key) if paths else self.table(schema.empty_table())).op()
        if paths:
            # A table may end in the middle of anything: the engine is told at a turn of its own.
            finalize(table, self._unused.append, table.name).atexit = False
        self._tables[key] = table
        return table

    def _read(self, paths: Sequence[str]) -> ibis.Table:
        return self._backend.read_parquet(list(paths))

    def _drop(self, name: str) -> None:
        view = sge.table_(name, quoted=True)
        named = sqlglot.parse_one("DROP VIEW named")
        self._backend.raw_sql(named.transform(lambda part: view if isinstance(part, sge.Table) else part))

    def _collected(self, expression: ibis.Expr) -> pa.Table:
        return self._backend.to_pyarrow(expression)

    def _asked(self, given: str, query: Query) -> pa.Table:
        return self._backend.con.sql(given + query.sql(self._backend)).to_arrow_table()

    def _given(self, tables: Mapping[str, ibis.Table]) -> str:
        """What says before a query which tables its stand-ins are."""
        for table in tables.values():
            self._backend._run_pre_execute_hooks(table)
        return self._with({name: self._backend.compile(table) for name, table in tables.items()})

    def _with(self, written: Mapping[str, str]) -> str:
        # Not materialized: else the engine would hold a whole log in memory, every column of it.
        named = (f'"{name}" AS NOT MATERIALIZED ({sql})' for name, sql in written.items())
        return f"WITH {', '.join(named)} FROM "

    def sql(self, expression: ibis.Expr) -> str:
        """What the engine is asked, as it reads it."""
        return str(ibis.to_sql(expression, dialect=self._backend.name))

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """What the system refuses it (a full disk, too many open files, no memory), said as a user can mend it."""
        try:
            yield
        except duckdb.InterruptException:
            raise RegularsError("What the engine computed was stopped before its end.") from None
        except duckdb.OperationalError as error:
            raise RegularsError(
                f"{error} Free some space on the disk, raise [engine] memory in shop.toml, or the limit on open files "
                "(ulimit -n 4096), and do it again."
            ) from error
