"""The fraud screen: its queue by mouse and by keyboard, with hostile texts in every case."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from regulars.config import FraudSettings
from regulars.console.screens import fraud_performance
from regulars.fraud import review
from regulars.fraud.monitor import watch
from regulars.fraud.review import case, open_cases, queue

AS_OF = datetime(2024, 5, 9, tzinfo=UTC)
CASES = 12


@pytest.fixture(scope="module")
def waiting(console, hostile):
    """A queue of twelve cases; the first one has two attempts."""
    customers = [hostile, *(f"customer-{number}" for number in range(1, CASES)), hostile]
    count = len(customers)
    decisions = pa.table(
        {
            "attempt_id": [f"try-{number}" for number in range(count)],
            "customer_id": customers,
            "action": ["review"] * count,
            "risk": [0.9 - 0.01 * number for number in range(count)],
            "expected_loss": [900.0 - 20 * number for number in range(count)],
            "amount": [100.0] * count,
            "reasons": [[hostile]] * count,
            "ring": pa.array([None] * count, pa.int64()),
            "time": pa.array([AS_OF - timedelta(hours=1)] * count, pa.timestamp("us", "UTC")),
            "model_version": [1] * count,
            "policy": [hostile] * count,
        }
    )
    # No lot draws cases for a second look, which hides the first one's verdicts.
    open_cases(console.shop.state, decisions, AS_OF, FraudSettings(second_look_share=0))
    return queue(console.shop.state)


@pytest.fixture
def risk(browser_of):
    return browser_of("risk")


def test_the_queue_is_in_the_order_in_which_cases_are_handed_out(risk, waiting, hostile):
    text = risk.get("/fraud").text
    assert text.index(f"/console/fraud/case/{waiting[0].id}") < text.index(f"/console/fraud/case/{waiting[5].id}")
    assert "12 rows" in text
    assert hostile not in text
    assert "No case waits" in risk.get("/fraud?status=claimed").text


def test_where_no_loss_is_known_the_queue_says_why(risk, waiting, monkeypatch):
    """No label taught the model yet: a column of dashes would look like a fault."""
    assert "Expected loss" in risk.get("/fraud").text
    unusual = [one._replace(expected_loss=0.0, loss_per_minute=0.0) for one in waiting]
    monkeypatch.setattr(review, "queue", lambda state, limit: unusual)
    text = risk.get("/fraud").text
    assert "Expected loss" not in text
    assert "From 30 known frauds on" in text
    assert "12 rows" in text


def test_a_case_is_claimed_judged_noted_and_taken_back(risk, waiting, console, browser_of):
    number = waiting[0].id
    page = f"/fraud/case/{number}"
    assert 'data-key="a"' not in risk.get(page).text
    risk.post(f"{page}/claim")
    text = risk.get(page).text
    assert 'data-key="a"' in text
    assert 'data-key="r"' in text
    risk.post(f"{page}/note", {"text": "same card as <b>Eve</b>"})
    assert html.escape("same card as <b>Eve</b>") in risk.get(page).text
    of = risk.post(f"{page}/verdict", {"verdict": "fraud", "attempt": "try-0"})
    assert of.headers["location"].endswith(page)
    found = risk.post(f"{page}/verdict", {"verdict": "honest"})
    assert found.headers["location"].endswith(f"/fraud/case/{waiting[1].id}")
    assert f"Case {number}: honest." in risk.get(f"/fraud/case/{waiting[1].id}").text
    outcomes = {attempt.attempt_id: attempt.outcome for attempt in case(console.shop.state, number).attempts}
    assert outcomes == {"try-0": "fraud", "try-12": "honest"}
    events = console.shop.engine.to_arrow(console.shop.events.filter(console.shop.events.type == "fraud_reviewed"))
    assert sorted(events["outcome"].to_pylist()) == ["fraud", "honest"]
    risk.post(f"{page}/undo")
    assert {attempt.outcome for attempt in case(console.shop.state, number).attempts} == {None}
    risk.post(f"{page}/release")
    risk.post(f"/fraud/case/{waiting[1].id}/release")
    log = browser_of("admin").get(f"/settings/audit?who=risk&about={number}").text
    assert "Case judged" in log
    assert "Verdict taken back" in log


def test_what_another_holds_cannot_be_judged(risk, browser_of, waiting):
    page = f"/fraud/case/{waiting[2].id}"
    browser_of("admin").post(f"{page}/claim")
    found = risk.post(f"{page}/verdict", {"verdict": "fraud"})
    assert found.status_code == 400
    assert "held by admin@shop.example" in found.text
    assert "<button" not in browser_of("read_only").get(page).text.split('id="main"')[1]
    browser_of("admin").post(f"{page}/release")


def test_the_newest_decisions_are_fetched(risk):
    risk.post("/fraud/fill")
    assert "0 new cases" in risk.get("/fraud").text


def test_how_the_queue_stands(risk, waiting):
    text = risk.get("/fraud/standing").text
    assert "under 4 hours" in text
    assert "Can be looked at a day" in text


def test_how_decisions_did_is_drawn_in_the_language_of_who_asks(risk, console, people, monkeypatch):
    page = "/fraud/performance/charts"
    assert "regulars decide fraud" in risk.get(page).text
    times = [AS_OF - timedelta(days=day, hours=number) for day in range(120, 0, -1) for number in range(20)]
    moment = pa.timestamp("us", "UTC")
    scored = pa.table(
        {
            "attempt_id": [f"try-{number}" for number in range(len(times))],
            "time": pa.array(times, moment),
            "risk": [number % 20 / 20 for number in range(len(times))],
            "action": ["review" if number % 20 == 19 else "allow" for number in range(len(times))],
            "policy": ["expected loss"] * len(times),
            "is_fraud": pa.array([number % 40 == 19 if number % 20 == 19 else None for number in range(len(times))]),
            "known_at": pa.array([time + timedelta(days=1) for time in times], moment),
            "is_reviewed": [number % 20 == 19 for number in range(len(times))],
        }
    )
    monkeypatch.setattr(fraud_performance, "frauds", lambda console: watch(scored, AS_OF, 30))
    assert "<h2>Precision of what was reviewed</h2>" in risk.get(page).text
    console.people.change(people["risk"].id, language="zh")
    try:
        text = risk.get(page).text
    finally:
        console.people.change(people["risk"].id, language="en")
    assert "<h2>审核的精确率</h2>" in text
    assert "每个点为一周" in text
    assert "data-spec" in text


def test_ten_cases_are_reviewed_by_keyboard(page, waiting, console):
    page.go("/fraud")
    press = page.page.keyboard.press
    with page.page.expect_navigation():
        press("c")
    seen = [page.page.url]
    for number in range(10):
        with page.page.expect_navigation():
            press("r" if number % 2 else "a")
        seen.append(page.page.url)
    assert len(set(seen)) == 11
    with page.page.expect_navigation():
        press("u")
    assert page.page.url == seen[-2]
    assert page.page.is_visible("[data-key=a]")
    press("n")
    page.page.keyboard.type("looked again")
    with page.page.expect_navigation():
        press("Enter")
    assert page.page.get_by_text("looked again").is_visible()
    mine = [case(console.shop.state, each.id, "admin@shop.example").attempts for each in waiting]
    assert sum(all(attempt.outcome for attempt in attempts) for attempts in mine) == 9
