"""Who is in a segment as of a moment is what the events before it tell, by hand, in the engine and in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from regulars import Shop
from regulars.errors import InputError, NotEnoughError
from regulars.evaluation import leak_check
from regulars.segment.rule import Count, Counter, Segment, Words, known_as_of, members, moves, overlap, suggest

NOW = datetime(2024, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def happened(customer: str, type_: str, days_ago: float, **fields: Any) -> dict[str, Any]:
    return {"type": type_, "customer_id": customer, "time": (NOW - days_ago * DAY).isoformat(), **fields}


def bought(customer: str, days_ago: float, order: str, category: str, price: float) -> dict[str, Any]:
    about = {"product_id": f"p-{category}", "category": category, "title": f"{category} 1"}
    return happened(customer, "order_completed", days_ago, order_id=order, quantity=1, unit_price=price, **about)


EVENTS = [
    # ada bought lamps twice, the last time 75 days ago; an order of two lines is one.
    bought("ada", 80, "a1", "lamps", 40.0),
    bought("ada", 75, "a2", "lamps", 60.0),
    bought("ada", 75, "a2", "灯具", 5.0),
    # bo as well, but was sent a message yesterday, and objected to marketing.
    bought("bo", 90, "b1", "lamps", 10.0),
    bought("bo", 70, "b2", "lamps", 10.0),
    happened("bo", "message_sent", 1),
    happened("bo", "objection_made", 2, text="marketing"),
    # cy as ada, but objected to profiling.
    bought("cy", 90, "c1", "lamps", 10.0),
    bought("cy", 61, "c2", "lamps", 10.0),
    happened("cy", "objection_made", 3, text="profiling"),
    # dee never bought; eve bought yesterday.
    happened("dee", "product_viewed", 3, product_id="p-lamps"),
    {**bought("eve", 1, "e1", "灯具", 7.0), "channel": "it's"},
    # On another device, joined with ada half a day ago.
    {**happened("", "product_viewed", 2, product_id="p-灯具"), "customer_id": None, "anonymous_id": "phone"},
    {**happened("ada", "customer_identified", 0.5), "anonymous_id": "phone"},
    happened("zed", "product_viewed", 0.0),
]
LAPSING = 'last_order > 60 days and orders >= 2 and "lamps" in categories and not messaged within 7 days'


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., Any]) -> Shop:
    """Six customers of a shop of lamps. Not to be written to."""
    shop = Shop.create(tmp_path_factory.mktemp("lamps") / "shop")
    columns = sorted({name for event in EVENTS for name in event})
    record(shop, *({name: event.get(name) for name in columns} for event in EVENTS))
    return shop


@pytest.fixture(scope="module")
def words(lamps: Shop) -> Words:
    return Words.of(lamps, NOW)


@pytest.fixture(scope="module")
def counter(lamps: Shop, words: Words) -> Counter:
    return Counter.of(lamps, NOW, words=words)


RULES = [
    (LAPSING, ["ada"]),
    ("last_order > 60 days", ["ada", "bo"]),
    ("messaged within 7 days", ["bo"]),
    ("count(order_completed where category = 'lamps') >= 2 within 90 days", ["ada", "bo"]),
    ("count(ordered) = 2", ["ada", "bo"]),
    ("sum(spend) > 100 within 90 days", ["ada"]),
    ("spend = 105 and orders = 2", ["ada"]),
    ("'灯具' in categories", ["ada", "eve"]),
    ("categories = 2", ["ada"]),
    ("categories = 0 and last_order is null", ["dee"]),
    ("did viewed", ["ada", "dee"]),
    ("viewed since 2024-05-30", ["ada"]),
    ("下单 where title starts with '灯具' before 30 days ago", ["ada"]),
    ("views >= 1", ["ada", "dee"]),
    ("recency_days < 2 days", ["eve"]),
    ("customer_id in ('eve', 'bo')", ["bo", "eve"]),
]


@pytest.mark.parametrize(("rule", "expected"), [RULES[0], RULES[3]])
def test_members_are_who_the_events_say(lamps: Shop, words: Words, rule: str, expected: list[str]) -> None:
    found = members(lamps, rule, NOW, words=words)
    assert found.table["customer_id"].to_pylist() == expected
    assert found.customers == 5


@pytest.mark.parametrize(("rule", "expected"), RULES)
def test_the_count_in_memory_is_that_of_the_same_customers(counter: Counter, rule: str, expected: list[str]) -> None:
    is_meant = counter.mask(rule)
    named = [name for name in counter.table["customer_id"].filter(is_meant).to_pylist() if name != "cy"]
    assert named == expected
    assert counter.count(rule).members == len(expected)


def test_all_that_rules_are_asked_of_are_known_by_id_or_have_ordered(counter: Counter, lamps: Shop) -> None:
    assert known_as_of(lamps, NOW)["customer_id"].to_pylist() == counter.table["customer_id"].to_pylist()
    assert known_as_of(lamps, NOW - 76 * DAY)["customer_id"].to_pylist() == ["ada", "bo", "cy"]


def test_who_objected_is_counted_apart(counter: Counter, lamps: Shop, words: Words) -> None:
    assert counter.count("last_order > 60 days") == Count(members=2, contactable=1, left_out=1, customers=5)
    found = members(lamps, "last_order > 60 days", NOW, words=words)
    assert found.table.to_pylist() == [
        {"customer_id": "ada", "may_contact": True},
        {"customer_id": "bo", "may_contact": False},
    ]
    assert found.left_out == 1


def test_an_event_that_never_came_is_noted(counter: Counter) -> None:
    found = counter.count("not reviewed")
    assert found.members == 4
    assert found.notes == (
        "The log has no product_reviewed events before 2024-06-01: nobody did that, as far as it tells.",
    )


def test_an_event_at_the_moment_is_not_known_yet(lamps: Shop, words: Words) -> None:
    viewed = "did viewed"
    assert members(lamps, viewed, NOW, words=words).table["customer_id"].to_pylist() == ["ada", "dee"]
    later = members(lamps, viewed, NOW + timedelta(seconds=1), words=words)
    assert later.table["customer_id"].to_pylist() == ["ada", "dee", "zed"]


def test_what_comes_after_the_moment_changes_nothing(lamps: Shop, words: Words) -> None:
    rule = "(last_order > 30 days or '灯具' in categories) and not messaged and count(viewed) <= 1 and last_seen is not null"
    moment = NOW - 1.5 * DAY

    def compute(seen: Any) -> Any:
        return members(lamps.with_events(seen), rule, moment, words=words).table

    check = leak_check(compute, lamps.events, moment)
    assert check.passed, check.detail
    assert compute(lamps.events)["customer_id"].to_pylist() == ["ada", "bo"]


def test_an_id_counts_for_its_customer_from_when_that_is_known(lamps: Shop, words: Words) -> None:
    before = members(lamps, "did viewed", NOW - DAY, words=words)
    assert before.table["customer_id"].to_pylist() == ["dee"]


def test_who_entered_and_who_left(lamps: Shop, words: Words) -> None:
    recent = Segment("recent", "ordered within 30 days", "", 3, NOW)
    found = moves(lamps, recent, NOW - 59 * DAY, NOW, words=words)
    assert [(row["customer_id"], row["move"]) for row in found.to_pylist()] == [
        ("eve", "entered"), ("ada", "left"), ("bo", "left"), ("cy", "left"),
    ]  # fmt: skip
    assert found["version"].unique().to_pylist() == [3]
    assert found["since"][0].as_py() == NOW - 59 * DAY
    with pytest.raises(InputError, match="is not before"):
        moves(lamps, recent, NOW, NOW, words=words)


def test_overlap_says_whether_it_is_more_than_chance(lamps: Shop, words: Words) -> None:
    found = overlap(lamps, "'lamps' in categories", "last_order > 60 days", NOW, words=words)
    assert (found.first, found.second, found.both, found.customers) == (2, 2, 2, 5)
    assert found.jaccard == 1.0
    assert found.lift == 2.5


def test_a_shop_without_customers_says_so(shop: Shop) -> None:
    with pytest.raises(NotEnoughError, match=r"log .* is empty"):
        members(shop, "orders > 1", NOW)
    with pytest.raises(NotEnoughError, match="no customer has an event before"):
        Words.of(shop, NOW)


def test_suggestions_have_meaning_examples_and_counts(counter: Counter) -> None:
    by_text = {found.text: found for found in suggest("", counter)}
    assert by_text["categories"].examples == ("lamps", "灯具")
    assert by_text["categories"].meaning == "categories bought from (list of texts)"
    assert by_text["messaged"].count == 1
    assert by_text["views"].meaning == "product pages seen (number, views)"
    values = suggest("did ordered where category = '", counter)
    assert [(found.text, found.count) for found in values] == [("'lamps'", 7), ("'灯具'", 3)]
    assert [found.text for found in suggest("categories contains '灯", counter)] == ["'灯具'"]
    assert next(found.text for found in suggest("channels contains ", counter)) == "'it''s'"
    assert suggest("ordrs > 2 and ", counter) == []
