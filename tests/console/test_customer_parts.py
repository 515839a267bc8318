"""What a customer's page asks for part by part, over a customer of whom each part knows something."""

from __future__ import annotations

import itertools
from datetime import timedelta
from types import SimpleNamespace

import ibis
import pytest

from regulars import Shop
from regulars.campaign.sending import Order, enqueue
from regulars.campaign.sending.tables import prepare
from regulars.customers.by_hand import present
from regulars.support.record import write_message
from regulars.support.tables import prepare as with_support


@pytest.fixture(scope="module")
def hostile_shop(hostile_shop, record):
    """With a price that was charged, an arm of an experiment, a card of three, a message and a conversation."""
    at = "2024-05-08T12:00:00Z"
    cards = [
        {"type": "payment_attempted", "event_id": f"try-{who}", "customer_id": who, "time": at, "order_id": f"o-{who}",
         "payment_id": "card-1", "device_id": "phone-1", "unit_price": 20.0, "quantity": 1, "outcome": "approved"}
        for who in ("ada", "bob", "cy")
    ]  # fmt: skip
    record(hostile_shop, *cards)
    record(
        hostile_shop,
        {"type": "experiment_viewed", "event_id": "arm", "customer_id": "ada", "time": at, "variant": "red",
         "properties.experiment": "banner"},
    )  # fmt: skip
    now = present(hostile_shop)
    with prepare(hostile_shop.state).write() as change:
        order = Order("k", "welcome", 1, "s", "ada", "email", "welcome", "", {}, now + timedelta(days=1))
        enqueue(change, [order])
    state = with_support(hostile_shop.state)
    with state.write() as change:
        change.exec_driver_sql(
            "INSERT INTO support_conversations (conversation_id, customer_id, language, status, tries, memory, opened_at,"
            " changed_at) VALUES ('talk-1', 'ada', 'en', 'open', 0, '{}', 0, 0)"
        )
        write_message(change, "talk-1", "ada", "customer", "Where is <b>my tea</b>?", {})
    return hostile_shop


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("prices", "4.50"),
        ("messages", "welcome"),
        ("experiments", "banner"),
        ("links", "card-1"),
        ("conversations", "Where is &lt;b&gt;my tea&lt;/b&gt;?"),
        ("alike", "alike"),
    ],
)
def test_a_part_says_what_is_known(browser_of, part, said):
    found = browser_of("service").get(f"/customer/{part}?id=ada", headers={"hx-request": "true"})
    assert found.status_code == 200, found.text
    assert "<html" not in found.text
    assert said in found.text or part == "alike"


@pytest.mark.parametrize("part", ["prices", "messages", "experiments", "links", "conversations"])
def test_of_a_stranger_each_part_says_that_there_is_nothing(browser_of, part):
    found = browser_of("service").get(f"/customer/{part}?id=nobody")
    assert found.status_code == 200
    assert 'class="soft"' in found.text


def test_nothing_after_the_moment_is_shown(browser_of):
    text = browser_of("service").get("/customer/experiments?id=ada&as_of=2024-05-08").text
    assert "banner" not in text


def test_what_takes_long_is_asked_for_by_a_click(page):
    page.faults.clear()
    page.page.goto(f"{page.base}/console/customer?id=ada")
    page.page.click("text=Look for a ring")
    page.page.wait_for_selector("text=card-1", state="attached")
    page.page.wait_for_selector(".told-later .chart-place canvas")
    assert [fault for fault in page.faults if "status of 40" not in fault] == []


@pytest.mark.parametrize(
    "path",
    [
        *(f"/customer/{part}" for part in ("alike", "prices", "messages", "experiments", "links", "conversations")),
        "/recommendations/lists", "/recommendations/why", "/recommendations/rules/preview",
    ],
)  # fmt: skip
def test_who_asks_for_a_part_that_is_about_a_customer_is_noted_down(path, browser_of, console):
    browser_of("growth").get(path, params={"id": "ada"})
    console.serving.reads.flush(timedelta(days=400))
    assert f"/console{path}" in {read.route for read in console.serving.reads.all("ada")}


@pytest.mark.parametrize("part", ["timeline", "experiments"])
def test_a_part_is_answered_while_the_log_grows(part, browser_of, monkeypatch):
    events, version = Shop.events.fget, itertools.count()

    def grown(shop):
        return events(shop).filter(ibis.literal(next(version)) >= 0)

    monkeypatch.setattr(Shop, "events", property(grown))
    assert browser_of("growth").get(f"/customer/{part}?id=ada").status_code == 200


def test_a_part_that_looks_twice_at_a_customer_is_noted_down_once(browser_of, console, monkeypatch):
    noted = []
    monkeypatch.setattr(console.serving.reads, "note", lambda who, ids, route: noted.append((ids, route)))
    nothing = SimpleNamespace(days=(), habit=None, said=())
    monkeypatch.setattr("regulars.churn.ahead", lambda *_: nothing)
    assert browser_of("growth").get("/customer/outlook", params={"id": "ada"}).status_code == 200
    assert noted == [(["ada"], "/console/customer/outlook")]
