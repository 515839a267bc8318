"""Files about products: they describe, and are no events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop
from regulars.events.guess import guess
from regulars.events.mapping import DESCRIBED, Mapping

ORDERS = (
    "date,customer,sku,price\n2024-05-01 10:00,ada,tea,4.50\n2024-05-03 10:00,bob,pot,30\n2024-05-09 10:00,bob,tea,5\n"
)
MET = datetime(2024, 5, 1, 10, tzinfo=UTC)
SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Option1 Name,Option1 Value,Option2 Value,Variant SKU,"
    "Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Cost per item,Status\n"
    "mug,Mug,<p>x</p>,Lumen,Kitchen > Cups,Cups,Colour,Red,Large,'0071,12,9.90,,a.png,4.10,active\n"
    "mug,,,,,,,Blue,Large,,0,10.90,12.00,,,active\n"
    "mug,,,,,,,,,,,,,b.png,,\n"
    "tea,Green tea,,Fjord,Food > Tea,,Title,Default Title,,,3,5.00,,,2.00,active\n"
)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def catalogue(shop: Shop) -> list[dict[str, Any]]:
    return shop.log.read("catalogue").to_pylist()


def described(shop: Shop, product: str, moment: datetime) -> dict[str, Any]:
    """The newest that was said of each field before a moment."""
    found: dict[str, Any] = {}
    for row in catalogue(shop):
        if row["product_id"] == product and row["valid_from"] < moment:
            found |= {name: value for name, value in row.items() if value is not None}
    return found


@pytest.fixture
def sold(shop: Shop, tmp_path: Path) -> Shop:
    shop.import_(write(tmp_path, "orders.csv", ORDERS))
    return shop


def test_what_nobody_told_before_counts_since_the_product_was_met_and_prices_from_now_on(
    sold: Shop, tmp_path: Path
) -> None:
    events, present = sold.log.read("events").num_rows, sold.now
    file = write(tmp_path, "products.csv", "SKU,Name,Cost,Price,Stock\ntea,Sencha,2.10,5.00,7\ncup,Cup,1,3,0\n")
    result = sold.import_(file)
    assert (result.read, result.added, result.duplicates, result.rejected) == (2, 2, 0, 0)
    assert sold.log.read("events").num_rows == events
    assert sold.now == present
    before = described(sold, "tea", datetime(2024, 5, 2, tzinfo=UTC))
    assert (before["title"], float(before["unit_cost"]), before["valid_from"]) == ("Sencha", 2.1, MET)
    assert "list_price" not in before
    assert "stock" not in before
    now = described(sold, "tea", sold.now)
    assert (float(now["list_price"]), now["stock"]) == (5.0, 7)
    # Nothing says that what was never met was there before.
    assert {
        present - row["valid_from"] <= timedelta(seconds=2) for row in catalogue(sold) if row["product_id"] == "cup"
    } == {True}


def test_importing_it_again_adds_what_changed_and_nothing_else(sold: Shop, tmp_path: Path) -> None:
    text = "sku,title,unit cost,list price\ntea,Sencha,2.10,5.00\npot,Pot,9,30\n"
    assert sold.import_(write(tmp_path, "products.csv", text)).added == 2
    again = sold.import_(write(tmp_path, "products.csv", text))
    assert (again.added, again.duplicates, again.version) == (0, 2, sold.log.version)
    changed = sold.import_(write(tmp_path, "products.csv", text.replace("2.10", "2.40")))
    assert (changed.added, changed.duplicates) == (1, 1)
    # The newest file wins, though no event came between; the cost of before stays that of before.
    assert float(described(sold, "tea", datetime(2024, 5, 8, tzinfo=UTC))["unit_cost"]) == 2.1
    assert float(described(sold, "tea", sold.now)["unit_cost"]) == 2.4


def test_a_file_that_tells_since_when_is_taken_at_its_word(sold: Shop, tmp_path: Path) -> None:
    text = "product_id,list_price,unit_cost,valid_from\ntea,6,2,2024-04-01\n"
    sold.import_(write(tmp_path, "prices.csv", text))
    assert float(described(sold, "tea", MET)["list_price"]) == 6.0


def test_rows_that_name_no_product_or_another_currency_are_refused_with_their_reason(
    sold: Shop, tmp_path: Path
) -> None:
    rows = "".join(f"p{number},Cup {number},1,EUR\n" for number in range(18))
    file = write(tmp_path, "products.csv", f"sku,title,cost,currency\n{rows},Nameless,1,EUR\ntea,Sencha,2,USD\n")
    result = sold.import_(file)
    assert (result.read, result.added, result.rejected) == (20, 18, 2)
    assert set(result.reasons) == {"names neither a customer nor a product", "what products cost is told in EUR here"}
    assert not described(sold, "tea", sold.now)


def test_orders_are_still_read_as_orders_once_products_have_a_mapping(sold: Shop, tmp_path: Path) -> None:
    sold.import_(write(tmp_path, "products.csv", "sku,cost\ntea,2\npot,9\n"))
    later = "date,customer,sku,price,cost\n2024-06-01 10:00,ada,tea,5,2\n2024-06-02 10:00,ada,pot,30,9\n"
    assert sold.import_(write(tmp_path, "products.csv", later)).added == 2
    assert sold.log.read("events").num_rows == 5


@pytest.mark.parametrize(
    ("headers", "row", "expected"),
    [
        ("商品编号|商品名称|成本价|库存", "A1|杯子|3.5|8", ["product_id", "title", "unit_cost", "stock"]),
        (
            "ID|Type|SKU|Name|Regular price|Categories|Stock",
            "7|simple|M|Mug|9|Cups|3",
            ["product_id", "title", "stock"],
        ),
        ("sku|created at|title", "M|2024-05-01|Mug", ["product_id", "title"]),
    ],
)
def test_a_file_about_products_is_known_by_its_headers(headers: str, row: str, expected: list[str]) -> None:
    found = guess(headers.split("|"), [row.split("|")], name="products", currency="EUR").mapping
    assert found.constants["type"] == DESCRIBED
    assert set(expected) <= set(found.columns)


def test_woocommerces_products_are_named_as_its_orders_name_them() -> None:
    headers = [
        "ID",
        "Type",
        "SKU",
        "Name",
        "Is featured?",
        "In stock?",
        "Stock",
        "Sale price",
        "Regular price",
        "Categories",
        "Brands",
    ]
    found = guess(
        headers, [["7", "simple", "M", "Mug", "0", "1", "3", "8", "9", "Cups", "Lumen"]], name="woo", currency="EUR"
    )
    assert found.mapping.columns == {
        "product_id": "ID", "title": "Name", "category": "Categories", "brand": "Brands", "list_price": "Regular price",
        "stock": "Stock",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "rows"),
    [
        ("date|sku|title|price", ["2024-05-01|M|Mug|9", "2024-05-02|N|Nut|2"]),
        ("Datum|SKU|Title|Price", ["13.04.2024|M|Mug|9"]),
        ("customer|sku|title|date", ["ada|M|Mug|2024-05-01"]),
    ],
)
def test_a_file_of_events_is_none_though_it_describes_products(headers: str, rows: list[str]) -> None:
    found = guess(headers.split("|"), [row.split("|") for row in rows], name="sales", currency="EUR").mapping
    assert found.constants["type"] == "order_completed"


def test_shopifys_products_are_named_as_its_orders_name_them(shop: Shop, tmp_path: Path) -> None:
    result = shop.import_(write(tmp_path, "products_export.csv", SHOPIFY), strict=True)
    assert (result.read, result.added) == (3, 3)
    found = {row["product_id"]: row for row in catalogue(shop)}
    assert set(found) == {"0071", "Mug - Blue / Large", "Green tea"}
    blue = found["Mug - Blue / Large"]
    assert (blue["title"], blue["category"], blue["brand"]) == ("Mug - Blue / Large", "Cups", "Lumen")
    assert (float(blue["list_price"]), blue["unit_cost"], blue["stock"]) == (10.9, None, 0)
    assert (found["Green tea"]["category"], float(found["Green tea"]["unit_cost"])) == ("Food > Tea", 2.0)
    assert not shop.log.read("events").num_rows


def test_an_event_that_a_shop_calls_so_is_an_event(sold: Shop, tmp_path: Path) -> None:
    file = write(tmp_path, "live.csv", "time,type,customer_id,product_id\n2024-05-10,Product Described,ada,tea\n")
    columns = {name: name for name in ("time", "type", "customer_id", "product_id")}
    assert sold.import_(file, mapping=Mapping("live", columns)).added == 1
    assert sold.log.read("events").num_rows == 4
