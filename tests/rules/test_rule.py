"""A rule means the same on a table of the engine, on columns in memory and on one row, and says what is wrong with it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.engine import Engine
from regulars.rules import Rule, RuleError, kinds
from regulars.rules.tree import Kind

ENGINE = Engine(threads=1)
SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64()),
        pa.field("price", pa.float64()),
        pa.field("title", pa.string()),
        pa.field("名称", pa.string()),
        pa.field("is_new", pa.bool_()),
        pa.field("since", pa.timestamp("us", "UTC")),
        pa.field("tags", pa.list_(pa.string())),
    ]
)
TEXTS = ["", "tea", "green tea", "茶", "绿茶", "it's", "%", "_", "a\\b", 'say "x"']
NUMBERS = [0.0, -0.0, 1.0, 1.5, 20.0, 1e308, -1e308, 3e-320]
MOMENTS = [datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 1, 18, 30, tzinfo=UTC), datetime(1999, 1, 1, tzinfo=UTC)]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def rows() -> st.SearchStrategy[dict[str, Any]]:
    def or_none(values: Any) -> Any:
        return st.none() | st.sampled_from(values)

    return st.fixed_dictionaries(
        {
            "number": or_none([0, 1, -1, 2**53 + 1, 7]),
            "price": or_none([*NUMBERS, float("nan"), float("inf")]),
            "title": or_none(TEXTS),
            "名称": or_none(TEXTS),
            "is_new": st.none() | st.booleans(),
            "since": or_none(MOMENTS),
            "tags": st.none() | st.lists(st.sampled_from(TEXTS), max_size=2),
        }
    )


@st.composite
def number(draw: st.DrawFn, depth: int = 2) -> str:
    simple = st.sampled_from(["number", "price", "0", "1.5", "20", "1e308", ".5"])
    if depth == 0:
        return draw(simple)
    inner = number(depth - 1)
    return draw(
        simple | st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner) | st.builds("-{}".format, inner)
    )


@st.composite
def rule(draw: st.DrawFn, depth: int = 2) -> str:
    text = st.sampled_from(["title", "名称", *map(quoted, TEXTS)])
    sign = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "<>", "=="])
    moment = st.sampled_from(["'2024-05-01'", "'2024-05-01T18:30'", "'2024-05-01T18:30+08:00'"])
    maybe = st.sampled_from(["", "not "])
    simple = (
        st.just("is_new")
        | st.sampled_from(["true", "false", "is_new = true", "is_new != (price > 1)"])
        | st.builds("{} {} {}".format, number(), sign, number())
        | st.builds("{} {} {}".format, text, sign, text)
        | st.builds("since {} {}".format, sign, moment)
        | st.builds("{} {}between {} and {}".format, number(), maybe, number(), number())
        | st.builds("{} {}in ({}, {})".format, number(), maybe, st.sampled_from(["1", "-1", "0"]), st.just("1.5"))
        | st.builds("title {}in ({})".format, maybe, st.sampled_from(list(map(quoted, TEXTS))))
        | st.builds("{} {}{} {}".format, text, maybe, st.sampled_from(["contains", "starts with"]), text)
        | st.builds("tags {}contains {}".format, maybe, text)
        | st.builds(
            "{} is {}null".format, st.sampled_from(SCHEMA.names).filter(lambda n: n != "tags") | number(), maybe
        )
    )
    if depth == 0:
        return draw(simple)
    inner = rule(depth - 1)
    return draw(
        simple
        | st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "AND"]), inner)
        | st.builds("not {}".format, inner)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule(), st.lists(rows(), max_size=6))
def test_engine_columns_and_rows_agree(text: str, some: list[dict[str, Any]]) -> None:
    found = Rule.of(text, SCHEMA)
    table = pa.Table.from_pylist(some, SCHEMA)
    one_by_one = [found.is_true(row) for row in some]
    assert found.mask(table).tolist() == one_by_one
    numbered = table.append_column("place", pa.array(range(len(some)), pa.int64()))
    kept = ENGINE.to_arrow(found.filter(ENGINE.table(numbered)).select("place"))["place"].to_pylist()
    assert sorted(kept) == [place for place, is_true in enumerate(one_by_one) if is_true]


def test_what_is_written_is_what_is_meant() -> None:
    rows_of = {
        "price": 12.5,
        "title": "绿茶 Sencha",
        "number": 3,
        "is_new": None,
        "since": MOMENTS[0],
        "tags": ["a"],
        "名称": None,
    }
    true = [
        "price < 20 and title contains '绿茶'",
        "not price > 20",
        "number * 2 + 1 = 7",
        "10 - 2 - 3 = 5 and 8 / 2 / 2 = 2 and 2 + 3 * 4 = 14",
        "price between 10 and 15 and number in (1, 3)",
        "title starts with '绿' or is_new",
        "since < '2024-05-02' and since = '2024-05-01T08:00+08:00'",
        "tags contains 'a' and not tags contains 'b'",
        "名称 is null and price is not null",
        "`price` > -1 # as it should be",
        "true or number / 0 = 1",
        "false and true or true",
    ]
    for text in true:
        assert Rule.of(text, SCHEMA).is_true(rows_of), text
    unknown = [
        "number / 0 = 1",
        "not number / 0 = 1",
        "is_new",
        "not is_new",
        "名称 = 'x'",
        "名称 != 'x'",
        "名称 not in ('x')",
    ]
    for text in unknown:
        assert not Rule.of(text, SCHEMA).is_true(rows_of), text


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("", 1, 1, "a column, a number or a text is expected, found the end"),
        ("price <", 1, 8, "found the end"),
        ("price < 20 and\n  colour = 'red'", 2, 3, 'no column "colour"'),
        ("titel = 'x'", 1, 1, 'Did you mean "title"?'),
        ("price = 'x'", 1, 9, "a number is compared with a text"),
        ("price + title > 1", 1, 9, '"+" needs a number, and this is a text'),
        ("price", 1, 1, "a rule needs true or false, and this is a number"),
        ("title contains 3", 1, 16, '"contains" needs a text'),
        ("price ; drop", 1, 7, "';' has no meaning"),
        ("title = 'x", 1, 9, "no closing '"),
        ("price < 20 title", 1, 12, '"and", "or" or the end is expected'),
        ("since > 'yesterday'", 1, 9, "is no time"),
        ("price in ('a')", 1, 11, "this list needs a number"),
        ("price in ()", 1, 11, "is expected"),
        ("price not < 3", 1, 11, '"in", "between", "contains" or "starts" is expected'),
        ("not price", 1, 5, '"not" needs true or false'),
        ("is_new < true", 1, 1, "has no order"),
        ("tags = 'a'", 1, 1, "contains"),
        ("(price < 3", 1, 11, '")" is expected, found the end'),
        ("(" * 500 + "is_new" + ")" * 500, 1, 101, "more than 100 parts"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        Rule.of(text, SCHEMA)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert says in str(caught.value)


def test_an_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(RuleError, match="There are: brand, price"):
        Rule.of("colour = 'red'", {"price": Kind.NUMBER, "brand": Kind.TEXT})


@given(st.text(max_size=40) | st.text("pricetl<>=()'`and 0.9-", max_size=40))
def test_any_text_is_a_rule_or_a_rule_error(text: str) -> None:
    with suppress(RuleError):
        Rule.of(text, SCHEMA).mask(SCHEMA.empty_table())


def test_long_chains_are_read() -> None:
    text = " or ".join(f"number = {k}" for k in range(300))
    assert Rule.of(text, SCHEMA).is_true(dict.fromkeys(SCHEMA.names) | {"number": 299})


def test_a_rule_knows_its_columns_and_no_text_of_it_reaches_sql() -> None:
    hostile = "x'; DROP TABLE t; --"
    found = Rule.of(f"title = {quoted(hostile)} and (price > 1 or is_new)", SCHEMA)
    assert found.columns == {"title", "price", "is_new"}
    table = ENGINE.table(pa.Table.from_pylist([dict.fromkeys(SCHEMA.names) | {"title": hostile, "price": 2.0}], SCHEMA))
    assert ENGINE.to_arrow(found.filter(table)).num_rows == 1


def test_kinds_are_those_of_the_columns() -> None:
    assert kinds(SCHEMA) == {
        "number": Kind.NUMBER, "price": Kind.NUMBER, "title": Kind.TEXT, "名称": Kind.TEXT, "is_new": Kind.TRUTH,
        "since": Kind.TIME, "tags": Kind.LIST,
    }  # fmt: skip
