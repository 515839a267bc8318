"""Google Analytics 4's BigQuery export, as JSON lines and Parquet: figures by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SECOND = 1_000_000
START = int(datetime(2024, 5, 1, 10, tzinfo=UTC).timestamp()) * SECOND

TEA = {
    "item_id": "T1",
    "item_name": "Tea",
    "item_brand": "Nord",
    "item_variant": "(not set)",
    "item_category": "Drinks",
    "price": 4.5,
    "quantity": 2,
    "coupon": "MAY",
}
CUP = {
    "item_id": "(not set)",
    "item_name": "Cup",
    "item_brand": "(not set)",
    "item_category": "China",
    "price": 3.0,
    "quantity": None,
}


def parameters(**values):
    kinds = {str: "string_value", int: "int_value", float: "double_value"}
    nothing = dict.fromkeys(("string_value", "int_value", "float_value", "double_value"))
    return [{"key": key, "value": nothing | {kinds[type(value)]: value}} for key, value in values.items()]


def event(number, name, *, items=(), transaction=None, refund_value=None, user=None, **values):
    return {
        "event_date": "20240501",
        "event_timestamp": START + number * SECOND,
        "event_name": name,
        "event_params": parameters(ga_session_id=77, page_location="https://tea/", **values),
        "event_bundle_sequence_id": 5,
        "user_id": user,
        "user_pseudo_id": "111.222",
        "device": {"category": "mobile", "operating_system": "Android", "language": "en-gb", "vendor_id": None},
        "geo": {"country": "United Kingdom", "region": "(not set)"},
        "traffic_source": {"name": "(direct)", "medium": "(none)", "source": "google"},
        "collected_traffic_source": {"manual_campaign_name": None},
        "platform": "WEB",
        "ecommerce": {"transaction_id": transaction, "refund_value": refund_value, "purchase_revenue": None},
        "items": [dict.fromkeys([*TEA, *CUP]) | item for item in items],
    }


EVENTS = [
    event(1, "session_start"),
    event(2, "page_view", page_title="Home"),
    event(3, "view_item", items=[TEA], currency="GBP", value=9.0),
    event(4, "purchase", items=[TEA, CUP], transaction="A1", user="ada", currency="GBP", value=12.0, coupon="MAY"),
    event(5, "purchase", transaction="A2", user="ada", currency="EUR", value=20, tax=1.5),
    event(6, "refund", items=[CUP], transaction="A1", user="ada", currency="GBP"),
    event(7, "refund", transaction="A2", user="ada", currency="EUR", refund_value=20.0),
    event(8, "view_search_results", search_term="green tea"),
    event(9, "purchase", transaction="(not set)", user="bob", currency="GBP", value=1.0),
]


def as_json_lines(folder, events):
    path = folder / "events_20240501.jsonl"
    # BigQuery writes whole numbers as texts, and leaves out what is null.
    lines = [json.dumps(each | {"event_timestamp": str(each["event_timestamp"])}) for each in events]
    path.write_text("\n".join(lines))
    return path


def as_parquet(folder, events):
    path = folder / "events_20240501.parquet"
    pq.write_table(pa.Table.from_pylist(events), path)
    return path


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("write", [as_json_lines, as_parquet])
def test_orders_refunds_money_and_customers(export, tmp_path, write):
    path = write(tmp_path, EVENTS)
    result = export.shop.import_(path)
    assert (result.read, result.added, result.rejected) == (10, 10, 0)
    assert export.format() == ["ga4"]
    assert export.rows("customer_id", "order_id", "line", "product_id", "quantity", kind="order_completed") == [
        ("ada", "A1", 0, "T1", 2.0),
        ("ada", "A1", 1, "Cup", 1.0),
        ("ada", "A2", 0, None, 1.0),
        ("bob", None, 0, None, 1.0),
    ]
    # 2 x 4.50 + 3.00 + 1; 20
    assert export.money("order_completed") == {"GBP": Decimal("13"), "EUR": Decimal("20")}
    assert export.money("order_refunded") == {"GBP": Decimal("3"), "EUR": Decimal("20")}
    assert export.catalogue() == [
        ("Cup", "Cup", "China", None, Decimal("3")),
        ("T1", "Tea", "Drinks", "Nord", Decimal("4.5")),
    ]
    again = export.shop.import_(path)
    assert (again.added, again.duplicates) == (0, 10)


def test_the_same_events_in_the_other_kind_of_file_add_nothing(export, tmp_path):
    export.shop.import_(as_json_lines(tmp_path, EVENTS))
    result = export.shop.import_(as_parquet(tmp_path, EVENTS))
    assert (result.added, result.rejected) == (0, 0)


def test_visitors_sessions_and_what_they_did(export, tmp_path):
    export.shop.import_(as_json_lines(tmp_path, EVENTS))
    assert export.rows("type", "anonymous_id", "session_id", "channel")[:3] == [
        ("session_start", "111.222", "111.222.77", "web"),
        ("page_viewed", "111.222", "111.222.77", "web"),
        ("product_viewed", "111.222", "111.222.77", "web"),
    ]
    assert export.rows("query", kind="products_searched") == [("green tea",)]
    assert export.rows("time")[0] == (datetime(2024, 5, 1, 10, 0, 1, tzinfo=UTC),)


def test_other_parameters_place_and_device_are_kept(export, tmp_path):
    export.shop.import_(as_parquet(tmp_path, EVENTS))
    of_all = {
        "page_location": "https://tea/", "country": "United Kingdom", "device_category": "mobile",
        "device_operating_system": "Android", "device_language": "en-gb", "traffic_source_name": "(direct)",
        "traffic_source_medium": "(none)", "traffic_source_source": "google",
    }  # fmt: skip
    assert export.properties("page_viewed") == [of_all | {"page_title": "Home"}]
    of_order = export.properties("order_completed")
    assert of_order[0] == of_all | {
        "value": 12.0, "coupon": "MAY", "product": {"item_variant": "(not set)", "coupon": "MAY"},
    }  # fmt: skip
    assert of_order[2] == of_all | {"value": 20, "tax": 1.5}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (event(2, "view_item") | {"event_timestamp": "now"}, "the time is missing"),
        (event(2, "view_item") | {"event_name": None}, "the type of the event is missing"),
        (event(2, "view_item") | {"items": "none"}, "items is not a list"),
        (event(2, "view_item", items=[TEA | {"price": -1}]), "a price cannot be negative"),
        (event(2, "view_item") | {"event_params": parameters(a=1) * 2}, 'in event_params: the key "a" stands twice'),
        (event(2, "view_item") | {"user_pseudo_id": None}, "names neither a customer nor a product"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused_alone(export, tmp_path, bad, reason):
    result = export.shop.import_(as_json_lines(tmp_path, [EVENTS[0], bad, EVENTS[1]]))
    assert export.refused(result) == [(2, reason)]
    assert result.added == 2
