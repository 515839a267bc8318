"""Joining and parting by hand, and one customer's page of ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from regulars import Shop
from regulars.customers import merge, one_customer, unmerge
from regulars.errors import InputError, NotFoundError

Record = Callable[..., Any]


@pytest.fixture
def pair(shop: Shop, record: Record, tell: Any) -> Shop:
    record(
        shop, tell.bought(0, "ada"), tell.identified(1, "ada", "v1"), tell.bought(2, "ada.old"), tell.bought(3, "bob")
    )
    return shop


def ids(shop: Shop, customer: str) -> list[str]:
    return [row["id"] for row in one_customer(shop, customer, shop.now)["ids"]]


def test_two_customers_are_joined_and_parted_again_and_no_event_is_lost(pair: Shop) -> None:
    before, now = pair.log.read("events"), pair.now
    assert merge(pair, "ada", "ada.old") == "ada"
    assert ids(pair, "ada.old") == ["ada", "ada.old", "v1"]
    assert pair.customers(now)["customer_id"].to_pylist() == ["ada", "ada.old", "bob"]
    assert pair.customers(pair.now)["customer_id"].to_pylist() == ["ada", "bob"]
    assert unmerge(pair, "ada", "ada.old") == ("ada", "ada.old")
    assert ids(pair, "ada") == ["ada", "v1"]
    assert pair.customers(pair.now)["customer_id"].to_pylist() == ["ada", "ada.old", "bob"]
    assert pair.log.read("events").slice(0, before.num_rows).equals(before)
    assert merge(pair, "ada", "ada.old") == "ada"


def test_a_visitor_who_was_parted_is_not_joined_by_the_next_page(pair: Shop, record: Record, tell: Any) -> None:
    unmerge(pair, "ada", "v1")
    record(pair, tell.identified(5, "ada", "v1"))
    assert ids(pair, "ada") == ["ada"]
    merge(pair, "ada", "v1")
    assert ids(pair, "ada") == ["ada", "v1"]


def test_what_cannot_be_done_is_said_and_not_logged(pair: Shop) -> None:
    version = pair.log.version
    with pytest.raises(InputError, match='"ada" and "v1" are one customer already: ada'):
        merge(pair, "ada", "v1")
    with pytest.raises(InputError, match='"ada" and "bob" are not one customer: there is nothing to part'):
        unmerge(pair, "ada", "bob")
    with pytest.raises(InputError, match='"ada" is one id'):
        unmerge(pair, "ada", "ada")
    with pytest.raises(NotFoundError, match=r'no customer "adda" .*Similar ids: ada'):
        merge(pair, "bob", "adda")
    assert pair.log.version == version


def test_a_join_that_is_refused_says_why_and_is_not_logged(pair: Shop, record: Record, tell: Any) -> None:
    record(pair, tell.bought(4, "undefined"), *(tell.identified(5 + k, f"c{k}", "till") for k in range(6)))
    version = pair.log.version
    with pytest.raises(InputError, match="cannot be joined: no identity"):
        merge(pair, "ada", "undefined")
    with pytest.raises(InputError, match="cannot be joined: held back: it met too many customers"):
        merge(pair, "ada", "till")
    assert pair.log.version == version


def test_one_customer_names_each_id_with_the_event_that_joined_it(pair: Shop, record: Record, tell: Any) -> None:
    record(pair, tell.said("objection_made", 5, None, "v1", text="ads", channel="web"))
    found = one_customer(pair, "v1", tell.day(9))
    assert found["customer_id"] == "ada"
    assert found["ids"][0] == {"id": "ada", "since": None, "event_id": None}
    assert found["ids"][1]["since"] == tell.day(1)
    assert found["ids"][1]["event_id"].startswith("customer_identified")
    assert [(row["id"], row["type"], row["purpose"]) for row in found["ledger"]] == [("v1", "objection_made", "ads")]
    assert found["withheld"] == ["ads"]
