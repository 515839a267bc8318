"""What a customer's page asks for part by part, over a customer of whom each part knows something."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
