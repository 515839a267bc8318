"""One call at a time, or by the thousand: the same rows, and the same calls left out."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.events.convert import Conversion, convert
from regulars.events.inbox import Entry
from regulars.events.inbox.folding import MAPPING, _rows
from regulars.serve.calls import Arrival, Refused, prepared
from regulars.serve.live.reading import Reading

NOON = datetime.fromisoformat("2024-05-01T12:00:00+00:00")
COLUMNS = ("type", "customer_id", "anonymous_id", "product_id", "quantity", "unit_price", "time")
LINE = {"product_id": "tea", "price": 4.5, "quantity": 2}
CALLS = [
    {"type": "track", "event": "Product Viewed", "properties": {"product_id": "tea", "price": "4.50"}},
    {"type": "track", "event": "Viewed Product", "properties": {"id": 7}},
    {"type": "track", "event": "Viewed Product", "properties": {"id": 7, "price": 4.5, "currency": "eur"}},
    {"type": "track", "event": "Products Searched", "properties": {"id": 7, "query": "tea"}},
    {"type": "track", "event": "Product Added", "properties": {"sku": "s1", "quantity": 3}},
    {"type": "track", "event": "Order Completed", "properties": {"order_id": "o", "products": [LINE, {"sku": "pot"}]}},
    {"type": "track", "event": "Order Completed", "properties": {"order_id": "o", "products": [{**LINE, "quantity": -1}]}},
    {"type": "track", "event": "Order Completed", "properties": {"order_id": "o", "total": 12, "shipping": 2}},
    {"type": "track", "event": "Order Completed", "properties": {"order_id": "o", "revenue": 12}},
    {"type": "track", "event": "Product Viewed", "properties": {"product_id": "tea", "price": -1}},
    {"type": "track", "event": "Product Viewed", "properties": {"product_id": "tea", "price": "much"}},
    {"type": "track", "event": "Ad Shown", "properties": {"cost": 0.02, "campaign": "spring"}},
    {"type": "track", "event": "Ad Shown", "properties": {"cost": "much"}},
    {"type": "track", "event": "Ad Clicked", "properties": {"cost": 0.02}},
    {"type": "track", "event": "Unsubscribed"},
    {"type": "track", "event": "Objection Made", "properties": {"review_body": "profiling"}},
    {"type": "identify", "anonymousId": "v1", "traits": {"email": "ada@example.com"}},
    {"type": "alias", "previousId": "v1"},
    {"type": "page", "name": "Home"},
    {"type": "page", "timestamp": "2024-05-01T10:00:00"},
    {"type": "track", "event": "Signed In", "context": {"device": {"id": "d1"}, "ip": "192.0.2.1"}},
]  # fmt: skip


def by_log(body: bytes) -> list[dict[str, object]]:
    found = convert(_rows([Entry(1, body)]), Conversion(MAPPING, "EUR", "Europe/Berlin", NOON))
    table = [*found.events.events.to_pylist(), *found.refunds.events.to_pylist()]
    return [{name: plain(row[name]) for name in COLUMNS} for row in sorted(table, key=lambda row: row["line"])]


def by_live(body: bytes) -> list[dict[str, object]]:
    return [{name: plain(row[name]) for name in COLUMNS} for row in Reading("EUR", "Europe/Berlin").rows(body)]


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("call", CALLS, ids=lambda call: json.dumps(call)[:60])
def test_a_call_is_read_as_the_log_reads_it(call):
    body = prepared({"userId": "ada", "messageId": "m1", **call}, "", Arrival(NOON, ""))
    assert by_live(body) == by_log(body)


VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab 1.-", max_size=4)
PRODUCT = st.dictionaries(st.sampled_from(["product_id", "id", "sku", "price", "quantity"]), VALUES, max_size=3)


@given(
    said=PRODUCT,
    products=st.none() | st.lists(PRODUCT, max_size=2),
    event=st.sampled_from(["Product Viewed", "Order Completed", "x"]),
)
def test_whatever_comes_nothing_is_raised(said, products, event):
    try:
        body = prepared(
            {"type": "track", "event": event, "userId": "a", "properties": said | {"products": products}},
            "",
            Arrival(NOON, ""),
        )
    except Refused:
        return
    for row in Reading("EUR", "UTC").rows(body):
        assert row["unit_price"] is None or row["unit_price"] >= 0
