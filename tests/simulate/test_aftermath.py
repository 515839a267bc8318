"""Tickets come from what happened, in the customer's language, with the right resolution known."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.simulate import Params, World
from regulars.simulate.truth import Truth


@pytest.fixture(scope="module")
def played(gifts: Params) -> tuple[pa.Table, Truth]:
    orders = gifts.orders.model_copy(
        update={
            "late_share": 0.2,
            "broken_share": 0.05,
            "wrong_size_share": 0.05,
            "reviewed_share": 0.1,
            "asked_share": 1.0,
        }
    )
    customers = gifts.customers.model_copy(update={"chinese_share": 0.5, "arrived_share": 0.8})
    world = World(gifts.model_copy(update={"orders": orders, "customers": customers}), customers=1000, seed=2, days=60)
    return pa.concat_tables([world.step() for _ in range(60)]), Truth.of(world)


def of(events: pa.Table, kind: str) -> pa.Table:
    return events.filter(pc.equal(events["type"], kind))


def test_every_ticket_asked_has_its_cause_and_resolution(played: tuple[pa.Table, Truth]) -> None:
    events, truth = played
    right = dict(zip(truth.tickets["cause"].to_pylist(), truth.tickets["resolution"].to_pylist(), strict=True))
    assert right == {"late": "tracking", "broken": "replacement", "wrong size": "return label"}
    known = set(zip(truth.tickets["order_id"].to_pylist(), truth.tickets["product_id"].to_pylist(), strict=True))
    asked = of(events, "support_asked")
    assert asked.num_rows > 100
    assert set(zip(asked["order_id"].to_pylist(), asked["product_id"].to_pylist(), strict=True)) <= known


def test_a_question_names_the_product_and_is_in_the_customer_s_language(played: tuple[pa.Table, Truth]) -> None:
    events, _ = played
    languages: dict[str, set[bool]] = {}
    for row in of(events, "support_asked").to_pylist():
        is_chinese = bool(re.search(r"[\u4e00-\u9fff]", row["text"]))
        assert is_chinese != bool(re.search(r"[A-Za-z]{3}", row["text"])), "two languages in one text"
        assert re.search(rf"\D{int(row['product_id'][1:], 16) + 1}\D", row["text"]), "no title"
        languages.setdefault(row["customer_id"], set()).add(is_chinese)
    assert all(len(spoken) == 1 for spoken in languages.values())
    assert {next(iter(spoken)) for spoken in languages.values()} == {True, False}


def test_most_answers_are_right_and_some_are_not(played: tuple[pa.Table, Truth]) -> None:
    events, truth = played
    answered = of(events, "support_answered").to_pylist()
    right: dict[str, set[str]] = {}
    for order, resolution in zip(
        truth.tickets["order_id"].to_pylist(), truth.tickets["resolution"].to_pylist(), strict=True
    ):
        right.setdefault(order, set()).add(resolution)
    share = sum(row["outcome"] in right[row["order_id"]] for row in answered) / len(answered)
    assert 0.8 < share < 0.97


def test_what_is_given_back_was_bought_before_at_its_price(played: tuple[pa.Table, Truth]) -> None:
    events, _ = played
    columns = ["order_id", "product_id", "unit_price", "quantity", "customer_id"]
    bought = {tuple(row.values()) for row in of(events, "order_completed").select(columns).to_pylist()}
    refunds = of(events, "order_refunded").select(columns).to_pylist()
    assert len(refunds) > 50
    assert [row for row in refunds if tuple(row.values()) not in bought] == []


def test_what_is_sold_beyond_the_stock_comes_late(gifts: Params) -> None:
    orders = gifts.orders.model_copy(update={"late_share": 0.0, "broken_share": 0.0, "wrong_size_share": 0.0})
    tickets = []
    for stock_days in (0.2, 500.0):
        catalogue = gifts.catalogue.model_copy(update={"stock_days": stock_days, "launched_share": 0.0})
        params = gifts.model_copy(update={"orders": orders, "catalogue": catalogue})
        world = World(params, customers=1000, seed=1, days=30)
        for _ in range(30):
            world.advance()
        tickets.append(Truth.of(world).tickets)
    assert set(tickets[0]["cause"].to_pylist()) == {"late"}
    assert tickets[1].num_rows < 0.05 * tickets[0].num_rows
