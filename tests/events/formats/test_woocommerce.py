"""WooCommerce's orders by each of its exporters: figures by hand."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

CELL = (
    "order_id,order_number,order_number_formatted,date,status,shipping_total,shipping_tax_total,fee_total,fee_tax_total,"
    "tax_total,discount_total,order_total,refunded_total,order_currency,payment_method,shipping_method,customer_id,"
    "billing_first_name,billing_last_name,billing_company,billing_email,billing_phone,billing_address_1,"
    "billing_address_2,billing_postcode,billing_city,billing_state,billing_country,shipping_first_name,"
    "shipping_last_name,shipping_address_1,shipping_address_2,shipping_postcode,shipping_city,shipping_state,"
    "shipping_country,shipping_company,customer_note,line_items,shipping_items,fee_items,tax_items,coupon_items,refunds,"
    "order_notes,download_permissions_granted"
)
ITEMS = CELL.replace(
    "line_items",
    "item_product_id,item_name,item_sku,item_quantity,item_tax,item_total,item_refunded,item_refunded_qty,item_meta",
)
WEBTOFFEE = (
    "order_id,order_number,order_date,paid_date,status,shipping_total,shipping_tax_total,fee_total,fee_tax_total,"
    "tax_total,cart_discount,order_discount,discount_total,order_total,order_subtotal,order_key,order_currency,"
    "payment_method,payment_method_title,transaction_id,customer_ip_address,customer_user_agent,shipping_method,"
    "customer_id,customer_user,customer_email,billing_email,billing_country,shipping_country,customer_note,"
    "wt_import_key,tax_items,shipping_items,fee_items,coupon_items,refund_items,order_notes,download_permissions,"
    "meta:_wc_order_attribution_source_type"
)
WEBTOFFEE_ROWS = WEBTOFFEE + ",item_product_id,item_name,item_sku,item_quantity,item_subtotal,item_total,item_refunded"
WEBTOFFEE_CELLS = WEBTOFFEE + ",line_item_1,line_item_2"

TEA = r"id:368|name:Tea \| green; loose, 1\,5 kg|product_id:2898|sku:T-1|quantity:2|subtotal:10.00|subtotal_tax:0.00|total:9.00|total_tax:0.00|refunded:0.00|refunded_qty:0|meta:Size=M,Colour=Red"
CUP = "id:369|name:Cup|product_id:0|sku:|quantity:1|subtotal:3.00|subtotal_tax:0.00|total:3.00|total_tax:0.00|refunded:0.00|refunded_qty:0|meta:"

BASE = {"order_currency": "GBP", "refunded_total": "0.00", "billing_country": "GB", "payment_method": "stripe"}
ORDERS = [
    BASE | {"order_id": 12, "status": "wc-completed", "customer_id": 7, "billing_email": "ada@tea.shop", "total": "12.00"},
    BASE | {"order_id": 13, "status": "processing", "customer_id": 0, "billing_email": "Bob@Tea.Shop", "total": "3.00", "refunded_total": "1.00"},
    BASE | {"order_id": 14, "status": "refunded", "customer_id": 7, "billing_email": "ada@tea.shop", "total": "9.00", "order_currency": "EUR"},
    BASE | {"order_id": 15, "status": "cancelled", "customer_id": 0, "billing_email": "bob@tea.shop", "total": "3.00"},
    BASE | {"order_id": 16, "status": "failed", "customer_id": 7, "billing_email": "ada@tea.shop", "total": "9.00"},
    BASE | {"order_id": 17, "status": "wc-pending", "customer_id": 0, "billing_email": "", "total": "3.00"},
]  # fmt: skip
HOLDS = [[TEA, CUP], [CUP], [TEA], [CUP], [TEA], [CUP]]


def orders(**names):
    """The orders, with some columns under other names."""
    for number, order in enumerate(ORDERS):
        row = order | {"order_total": order["total"], "date": f"2024-05-0{number + 1} 10:00:00"}
        yield {names.get(key, key): value for key, value in row.items()}


def written(header, rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, header.split(","), restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def by_cell():
    return written(CELL, [row | {"line_items": ";".join(holds)} for row, holds in zip(orders(), HOLDS, strict=True)])


TEA_ROW = {
    "item_product_id": 2898,
    "item_name": "Tea | green; loose, 1,5 kg",
    "item_sku": "T-1",
    "item_quantity": 2,
    "item_total": "9.00",
}
CUP_ROW = {"item_product_id": 0, "item_name": "Cup", "item_quantity": 1, "item_total": "3.00"}


def by_row(header, **names):
    known = {TEA: TEA_ROW, CUP: CUP_ROW}
    return written(
        header, [row | known[item] for row, holds in zip(orders(**names), HOLDS, strict=True) for item in holds]
    )


def by_columns():
    rows = zip(orders(date="order_date"), HOLDS, strict=True)
    return written(
        WEBTOFFEE_CELLS, [row | {f"line_item_{at}": item for at, item in enumerate(holds, 1)} for row, holds in rows]
    )


EXPORTS = {
    "a cell of items": by_cell(),
    "a row for each item": by_row(ITEMS),
    "WebToffee, a row for each item": by_row(WEBTOFFEE_ROWS, date="order_date"),
    "WebToffee, a column for each item": by_columns(),
}


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("kind", EXPORTS)
def test_orders_refunds_money_and_customers(export, kind):
    result = export.text("orders.csv", EXPORTS[kind])
    refunds = 1 if "WebToffee" in kind else 2  # WebToffee's has no sum of partial refunds
    assert (result.rejected, result.added) == (0, 5 + refunds + 1 + 2)
    assert export.format() == ["woocommerce"]
    assert export.rows("customer_id", "order_id", "line", "product_id", "quantity", kind="order_completed") == [
        ("7", "12", 0, "2898", 2.0),
        ("7", "12", 1, "Cup", 1.0),
        ("bob@tea.shop", "13", 0, "Cup", 1.0),
        ("7", "14", 0, "2898", 2.0),
        ("bob@tea.shop", "15", 0, "Cup", 1.0),
    ]
    # 9 + 3, 3, 3 in pounds; 9 in euro
    assert export.money("order_completed") == {"GBP": Decimal("18"), "EUR": Decimal("9")}
    partial = {"GBP": Decimal("1")} if refunds == 2 else {}
    assert export.money("order_refunded") == {"EUR": Decimal("9"), **partial}
    assert export.rows("order_id", "outcome", kind="order_cancelled") == [("15", "cancelled")]
    assert export.rows("order_id", "outcome", "customer_id", "anonymous_id", kind="payment_attempted") == [
        ("16", "failed", "7", None),
        ("17", "pending", None, "17"),
    ]
    assert [name for _, name, *_ in export.catalogue()] == ["Tea | green; loose, 1,5 kg", "Cup"]
    again = export.text("orders.csv", EXPORTS[kind])
    assert (again.added, again.rejected) == (0, 0)


def test_an_order_that_was_paid_later_becomes_one(export):
    export.text("may.csv", by_cell())
    result = export.text("june.csv", by_cell().replace("wc-pending", "wc-completed"))
    assert (result.added, result.rejected) == (1, 0)
    assert export.rows("order_id", kind="order_completed")[-1] == ("17",)


def test_a_cell_whose_items_cannot_be_read_is_refused_with_its_order(export):
    result = export.text("orders.csv", by_cell().replace(CUP, "1 cup", 2))
    assert export.refused(result) == [(3, "no items can be read in this cell")]


def test_an_order_without_items_is_its_total(export):
    export.text("orders.csv", written(CELL, [next(orders())]))
    assert export.rows("product_id", "unit_price", kind="order_completed") == [(None, Decimal("12"))]


REPORT = (
    "Date,Order #,N. Revenue (formatted),Status,Customer,Customer type,Product(s),Items sold,Coupon(s),Net Sales,Attribution\n"
    '2024-05-01 10:00:00,12,£12.00,completed,Ada Lovelace,new,"2× Tea, green, 1× Cup",3,MAY,12,Direct\n'
    "2024-05-02 10:00:00,13,£3.00,Processing,Bob,returning,1× Cup,1,,3,Organic: Google\n"
    "2024-05-03 10:00:00,13,-£1.00,Refunded,Bob,returning,,0,,-1,Organic: Google\n"
    "2024-05-04 10:00:00,14,£9.00,failed,Bob,returning,2× Tea,2,,9,Direct\n"
)


@pytest.mark.usefixtures("pieces")
def test_the_shops_own_report(export):
    result = export.text("orders.csv", REPORT)
    assert (result.added, result.rejected) == (5, 0)
    assert export.format() == ["woocommerce_analytics"]
    assert export.rows("customer_id", "order_id", "product_id", "quantity", "unit_price", kind="order_completed") == [
        ("Ada Lovelace", "12", "Tea, green", 2.0, Decimal("4")),
        ("Ada Lovelace", "12", "Cup", 1.0, Decimal("4")),
        ("Bob", "13", "Cup", 1.0, Decimal("3")),
    ]
    assert export.money("order_refunded") == {"EUR": Decimal("1")}
    assert export.rows("order_id", "outcome", kind="payment_attempted") == [("14", "failed")]
    assert export.text("orders.csv", REPORT).added == 0


def test_the_report_is_said_to_be_weak_where_it_is_offered(export, tmp_path):
    from typer.testing import CliRunner

    from regulars.cli import app

    path = tmp_path / "report.csv"
    path.write_text(REPORT)
    shown = CliRunner().invoke(app, ["import", str(path), "--shop", str(export.shop.folder), "--yes"])
    assert shown.exit_code == 0, shown.output
    assert "no product ids" in shown.output
