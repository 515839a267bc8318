"""The plan of the week and the letter: shown, asked for, approved by another person, and done."""

from __future__ import annotations

import pyarrow as pa
import pytest

from regulars.lifecycle.letter import Letter, Line
from regulars.lifecycle.plan import Plan


@pytest.fixture
def growth(browser_of, monkeypatch):
    from importlib import import_module

    actions = pa.table(
        {"action": ["message by email"], **{f"day {day}": [day] for day in range(1, 8)}, "gain": [9.0],
         "gain_low": [1.0], "gain_high": [17.0], "cost": [0.3], "minutes": [0.0]}
    )  # fmt: skip
    plan = Plan(
        actions, 9.0, 1.0, 17.0, 11.0, 0.3, 0.0, 28, {"contacts": 0.2}, {"contacts": {50.0: 12.5}}, {0.5: (20, 8.0)},
        {"objects": 3}, ("Ads are too old.",),
    )  # fmt: skip
    letters = {
        language: Letter("The week", (("What happened", (Line("Tea sold.", "orders of tea"),)),), "Sources", language)
        for language in ("en", "zh")
    }
    module = import_module("regulars.console.screens.lifecycle")
    monkeypatch.setattr(module, "_week", lambda visit: module.Week(plan, letters))
    return browser_of("growth")


def test_the_plan_says_what_it_brings_what_is_scarce_and_what_more_would_bring(growth):
    assert "/console/lifecycle/plan" in growth.get("/lifecycle").text
    text = growth.get("/lifecycle/plan").text
    for said in ("message by email", "9.00", "One more of contacts would bring 0.20", "12.50", "objects", "too old"):
        assert said in text, said


def test_a_plan_is_decided_once_another_person_approves_it(growth, browser_of, console):
    growth.post("/lifecycle/ask")
    (waiting,) = console.approvals.waiting("plan")
    assert 'href="/console/lifecycle"' in growth.get("/").text
    form = {"approval": str(waiting.id), "status": "approved"}
    assert growth.post("/lifecycle/decide", form).status_code == 400
    browser_of("admin").post("/lifecycle/decide", form)
    assert console.jobs.newest("lifecycle.job_decide") is not None
    assert browser_of("admin").post("/lifecycle/reopen", {"approval": str(waiting.id)}).status_code == 400


def test_the_letter_is_read_and_written(growth, console):
    text = growth.get("/lifecycle/letter/text").text
    assert "Tea sold." in text
    assert "orders of tea" in text
    growth.post("/lifecycle/letter/write")
    assert list((console.shop.folder / "letters").glob("*-en.html"))
