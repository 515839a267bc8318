"""The support screen: the inbox, a conversation taken over, what is to be learned; every text is hostile."""

from __future__ import annotations

import html
import re

import pytest
import sqlalchemy as sa

from regulars import clock
from regulars.support import handover
from regulars.support.record import write_message
from regulars.support.tables import conversations, prepare


def wait(state, conversation, customer, text, reason="asked"):
    """A conversation that waits for a person; its number."""
    now = clock.now()
    row = {
        "conversation_id": conversation, "customer_id": customer, "language": "en", "status": "open", "tries": 0,
        "memory": {}, "opened_at": now, "changed_at": now,
    }  # fmt: skip
    with prepare(state).write() as change:
        change.execute(sa.insert(conversations).values(row))
        write_message(change, conversation, customer, "customer", text, {})
        return handover.hand_over(
            change, conversation, customer_id=customer, language="en", reason=reason, summary=text,
            facts={"next_actions": {"#W1": ["cancel"]}}, proposed="Hello Ada, I am looking into it.",
        )  # fmt: skip


@pytest.fixture
def service(browser_of):
    return browser_of("service")


@pytest.fixture
def number(console, hostile, request):
    """Of a conversation with a hostile text."""
    found = wait(console.shop.state, request.node.name, "ada", hostile)
    yield found
    with prepare(console.shop.state).write() as change:
        change.execute(sa.update(handover.queue.handovers).values(status="closed"))


def test_who_waits_is_shown_the_most_urgent_first(service, number, console, hostile):
    angry = wait(console.shop.state, "angry", "eve", "you are a scam", reason="angry")
    with prepare(console.shop.state).write() as change:
        change.execute(
            sa.update(handover.queue.handovers).where(handover.queue.handovers.c.id == angry).values(urgency=2)
        )
    text = service.get("/support").text
    assert text.index(f"/support/talk/{angry}") < text.index(f"/support/talk/{number}")
    assert "is angry" in text
    assert hostile not in text
    assert "Nobody waits" in service.get("/support?status=returned").text


def test_a_conversation_is_taken_answered_and_given_back(service, number, console, browser_of):
    page = f"/support/talk/{number}"
    assert 'name="text"' not in service.get(page).text
    assert service.post("/support/take").headers["location"].endswith(page)
    assert browser_of("admin").post(f"{page}/answer", {"text": "mine"}).status_code == 400
    service.post(f"{page}/answer", {"text": "It <b>leaves</b> today."})
    assert html.escape("It <b>leaves</b> today.") in service.get(f"{page}/said").text
    found = handover.one(console.shop.state, number)
    assert handover.transcript(console.shop.state, found.conversation)[-1][1:] == (
        "service@shop.example",
        "It <b>leaves</b> today.",
    )
    events = console.shop.events
    assert console.shop.engine.to_arrow(events.filter(events.type == "support_answered").count()).as_py() >= 1
    service.post(f"{page}/leave", {"end": ""})
    assert handover.one(console.shop.state, number).status == "returned"
    assert "Customer answered" in browser_of("admin").get(f"/settings/audit?who=service&about={number}").text


def test_who_answers_is_offered_what_to_say(service, number):
    text = service.get(f"/support/talk/{number}/copilot").text
    assert 'data-text="Hello Ada, I am looking into it."' in text
    assert "No text of the shop is near to this." in text


def test_a_question_is_labelled(service, console, number):
    service.post("/support/take")
    service.post(f"/support/talk/{number}/answer", {"text": "Let me see."})  # by then the log has the question
    assert 'name="question"' in service.get("/support/questions/labels").text
    service.post("/support/questions/label", {"question": "can you engrave it?", "intent": "engraving"})
    events = console.shop.events
    labelled = console.shop.engine.to_arrow(events.filter(events.type == "support_labelled").select("text", "outcome"))
    assert labelled.to_pylist() == [{"text": "can you engrave it?", "outcome": "engraving"}]
    assert service.post("/support/questions/label", {"question": "x", "intent": "no name"}).status_code == 400


def test_a_question_that_was_labelled_is_offered_no_more(service, number):
    """At once: the order of all others is kept from before."""
    service.post("/support/take")
    service.post(f"/support/talk/{number}/answer", {"text": "Let me see."})
    offered = re.findall(r'name="question" value="([^"]*)"', service.get("/support/questions/labels").text)
    service.post("/support/questions/label", {"question": html.unescape(offered[0]), "intent": "engraving"})
    assert f'value="{offered[0]}"' not in service.get("/support/questions/labels").text


def test_how_well_it_went(service, number):
    assert "Nothing was asked by several" in service.get("/support/questions/gaps").text
    assert "figures?days=7" in service.get("/support/quality?days=7").text
    assert service.get("/support/quality/figures?days=7&sort=-containment").status_code == 200


def test_a_handed_over_conversation_is_answered_in_the_browser(page, number, console):
    page.faults.clear()
    page.go(f"/support/talk/{number}")
    with page.page.expect_navigation():
        page.page.keyboard.press("c")
    page.page.click("[data-fills]")
    assert page.page.input_value("#field-text") == "Hello Ada, I am looking into it."
    with page.page.expect_navigation():
        page.page.click("button:has-text('Send')")
    assert page.page.locator(".talk .ours").inner_text().startswith("Hello Ada")
    assert page.faults == []
