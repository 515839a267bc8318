"""`regulars customers`: what each command prints, and how each mistake ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from regulars import Shop
from regulars.cli import app
from regulars.errors import NotFoundError


@pytest.fixture
def pair(shop: Shop, record: Callable[..., Any]) -> Shop:
    """Ada and bob; a visitor's id that both had, and one that is none; ada objects to ads."""
    bought = {"type": "order_completed", "product_id": "tea", "properties.country": "GB"}
    joined = {"type": "customer_identified"}
    record(
        shop,
        {**bought, "customer_id": "ada", "time": "2024-05-01T00:00:00Z", "order_id": "1"},
        {**bought, "customer_id": "bob", "time": "2024-05-02T00:00:00Z", "order_id": "2"},
        {**joined, "customer_id": "ada", "anonymous_id": "[v1]", "time": "2024-05-03T00:00:00Z"},
        {**joined, "customer_id": "bob", "anonymous_id": "[v1]", "time": "2024-05-04T00:00:00Z"},
        {**joined, "customer_id": "bob", "anonymous_id": "undefined", "time": "2024-05-05T00:00:00Z"},
        {"type": "objection_made", "customer_id": "ada", "text": "ads", "time": "2024-05-06T00:00:00Z"},
    )
    return shop


def run(shop: Shop, *words: str) -> str:
    result = CliRunner().invoke(app, ["customers", *words, "--shop", str(shop.folder)])
    assert result.exit_code == 0, result
    return result.output


def test_the_list_counts_customers_and_names_what_was_not_joined_with_its_reason(pair: Shop) -> None:
    said = run(pair, "list")
    assert "2 customers; 1 other ids belong to them." in said
    assert "Jurisdictions: GB 2" in said
    assert "[v1]" in said
    assert "another customer had it first" in said
    assert "undefined" in said
    assert "no identity" in said
    found = json.loads(run(pair, "list", "--json"))
    assert (found["customers"], found["joined_ids"]) == (2, 1)
    assert found["jurisdictions"] == [{"country": "GB", "customers": 2}]
    assert {(row["id"], row["reason"], row["times"]) for row in found["refused"]} == {
        ("[v1]", "another customer had it first", 1),
        ("undefined", "no identity", 1),
    }
    assert pair.tables.read("customers", "customers").num_rows == 2


def test_one_customer_is_shown_by_any_id_with_what_joined_it_and_what_is_forbidden(pair: Shop) -> None:
    said = run(pair, "show", "[v1]")
    assert "ada, as of 2024-05-06" in said
    assert "id [v1], since 2024-05-03 00:00, by " in said
    assert "objection made: ads" in said
    assert "forbidden: ads" in said
    found = json.loads(run(pair, "show", "[v1]", "--json"))
    assert [row["id"] for row in found["ids"]] == ["ada", "[v1]"]
    assert found["withheld"] == ["ads"]
    assert found["traits"]["jurisdiction_country"] == "GB"
    earlier = json.loads(run(pair, "show", "[v1]", "--as-of", "2024-05-03T12:00", "--json"))
    assert earlier["withheld"] == []


def test_merging_and_unmerging_say_what_they_did(pair: Shop) -> None:
    assert "ada and bob are one customer now: ada." in run(pair, "merge", "ada", "bob")
    assert json.loads(run(pair, "unmerge", "ada", "bob", "--json")) == {
        "customer_ids": ["ada", "bob"],
        "log_version": 3,
    }
    assert json.loads(run(pair, "merge", "bob", "ada", "--json")) == {"customer_id": "bob", "log_version": 4}
    assert "customers bob and ada" not in run(pair, "unmerge", "ada", "bob")


def test_an_unknown_customer_is_a_mistake_that_names_similar_ids(pair: Shop) -> None:
    result = CliRunner().invoke(app, ["customers", "show", "adda", "--shop", str(pair.folder)])
    assert isinstance(result.exception, NotFoundError)
    assert "Similar ids: ada" in str(result.exception)
