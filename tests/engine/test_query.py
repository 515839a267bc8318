"""Queries that are written once: the same answer as an expression's, of whatever tables are there."""

from __future__ import annotations

from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.engine import Engine, Query
from regulars.errors import RegularsError

ORDERS = pa.table({"customer": ["ada", "ada", "bob"], "price": [2.0, 3.0, 5.0]})


def _paid(orders: ibis.Table) -> ibis.Table:
    return orders.group_by("customer").agg(paid=orders.price.sum()).order_by("customer")


def _query() -> Query:
    return Query(_paid(Query.stand_in("orders", ibis.Schema.from_pyarrow(ORDERS.schema))))


def test_a_query_is_answered_as_its_expression_is_of_each_table() -> None:
    engine, query = Engine(), _query()
    for rows in (ORDERS, ORDERS.slice(1), ORDERS.slice(0, 0)):
        table = engine.table(rows)
        expected = engine.to_arrow(_paid(table))
        assert engine.answers([query, query], {"orders": table}) == [expected, expected]


def test_a_table_may_be_an_expression_of_files_and_memory(tmp_path: Path) -> None:
    pq.write_table(ORDERS, tmp_path / "a.parquet")
    engine = Engine()
    orders = engine.parquet([tmp_path / "a.parquet"], ORDERS.schema)
    some = orders.semi_join(engine.table(pa.table({"customer": ["ada"]})), "customer")
    assert engine.answers([_query()], {"orders": some})[0].to_pylist() == [{"customer": "ada", "paid": 5.0}]


def test_what_was_answered_once_is_not_asked_again_of_the_same_files(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(ORDERS, path)
    engine, query = Engine(), _query()
    tables = {"orders": engine.parquet([path], ORDERS.schema)}
    first = engine.answer_once(query, tables)
    path.unlink()
    assert engine.answer_once(query, tables).equals(first)
    other = engine.table(ORDERS.slice(2))
    assert engine.answer_once(query, {"orders": other}).to_pylist() == [{"customer": "bob", "paid": 5.0}]


def test_a_file_that_is_gone_is_said_as_a_user_can_mend_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(ORDERS, path)
    engine = Engine()
    tables = {"orders": engine.parquet([path], ORDERS.schema)}
    path.unlink()
    with pytest.raises(RegularsError, match=r"a\.parquet"):
        engine.answers([_query()], tables)
