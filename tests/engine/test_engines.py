"""What tables say does not depend on the engine: each case on DuckDB, on Spark, and worked out plainly."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.engine import Engine, Query
from regulars.errors import RegularsError
from regulars.events.schema import EVENTS, TIME

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ORDERS = pa.table(
    {
        "customer": ["ada", "ada", "bob", None],
        "price": pa.array([2.0, None, 5.0, 7.0]),
        "time": pa.array([NOON, NOON.replace(hour=23), NOON.replace(day=2), None], TIME),
    }
)


@pytest.fixture
def orders(engine: Engine, tmp_path: Path) -> ibis.Table:
    pq.write_table(ORDERS.slice(0, 1), tmp_path / "a.parquet")
    pq.write_table(ORDERS.slice(1), tmp_path / "b.parquet")
    return engine.parquet([tmp_path / "a.parquet", tmp_path / "b.parquet"], ORDERS.schema)


def rows(engine: Engine, expression: ibis.Table) -> list[dict[str, Any]]:
    return engine.to_arrow(expression).to_pylist()


def test_nulls_stay_nulls_and_are_left_out_of_sums(engine: Engine, orders: ibis.Table) -> None:
    paid = orders.group_by("customer").agg(paid=orders.price.sum(), lines=orders.count(), known=orders.price.count())
    found = rows(engine, paid.order_by(paid.customer.desc(nulls_first=True)))
    assert [tuple(row.values()) for row in found] == [(None, 7.0, 1, 1), ("bob", 5.0, 1, 1), ("ada", 2.0, 2, 1)]
    in_memory = engine.table(ORDERS)
    assert rows(engine, in_memory.filter(in_memory.price.isnull()).select("customer")) == [{"customer": "ada"}]


def test_times_come_back_in_utc(engine: Engine, orders: ibis.Table) -> None:
    late = orders.filter(orders.time > ibis.literal(NOON)).order_by("time")
    assert engine.to_arrow(late)["time"].type == TIME
    assert rows(engine, late.select("time", hour=late.time.hour())) == [
        {"time": NOON.replace(hour=23), "hour": 23},
        {"time": NOON.replace(day=2), "hour": 12},
    ]


def test_a_quotient_has_all_its_digits(engine: Engine) -> None:
    counted = engine.table(pa.table({"seconds": [6_813_804, 1]}))
    found = engine.to_arrow(counted.select(days=counted.seconds / 86_400.0, third=counted.seconds / ibis.literal(3.0)))
    assert found["days"].to_pylist() == [6_813_804 / 86_400.0, 1 / 86_400.0]
    assert found["third"].to_pylist() == [6_813_804 / 3.0, 1 / 3.0]


def test_a_division_by_zero_is_null(engine: Engine) -> None:
    counted = engine.table(pa.table({"n": [1.0], "of": [0.0]}))
    assert rows(engine, counted.select(share=counted.n / counted.of.nullif(0))) == [{"share": None}]


def test_windows_and_joins(engine: Engine, orders: ibis.Table) -> None:
    earlier = ibis.window(group_by="customer", order_by="time")
    gaps = orders.filter(orders.customer.notnull()).mutate(before=orders.time.lag().over(earlier))
    names = engine.table(pa.table({"customer": ["ada", "cem"], "name": ["Ada", "Cem"]}))
    met = names.left_join(gaps, "customer").select("name", "price", "before").order_by("name", "before")
    assert [tuple(row.values()) for row in rows(engine, met.order_by("name", met.before.asc(nulls_first=True)))] == [
        ("Ada", 2.0, None), ("Ada", None, NOON), ("Cem", None, None),
    ]  # fmt: skip


def test_queries_written_once_answer_as_their_expressions(engine: Engine, orders: ibis.Table) -> None:
    said = Query.stand_in("orders", orders.schema())
    query = Query(said.group_by("customer").agg(dear=said.price.max()).order_by("dear"))
    expected = rows(engine, orders.group_by("customer").agg(dear=orders.price.max()).order_by("dear"))
    assert [answer.to_pylist() for answer in engine.answers([query], {"orders": orders})] == [expected]
    assert engine.answer_once(query, {"orders": orders}).to_pylist() == expected


def test_a_scalar_is_a_scalar(engine: Engine, orders: ibis.Table) -> None:
    assert engine.to_arrow(orders.price.mean()).as_py() == pytest.approx(14 / 3, abs=1e-9)


def test_no_files_are_no_rows(engine: Engine) -> None:
    assert engine.to_arrow(engine.parquet([], EVENTS)).num_rows == 0


def test_a_file_that_is_gone_is_said_as_a_user_can_mend_it(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(RegularsError, match=r"gone\.parquet"):
        engine.to_arrow(engine.parquet([tmp_path / "gone.parquet"], ORDERS.schema))


def test_one_beside_it_takes_turns_of_its_own(engine: Engine, orders: ibis.Table) -> None:
    other = engine.beside()
    assert other.to_arrow(other.table(ORDERS).price.sum()).as_py() == 14.0
    assert engine.to_arrow(orders.price.sum()).as_py() == 14.0


def test_pieces_are_all_rows_and_have_their_columns(engine: Engine, orders: ibis.Table) -> None:
    with engine.pieces(orders) as pieces:
        found = pa.concat_tables(pieces)
    assert found.sort_by("time").to_pylist() == ORDERS.sort_by("time").to_pylist()
    with engine.pieces(orders.filter(orders.price < 0)) as pieces:
        assert next((piece.column_names, piece.num_rows) for piece in pieces) == (ORDERS.column_names, 0)


def test_rows_are_written_as_they_are(engine: Engine, orders: ibis.Table, folder: Path) -> None:
    engine.write(orders, folder)
    assert pq.read_table(folder).sort_by("time").to_pylist() == ORDERS.sort_by("time").to_pylist()
    with pytest.raises(RegularsError, match="new"):
        engine.write(orders, folder)


def test_more_than_the_driver_holds_is_scored_and_written_by_the_executors(
    engine: Engine, folder: Path, tmp_path: Path
) -> None:
    # 8 MB where the driver of Spark takes 1 MB.
    many = million(engine, tmp_path)
    many = many.mutate(x=many.n.cast("float64"))
    schema = pa.schema({"n": pa.int64(), "score": pa.float64()})
    engine.write(many, folder, functools.partial(pa.Table.rename_columns, names=schema.names), schema)
    found = pq.read_table(folder).sort_by("n")
    assert found.schema.names == ["n", "score"]
    assert np.array_equal(found["score"].to_numpy(), np.arange(1_000_000.0))


def million(engine: Engine, folder: Path) -> ibis.Table:
    numbers = pa.table({"n": np.random.default_rng(0).permutation(1_000_000)})
    pq.write_table(numbers, folder / "million.parquet")
    return engine.parquet([folder / "million.parquet"], numbers.schema)
