"""What a customer's events come to: the same in the engine, in arrays and on one row, by any window and condition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.engine import Engine
from regulars.rules import Column, Events, History, Rule, RuleError, Vocabulary
from regulars.rules.tree import Kind

ENGINE = Engine(threads=1)
NOW = datetime(2024, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TIME = pa.timestamp("us", "UTC")
CUSTOMERS = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("orders", pa.float64()),
        pa.field("gap_days", pa.float64()),
        pa.field("last_order", TIME),
        pa.field("country", pa.string()),
        pa.field("categories", pa.list_(pa.string())),
    ]
)
EVENTS = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("time", TIME),
        pa.field("type", pa.string()),
        pa.field("event", pa.string()),
        pa.field("category", pa.string()),
        pa.field("value", pa.float64()),
    ]
)
VOCABULARY = Vocabulary(
    {
        "orders": Column(Kind.NUMBER),
        "gap_days": Column(Kind.NUMBER, "", "days"),
        "last_order": Column(Kind.TIME),
        "country": Column(Kind.TEXT),
        "categories": Column(Kind.LIST),
    },
    Events(
        {"order_completed": "bought", "message_sent": "was sent a message", "product_viewed": "saw"},
        {"messaged": "message_sent", "ordered": "order_completed", "viewed": "product_viewed"},
        {"category": Column(Kind.TEXT), "value": Column(Kind.NUMBER)},
        {"spend": ("value", "order_completed")},
    ),
    {"loyal": "orders >= 2 or last_order within 30 days", "asked": "not in segment 'loyal' and messaged"},
)
TEXTS = ["lamps", "灯具", "it's", "Lamps"]
MOMENTS = [NOW - days * DAY for days in (0, 1, 7, 30, 45, 60, 400)] + [NOW + DAY, NOW - 7 * DAY - timedelta(seconds=1)]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def people() -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries(
        {
            "orders": st.none() | st.sampled_from([0.0, 1.0, 2.0, 3.0]),
            "gap_days": st.none() | st.sampled_from([0.5, 7.0, 31.0]),
            "last_order": st.none() | st.sampled_from(MOMENTS),
            "country": st.none() | st.sampled_from(["DE", "中国"]),
            "categories": st.none() | st.lists(st.sampled_from(TEXTS), max_size=3),
        }
    )
    named = st.lists(one, max_size=4)
    return named.map(lambda rows: [{"customer_id": f"c{place}", **row} for place, row in enumerate(rows)])


def lines() -> st.SearchStrategy[list[dict[str, Any]]]:
    line = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(["c0", "c1", "c2", "stranger"]),
            "time": st.sampled_from(MOMENTS),
            "type": st.sampled_from(["order_completed", "message_sent"]),
            "event": st.sampled_from(["e1", "e2", "e3"]),
            "category": st.none() | st.sampled_from(TEXTS),
            "value": st.none() | st.sampled_from([0.1, 0.2, 12.34, 100.0, -5.0, float("nan"), 1e308]),
        }
    )
    return st.lists(line, max_size=12)


@st.composite
def rule(draw: st.DrawFn, depth: int = 2) -> str:
    length = st.sampled_from(["7 days", "1 week", "1 months", "60天", "12 小时", "1.5 days", "2 years"])
    date = st.sampled_from(["2024-05-01", "'2024-05-25T00:00'", "7 days ago", "45 days"])
    window = (
        st.just("")
        | st.builds(" within {}".format, length)
        | st.builds(" since {}".format, date)
        | st.builds(" before {}".format, date)
        | st.builds(" since {} before {}".format, date, date)
    )
    sign = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
    order = st.sampled_from(["<", "<=", ">", ">="])
    text = st.sampled_from(list(map(quoted, TEXTS)))
    where = (
        st.just("")
        | st.builds(" where category = {}".format, text)
        | st.builds(" where not value > 12".format)
        | st.builds(" where (category != {} or value < 1)".format, text)
    )
    event = st.sampled_from(["ordered", "messaged", "order_completed", "viewed"])
    measure = st.builds(
        "{}({}{})".format,
        st.sampled_from(["sum", "avg", "min", "max"]),
        st.sampled_from(["spend", "value of messaged", "value * 2 of ordered"]),
        where,
    )
    amount = st.builds("count({}{}{})".format, event, where, st.just("")) | measure
    number = st.sampled_from(["0", "1", "2", "12.34", "0.3", "-5", "orders"])
    simple = (
        st.builds("{}{}{}{}".format, st.sampled_from(["", "did "]), event, where, window)
        | st.builds("{} {} {}{}".format, amount, sign, number, window)
        | st.builds("{} - {} > 0{}".format, amount, amount, window)
        | st.builds("{} between 0 and 2{}".format, amount, window)
        | st.builds("{} in (1, 2, -5){}".format, amount, window)
        | st.builds("{} is null".format, amount)
        | st.builds("last_order {} {}".format, order, length)
        | st.builds("{} {} last_order".format, length, order)
        | st.builds("last_order {}within {}".format, st.sampled_from(["", "not "]), length)
        | st.builds("last_order before {}".format, date)
        | st.builds("last_order between {} and {}".format, length, length)
        | st.builds("gap_days {} {}".format, sign, length)
        | st.builds("{} {}in categories".format, text, st.sampled_from(["", "not "]))
        | st.builds("country in categories".format)
        | st.builds("categories {} {}".format, sign, number)
        | st.sampled_from(["in segment 'loyal'", 'not in segment "loyal"', "in segment asked", "country = '中国'"])
    )
    if depth == 0:
        return draw(simple)
    inner = rule(depth - 1)
    return draw(
        simple
        | st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner)
        | st.builds("not {}".format, inner)
    )


def history(events: list[dict[str, Any]], customers: list[dict[str, Any]], *, encoded: bool = False) -> History:
    places = {row["customer_id"]: place for place, row in enumerate(customers)}
    rows = [{**event, "place": places[event["customer_id"]]} for event in events if event["customer_id"] in places]
    table = pa.Table.from_pylist(rows, EVENTS.append(pa.field("place", pa.int32()))).drop_columns(["customer_id"])
    if encoded:
        for name in ("type", "category", "event"):
            table = table.set_column(table.column_names.index(name), name, table[name].dictionary_encode())
    return History([table.slice(0, 2), table.slice(2)], len(customers))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule(), people(), lines())
def test_engine_arrays_and_rows_agree(text: str, some: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    found = Rule.of(text, VOCABULARY)
    own = {
        row["customer_id"]: [event for event in events if event["customer_id"] == row["customer_id"]] for row in some
    }
    one_by_one = [found.is_true(row, events=own[row["customer_id"]], as_of=NOW) for row in some]
    table = pa.Table.from_pylist(some, CUSTOMERS)
    assert found.mask(table, history=history(events, some), as_of=NOW).tolist() == one_by_one
    place = table.column_names.index("country")
    coded = table.set_column(place, "country", table["country"].dictionary_encode())
    assert found.mask(coded, history=history(events, some, encoded=True), as_of=NOW).tolist() == one_by_one
    kept = found.filter(
        ENGINE.table(table), events=ENGINE.table(pa.Table.from_pylist(events, EVENTS)), as_of=NOW
    ).select("customer_id")
    expected = [row["customer_id"] for row, is_true in zip(some, one_by_one, strict=True) if is_true]
    assert sorted(ENGINE.to_arrow(kept)["customer_id"].to_pylist()) == expected


@settings(max_examples=25, deadline=None)
@given(rule(), people(), lines(), lines())
def test_what_comes_at_the_moment_or_later_changes_nothing(
    text: str, some: list[dict[str, Any]], events: list[dict[str, Any]], later: list[dict[str, Any]]
) -> None:
    found = Rule.of(text, VOCABULARY)
    table = pa.Table.from_pylist(some, CUSTOMERS)
    later = [{**event, "time": NOW + place * DAY} for place, event in enumerate(later)]
    without = found.mask(table, history=history(events, some), as_of=NOW)
    assert found.mask(table, history=history(events + later, some), as_of=NOW).tolist() == without.tolist()


ADA = {
    "customer_id": "ada",
    "orders": 3.0,
    "gap_days": 20.0,
    "last_order": NOW - 75 * DAY,
    "country": "中国",
    "categories": ["lamps", "灯具"],
}


def event(type_: str, days_ago: float, name: str = "e", **fields: Any) -> dict[str, Any]:
    return {"type": type_, "time": NOW - days_ago * DAY, "event": name, "category": None, "value": None, **fields}


@pytest.mark.parametrize(
    ("text", "is_true"),
    [
        ('last_order > 60 days and orders >= 2 and "lamps" in categories and not messaged within 7 days', True),
        ("last_order > 75 days", False),
        ("last_order >= 75 days and last_order <= 75 days", True),
        ("last_order before 2024-04-01 and last_order since 2024-01-01", True),
        ("gap_days < 3 weeks and gap_days > 2 weeks", True),
        ("messaged within 7 days", False),
        ("messaged within 8 days", True),
        ("did message_sent before 7 days ago", True),
        ("count(ordered) = 2", True),
        ("count(ordered where category = '灯具') = 1 and count(ordered) >= 2 within 90 days", True),
        ("sum(spend) = 35 and avg(spend) = 11.6667 and max(spend) = 20", True),
        ("sum(spend within 80 days) = 15 and sum(spend) > 14 within 80 days", True),
        ("max(value of viewed) is null and sum(value of viewed) = 0 and count(viewed) = 0", True),
        ("did ordered where category = 'lamps' and orders = 3", True),
        ("did ordered where (category = 'lamps' and value > 10)", False),
        ("'灯具' in categories and categories = 2 and country = '中国'", True),
        ("in segment 'loyal' and not in segment 'asked'", True),
    ],
)
def test_what_is_written_is_what_is_meant(text: str, is_true: bool) -> None:
    events = [
        event("order_completed", 75, "o2", category="lamps", value=5.0),
        event("order_completed", 75, "o2", category="灯具", value=10.0),
        event("order_completed", 89, "o1", category="garden", value=20.0),
        event("message_sent", 7.5),
    ]
    assert Rule.of(text, VOCABULARY).is_true(ADA, events=events, as_of=NOW) is is_true


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("did", 4, "an event is expected, found the end"),
        ("did product_vewed", 5, 'there is no event "product_vewed". Did you mean "product_viewed"?'),
        ("messagd within 7 days", 1, 'no column or event "messagd". Did you mean "messaged"?'),
        ("messaged within 7", 17, 'behind "within" a duration, e.g. 7 days, is expected'),
        ("messaged within 7 dais", 19, 'there is no unit "dais". Did you mean "days"?'),
        ("messaged since yesterday", 16, 'no column or event "yesterday"'),
        ("messaged since 2024-13-01", 16, "'2024-13-01' is no time"),
        ("last_order > 60", 14, "how long ago is said with a unit, e.g. 60 days"),
        ("last_order = 60 days", 14, "within 7 days"),
        ("orders > 60 days", 10, "counts no days, so write the number alone"),
        ("orders > 2 within 60 days", 12, "stands behind one"),
        ("60 days > 7 days", 1, "two durations are compared"),
        ("last_order > 1000 years", 14, "36,500 days at most"),
        ("value > 3", 1, "did order_completed where (value …)"),
        ("count(ordered where country = 'DE') > 1", 21, 'there is no field of an event "country"'),
        ("count(ordered within 7 days) > 1 within 8 days", 34, "it is said already when"),
        ("sum(value) > 1", 10, '"of" and an event are expected'),
        ("sum(category of ordered) > 1", 5, '"sum" needs a number, and this is a text'),
        ("orders in categories", 1, "needs a text, and this is a number"),
        ("country in country", 12, '"in" without parentheses needs a list of texts'),
        ('in segment "loyl"', 12, 'there is no segment "loyl". Did you mean "loyal"?'),
        ("in", 3, '"segment" is expected, found the end'),
        ("60 days is null", 1, "always known"),
        ("country = “DE”", 11, "write \"."),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(text: str, column: int, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        Rule.of(text, VOCABULARY)
    assert caught.value.column == column
    assert says in str(caught.value)


def test_what_is_known_of_products_counts_for_the_lines_that_have_them() -> None:
    lines = pa.table({
        "place": pa.array([0, 1, 1, 0], pa.int32()),
        "time": pa.array([NOW - DAY] * 4, EVENTS.field("time").type),
        "type": ["product_viewed", "product_viewed", "product_viewed", "message_sent"],
        "event": pa.nulls(4, pa.int64()),
        "product_id": pa.array(["pot", "tea", None, None]).dictionary_encode(),
        "value": pa.array([1.0, 2.0, 4.0, None]),
    })  # fmt: skip
    products = pa.table({"product_id": ["tea", "pot", "cup", "jar"], "category": ["茶", "pots", None, "pots"]})
    found = History([lines.slice(0, 1), lines.slice(1)], 2, products)

    def mask(rule: str) -> list[bool]:
        return Rule.of(rule, VOCABULARY).mask(pa.table({"orders": [1.0, 1.0]}), history=found, as_of=NOW).tolist()

    assert mask("did viewed where category = 'pots'") == [True, False]
    assert mask("count(viewed where category is null) = 1 and count(viewed) = 2") == [False, True]
    assert mask("sum(value of viewed where category starts with '茶') = 2") == [False, True]
    assert mask("did messaged where category is null") == [True, False]
    assert mask("did messaged where category = '茶'") == [False, False]
    texts = found.field("category").cast(pa.string()).to_pylist()
    assert sorted(text for text in texts if text) == ["pots", "茶"]


def test_a_segment_made_of_itself_is_refused_with_the_path() -> None:
    segments = {
        "a": "orders > 1 and in segment b",
        "b": "in segment '茶友'",
        "茶友": "not in segment a",
        "bad": "ordrs > 1",
    }
    vocabulary = Vocabulary(VOCABULARY.columns, VOCABULARY.events, segments)
    with pytest.raises(RuleError, match="a segment cannot be made of itself: a → b → 茶友 → a"):
        Rule.of(segments["a"], vocabulary, name="a")
    with pytest.raises(RuleError, match=r'the rule of segment "bad" cannot be read: .*Did you mean "orders"'):
        Rule.of("in segment bad", vocabulary)
    twice = {"s0": "orders > 1", **{f"s{k}": f"in segment s{k - 1} or in segment s{k - 1}" for k in range(1, 19)}}
    with pytest.raises(RuleError, match="more than 5,000 parts"):
        Rule.of("in segment s18", Vocabulary(VOCABULARY.columns, VOCABULARY.events, twice))


def test_words_of_events_are_columns_where_there_are_such_columns() -> None:
    rule_of = Rule.of("count > 1 and did = 'x' and since within 1 day and where = 2", Vocabulary(
        {
            "count": Column(Kind.NUMBER), "did": Column(Kind.TEXT), "since": Column(Kind.TIME),
            "where": Column(Kind.NUMBER),
        },
        VOCABULARY.events,
    ))  # fmt: skip
    assert rule_of.is_true({"count": 2, "did": "x", "since": NOW - DAY, "where": 2}, as_of=NOW)


def test_a_table_that_is_not_of_customers_knows_no_durations() -> None:
    with pytest.raises(RuleError, match="there is no moment that it could count from"):
        Rule.of("since > 60 days", {"since": Kind.TIME})


def test_a_rule_that_needs_a_moment_or_events_says_so() -> None:
    table = pa.Table.from_pylist([ADA], CUSTOMERS)
    with pytest.raises(ValueError, match="no moment is given"):
        Rule.of("last_order > 60 days", VOCABULARY).mask(table)
    with pytest.raises(ValueError, match="asks for message_sent events"):
        Rule.of("messaged", VOCABULARY).mask(table, as_of=NOW)


def test_a_rule_knows_what_it_is_made_of() -> None:
    found = Rule.of("in segment asked and count(viewed where category = 'x') > gap_days", VOCABULARY)
    assert found.segments == {"asked", "loyal"}
    assert found.events == {"message_sent", "product_viewed"}
    assert found.fields == {"category"}
    assert found.columns == {"gap_days", "orders", "last_order"}
