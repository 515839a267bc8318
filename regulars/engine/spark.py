"""Tables in Spark: the same expressions, computed by the executors of a cluster."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.formats.pyarrow import PyArrowData

from regulars.engine.query import Query
from regulars.engine.tables import Engine
from regulars.errors import RegularsError

try:
    from ibis.backends.pyspark import Backend
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.pandas.types import from_arrow_schema
except ImportError as error:
    raise RegularsError("[engine] spark in shop.toml needs Spark: pip install regulars[spark]") from error

__all__ = ["SparkEngine"]

SETTINGS = {
    # Days and hours are computed from the log, which is in UTC.
    "spark.sql.session.timeZone": "UTC",
    # As the other engine has it: what cannot be computed (a division by zero, a text that is no number) is null.
    "spark.sql.ansi.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""What the answers depend on. Everything else is Spark's own to configure (spark-defaults.conf)."""


class SparkEngine(Engine):
    """Spark, with the face of `Engine`. One session serves a process: a second one of it shares it.

    Parameters
    ----------
    master : "local[2]", "spark://host:7077", "yarn", "k8s://…", as Spark has it.
    memory : of the driver, where it is not running yet; of executors by Spark's own settings.
    settings : more of Spark's own, such as {"spark.executor.memory": "8g"}.

    Raises
    ------
    RegularsError
        If Spark does not start: no Java, no cluster at the master's address.
    """

    def __init__(self, master: str, *, memory: str = "4GB", settings: dict[str, str] | None = None) -> None:
        # Executors run the Python that this process runs, or what is shipped to them would not be read.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        if master.startswith("local"):
            # This machine alone, and so nothing listens where others could reach it.
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = SparkSession.builder.master(master).appName("regulars")
        wanted = {"spark.driver.memory": memory.replace(" ", "").replace("i", "").removesuffix("B").lower()}
        for name, value in (wanted | SETTINGS | (settings or {})).items():
            builder = builder.config(name, value)
        try:
            self._session = builder.getOrCreate()
        except (PySparkException, RuntimeError, OSError) as error:
            raise RegularsError(
                f"Spark does not start at {master}: {error} It needs Java 17 or later (java -version), and a cluster "
                'at that address, or spark = "local[*]" under [engine] in shop.toml for this machine alone.'
            ) from error
        backend = _Backend()
        backend.register_options()
        backend.do_connect(self._session)
        self._begin(backend)

    def beside(self) -> SparkEngine:
        """As `Engine.beside`: of the same session, which answers several at once."""
        other = SparkEngine.__new__(SparkEngine)
        other._session = self._session
        other._begin(self._backend)
        return other

    @contextmanager
    def pieces(self, rows: ibis.Table) -> Iterator[Iterator[pa.Table]]:
        """As `Engine.pieces`; here all of them are collected."""
        yield iter([self.to_arrow(rows)])

    def write(
        self,
        rows: ibis.Table,
        folder: Path,
        through: Callable[[pa.Table], pa.Table] | None = None,
        schema: pa.Schema | None = None,
        rows_at_once: int | None = None,
    ) -> None:
        """As `Engine.write`; executors compute, call `through` and write. It is shipped once to each of them."""
        if folder.exists():
            raise RegularsError(f"{folder} is there already. Choose a folder that is new.")
        with self._turn, self._refused():
            frame = self._frame(rows)
            if through is not None and schema is not None:
                shipped = self._session.sparkContext.broadcast(through)

                def each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                    for batch in batches:
                        yield from shipped.value(pa.Table.from_batches([batch])).cast(schema).to_batches()

                frame = frame.mapInArrow(each, from_arrow_schema(schema))
            writer = frame.write
            if rows_at_once is not None:
                writer = writer.option("parquet.block.row.count.limit", rows_at_once)
            writer.parquet(str(folder), compression="zstd")

    def interrupt(self) -> None:
        """As `Engine.interrupt`; of all that share the session."""
        self._session.sparkContext.cancelAllJobs()

    def _read(self, paths: Sequence[str]) -> ibis.Table:
        name = ibis.util.gen_name("parquet")
        self._session.read.parquet(*paths).createOrReplaceTempView(name)
        return self._backend.table(name)

    def _drop(self, name: str) -> None:
        self._session.catalog.dropTempView(name)

    def _collected(self, expression: ibis.Expr) -> pa.Table:
        table = expression.as_table()
        found = self._converted(self._frame(table), table)
        if isinstance(expression, ibis.Table):
            return found
        return found[0][0] if isinstance(expression, ibis.Scalar) else found[0]

    def _asked(self, given: str, query: Query) -> pa.Table:
        return self._converted(self._session.sql(given + query.sql(self._backend)), query.expression)

    def _with(self, written: Mapping[str, str]) -> str:
        named = (f"`{name}` AS ({sql})" for name, sql in written.items())
        return f"WITH {', '.join(named)} SELECT * FROM "  # noqa: S608

    def _frame(self, rows: ibis.Table) -> DataFrame:
        self._backend._run_pre_execute_hooks(rows)
        return self._session.sql(self._backend.compile(rows))

    @staticmethod
    def _converted(frame: DataFrame, rows: ibis.Table) -> pa.Table:
        found = frame.toArrow()
        # Ibis takes Spark's moments for times of no zone; Spark itself says which zone, and that is UTC.
        zones = {field.name: field.type for field in found.schema if pa.types.is_timestamp(field.type)}
        made = PyArrowData.convert_table(found, rows.schema())
        return made.cast(pa.schema([field.with_type(zones.get(field.name, field.type)) for field in made.schema]))

    @contextmanager
    def _refused(self) -> Iterator[None]:
        try:
            yield
        except (PySparkException, Py4JJavaError) as error:
            said = " ".join(str(getattr(error, "java_exception", error)).split("\n")[:2])
            raise RegularsError(
                f"Spark: {said} Where memory ran out, raise spark.executor.memory or spark.driver.maxResultSize in "
                "spark-defaults.conf; where a file is missing, the shop's folder must lie where all executors see it."
            ) from error


class _Doubles(PySparkCompiler):  # type: ignore[misc]
    """Spark takes 0.5 for a decimal, whose quotients have six digits."""

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: dt.DataType) -> Any:
        if dtype.is_floating() and math.isfinite(value):
            return self.cast(sge.Literal.string(repr(float(value))), dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)


class _Backend(Backend):  # type: ignore[misc]
    """Tables of this process reach Spark as Arrow: by way of pandas, a missing number would become NaN."""

    compiler = _Doubles()

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        rows = op.data.to_pyarrow(op.schema)
        self._session.createDataFrame(rows).createOrReplaceTempView(op.name)
