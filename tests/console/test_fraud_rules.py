"""Fraud's rings, rules and costs: over attempts of three customers with one card and of many honest ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from regulars import Shop, config
from regulars.console.screens import fraud_costs
from regulars.fraud.rule import FraudRules
from regulars.fraud.tried import Tried

START = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def hostile_shop(hostile_shop, record):
    """With attempts: nine of a ring, disputed since, and thirty of others."""
    attempts = []
    for number in range(39):
        is_ring = number < 9
        attempts.append(
            {
                "type": "payment_attempted", "event_id": f"try-{number}", "outcome": "approved",
                "customer_id": f"thief-{number % 3}" if is_ring else f"honest-{number}",
                "time": (START + timedelta(hours=number)).isoformat(), "order_id": f"order-{number}",
                "payment_id": "card-1" if is_ring else f"card-{number}",
                "device_id": "phone-1" if is_ring else f"phone-{number}", "unit_price": 200.0 if is_ring else 20.0,
                "quantity": 1,
            }
        )  # fmt: skip
    disputes = [
        {"type": "payment_disputed", "event_id": f"dispute-{number}", "order_id": f"order-{number}", "customer_id": f"thief-{number % 3}",
         "payment_id": "card-1", "time": (START + timedelta(days=7)).isoformat()}
        for number in range(9)
    ]  # fmt: skip
    record(hostile_shop, *attempts, *disputes)
    return hostile_shop


@pytest.fixture
def risk(browser_of):
    return browser_of("risk")


def test_a_ring_is_found_and_drawn(risk):
    assert "/console/fraud/rings/found" in risk.get("/fraud/rings").text
    text = risk.get("/fraud/rings/found").text
    assert "number=1" in text
    text = risk.get("/fraud/ring/graph?number=1").text
    assert all(f"thief-{number}" in text for number in range(3))
    assert "honest" not in text.split("data-spec")[0]
    assert "card-1" in text
    assert risk.get("/fraud/ring/graph?number=99").status_code == 404


def test_a_rule_is_tried_kept_in_shadow_let_act_and_taken_back(risk, console, browser_of):
    assert "amount" in risk.get("/fraud/rules/words", params={"rule": "am"}).text
    text = risk.get("/fraud/rules/test", params={"rule": "amount > 100", "action": "block"}).text
    assert "the outcome of 9 of its 9 hits" in text
    assert "data-spec" in text
    wrong = risk.get("/fraud/rules/test", params={"rule": "amount >>", "action": "block"})
    assert 'role="alert"' in wrong.text

    form = {"name": "dear", "rule": "amount > 100", "action": "block"}
    assert browser_of("growth").post("/fraud/rules/save", form).status_code == 403
    risk.post("/fraud/rules/save", form)
    rules = FraudRules(Shop.open(console.shop.folder))
    assert rules.state("dear")[:2] == (None, 1)
    assert "only counted" in risk.get("/fraud/rules").text
    risk.post("/fraud/rules/state", {"name": "dear", "verb": "live"})
    assert rules.state("dear")[:2] == (1, None)
    text = risk.get("/fraud/rules/edit?name=dear").text
    assert "dear acts from now on." in text
    assert 'value="shadow"' in text  # what its undo asks for
    risk.post("/fraud/rules/state", {"name": "dear", "verb": "off"})
    assert rules.state("dear")[:2] == (None, None)
    assert "risk@shop.example" in browser_of("admin").get("/settings/audit?about=dear").text


def few(shop, until):
    is_fraud = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    return Tried(is_fraud, np.array([0.9, 0.5, 0.3, 0.02, 0.01]), np.full(5, 50.0), START, START)


def test_the_curve_follows_the_costs(risk, monkeypatch):
    monkeypatch.setattr(fraud_costs, "tried", few)
    cheap = risk.get("/fraud/costs/curve?review_cost=0.1&fee=10&review_minutes=3").text
    assert "hold 2 of 5 attempts" in cheap
    dear = risk.get("/fraud/costs/curve?review_cost=5&fee=0&review_minutes=30").text
    assert "hold none" in dear
    assert risk.get("/fraud/costs/curve?fee=-1").status_code == 400


def costs(**moved):
    now = {"fee": "15", "loss_share": "1", "review_minutes": "3", "review_cost": "0.5", "insult_share": "0.5"}
    return now | moved


def test_costs_are_in_force_once_another_person_approves_them_and_can_be_taken_back(risk, console, browser_of):
    assert risk.post("/fraud/costs/ask", costs()).status_code == 400  # nothing was moved
    risk.post("/fraud/costs/ask", costs(fee="25"))
    assert 'href="/console/fraud/costs"' in risk.get("/").text
    (waiting,) = console.approvals.waiting("fraud costs")
    form = {"approval": str(waiting.id), "status": "approved"}
    assert risk.post("/fraud/costs/decide", form).status_code == 400
    browser_of("admin").post("/fraud/costs/decide", form)
    assert config.load(console.shop.folder).fraud.fee == 25
    assert console.shop.config.fraud.fee == 25
    browser_of("admin").post("/fraud/costs/reopen", {"approval": str(waiting.id)})
    assert config.load(console.shop.folder).fraud.fee == 15
    browser_of("admin").post("/fraud/costs/decide", {**form, "status": "rejected"})


def test_a_cost_is_moved_in_a_browser_and_a_rule_tried(page, monkeypatch):
    monkeypatch.setattr(fraud_costs, "tried", few)
    page.faults.clear()
    page.go("/fraud/costs")
    page.page.wait_for_selector("#curve canvas")
    said = page.page.inner_text("#curve p")
    with page.page.expect_response(lambda answer: "/fraud/costs/curve" in answer.url):
        page.page.fill("#cost-review_minutes", "30")
    page.until("said => document.querySelector('#curve p').innerText !== said", said)
    assert page.page.inner_text("#shown-review_minutes") == "30"
    page.go("/fraud/rules/edit")
    page.page.fill("#rule", "amount > 100")
    page.page.click("text=Try it on the past")
    page.page.wait_for_selector("#tested canvas")
    page.go("/fraud/ring?number=1")
    page.page.wait_for_selector(".chart-place canvas")
    assert page.faults == []
