"""Segment's calls: what each becomes, by hand, and calls that hurt nobody."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from regulars.cli import app

TEA = {"product_id": "T1", "sku": "T-1", "name": "Tea", "category": "Drinks", "brand": "Nord", "price": 4.5}
CUP = {"product_id": "C1", "name": "Cup", "category": "China", "price": "3.00", "quantity": 2, "position": 2}


def call(kind, number, **more):
    return {
        "type": kind,
        "messageId": f"m{number}",
        "userId": "ada",
        "anonymousId": "anon-1",
        "timestamp": f"2024-05-01T10:00:{number:02d}.000Z",
        "receivedAt": "2024-05-01T10:05:00.000Z",
        **more,
    }


def track(number, event, properties, **more):
    return call("track", number, event=event, properties=properties, **more)


ORDER = {
    "checkout_id": "ck1",
    "order_id": "A1",
    "total": 15.5,
    "revenue": 12,
    "shipping": 2.5,
    "tax": 1,
    "coupon": "spring",
    "currency": "GBP",
    "products": [TEA | {"quantity": 1}, CUP],
}


@pytest.mark.usefixtures("pieces")
def test_orders_refunds_money_and_customers(export):
    result = export.lines(
        track(1, "Order Completed", ORDER),
        track(2, "Order Completed", {"order_id": "A2", "revenue": "20.00", "currency": "EUR"}, userId="bob"),
        track(3, "Order Completed", {"order_id": "A3", "subtotal": 7, "total": 9, "currency": "EUR"}, userId="bob"),
        track(4, "Order Completed", {"order_id": "A4", "total": 10, "tax": 1, "shipping": 2.5, "currency": "EUR"}),
        track(5, "Order Refunded", {"order_id": "A1", "currency": "GBP", "total": 15.5, "products": [CUP]}),
        track(6, "Order Refunded", {"order_id": "A2", "currency": "EUR", "revenue": 20}, userId="bob"),
        track(7, "Order Cancelled", {"order_id": "A3", "total": 9, "currency": "EUR"}, userId="bob"),
    )
    assert (result.read, result.added, result.rejected) == (8, 8, 0)
    assert export.format() == ["segment"]
    assert export.rows("event_id", "line", "order_id", "product_id", "quantity", "unit_price", kind="order_completed")[
        :2
    ] == [("m1", 0, "A1", "T1", 1.0, Decimal("4.5")), ("m1", 1, "A1", "C1", 2.0, Decimal("3"))]
    # 4.50 + 2 x 3.00; 20 + 7 + (10 - 1 - 2.50)
    assert export.money("order_completed") == {"GBP": Decimal("10.5"), "EUR": Decimal("33.5")}
    assert export.money("order_refunded") == {"GBP": Decimal("6"), "EUR": Decimal("20")}
    assert export.rows("order_id", "customer_id", kind="order_cancelled") == [("A3", "bob")]
    assert {who for (who,) in export.rows("customer_id")} == {"ada", "bob"}
    assert export.catalogue() == [
        ("C1", "Cup", "China", None, Decimal("3")),
        ("T1", "Tea", "Drinks", "Nord", Decimal("4.5")),
    ]


@pytest.mark.usefixtures("pieces")
def test_what_went_into_no_column_is_kept(export):
    context = {"ip": "8.8.8.8", "device": {"id": "d1", "type": "ios"}, "campaign": {"name": "may", "source": "news"}}
    export.lines(track(1, "Order Completed", ORDER, context=context, channel="mobile"))
    of_order = {"checkout_id": "ck1", "total": 15.5, "revenue": 12, "shipping": 2.5, "tax": 1, "coupon": "spring"}
    of_context = {"context_device_type": "ios", "context_campaign_source": "news"}
    assert export.properties() == [
        of_order | of_context | {"product": {"sku": "T-1"}},
        of_order | of_context | {"product": {"position": 2}},
    ]
    assert export.rows("ip", "device_id", "campaign_id", "channel")[0] == ("8.8.8.8", "d1", "may", "mobile")


def test_a_mapping_that_was_edited_is_used(export):
    export.lines(track(1, "Product Viewed", TEA, context={"page": {"url": "https://tea/1"}}))
    settings = export.shop.folder / "shop.toml"
    text = settings.read_text()
    assert 'format = "segment"' in text
    settings.write_text(text.replace('query = "query"', 'text = "context.page.url"').replace('text = "text"\n', ""))
    export.shop = type(export.shop).open(export.shop.folder)
    export.lines(track(2, "Product Viewed", TEA, context={"page": {"url": "https://tea/2"}}))
    assert export.rows("text") == [(None,), ("https://tea/2",)]
    assert len(export.shop.config.mapping) == 1


def test_identify_alias_group_page_and_screen(export):
    export.lines(
        call("identify", 1, traits={"email": "ada@tea.shop", "name": "Ada", "address": {"country": "GB"}}),
        call("alias", 2, previousId="old-ada"),
        call("group", 3, groupId="g1", traits={"name": "Tea club"}),
        call("page", 4, name="Home", properties={"path": "/"}),
        call("screen", 5, name="Cart"),
    )
    assert export.rows("type", "customer_id", "anonymous_id") == [
        ("customer_identified", "ada", "anon-1"),
        ("customer_aliased", "ada", "old-ada"),
        ("group_joined", "ada", "anon-1"),
        ("page_viewed", "ada", "anon-1"),
        ("page_viewed", "ada", "anon-1"),
    ]
    assert export.properties() == [
        {"email": "ada@tea.shop", "name": "Ada", "address": {"country": "GB"}, "country": "GB"},
        None,
        {"group_id": "g1", "name": "Tea club"},
        {"path": "/", "page_name": "Home"},
        {"page_name": "Cart"},
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Viewed Product Category", "product_list_viewed"),
        ("Viewed Product", "product_viewed"),
        ("Added Product", "product_added"),
        ("Started Order", "checkout_started"),
        ("Completed Order", "order_completed"),
        ("order_completed", "order_completed"),
        ("orderCompleted", "order_completed"),
        ("Wishlist Product Added to Cart", "wishlist_product_added_to_cart"),
        ("Email Link Clicked", "message_clicked"),
        ("Signed In", "sign_in"),
        ("Tasted a Tea", "tasted_a_tea"),
    ],
)
def test_names_of_events(export, name, kind):
    export.lines(track(1, name, {"products": [{"id": "T1", "price": 2, "quantity": 3}], "orderId": "A1"}))
    assert export.rows("type", "product_id", "order_id", "quantity") == [(kind, "T1", "A1", 3.0)]


def test_an_id_of_what_is_no_product_stays_a_property(export):
    export.lines(
        track(1, "Article Read", {"id": 7, "name": "On tea", "price": 1}), track(2, "Viewed Product", {"id": 7})
    )
    assert export.rows("product_id", "unit_price") == [(None, None), ("7", None)]
    assert export.properties() == [{"id": 7, "name": "On tea", "price": 1}, None]


def test_what_was_searched_reviewed_and_unsubscribed(export):
    export.lines(
        track(1, "Products Searched", {"query": "green tea"}),
        track(2, "Product Reviewed", {"product_id": "T1", "review_body": "Good", "rating": "5"}),
        track(3, "Unsubscribed", {}),
    )
    assert export.rows("type", "query", "text") == [
        ("products_searched", "green tea", None),
        ("product_reviewed", None, "Good"),
        ("consent_withdrawn", None, "marketing"),
    ]
    assert export.properties()[1] == {"rating": "5"}


def test_the_time_is_the_corrected_one_else_the_clients_else_that_of_receipt(export):
    late = {"originalTimestamp": "2024-05-01T09:00:00Z", "sentAt": "2024-05-01T09:00:01Z"}
    first = track(1, "Tasted", {}, **late)
    second = {**track(2, "Tasted", {}, **late), "timestamp": None}
    third = {name: value for name, value in track(3, "Tasted", {}).items() if name != "timestamp"}
    export.lines(first, second, third)
    assert [(row[0], row[1].hour, row[1].minute) for row in export.rows("event_id", "time")] == [
        ("m2", 9, 0), ("m1", 10, 0), ("m3", 10, 5),
    ]  # fmt: skip
    assert export.rows("received_at")[0] == (datetime(2024, 5, 1, 10, 5, tzinfo=UTC),)


@pytest.mark.usefixtures("pieces")
def test_importing_again_adds_nothing_and_a_message_sent_twice_is_one(export):
    calls = [track(1, "Order Completed", ORDER), call("identify", 2, traits={"plan": "gold"}), track(3, "Tasted", {})]
    assert export.lines(*calls, calls[0]).added == 4
    again = export.lines(*calls)
    assert (again.added, again.duplicates, again.rejected) == (0, 4, 0)


def deep(levels):
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"type": "track", ', "not a JSON object"),
        ("[1]", "not a JSON object: a list or a value by itself"),
        (json.dumps(track(2, "Tasted", {"a": "X"})).replace("X", "\\ud800"), "half of a surrogate pair"),
        (json.dumps(track(2, "Tasted", {})).replace('"ada"', '"ada", "userId": "bob"'), '"userId" stands twice'),
        (json.dumps(track(2, "Tasted", {"a": 0})).replace('"a": 0', '"a": 0, "a": 1'), '"a" stands twice'),
        (json.dumps(track(2, "Tasted", {"products": [TEA]})).replace("4.5", '4.5, "price": 1'), '"price" stands twice'),
        (json.dumps(track(2, "Tasted", {"a": 0})).replace("0}", deep(10_000) + "}"), "nested deeper than 500"),
        (json.dumps(track(2, "Order Completed", {"revenue": "a lot"})), "not a finite amount of money"),
        (json.dumps(track(2, "Product Added", TEA)).replace("4.5", "NaN"), "not a finite amount of money"),
        (json.dumps(track(2, "Order Completed", {"products": "T1"})), "products is not a list"),
        (json.dumps(track(2, "Order Completed", {"products": ["T1"]})), "in products: not a JSON object"),
        (json.dumps(track(2, "Tasted", {}) | {"messageId": None}), "the id of the event is missing"),
        (json.dumps(track(2, "Tasted", {}) | {"event": None}), "the type of the event is missing"),
    ],
)
def test_a_call_that_cannot_be_read_is_refused_alone(export, bad, reason):
    result = export.lines(track(1, "Product Viewed", TEA), "", bad, track(3, "Product Viewed", CUP))
    assert [(line, reason in why) for line, why in export.refused(result)] == [(3, True)]
    assert [name for (name,) in export.rows("event_id")] == ["m1", "m3"]


def test_odd_but_readable_values_stay_what_they_are(export):
    export.lines(
        json.dumps(track(1, "Tasted", {"a": "b\u0000c", "big": 2**70, "list": [1, [2]], "ok": True, "no": None})),
        track(2, "Tasted", "no object"),
        track(3, "Tasted", {}, context="no object", userId=17850),
    )
    assert export.properties() == [
        {"a": "b\u0000c", "big": 2**70, "list": [1, [2]], "ok": True, "no": None},
        {"value": "no object"},
        None,
    ]
    assert export.rows("customer_id")[-1] == ("17850",)


def test_a_line_that_is_not_utf8_is_refused_alone(export):
    path = export.folder / "calls.jsonl"
    lines = [json.dumps(track(number, "Tasted", {"a": "茶" * 20}), ensure_ascii=False).encode() for number in (1, 2, 3)]
    lines[1] = lines[1].replace("茶".encode(), b"\xff", 1)
    path.write_bytes(b"\r\n".join(lines))
    result = export.shop.import_(path)
    assert [line for line, _ in export.refused(result)] == [2]
    assert len(export.rows("event_id")) == 2


def test_from_the_command_line_compressed(export, tmp_path):
    from typer.testing import CliRunner

    path = tmp_path / "1714557900000.segment.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(track(1, "Order Completed", ORDER)).encode()))
    shown = CliRunner().invoke(app, ["import", str(path), "--shop", str(export.shop.folder), "--yes"])
    assert shown.exit_code == 0, shown.output
    assert "2 rows read: 2 added" in shown.output
    assert "messageId" in shown.output
