"""The engine: computes what it is asked, in UTC, and spills where it is told."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.engine import Engine
from regulars.engine.tables import KEPT
from regulars.errors import RegularsError
from regulars.events.schema import EVENTS, TIME

ORDERS = pa.table({"customer": ["ada", "ada", "bob"], "price": [2.0, 3.0, 5.0]})


def test_no_files_are_no_rows() -> None:
    engine = Engine()
    found = engine.to_arrow(engine.parquet([], EVENTS))
    assert found.num_rows == 0
    assert found.column_names == EVENTS.names


def test_files_are_read_as_one_table(tmp_path: Path) -> None:
    pq.write_table(ORDERS.slice(0, 2), tmp_path / "a.parquet")
    pq.write_table(ORDERS.slice(2), tmp_path / "b.parquet")
    engine = Engine()
    table = engine.parquet([tmp_path / "a.parquet", tmp_path / "b.parquet"], ORDERS.schema)
    assert engine.to_arrow(table.price.sum()).as_py() == 10.0


def test_expressions_on_the_same_files_go_together(tmp_path: Path) -> None:
    pq.write_table(ORDERS, tmp_path / "a.parquet")
    engine = Engine()
    first, second = (engine.parquet([tmp_path / "a.parquet"], ORDERS.schema) for _ in range(2))
    both = first.filter(first.customer.isin(second.filter(second.price > 4).customer))
    assert engine.to_arrow(both.count()).as_py() == 1


def test_lists_of_files_that_nobody_holds_are_forgotten(tmp_path: Path) -> None:
    # A server asks for its log again after each fold, each time with one file more.
    files = [tmp_path / f"{number}.parquet" for number in range(300)]
    for path in files:
        pq.write_table(ORDERS, path)
    engine = Engine()
    held = engine.parquet(files[:2], ORDERS.schema)
    for number in range(1, len(files)):
        assert engine.to_arrow(engine.parquet(files[number:], ORDERS.schema).count()).as_py() == 3 * (300 - number)
    gc.collect()
    engine.parquet(files, ORDERS.schema)
    views = engine._backend.con.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").to_arrow_table()
    assert len(views) <= KEPT + 3
    assert engine.to_arrow(held.count()).as_py() == 6


def test_hours_are_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    engine = Engine()
    moment = pa.array([datetime(2024, 5, 1, 23, 30, tzinfo=UTC)], TIME)
    table = engine.table(pa.table({"time": moment}))
    assert engine.to_arrow(table.select(hour=table.time.hour())).to_pylist() == [{"hour": 23}]


def test_the_spill_folder_is_made(tmp_path: Path) -> None:
    Engine(spill=tmp_path / "deep" / "spill")
    assert (tmp_path / "deep" / "spill").is_dir()


def test_two_engines_are_apart(tmp_path: Path) -> None:
    one, other = Engine(memory="1GB", threads=1), Engine(memory="2GB", threads=2)
    assert one.to_arrow(one.table(ORDERS).count()).as_py() == other.to_arrow(other.table(ORDERS).count()).as_py() == 3


def test_what_is_asked_can_be_read() -> None:
    engine = Engine()
    table = ibis.table({"customer": "string", "price": "float64"}, name="orders")
    said = engine.sql(table.group_by("customer").agg(paid=table.price.sum()))
    assert "GROUP BY" in said
    assert "orders" in said


def test_what_the_system_refuses_the_engine_is_a_sentence_with_the_mending(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": [1]}), path)
    engine = Engine()
    table = engine.parquet([path], pa.schema([("n", pa.int64())]))
    path.unlink()
    with pytest.raises(RegularsError, match=r"a\.parquet.* Free some space on the disk"):
        engine.to_arrow(table.n.sum())


def test_threads_that_ask_at_once_are_answered_in_turn():
    engine = Engine()
    rows = engine.table(pa.table({"n": list(range(1000))}))
    asked = [rows.agg(found=(rows.n * number).sum()) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = [answer["found"][0].as_py() for answer in pool.map(engine.to_arrow, asked)]
    assert found == [499_500 * number for number in range(40)]
