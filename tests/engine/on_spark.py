"""What is of Spark alone, and what a shop's whole log says in it: run by `test_spark.py`, in a process of its own."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from regulars import Shop
from regulars.churn.decide import decide
from regulars.customers import Identities
from regulars.engine import Engine
from regulars.errors import RegularsError
from regulars.events.schema import CATALOGUE, EVENTS
from regulars.profile.dataset import compute
from tests.engine.test_engines import million


def test_spark_refuses_to_collect_that_much(spark: Engine, tmp_path: Path) -> None:
    with pytest.raises(RegularsError, match="maxResultSize"):
        spark.to_arrow(million(spark, tmp_path))


def test_all_features_are_the_same_in_either_engine(spark: Engine, tea_shop: Shop, tea_as_of: datetime) -> None:
    pairs = tea_shop.customers(tea_as_of).slice(0, 60)
    found = []
    for engine in (tea_shop.engine, spark):
        tables = [
            engine.parquet(tea_shop.log.paths(tea_shop.log.snapshot(), name), schema)
            for name, schema in (("events", EVENTS), ("catalogue", CATALOGUE))
        ]
        found.append(compute(engine, *tables, pairs, "Europe/London", Identities.of(engine, tables[0])))
    ours, theirs = found
    assert ours.column_names == theirs.column_names
    assert ours.num_columns > 90
    for name in ours.column_names[2:]:
        one, other = (np.array(table[name].to_pylist(), float) for table in found)
        assert np.allclose(one, other, rtol=0, atol=1e-9, equal_nan=True), name


def test_executors_score_customers_as_this_process_does_and_the_driver_holds_decisions_alone(
    spark: Engine, tea_shop: Shop, tea_as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.profile.dataset.MANY", 1)  # as of a shop whose customers do not fit into the driver
    monkeypatch.setattr(sys.modules[decide.__module__], "SAMPLE", 50)
    shop = Shop.open(tea_shop.folder)
    expected = decide(shop, tea_as_of)
    collected = []
    monkeypatch.setattr(shop, "engine", spark.beside())
    converted = shop.engine._converted
    monkeypatch.setattr(shop.engine, "_converted", lambda *asked: collected.append(converted(*asked)) or collected[-1])
    found = decide(shop, tea_as_of)
    assert found.drop_columns("inputs_hash").to_pydict() == expected.drop_columns("inputs_hash").to_pydict()
    assert (
        max(table.num_rows for table in collected) <= max(found.num_rows, 100) < tea_shop.customers(tea_as_of).num_rows
    )
