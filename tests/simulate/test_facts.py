"""Stylised facts: known by head on small logs, as written for the real shops, and near them for every preset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from regulars import Shop
from regulars.engine import Engine
from regulars.errors import NotEnoughError
from regulars.events.schema import EVENTS, TIME
from regulars.simulate import World, simulate
from regulars.simulate.facts import MEANINGS, REAL, WITHIN, beside_real, facts, facts_of, share_holding

Find = Callable[[str], Path]


def events(**columns: Any) -> pa.Table:
    """A log of these columns, the others empty."""
    count = len(columns["customer_id"])
    columns |= {"event_id": pa.array([f"e{number}" for number in range(count)]), "line": pa.array(np.zeros(count, int))}
    columns.setdefault("type", pa.array(["order_completed"] * count))
    empty = {field.name: pa.nulls(count, field.type) for field in EVENTS}
    return pa.table({name: columns.get(name, empty[name]) for name in empty})


def test_facts_of_a_shop_known_by_head() -> None:
    # Twenty customers: each orders on Monday at 9; the first ten again 7 days later at 18, of two products.
    people = [f"c{number}" for number in range(20)]
    rows = [(who, "2024-01-01T09:00", "tea", 1.0, 10.0) for who in people]
    rows += [(who, "2024-01-08T18:00", name, 2.0, 5.0) for who in people[:10] for name in ("tea", "cup")]
    rows += [("c0", "2024-01-09T10:00", "tea", 1.0, 10.0)]
    who, when, what, units, price = zip(*rows, strict=True)
    log = events(
        customer_id=pa.array(who),
        time=pc.strptime(pa.array(when), format="%Y-%m-%dT%H:%M", unit="us").cast(TIME),
        product_id=pa.array(what),
        quantity=pa.array(units),
        unit_price=pa.array(price),
        type=pa.array(["order_completed"] * (len(rows) - 1) + ["order_refunded"]),
    )
    engine = Engine()
    found = facts_of(engine, engine.table(log), "UTC")
    assert found["repeat_rate"] == 0.5
    assert found["orders_per_customer"] == 1.5
    assert found["gap_days_q50"] == pytest.approx(7 + 9 / 24)
    assert found["lines_per_order"] == pytest.approx(40 / 30)
    assert found["units_per_order_q50"] == 1.0
    assert found["revenue_gini"] == pytest.approx(0.25)  # ten spend 10, ten spend 30
    assert found["returned_share"] == 1 / 40
    assert found["forenoon_share"] == pytest.approx(2 / 3)
    assert found["evening_share"] == pytest.approx(1 / 3)
    assert (found["weekend_share"], found["busiest_weekday_share"]) == (0.0, 1.0)
    assert set(found) <= set(MEANINGS)
    in_tokyo = facts_of(engine, engine.table(log), "Asia/Tokyo")
    assert in_tokyo["evening_share"] == pytest.approx(2 / 3)
    assert in_tokyo["busiest_weekday_share"] == pytest.approx(2 / 3)


def test_too_few_orders_have_no_facts(shop: Shop) -> None:
    with pytest.raises(NotEnoughError, match="0 orders of known customers; at least 20"):
        facts(shop)


def real_log(preset: str, find: Find) -> tuple[pa.Table, str]:
    """The real shop's log, and its time zone."""
    if preset == "gifts":
        table = pq.read_table(find("online_retail.parquet"))
        table = table.filter(pc.is_valid(table["CustomerID"]))
        local = pc.assume_timezone(table["InvoiceDate"].cast(pa.timestamp("us")), "Europe/London", ambiguous="earliest")
        return events(
            customer_id=table["CustomerID"].cast(pa.int64()).cast(pa.string()),
            time=local.cast(TIME),
            product_id=table["Description"].cast(pa.string()),
            quantity=pc.abs(table["Quantity"]).cast(pa.float64()),
            unit_price=table["UnitPrice"],
            type=pc.if_else(pc.less(table["Quantity"], 0), "order_refunded", "order_completed"),
        ), "Europe/London"
    if preset == "grocery":
        table = pq.read_table(find("journey_transactions_sample.parquet"))
        table = table.filter(pc.and_(pc.greater(table["sales_value"], 0), pc.greater(table["quantity"], 0)))
        return events(
            customer_id=table["household_id"].cast(pa.string()),
            time=table["transaction_timestamp"].cast(TIME),
            product_id=table["product_id"].cast(pa.string()),
            quantity=table["quantity"],
            unit_price=pc.divide(table["sales_value"], table["quantity"]),
            order_id=table["basket_id"].cast(pa.string()),
        ), "America/New_York"
    table = pq.read_table(find("cdnow.parquet"))
    # Orders of one day are one: a line each, for CDNOW does not say of what.
    table = table.filter(pc.greater(table["amount"], 0)).group_by(["customer_id", "date"])
    table = table.aggregate([("quantity", "sum"), ("amount", "sum")])
    return events(
        customer_id=table["customer_id"].cast(pa.string()),
        time=table["date"].cast(TIME),
        quantity=table["quantity_sum"].cast(pa.float64()),
        unit_price=pc.divide(table["amount_sum"], table["quantity_sum"]),
    ), "UTC"


@pytest.mark.parametrize("preset", REAL)
def test_the_real_shops_are_as_written(preset: str, shared_file: Find) -> None:
    log, timezone = real_log(preset, shared_file)
    engine, real = Engine(), REAL[preset]
    found = facts_of(engine, engine.table(log), timezone)
    assert found == pytest.approx(real.facts, rel=1e-3)
    assert pc.count_distinct(log["customer_id"]).as_py() == pytest.approx(real.customers, rel=0.01)


@pytest.mark.parametrize(("preset", "customers"), [("gifts", 750), ("grocery", 200), ("fashion", 4000)])
def test_every_preset_looks_like_its_real_shop(preset: str, customers: int, tmp_path: Path) -> None:
    world = World(preset, customers=customers, seed=1, days=REAL[preset].days, workers=2)
    rows = beside_real(facts(simulate(tmp_path / "shop", world).shop, preset), preset)
    assert share_holding(rows) >= 0.8, [row for row in rows if row.holds is False]


def test_a_fact_holds_within_a_quarter() -> None:
    real = REAL["fashion"].facts
    near = {name: value * (1 + 0.9 * WITHIN) for name, value in real.items()}
    far = {name: value * (1 + 1.1 * WITHIN) for name, value in real.items()}
    assert share_holding(beside_real(near, "fashion")) == 1.0
    assert share_holding(beside_real(far, "fashion")) == 0.0
    # What ours does not tell does not hold; what the real shop does not tell is not counted.
    assert share_holding(beside_real({"returned_share": 0.5}, "fashion")) == 0.0
