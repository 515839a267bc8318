"""A question becomes one line of a fixed grammar, whoever writes it; what cannot be read never runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import Shop
from regulars.errors import InputError
from regulars.language import LanguageModel
from regulars.language.ask import Chart, Known, NotUnderstoodError, Segment, drawn, read_plan, understand
from regulars.language.ask.slots import named
from regulars.language.ask.templates import FILLERS, templates
from regulars.language.recording import Scripted
from regulars.rules import Column, Events, Vocabulary
from regulars.rules.tree import Kind
from tests.conftest import Cli, Record
from tests.language.conftest import Server, says

NOW = datetime(2024, 5, 1, tzinfo=UTC)
COLUMNS = {
    "orders": Column(Kind.NUMBER, "orders so far"),
    "spend": Column(Kind.NUMBER, "spend so far"),
    "categories": Column(Kind.LIST, "categories bought from"),
    "brands": Column(Kind.LIST, "brands bought"),
    "channels": Column(Kind.LIST, "channels used"),
    **{name: Column(Kind.TIME, name) for name in ("last_order", "first_order", "last_seen")},
}
FIELDS = {"category": Column(Kind.TEXT, "category"), "value": Column(Kind.NUMBER, "value")}
WORDS = {
    "ordered": "order_completed",
    "viewed": "product_viewed",
    "added": "product_added",
    "returned": "order_refunded",
}
VOCABULARY = Vocabulary(
    COLUMNS, Events({name: name for name in WORDS.values()}, WORDS, FIELDS, {"spend": ("value", "order_completed")})
)
KNOWN = Known(
    VOCABULARY, NOW, {"category": ["Lamps", "Garden tools", "tea's best"], "brand": ["Kettlewell"], "channel": ["web"]}
)


@pytest.mark.parametrize(
    ("question", "plan"),
    [
        ("Which customers have not ordered for two months?", "segment: orders >= 1 and last_order > 60 days"),
        ("买过lamps的顾客", "segment: 'Lamps' in categories"),
        (
            "who bought garden tools but not lamps",
            "segment: 'Garden tools' in categories and not 'Lamps' in categories",
        ),
        ("who bought tea's best", "segment: 'tea''s best' in categories"),
        ("customers who spent more than £1,250.50", "segment: spend > 1250.50"),
        ("the top five products of the last week", "chart: pieces by product last 7 days top 5"),
        ("过去30天每天的销售额", "chart: revenue by day last 30 days"),
        ("orders by channel", "chart: orders by channel"),
    ],
)
def test_common_questions_are_understood_without_a_model(question: str, plan: str) -> None:
    assert understand(question, KNOWN).said == plan


@pytest.mark.parametrize(
    "question",
    ["", "what is the weather", "🫖🫖", "مرحبا", "\x00\u200b", "'; drop table customers; --", "x" * 100_000],
    ids=range(7),
)
def test_what_is_not_understood_is_said_with_what_can_be_asked(question: str) -> None:
    with pytest.raises(NotUnderstoodError, match="revenue by month"):
        understand(question, KNOWN)


def test_every_template_makes_a_plan_that_can_be_read() -> None:
    for template in templates():
        values = {name: "30" if name == "days" else filler for name, filler in FILLERS.items()}
        if template.plan.startswith("chart:"):
            values["days"] = " last 30 days"
        read_plan(template.plan.format(**values), VOCABULARY)


@given(st.text(max_size=60))
def test_nothing_but_the_grammar_is_read(text: str) -> None:
    for kind in ("", "chart:", "segment:"):
        try:
            plan = read_plan(kind + text, VOCABULARY)
        except InputError:
            continue
        assert isinstance(plan, Segment | Chart)


@pytest.mark.parametrize(
    "text",
    [
        "chart: revenue by month; drop table x", "chart: revenue by customer_id", "chart: revenue where secret = 1",
        "chart: revenue last 0 days", "chart: revenue since 2024-02-30", "chart: revenue top 5", "select * from events",
        "segment: 1=1; delete", "segment:", "chart:", "none",
    ],
)  # fmt: skip
def test_a_plan_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_plan(text, VOCABULARY)


@pytest.mark.parametrize(
    "text",
    ["revenue by month last 90 days", "pieces by product since 2024-01-01 before 2024-02-01 top 5 where value > 3"],
)
def test_a_chart_is_written_as_it_is_read(text: str) -> None:
    assert str(read_plan(f"chart: {text}", VOCABULARY)) == text


def asked(*plans: str) -> tuple[LanguageModel, Scripted]:
    wire = Scripted([json.dumps({"plan": plan}) for plan in plans])
    return LanguageModel(wire, "m"), wire


def test_a_model_writes_the_plan_and_the_grammar_reads_it() -> None:
    model, wire = asked("segment: orders >= 7 and 'Lamps' in categories")
    found = understand("fans of lamps", KNOWN, model)
    assert (found.said, found.how) == ("segment: orders >= 7 and 'Lamps' in categories", "model")
    assert "Lamps" in wire.requests[0]["messages"][1]["content"]


def test_a_model_is_told_once_what_was_wrong() -> None:
    model, wire = asked("segment: ordrs >= 7", "segment: orders >= 7")
    assert understand("fans", KNOWN, model).said == "segment: orders >= 7"
    assert 'Did you mean \\"orders' in wire.requests[1]["messages"][1]["content"]


@pytest.mark.parametrize("plan", ["none", "SELECT * FROM events", "chart: revenue by password"])
def test_where_a_model_is_wrong_or_away_templates_answer(plan: str) -> None:
    for model, _ in (asked(plan, plan), asked()):
        model.sleep = lambda seconds: None
        assert understand("revenue by month", KNOWN, model).how == "template"


@given(st.text("last 2 weeks per month 每月 £5 一二十 Lamps", max_size=40))
def test_any_question_is_searched_for_names(question: str) -> None:
    assert set(named(question, KNOWN.values).slots) <= set(FILLERS)


def bought(customer: str, day: int, value: float, order: str, product: str = "lamp", **said: Any) -> dict[str, Any]:
    time = (NOW - timedelta(days=day)).isoformat()
    about = {"product_id": product, "title": product.title(), "category": said.pop("category", "Lamps")}
    line = {"quantity": 1, "unit_price": value, "order_id": order}
    return {"type": "order_completed", "customer_id": customer, "time": time, **about, **line, **said}


@pytest.fixture
def sold(shop: Shop, record: Record) -> Shop:
    record(
        shop,
        bought("ada", 40, 10.0, "o1"),
        bought("ada", 10, 20.0, "o2"),
        bought("bob", 9, 5.0, "o3", "mug", category="Mugs"),
        {
            "type": "product_viewed",
            "customer_id": "cem",
            "time": (NOW - timedelta(days=1)).isoformat(),
            "product_id": "mug",
        },
        bought("dee", -3, 99.0, "o4"),
    )
    return shop


@pytest.mark.parametrize(
    ("plan", "rows"),
    [
        ("revenue", [{"revenue": 35.0}]),
        ("revenue last 30 days", [{"revenue": 25.0}]),
        ("orders by month", [{"month": "2024-03-01", "orders": 1}, {"month": "2024-04-01", "orders": 2}]),
        ("new customers by month", [{"month": "2024-03-01", "new customers": 1}, {"month": "2024-04-01", "new customers": 1}]),
        ("revenue by category", [{"category": "Lamps", "revenue": 30.0}, {"category": "Mugs", "revenue": 5.0}]),
        ("pieces by product top 1", [{"product": "Lamp", "pieces": 2}]),
        ("revenue by customer where category = 'Mugs'", [{"customer": "bob", "revenue": 5.0}]),
        ("order value", [{"order value": 11.67}]),
        ("views by product", [{"product": "Mug", "views": 1}]),
        ("orders by weekday", [{"weekday": "Monday", "orders": 1}, {"weekday": "Friday", "orders": 1}, {"weekday": "Sunday", "orders": 1}]),
        ("revenue since 2024-04-01 before 2024-04-22", [{"revenue": 20.0}]),
        ("refunds by month", []),
    ],
)  # fmt: skip
def test_a_chart_counts_what_it_says_and_nothing_later(plan: str, rows: list[dict[str, Any]], sold: Shop) -> None:
    chart = read_plan(f"chart: {plan}", VOCABULARY)
    assert isinstance(chart, Chart)
    table = chart.run(sold, NOW)
    assert [
        {name: str(value) if name == "month" else value for name, value in row.items()} for row in table.to_pylist()
    ] == rows
    assert drawn(chart, table).to_dict()["data"] is not None


def test_the_command_shows_the_plan_and_runs_it_when_told(sold: Shop, cli: Cli) -> None:
    place = ("--shop", sold.folder, "--as-of", "2024-05-01")

    def found(question: str) -> dict[str, Any]:
        code, out, _ = cli("ask", question, "--yes", "--json", *place)
        assert code == 0
        return dict(json.loads(out))

    _, out, _ = cli("ask", "revenue by category", *place)
    assert "chart: revenue by category" in out
    assert "30.00" not in out
    assert found("revenue by category")["rows"][0] == {"category": "Lamps", "revenue": 30.0}
    counted = found("who bought lamps?")
    assert (counted["members"], counted["plan"]) == (1, "segment: 'Lamps' in categories")


def test_the_command_says_whether_a_model_is_there(
    sold: Shop, cli: Cli, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.delenv("REGULARS_LANGUAGE_URL", raising=False)
    code, _, complained = cli("language", "test", "--shop", sold.folder)
    assert (code, "No language model is connected" in complained) == (1, True)
    server.behaviours = [says('{"word": "tea"}', prompt_tokens=90, completion_tokens=5)]
    monkeypatch.setenv("REGULARS_LANGUAGE_URL", server.url)
    monkeypatch.setenv("REGULARS_LANGUAGE_MODEL", "small")
    code, out, _ = cli("language", "test", "--json", "--shop", sold.folder)
    there = json.loads(out)
    assert (code, there["answer"], there["tokens_today"]) == (0, "tea", 95)
