"""What is known of each customer as of a moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from regulars import Shop
from regulars.customers import customers_as_of
from regulars.customers.view import CUSTOMERS

Record = Callable[..., Any]


def by_id(shop: Shop, moment: Any) -> dict[str, dict[str, Any]]:
    table = customers_as_of(shop, moment)
    assert table.schema.equals(CUSTOMERS)
    table.validate(full=True)
    return {row["customer_id"]: row for row in table.to_pylist()}


@pytest.fixture
def known(shop: Shop, record: Record, tell: Any) -> Shop:
    record(
        shop,
        tell.said("product_viewed", 0, None, "v1", product_id="tea"),
        tell.identified(1, "ada", "v1", email="ada@tea.example", country="GB", age="36"),
        tell.identified(2, "ada", None, country="DE", firstName="Ada", lastName="Lovelace", plan='gold "plus"'),
        tell.identified(3, "bob", None, name="Bob"),
        tell.bought(4, "bob", **{"properties.country": "US", "properties.region": "CA"}),
        tell.bought(5, "bob", **{"properties.country": "France"}),
        tell.bought(6, "zoe"),
        tell.bought(7, None, "v2"),
    )
    return shop


def test_each_trait_is_the_newest_that_was_said(known: Shop, tell: Any) -> None:
    ada = by_id(known, tell.day(9))["ada"]
    assert (ada["email"], ada["country"], ada["name"]) == ("ada@tea.example", "DE", "Ada Lovelace")
    assert json.loads(ada["attributes"]) == {"age": "36", "plan": 'gold "plus"'}
    assert by_id(known, tell.day(2))["ada"]["country"] == "GB"


def test_the_ids_and_the_times_are_of_all_that_belongs_to_the_customer(known: Shop, tell: Any) -> None:
    ada = by_id(known, tell.day(9))["ada"]
    assert (ada["other_ids"], ada["first_time"], ada["last_time"]) == (["v1"], tell.day(0), tell.day(2))


def test_the_jurisdiction_is_of_the_traits_else_of_the_newest_order_else_unknown(known: Shop, tell: Any) -> None:
    found = by_id(known, tell.day(9))
    where = {who: (row["jurisdiction_country"], row["jurisdiction_region"]) for who, row in found.items()}
    # Bob's newest order names no region: California is not in France.
    assert where == {"ada": ("DE", None), "bob": ("France", None), "zoe": (None, None)}
    earlier = by_id(known, tell.day(5))["bob"]
    assert (earlier["jurisdiction_country"], earlier["jurisdiction_region"]) == ("US", "CA")


def test_visitors_are_no_customers_yet(known: Shop, tell: Any) -> None:
    assert set(by_id(known, tell.day(9))) == {"ada", "bob", "zoe"}
    assert by_id(known, tell.day(1)) == {}


def test_an_address_inside_the_traits_is_read(shop: Shop, tmp_path: Any, tell: Any, record: Record) -> None:
    from regulars.events.mapping import Mapping

    line = {"time": "2024-05-01T00:00:00Z", "who": "ada", "a": {"city": "Ulm", "country": "DE"}}
    (tmp_path / "in.jsonl").write_text(json.dumps(line) + "\n")
    columns = {"time": "time", "customer_id": "who", "properties.address.city": "a.city"}
    columns |= {"properties.address.country": "a.country"}
    shop.import_(tmp_path / "in.jsonl", mapping=Mapping("m", columns, {"type": "customer_identified"}), strict=True)
    ada = by_id(shop, tell.day(9))["ada"]
    assert (ada["city"], ada["country"], ada["attributes"]) == ("Ulm", "DE", None)


def test_an_address_that_is_an_object_is_read(shop: Shop, record: Record, tell: Any) -> None:
    import ibis

    record(shop, tell.identified(0, "ada", None, address="?"))
    said = ibis.literal('{"address": {"city": "Ulm", "postalCode": "89073"}, "vip": true, "note": null}')
    other = shop.with_events(shop.events.mutate(properties=said))
    ada = by_id(other, tell.day(9))["ada"]
    assert ada["city"] == "Ulm"
    assert json.loads(ada["attributes"]) == {"address.postalCode": "89073", "vip": True}
