"""`regulars fraud queue, claim, verdict, …`: what each prints and does."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from regulars import Shop
from regulars.cli.fraud import commands
from regulars.errors import NotEnoughError, NotFoundError
from regulars.fraud.review import open_cases
from regulars.state import State
from tests.fraud.review.conftest import ALONE, AS_OF, held


def run(shop: Shop, *words: str) -> Result:
    return CliRunner().invoke(commands, [*words, "--shop", str(shop.folder)])


def said(shop: Shop, *words: str) -> str:
    result = run(shop, *words)
    assert result.exit_code == 0, result
    return result.output


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A case of a customer whose name looks like markup, and one of a ring."""
    rows = [
        {"attempt_id": "a1", "customer_id": "[red]ada", "expected_loss": 50.0, "reasons": ["新设备"]},
        {"attempt_id": "a2", "customer_id": "[red]ada"},
        {"attempt_id": "b1", "customer_id": "bob", "ring": 4},
    ]
    open_cases(State.open(shop.folder), held(*rows), AS_OF, ALONE)
    return shop


def test_an_empty_queue_says_where_cases_come_from(shop: Shop) -> None:
    assert "regulars decide fraud" in said(shop, "queue")
    assert "0 cases wait" in said(shop, "standing")


def test_from_the_queue_to_the_log(busy: Shop) -> None:
    assert "[red]ada" in said(busy, "queue")
    assert "ring 4" in said(busy, "queue")
    first = json.loads(said(busy, "claim", "--as", "mei", "--json"))["case"]
    shown = said(busy, "case", str(first), "--as", "mei")
    assert "新设备" in shown
    assert "mei: claimed" in shown
    assert "claimed; 1 verdicts" in said(busy, "verdict", str(first), "a1=fraud", "--as", "mei")
    assert "decided; 1 verdicts" in said(busy, "verdict", str(first), "honest", "--as", "mei")
    assert "Noted" in said(busy, "note", str(first), "好", "--as", "mei")
    assert "2 verdicts on case" in said(busy, "undo", str(first), "--as", "bob", "--of", "mei")
    events = [row["outcome"] for row in busy.log.read("events").to_pylist()]
    assert sorted(events) == ["fraud", "honest", "withdrawn", "withdrawn"]
    standing = json.loads(said(busy, "standing", "--json"))
    assert (standing["open"], standing["overturned"]["judged"]) == (2, 0)
    assert json.loads(said(busy, "queue", "--json"))[0]["status"] == "reopened"


def test_a_case_given_back_is_the_next_ones(busy: Shop) -> None:
    first = json.loads(said(busy, "claim", "--as", "mei", "--json"))["case"]
    assert f"Case {first} is free" in said(busy, "release", str(first), "--as", "mei")
    assert f"Case {first} is yours for 5 minutes" in said(busy, "claim", "--as", "bob", "--minutes", "5")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["case", "99", "--as", "mei"], NotFoundError),
        (["agreement"], NotEnoughError),
        (["monitor", "--as-of", "2024-05-01"], NotEnoughError),
    ],
)
def test_a_mistake_is_one_that_is_told(busy: Shop, words: list[str], kind: type[Exception]) -> None:
    assert isinstance(run(busy, *words).exception, kind)


def _decisions() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for number in range(700):
        at = AS_OF + timedelta(hours=number)
        event = {"type": "payment_attempted", "event_id": f"p{number}", "customer_id": f"c{number}", "quantity": 1}
        events.append(event | {"time": at.isoformat(), "unit_price": 20.0, "outcome": "approved"})
        for later in (0, 1):  # decided twice, as it stays within the days that are decided about
            about = {
                "attempt_id": f"p{number}", "risk": (number * 37 % 100) / 100, "action": "allow" if later else "review",
                "policy": "expected loss", "reasons": ["new device"],
            }  # fmt: skip
            decided = {"type": "decision_made", "event_id": f"fraud-1-{later}-p{number}", "customer_id": f"c{number}"}
            properties = {f"properties.{key}": value for key, value in about.items()}
            events.append(decided | {"time": (at + timedelta(minutes=later)).isoformat()} | properties)
    return events


def test_monitoring_reads_decisions_and_verdicts_off_the_log(shop: Shop, record: Any, tmp_path: Any) -> None:
    record(shop, *_decisions())
    verdict = {"type": "fraud_reviewed", "customer_id": "c5", "outcome": "fraud", "properties.attempt_id": "p5"}
    record(shop, verdict | {"event_id": "v1", "time": (AS_OF + timedelta(hours=8)).isoformat()})
    file = tmp_path / "page.html"
    found = json.loads(said(shop, "monitor", "--out", str(file), "--json", "--language", "zh"))
    assert found["attempts"] == 700
    assert (found["alerts"], found["said"]) == ([], ["无异常。"])
    assert found["drift"]["psi"] < 0.1
    assert found["matured_days"] == 1
    assert "无异常。" in file.read_text()

    from regulars.fraud.monitor import scored

    table = scored(shop, shop.now)
    assert set(table["action"].to_pylist()) == {"review"}
    assert next(row for row in table.to_pylist() if row["is_reviewed"])["is_fraud"] is True
    assert table["is_fraud"].null_count == 699


def test_a_verdict_that_was_taken_back_is_no_review_from_then_on(shop: Shop, record: Any) -> None:
    from regulars.fraud.monitor import scored

    record(shop, *_decisions())
    about = {"type": "fraud_reviewed", "customer_id": "c5", "properties.attempt_id": "p5"}
    given, gone = AS_OF + timedelta(hours=8), AS_OF + timedelta(hours=9)
    record(shop, about | {"event_id": "v1", "time": given.isoformat(), "outcome": "fraud"})
    withdrawn = {"event_id": "v2", "outcome": "withdrawn", "properties.withdraws": "v1"}
    record(shop, about | withdrawn | {"time": gone.isoformat()})
    for until, names in ((gone, {"p5"}), (shop.now, set())):
        rows = scored(shop, until).to_pylist()
        assert {row["attempt_id"] for row in rows if row["is_reviewed"]} == names
        assert {row["attempt_id"] for row in rows if row["is_fraud"]} == names
