"""Olist's linked files, joined: figures by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from regulars.errors import InputError

FILES = {
    "orders": (
        '"order_id","customer_id","order_status","order_purchase_timestamp","order_approved_at",'
        '"order_delivered_carrier_date","order_delivered_customer_date","order_estimated_delivery_date"\n'
        "o1,c1,delivered,2017-10-02 10:56:33,2017-10-02 11:07:15,2017-10-04 19:55:00,2017-10-10 21:25:13,2017-10-18 00:00:00\n"
        "o2,c2,canceled,2017-10-03 10:00:00,2017-10-03 12:00:00,,,2017-10-20 00:00:00\n"
        "o3,c3,unavailable,2017-10-04 10:00:00,,,,2017-10-20 00:00:00\n"
        "o4,c4,shipped,2017-10-05 10:00:00,2017-10-05 10:10:00,2017-10-06 10:00:00,,2017-10-20 00:00:00\n"
    ),
    "order_items": (
        '"order_id","order_item_id","product_id","seller_id","shipping_limit_date","price","freight_value"\n'
        "o4,1,p2,s1,2017-10-09 00:00:00,10.00,2.50\n"
        "o1,1,p1,s1,2017-10-09 00:00:00,58.90,13.29\n"
        "o1,2,p1,s1,2017-10-09 00:00:00,58.90,13.29\n"
        "o2,1,p2,s2,2017-10-09 00:00:00,10.00,2.50\n"
    ),
    "products": (
        '"product_id","product_category_name","product_name_lenght","product_description_lenght","product_photos_qty",'
        '"product_weight_g","product_length_cm","product_height_cm","product_width_cm"\n'
        "p1,perfumaria,40,287,1,225,16,10,14\n"
        "p2,,,,,,,,\n"
    ),
    "customers": (
        '"customer_id","customer_unique_id","customer_zip_code_prefix","customer_city","customer_state"\n'
        "c1,ada,14409,franca,SP\nc2,bob,09790,sao bernardo,SP\nc3,bob,01151,rio,RJ\nc4,ada,08775,franca,SP\n"
    ),
}


@pytest.fixture
def olist(tmp_path):
    """A function that writes the files, some otherwise, and gives their folder."""

    def write(**files):
        folder = tmp_path / "olist"
        folder.mkdir(exist_ok=True)
        for name, text in (FILES | files).items():
            (folder / f"olist_{name}_dataset.csv").write_text(text)
        return folder

    return write


@pytest.mark.usefixtures("pieces")
def test_orders_cancellations_money_and_customers(export, olist):
    result = export.shop.import_(olist())
    assert (result.read, result.added, result.rejected) == (7, 7, 0)
    assert export.format() == ["olist"]
    assert export.rows("customer_id", "order_id", "line", "product_id", "quantity", kind="order_completed") == [
        ("ada", "o1", 0, "p1", 1.0),
        ("ada", "o1", 1, "p1", 1.0),
        ("bob", "o2", 0, "p2", 1.0),
        ("bob", "o3", 0, None, None),
        ("ada", "o4", 0, "p2", 1.0),
    ]
    assert export.money("order_completed") == {"BRL": Decimal("137.8")}  # 58.90 + 58.90 + 10 + 10
    assert export.rows("order_id", "customer_id", "outcome", kind="order_cancelled") == [
        ("o2", "bob", "canceled"),
        ("o3", "bob", "unavailable"),
    ]
    assert export.properties("order_completed")[0] == {
        "city": "franca", "country": "BR", "freight": "13.29", "region": "SP", "seller": "s1",
    }  # fmt: skip
    assert export.catalogue() == [("p1", None, "perfumaria", None, None), ("p2", None, None, None, None)]
    again = export.shop.import_(olist())
    assert (again.added, again.duplicates) == (0, 7)


def test_a_row_that_cannot_be_read_is_refused_by_its_line_and_file(export, olist):
    items = FILES["order_items"].replace("58.90,13.29\n", "a lot,13.29\n", 1) + "o9,1,p1,s1,,1,1\no1,3\n"
    result = export.shop.import_(olist(order_items=items))
    assert sorted(export.refused(result)) == [
        (3, "not a finite amount of money"),
        (6, "there is no such order"),
        (7, "2 cells where the header has 7 (in olist_order_items_dataset.csv)"),
    ]
    assert result.added == 6


def test_a_folder_that_lacks_a_file_is_not_olist(export, olist):
    folder = olist()
    (folder / "olist_customers_dataset.csv").unlink()
    with pytest.raises(InputError, match="is a folder"):
        export.shop.import_(folder)


def test_a_sample_shows_the_joined_rows(export, olist):
    from typer.testing import CliRunner

    from regulars.cli import app

    shown = CliRunner().invoke(app, ["import", str(olist()), "--shop", str(export.shop.folder), "--yes"])
    assert shown.exit_code == 0, shown.output
    assert "perfumaria" in shown.output
    assert "7 rows read: 7 added" in shown.output
