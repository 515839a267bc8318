"""Prices of single customers, on the same shop: said, stood by, objected to, kept to the law of the place, audited."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.customers import object_to
from regulars.errors import InputError, NotFoundError
from regulars.events.schema import TIME
from regulars.pricing.audit import audit, audit_of
from regulars.pricing.facts import Facts
from regulars.pricing.law import Law, strictest
from regulars.pricing.money import to_amount
from regulars.pricing.quoting import Desk, quote
from regulars.pricing.suggesting import set_prices
from tests.pricing.conftest import T, events, now


def test_a_personal_price_says_so_and_is_logged_before_it_is_told(personal: tuple[Shop, str]) -> None:
    shop, who = personal
    made = quote(shop, "p01", who, now(shop))
    said = made.to_dict()
    assert said["personalised"] is True
    assert said["disclosure"] == "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA."
    assert made.price < made.list_price
    line = audit(shop, customer_id=who, product_id="p01").to_pylist()[-1]
    assert (line["what"], line["price"], line["disclosure"]) == ("shown", made.price, said["disclosure"])
    assert line["why"]


def test_an_objection_turns_it_off_at_once_and_no_personal_price_of_before_stands(personal: tuple[Shop, str]) -> None:
    shop, who = personal
    desk = Desk(shop, Facts.read(shop, now(shop)))
    assert desk.quote("p01", who, now(shop), session_id="s").personalised
    waiting = desk.quote("p01", who, now(shop), session_id="s", objects=True)  # the log has not heard of it yet
    assert (waiting.personalised, waiting.price, waiting.mode) == (False, waiting.list_price, "declared")
    object_to(shop, who, "pricing")
    made = quote(shop, "p01", who, now(shop), session_id="s")
    assert (made.personalised, made.price, made.mode) == (False, made.list_price, "declared")
    again = shop.decide("pricing", now(shop)).table.to_pylist()
    assert next(line for line in again if line["customer_id"] == who)["share"] == 0
    object_to(shop, who, "pricing", withdraw=True)
    assert quote(shop, "p01", who, now(shop)).mode == "personal"


def test_who_looks_again_is_not_asked_for_more(personal: tuple[Shop, str], tea: Callable[..., Shop]) -> None:
    shop, who = personal
    first = quote(shop, "p01", who, now(shop), session_id="s")
    shop = tea(mode="personal", budget=0.0, explore=0.0, min_margin=0.0)
    shop.decide("pricing", now(shop))
    held = quote(shop, "p01", who, now(shop), session_id="s")
    assert held.price == first.price
    assert held.personalised
    assert held.why[-1] == "this price was shown before and stands"
    later = now(shop) + timedelta(days=3)
    assert quote(shop, "p01", who, later, session_id="t").price == held.list_price
    # In the same session it stands however long it lasts.
    assert quote(shop, "p01", who, later, session_id="s").price == first.price


def test_a_desk_asks_the_log_nothing_and_sees_more_once_its_facts_are_read_anew(
    personal: tuple[Shop, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, who = personal
    at = now(shop)
    desk = Desk(shop, Facts.read(shop, at))
    first = desk.quote("p01", who, at, session_id="s")
    queries: list[Any] = []
    to_arrow = type(shop.engine).to_arrow
    monkeypatch.setattr(type(shop.engine), "to_arrow", lambda *said: (queries.append(said), to_arrow(*said))[1])
    again = desk.quote("p01", who, at + timedelta(minutes=1), session_id="s")
    assert (again.price, again.personalised, queries) == (first.price, True, [])
    object_to(shop, who, "pricing")
    desk.renew(Facts.read(shop, now(shop)))
    made = desk.quote("p01", who, now(shop), session_id="s")
    assert (made.personalised, made.price) == (False, made.list_price)


def test_what_a_desk_told_stands_when_its_facts_are_read_anew(personal: tuple[Shop, str]) -> None:
    shop, who = personal
    desk = Desk(shop, Facts.read(shop, now(shop)))
    first = desk.quote("p01", who, now(shop), session_id="s")
    shop.decide("pricing", T + timedelta(days=400))  # long after the last order: nobody is worth a discount
    desk.renew(Facts.read(shop, now(shop)))
    assert desk.quote("p01", who, now(shop)).price == first.price


def test_who_orders_is_not_new_at_once(tea: Callable[..., Shop]) -> None:
    shop = tea(mode="declared", new_customer_discount=0.1)
    desk = Desk(shop, Facts.read(shop, T))
    assert desk.quote("p01", "zoe", T).price < desk.quote("p01", None, T).price
    desk.hear([{"type": "order_completed", "customer_id": "zoe"}], {})
    assert desk.quote("p02", "zoe", T).policy == "no stated rule applies"


def test_a_price_that_is_to_come_counts_from_its_moment_on(tea: Callable[..., Shop]) -> None:
    shop = tea()
    desk = Desk(shop, Facts.read(shop, T))
    soon = T + timedelta(hours=1)
    listed = desk.quote("p01", None, T).list_price
    chosen = to_amount(round(listed * 100) + 10, "EUR")
    set_prices(shop, pa.table({"product_id": ["p01"], "suggested": [chosen]}), soon)
    desk.reprice(Facts.read(shop, T + timedelta(seconds=1)).prices)
    told = [desk.quote("p01", None, soon + timedelta(seconds=second)).list_price for second in (-1, 1)]
    assert told == [listed, chosen]


@pytest.mark.parametrize(
    ("traits", "mode"),
    [
        ({"country": "CN"}, "declared"), ({"address": {"country": "JP"}}, "declared"),
        ({"country": "US", "region": "CA"}, "personal"), ({"email": "ada@tea.example"}, "personal"),
    ],
)  # fmt: skip
def test_a_stricter_place_counts_at_once_and_a_laxer_one_once_the_log_has_it(
    personal: tuple[Shop, str], traits: dict[str, Any], mode: str
) -> None:
    shop, who = personal
    desk = Desk(shop, Facts.read(shop, now(shop)))
    assert desk.quote("p01", who, now(shop), session_id="s").personalised
    said = {"type": "customer_identified", "customer_id": who, "properties": traits}
    desk.hear([said], {})
    made = desk.quote("p01", who, now(shop), session_id="s")
    assert (made.mode, made.personalised) == (mode, mode == "personal")
    if mode == "declared":
        assert made.price == made.list_price
        desk.hear([said | {"properties": {"country": "DE"}}], {})
        assert desk.quote("p01", who, now(shop)).mode == "personal"  # as the log still has it: a New Yorker


def test_who_pays_the_list_price_may_look_again(tea: Callable[..., Shop]) -> None:
    shop = tea()
    desk = Desk(shop, Facts.read(shop, T))
    first, again = (desk.quote("p01", "c000", T + timedelta(minutes=minute)).to_dict() for minute in (0, 1))
    assert (first["price"], first["personalised"]) == (again["price"], again["personalised"])
    assert again["personalised"] is False


def test_stated_rules_hold_for_all_who_meet_them(tea: Callable[..., Shop]) -> None:
    shop = tea(mode="declared", member_discount=0.1, new_customer_discount=0.15, volume_discount=0.2, volume_from=5)
    begun = T - timedelta(days=1)
    joined = [
        {"event_id": f"joined {who}", "time": begun, "customer_id": who, "type": "signed_up"}
        for who in ("c002", "c003")
    ]
    shop.log.append(events(*joined), "joined")
    listed = quote(shop, "p01", None, T).price
    one = quote(shop, "p01", "c002", T)
    assert not one.personalised
    assert quote(shop, "p01", "c004", T).price == listed  # only identified, as a guest who left an address
    assert float(one.price / listed) == pytest.approx(0.9, abs=0.01)
    assert one.policy == "stated rule: members have 10% off"
    assert float(quote(shop, "p01", "nobody yet", T).price / listed) == pytest.approx(0.85, abs=0.01)
    assert float(quote(shop, "p01", "c003", T, quantity=5).price / listed) == pytest.approx(0.8, abs=0.01)
    assert quote(shop, "p01", "c003", T, quantity=1).price == one.price


def test_a_stated_discount_says_that_it_is_open_to_all_where_the_law_allows_no_other(tea: Callable[..., Shop]) -> None:
    shop = tea(mode="declared", member_discount=0.1)
    joined = [
        {"event_id": f"joined {who}", "time": T - timedelta(days=1), "customer_id": who, "type": "signed_up"}
        for who in ("c000", "c002", "c003")
    ]
    shop.log.append(events(*joined), "joined")
    words = Law.known().terms("CN", None, T).sentences[0]
    assert words.startswith("This offer follows a public rule")
    said = {who: quote(shop, "p01", who, T).disclosure for who in ("c000", "c002", "c003", "c006")}
    assert said == {"c000": "", "c002": words, "c003": "", "c006": ""}  # Germany, China, Japan; China at the list price
    decided = {line["customer_id"]: line["disclosure"] for line in shop.decide("pricing", T).table.to_pylist()}
    assert [decided[who] for who in ("c000", "c002", "c003", "c006")] == [None, words, None, None]


def test_what_is_wrong_in_the_log_is_found_by_the_audit(tea: Callable[..., Shop]) -> None:
    shop = tea()
    moment = T + timedelta(hours=1)
    made = quote(shop, "p01", "c000", moment, session_id="s")
    bare = {"event_id": "x", "time": moment + timedelta(minutes=1), "type": "price_quoted", "customer_id": "c000", "product_id": "p02",
            "unit_price": Decimal(3), "properties": json.dumps({"personalised": True, "disclosure": None})}  # fmt: skip
    charged = {"event_id": "y", "time": moment + timedelta(minutes=2), "type": "order_completed", "customer_id": "c000", "session_id": "s",
               "product_id": "p01", "unit_price": made.price + 1, "order_id": "y", "quantity": 1.0}  # fmt: skip
    shop.log.append(events(bare, charged), "by hand")
    problems = [line["problem"] for line in audit_of(shop, "c000").to_pylist()]
    assert [text for text in problems if text] == [
        "a personal price without a disclosure", f"more was charged than was shown: {made.price}",
    ]  # fmt: skip
    with pytest.raises(NotFoundError, match='customer or product "nobody"'):
        audit_of(shop, "nobody")
    with pytest.raises(InputError, match="Of which"):
        audit(shop)


def test_a_product_without_a_price_and_a_quantity_of_none_are_refused(tea: Callable[..., Shop]) -> None:
    shop = tea()
    with pytest.raises(NotFoundError, match='no product "tea"'):
        quote(shop, "tea", None, T)
    with pytest.raises(InputError, match="quantity = 0"):
        quote(shop, "p01", None, T, quantity=0)


PLACES = st.sampled_from(
    [{"country": "CN"}, {"country": "DE"}, {"country": "US", "region": "NY"}, {"country": "JP"}, {}]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    heard=st.lists(PLACES, max_size=4), coins=st.lists(st.integers(100, 5000), max_size=4), minute=st.integers(0, 50)
)
def test_whatever_is_heard_a_price_keeps_to_the_law_and_the_list_price_of_its_moment(
    personal: tuple[Shop, str], heard: list[dict[str, str]], coins: list[int], minute: int
) -> None:
    shop, who = personal
    facts = replace(_facts_of(shop), told={})
    desk, at = Desk(shop, facts), facts.as_of + timedelta(minutes=minute, seconds=1)
    before = desk.quote("p01", None, at).list_price
    to_come = [facts.as_of + timedelta(minutes=10 * number) for number in range(len(coins))]
    rows = pa.table(
        {"product_id": ["p01"] * len(coins), "since": pa.array(to_come, TIME), "coins": pa.array(coins, pa.int64()),
         "is_set": [True] * len(coins)}
    )  # fmt: skip
    history = pa.concat_tables([facts.prices.history, rows.cast(facts.prices.history.schema)])
    order = [(name, "ascending") for name in ("product_id", "since", "coins")]
    desk.reprice(replace(facts.prices, history=history.sort_by(order)))
    for place in heard:
        desk.hear([{"type": "customer_identified", "customer_id": who, "properties": place}], {})
    made = desk.quote("p01", who, at)
    past = [coin for coin, since in zip(coins, to_come, strict=True) if since < at]
    assert made.list_price == (to_amount(past[-1], "EUR") if past else before)
    assert made.price <= made.list_price
    told = [place for place in heard if place]
    of_last = facts.law.terms(told[-1]["country"], told[-1].get("region"), at) if told else None
    assert made.mode == ("personal" if of_last is None else strictest("personal", of_last.mode))
    if made.personalised:
        assert made.disclosure == "\n".join(made.terms.sentences)
        assert made.terms.place == (of_last.place if of_last else "US-NY")


@cache
def _facts_of(shop: Shop) -> Facts:
    return Facts.read(shop, now(shop))
