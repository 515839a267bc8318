"""Raw rows to events: what a row must say, what it may leave out, and any type that a file may give it in."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.events.columns import objects
from regulars.events.convert import Conversion, Converted, convert
from regulars.events.mapping import Mapping
from regulars.events.readers import RawRows
from regulars.events.schema import EVENTS

NOW = datetime(2024, 6, 1, tzinfo=UTC)
DAY = "2024-05-01"


def read(columns: dict[str, Any], **constants: str) -> Converted:
    """Convert columns named as the fields; the first row stands on line 2."""
    constants = constants or {"type": "order_completed"}
    table = pa.table(
        {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    )
    mapping = Mapping("till", {name: name for name in columns}, constants if "type" not in columns else {})
    return convert(RawRows(table, np.arange(2, 2 + table.num_rows)), Conversion(mapping, "GBP", "UTC", NOW))


def refused(columns: dict[str, Any]) -> list[tuple[int, str, str]]:
    found = read(columns)
    assert found.events.events.num_rows + len(found.rejects) == len(columns["time"])
    return [(reject.line, reject.column, reject.reason) for reject in found.rejects]


@pytest.mark.parametrize(
    ("columns", "column", "reason"),
    [
        ({"time": ["soon"]}, "time", "not a time"),
        ({"time": [""]}, "time", "the time is missing"),
        ({"time": pa.array([None], pa.null())}, "time", "the time is missing"),
        ({"time": ["1969-12-31 23:59"]}, "time", "before 1970"),
        ({"time": ["2024-06-03"]}, "time", "in the future"),
        ({"time": [DAY], "type": [""]}, "type", "the type of the event is missing"),
        ({"time": [DAY], "event_id": [None]}, "event_id", "the id of the event is missing"),
        ({"time": [DAY], "event_id": ["e"], "line": ["3e9"]}, "line", "not a whole number"),
        ({"time": [DAY], "unit_price": [float("nan")]}, "unit_price", "not a finite amount of money"),
        ({"time": [DAY], "unit_price": ["-1"]}, "unit_price", "a price cannot be negative"),
        ({"time": [DAY], "quantity": [datetime(2024, 5, 1)]}, "quantity", "not a finite number"),
        ({"time": [DAY], "quantity": ["0"], "amount": ["5"]}, "quantity", "zero, so that the amount gives no price"),
        (
            {"time": [DAY], "type": ["page_viewed"], "quantity": ["-1"]},
            "quantity",
            "negative, on an event that is no order",
        ),
        ({"time": [DAY], "customer_id": ["null"]}, "", "names neither a customer nor a product"),
    ],
)
def test_a_row_is_refused_with_its_column_and_the_reason(columns, column, reason):
    assert refused({"customer_id": ["ada"], **columns}) == [(2, column, reason)]


def test_of_several_mistakes_the_first_is_given_and_rows_are_listed_in_their_order():
    columns = {"time": [DAY, "soon", ""], "customer_id": ["", "", "ada"], "unit_price": ["1", "x", "1"]}
    assert [line for line, _, _ in refused(columns)] == [2, 3, 4]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([5], pa.uint8()),
        pa.array([5.0]),
        pa.array(["5"], pa.large_string()),
        pa.array(["5"], pa.string_view()),
        pa.array([5], pa.int16()).dictionary_encode(),
        pa.array([" 5 "]).dictionary_encode(),
    ],
)
def test_a_customer_is_the_same_in_any_type(column):
    events = read({"time": [DAY], "customer_id": column}).events.events
    plain = read({"time": pa.array([date(2024, 5, 1)]), "customer_id": ["5"]}).events.events
    assert events["event_id"].to_pylist() == plain["event_id"].to_pylist()


def test_an_amount_needs_no_quantity_and_a_negative_one_is_a_refund():
    found = read({"time": [DAY] * 2, "customer_id": ["ada"] * 2, "amount": ["5", "-3"]})
    assert found.events.events.select(["quantity", "unit_price"]).to_pylist() == [
        {"quantity": 1.0, "unit_price": Decimal(5)}
    ]
    assert found.refunds.events.select(["quantity", "unit_price"]).to_pylist() == [
        {"quantity": 1.0, "unit_price": Decimal(3)}
    ]


@pytest.mark.parametrize("written", ["Order Completed", "orderCompleted", "order_completed", "ORDER-COMPLETED"])
def test_a_type_is_written_in_snake_case(written):
    for columns, constants in (({"type": [written]}, {}), ({}, {"type": written})):
        events = read({"time": [DAY], "customer_id": ["ada"], **columns}, **constants).events.events
        assert events["type"].to_pylist() == ["order_completed"]


def test_events_are_in_order_of_time_with_their_places():
    found = read({"time": ["2024-05-02", DAY, DAY], "customer_id": ["a", "b", "c"]})
    assert found.events.events["customer_id"].to_pylist() == ["b", "c", "a"]
    assert found.events.places.tolist() == [3, 4, 2]


def test_a_piece_without_rows_gives_all_columns():
    nothing = pa.array([], pa.string())
    names = ("time", "customer_id", "product_id", "quantity", "unit_price", "title", "properties.colour")
    found = read(dict.fromkeys(names, nothing))
    assert found.events.events.column_names == EVENTS.names
    assert (found.events.events.num_rows, found.products.num_rows, found.rejects) == (0, 0, [])


def test_a_piece_of_which_every_row_is_refused_says_nothing_of_products():
    found = read({"time": ["soon"], "customer_id": ["ada"], "product_id": ["tea"], "title": ["Tea"]})
    assert (found.events.events.num_rows, found.products.num_rows, len(found.rejects)) == (0, 0, 1)


def test_a_line_without_an_event_id_is_no_part_of_the_identity():
    found = read({"time": [DAY] * 2, "customer_id": ["ada"] * 2, "line": ["7", "7"]}).events.events
    assert found["line"].to_pylist() == [0, 1]


def test_further_columns_go_to_the_properties():
    found = read({"time": [DAY] * 2, "customer_id": ["ada"] * 2, "properties.颜色": ["绿", None]}).events.events
    assert found["properties"].to_pylist() == ['{"颜色": "绿"}', None]


def test_rows_without_any_of_the_extra_fields_have_no_properties():
    found = read({"time": [DAY, DAY], "customer_id": ["ada", "bob"], "properties.country": ["GB", None]})
    assert found.events.events["properties"].to_pylist() == ['{"country": "GB"}', None]


def test_extra_fields_join_the_properties_that_a_format_gives():
    table = pa.table({"when": [DAY, DAY], "who": ["ada", "bob"], "where": ["GB", None]})
    mapping = Mapping(
        "calls", {"time": "when", "customer_id": "who", "properties.country": "where"}, {"type": "tasted"}
    )
    rows = RawRows(table, np.arange(2), properties=pa.array(['{"tea":1.5}', None]))
    found = convert(rows, Conversion(mapping, "GBP", "UTC", NOW))
    assert found.events.events["properties"].to_pylist() == ['{"tea":1.5,"country":"GB"}', None]


def test_an_event_that_does_not_say_when_it_was_received_was_received_now():
    found = read({"time": [DAY, DAY], "customer_id": ["ada", "bob"], "received_at": ["2024-05-02", None]})
    assert found.events.events["received_at"].to_pylist() == [datetime(2024, 5, 2, tzinfo=UTC), NOW]


def test_an_attempt_to_pay_may_name_nobody():
    found = read({"time": [DAY], "amount": ["5"], "properties.card": ["c-1"]}, type="payment_attempted")
    assert found.rejects == []
    assert found.events.events["customer_id"].to_pylist() == [None]


def test_times_among_the_properties_are_kept_in_utc():
    table = pa.table({"t": [DAY] * 2, "c": ["ada", "bob"], "s": ["2024-04-30 20:00", None]})
    columns = {"time": "t", "customer_id": "c", "properties.signed_up_at": "s"}
    mapping = Mapping("table", columns, {"type": "payment_attempted"})
    found = convert(RawRows(table, np.arange(2)), Conversion(mapping, "CNY", "Asia/Shanghai", NOW)).events.events
    assert found["properties"].to_pylist() == ['{"signed_up_at": "2024-04-30T12:00:00.000000Z"}', None]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({name: st.none() | st.text(max_size=6) for name in ("a", '"', "颜色")}), max_size=8)
)
def test_properties_are_the_json_that_python_writes(rows):
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in ("a", '"', "颜色")}
    found = objects({name: column.dictionary_encode() for name, column in columns.items()})
    said = [{name: text for name, text in row.items() if text is not None} for row in rows]
    assert found.to_pylist() == [json.dumps(row, ensure_ascii=False, sort_keys=True) if row else None for row in said]


def test_a_currency_is_the_same_in_small_letters(shop, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("time,customer,order,product,quantity,price,currency\n2024-05-01,ada,1,tea,1,4.5,eur\n")
    shop.import_(path)
    (row,) = shop.engine.to_arrow(shop.events.select("unit_price", "currency")).to_pylist()
    assert (str(row["unit_price"]), row["currency"]) == ("4.5000", "EUR")


def test_two_visitors_at_one_moment_have_two_orders(shop, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("date,visitor_id,product_id,price\n" + "".join(f"2024-05-01,{who},tea,4.50\n" for who in "abab"))
    mapping = Mapping(
        "m", {"time": "date", "anonymous_id": "visitor_id", "product_id": "product_id", "unit_price": "price"},
        {"type": "order_completed"},
    )  # fmt: skip
    shop.import_(path, mapping=mapping)
    rows = shop.log.read("events", ["anonymous_id", "order_id"]).to_pylist()
    assert {(row["anonymous_id"], row["order_id"]) for row in rows} == {
        ("a", "a@2024-05-01T00:00:00"), ("b", "b@2024-05-01T00:00:00"),
    }  # fmt: skip
