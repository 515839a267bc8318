"""Shopify's orders: figures by hand, and the quirks of real exports."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,"
    "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,"
    "Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,"
    "Billing Company,Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,"
    "Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,"
    "Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,Payment Method,"
    "Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,"
    "Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,"
    "Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name,"
    "Payment ID,Payment Terms Name,Next Payment Due At,Payment References"
)


def row(name, quantity, product, price, sku="", **order):
    """A row; with more than a name and an e-mail it is the first of its order."""
    cells = {
        "Name": name, "Lineitem quantity": quantity, "Lineitem name": product, "Lineitem price": price,
        "Lineitem sku": sku, "Vendor": "Nord", "Lineitem discount": "0.00",
    }  # fmt: skip
    return cells | {key.replace("_", " "): value for key, value in order.items()}


def first(name, number, created, **more):
    return {
        "Currency": "USD", "Created_at": created, "Financial_Status": "paid", "Paid_at": created, "Id": f"'{number}",
        "Refunded_Amount": "0.00", "Accepts_Marketing": "no", "Source": "web", "Risk_Level": "Low", "Shipping": "5.00",
        "Billing_Zip": "'75008", "Shipping_Country": "US", "Shipping_Province": "NY",
    } | more  # fmt: skip


ROWS = [
    row("#1001", 2, "Tea - Green", "4.50", "'0012", Email="Ada@Tea.Shop", Notes="two\nlines, and a \"quote\"",
        **first("#1001", 7210448301122, "2024-05-01 10:02:11 -0400", Accepts_Marketing="yes", Discount_Amount="1.00",
                Discount_Code="MAY")),
    row("#1001", 1, "Cup", "3.00", "", Email="Ada@Tea.Shop"),
    row("#1001", 1, "Cup", "3.00", "", Email="Ada@Tea.Shop"),
    row("#1002", 1, "Pot", "20.00", "P-1", Phone="'+15551234",
        **first("#1002", 7210448301123, "2024-05-02 09:00:00 -0400", Financial_Status="partially_refunded",
                Refunded_Amount="5.00", Fulfilled_at="2024-05-04 12:00:00 -0400")),
    row("#1003", 1, "Pot", "20.00", "P-1", Email="ada@tea.shop",
        **first("#1003", 7210448301124, "2024-05-03 09:00:00 -0400", Currency="EUR", Financial_Status="refunded",
                Refunded_Amount="20.00", Cancelled_at="2024-05-05 09:00:00 -0400")),
    row("#1004", 1, "Tea - Green", "4.50", "'0012", **first("#1004", 7210448301125, "2024-05-06 09:00:00 -0400",
                                                           Refunded_Amount="4.50", Source="pos")),
]  # fmt: skip


def export_of(rows, header=HEADER):
    out = io.StringIO()
    writer = csv.DictWriter(out, header.split(","), restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + out.getvalue()


@pytest.mark.usefixtures("pieces")
def test_orders_refunds_cancellations_money_and_customers(export):
    result = export.text("orders_export_1.csv", export_of(ROWS))
    assert (result.added, result.rejected) == (6 + 3 + 1 + 3, 0)
    assert export.format() == ["shopify"]
    assert export.rows("customer_id", "order_id", "line", "product_id", "quantity", kind="order_completed") == [
        ("ada@tea.shop", "#1001", 0, "0012", 2.0),
        ("ada@tea.shop", "#1001", 1, "Cup", 1.0),
        ("ada@tea.shop", "#1001", 2, "Cup", 1.0),
        ("+15551234", "#1002", 0, "P-1", 1.0),
        ("ada@tea.shop", "#1003", 0, "P-1", 1.0),
        (None, "#1004", 0, "0012", 1.0),
    ]
    # 2 x 4.50 + 3 + 3, 20, and 4.50 at the till; 20 in euro
    assert export.money("order_completed") == {"USD": Decimal("39.5"), "EUR": Decimal("20")}
    assert export.money("order_refunded") == {"USD": Decimal("9.5"), "EUR": Decimal("20")}
    assert export.rows("order_id", "outcome", kind="order_cancelled") == [("#1003", "refunded")]
    assert len({name for (name,) in export.rows("event_id", kind="order_completed")}) == 4


def test_times_are_those_of_the_order_and_the_latest_known_for_what_went_back(export):
    export.text("orders.csv", export_of(ROWS))
    assert export.rows("time", kind="order_completed")[0] == (datetime(2024, 5, 1, 14, 2, 11, tzinfo=UTC),)
    assert [time.day for (time,) in export.rows("time", kind="order_refunded")] == [4, 5, 6]


def test_who_gave_no_address_is_known_by_the_order(export):
    export.text("orders.csv", export_of(ROWS))
    assert export.rows("customer_id", "anonymous_id", "channel", kind="order_refunded")[-1] == (
        None,
        "7210448301125",
        "pos",
    )


def test_consent_is_as_it_was_said_at_the_order(export):
    export.text("orders.csv", export_of(ROWS))
    assert export.rows("customer_id", "type", "text", kind="consent_given") == [
        ("ada@tea.shop", "consent_given", "marketing")
    ]
    assert len(export.rows("type", kind="consent_withdrawn")) == 2


def test_what_is_of_the_whole_order_stands_on_each_of_its_lines(export):
    export.text("orders.csv", export_of(ROWS))
    of_order = {
        "country": "US", "region": "NY", "discount": "1.00", "discount_code": "MAY", "shipping": "5.00", "risk": "Low",
    }  # fmt: skip
    assert export.properties("order_completed")[:2] == [of_order | {"line_discount": "0.00"}] * 2
    assert export.catalogue()[0] == ("0012", "Tea - Green", None, "Nord", Decimal("4.5"))


@pytest.mark.usefixtures("pieces")
def test_a_later_export_that_repeats_the_orders_adds_only_what_is_new(export):
    assert export.text("first.csv", export_of(ROWS[:3])).added == 4
    paid = [ROWS[0] | {"Financial Status": "partially_refunded", "Refunded Amount": "3.00"}, *ROWS[1:]]
    later = export.text("later.csv", export_of(paid))
    assert (later.added, later.duplicates, later.rejected) == (1 + 9, 4, 0)
    assert export.text("later.csv", export_of(paid)).added == 0
    assert len(export.shop.config.mapping) == 1


def test_customers_can_be_known_by_their_phone(export):
    export.text("orders.csv", export_of(ROWS[:1]))
    settings = export.shop.folder / "shop.toml"
    settings.write_text(settings.read_text().replace('customer_id = "customer"', 'customer_id = "Phone"'))
    export.shop = type(export.shop).open(export.shop.folder)
    export.text("orders.csv", export_of(ROWS[3:4]))
    assert export.rows("customer_id", kind="order_refunded") == [("+15551234",)]


def test_an_older_export_has_fewer_columns(export):
    few = "Name,Email,Currency,Created at,Lineitem quantity,Lineitem name,Lineitem price"
    export.text("orders.csv", export_of(ROWS, few))
    assert export.rows("event_id", "product_id", kind="order_completed")[3] == ("shopify:#1002", "Pot")


def test_a_row_that_cannot_be_read_is_refused_by_its_line(export):
    broken = [*ROWS[:1], ROWS[1] | {"Lineitem price": "three"}, *ROWS[2:]]
    result = export.text("orders.csv", export_of(broken))
    assert export.refused(result) == [(4, "not a finite amount of money")]  # a note of two lines stands before it
    assert result.added == 12


def test_an_order_whose_first_row_is_spoiled_is_refused_whole(export):
    text = export_of(ROWS).replace("#1002,", "#1002,too,many,", 1)
    result = export.text("orders.csv", text)
    assert [line for line, _ in export.refused(result)] == [6]
