"""Files about customers that tell no time, and columns of yes and no."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop, clock
from regulars.customers import customers_as_of, withheld
from regulars.errors import NotEnoughError
from regulars.events.guess import guess
from regulars.events.mapping import Mapping

JUNE = datetime(2024, 6, 1, tzinfo=UTC)
ORDERS = "date,customer,product,price\n2024-05-01,ada,tea,4.50\n2024-05-02,bob,tea,4\n"

SHOPIFY = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,"
    "Default Address Address2,Default Address City,Default Address Province Code,Default Address Country Code,"
    "Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags\n"
    "'7001,Ada,Lovelace,ada@tea.example,yes,,1 High St,,London,ENG,GB,N1,,+44 1,no,54.00,2,,no,vip\n"
    "'7002,Bob,Noyce,bob@tea.example,no,,2 Low St,,Austin,TX,US,78701,,,no,0.00,0,,no,\n"
)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def known(shop: Shop, moment: datetime) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in customers_as_of(shop, moment).to_pylist()}


def test_an_export_of_customers_needs_no_mapping(shop: Shop, tmp_path: Path) -> None:
    shop.import_(write(tmp_path, "orders.csv", ORDERS.replace("ada", "ada@tea.example")))
    present = shop.now
    result = shop.import_(write(tmp_path, "customers.csv", SHOPIFY), strict=True)
    assert (result.added, result.rejected) == (2, 0)
    # Shopify's orders name customers by email, so that is who they are; the id of the account is theirs too.
    ada = known(shop, shop.now)["ada@tea.example"]
    assert ada["other_ids"] == ["'7001"]
    assert set(known(shop, shop.now)) == {"ada@tea.example", "bob", "bob@tea.example"}
    assert (ada["name"], ada["email"], ada["city"]) == ("Ada Lovelace", "ada@tea.example", "London")
    assert (ada["jurisdiction_country"], ada["jurisdiction_region"]) == ("GB", "ENG")
    assert json.loads(ada["attributes"])["accepts_email_marketing"] == "yes"
    # What holds now is no news of the past; and a log of old orders does not become one of today.
    assert known(shop, present)["ada@tea.example"]["country"] is None
    assert shop.now == present + timedelta(microseconds=1)


def test_importing_an_export_again_adds_what_changed_and_nothing_else(shop: Shop, tmp_path: Path) -> None:
    shop.import_(write(tmp_path, "orders.csv", ORDERS))
    first = "customer_id,email,country\nada,ada@tea.example,GB\nbob,bob@tea.example,US\n"
    moved = first.replace("GB", "DE")
    for number, (text, added, country) in enumerate(
        [(first, 2, "GB"), (first, 0, "GB"), (moved, 1, "DE"), (moved, 0, "DE"), (first, 1, "GB"), (first, 0, "GB")]
    ):
        with clock.held_at(JUNE + timedelta(days=number)):
            result = shop.import_(write(tmp_path, "customers.csv", text), strict=True)
        assert (result.added, result.duplicates) == (added, 2 - added)
        assert known(shop, shop.now)["ada"]["country"] == country


def test_customers_imported_first_do_not_make_the_shops_present(shop: Shop, tmp_path: Path) -> None:
    customers = write(tmp_path, "customers.csv", "customer_id,email,country\nada,ada@tea.example,GB\n")
    shop.import_(customers)
    with pytest.raises(NotEnoughError):
        _ = shop.now
    shop.import_(write(tmp_path, "orders.csv", ORDERS))
    assert shop.now == datetime(2024, 5, 2, 0, 0, 0, 1, tzinfo=UTC)
    assert shop.import_(customers).added == 0


def test_a_file_of_orders_is_not_read_by_the_mapping_of_customers(shop: Shop, tmp_path: Path) -> None:
    shop.import_(write(tmp_path, "customers.csv", "customer,email\nada,ada@tea.example\n"))
    orders = "date,customer,email,product,price\n2024-05-01,ada,ada@tea.example,tea,4.50\n"
    shop.import_(write(tmp_path, "orders.csv", orders))
    types = shop.log.read("events", ["type"])["type"].to_pylist()
    assert sorted(types) == ["customer_identified", "order_completed"]


@pytest.mark.parametrize(
    ("headers", "row", "columns"),
    [
        ("customer_id,email,country", "7,a@tea.example,GB", {"customer_id", "properties.email", "properties.country"}),
        # The address is the customer, and the address.
        ("Email,Name,Registered", "a@tea.example,Ada,2020-01-01",
         {"customer_id", "properties.email", "properties.name", "properties.created_at"}),
        # When an account was made is no event of today.
        ("user_id,created_at,city,Loyalty tier", "7,2020-01-01,Ulm,gold",
         {"customer_id", "properties.created_at", "properties.city", "properties.loyalty_tier"}),
        ("会员编号,姓名,手机号,省份", "7,王,138,浙江",
         {"customer_id", "properties.name", "properties.phone", "properties.region"}),
    ],
)  # fmt: skip
def test_files_about_customers_are_known(headers: str, row: str, columns: set[str]) -> None:
    found = guess(headers.split(","), [row.split(",")], name="people", currency="EUR").mapping
    assert found.constants == {"type": "customer_identified", "time": "import"}
    assert set(found.columns) == columns


@pytest.mark.parametrize(
    ("headers", "rows"),
    [
        ("customer_id,date,email", ["7,2024-05-01,a@tea.example"]),
        ("customer_id,created_at,country,sku", ["7,2024-05-01,GB,tea"]),
        ("customer_id,created_at,country", ["7,2024-05-01,GB", "7,2024-05-02,GB"]),
    ],
    ids=["a time of events", "a product", "more rows than customers"],
)
def test_files_of_events_that_name_customers_are_none(headers: str, rows: list[str]) -> None:
    found = guess(headers.split(","), [row.split(",") for row in rows], name="till", currency="EUR").mapping
    assert found.constants["type"] == "order_completed"


def test_consents_and_objections_are_imported_by_yes_and_no(shop: Shop, tmp_path: Path) -> None:
    consents = (
        "customer_id,purpose,granted,time,channel\nada,marketing,yes,2024-05-01,web\nbob,marketing,No,2024-05-01,web\n"
    )
    objections = "customer_id,purpose,objected,time\ncat,profiling,1,2024-05-01\ndan,profiling,0,2024-05-01\n"
    assert shop.import_(write(tmp_path, "consents.csv", consents), strict=True).added == 2
    assert shop.import_(write(tmp_path, "objections.csv", objections), strict=True).added == 2
    rows = shop.log.read("events", ["customer_id", "type", "text", "channel"]).to_pylist()
    assert {(row["customer_id"], row["type"], row["text"]) for row in rows} == {
        ("ada", "consent_given", "marketing"),
        ("bob", "consent_withdrawn", "marketing"),
        ("cat", "objection_made", "profiling"),
        ("dan", "objection_withdrawn", "profiling"),
    }
    assert withheld(shop, "marketing", JUNE).to_pylist() == ["bob"]
    assert withheld(shop, "profiling", JUNE).to_pylist() == ["cat"]


def test_what_is_neither_yes_nor_no_is_refused(shop: Shop, tmp_path: Path) -> None:
    text = "customer_id,purpose,granted,time\nada,marketing,perhaps,2024-05-01\nbob,marketing,,2024-05-01\n"
    columns = {"customer_id": "customer_id", "text": "purpose", "granted": "granted", "time": "time"}
    mapping = Mapping("consents", columns, {"type": "consent_given"})
    result = shop.import_(write(tmp_path, "consents.csv", text), mapping=mapping)
    assert result.reasons == {"not yes or no": 1, "it is not said whether it is granted": 1}
    other = Mapping("orders", columns, {"type": "order_completed"})
    result = shop.import_(write(tmp_path, "more.csv", text.replace("perhaps", "yes")), mapping=other)
    assert result.added == 0


def test_two_visitors_of_one_customer_at_one_moment_are_two_events(shop: Shop, tmp_path: Path) -> None:
    columns = {"time": "time", "customer_id": "customer_id", "anonymous_id": "anonymous_id"}
    mapping = Mapping("joins", columns, {"type": "customer_identified"})
    for visitor in ("v1", "v2"):
        text = f"time,customer_id,anonymous_id\n2024-05-01,ada,{visitor}\n"
        assert shop.import_(write(tmp_path, f"{visitor}.csv", text), mapping=mapping).added == 1
