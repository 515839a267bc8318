"""Several things in one message: questions are answered, and what is to be done is done one after the other."""

from __future__ import annotations

from decimal import Decimal

import pytest

from regulars.support import Chat, Desk, OwnTables, Policy
from regulars.support.order.things import Customer

BOTH = "cancel #W1000001, no longer needed, and return one lamp of #W1000002 to my visa"
BOTH_ZH = "取消订单 #W1000001，不需要了，再把 #W1000003 的椅子退货，退到 paypal"


def status(own: OwnTables, order_id: str) -> str:
    found = own.order(order_id)
    assert found is not None
    return found.status


def about_norway(question: str, customer: Customer | None, language: str) -> tuple[str, tuple[str, ...]] | None:
    is_asked = "norway" in question.casefold() or "挪威" in question
    return ("To Norway we ship on Mondays. [1]", ("shipping.md",)) if is_asked else None


@pytest.fixture
def knowing(desk: Desk) -> Chat:
    """A chat whose shop has a text on Norway, and no other."""
    return Chat(desk, answer=about_norway)


@pytest.mark.parametrize(
    ("said", "first", "second", "other"),
    [
        (BOTH, "Cancel order #W1000001", "Return from order #W1000002", "#W1000002"),
        (BOTH_ZH, "取消订单 #W1000001", "退货", "#W1000003"),
    ],
)
def test_each_thing_is_restated_alone_and_done_by_its_own_yes(
    chat: Chat, own: OwnTables, said: str, first: str, second: str, other: str
) -> None:
    ada = chat.open("ada")
    reply = chat.say(ada, said)
    assert (reply.action, first in reply.text, second in reply.text) == ("confirm", True, False)
    next_reply = chat.say(ada, "是" if "取消" in said else "yes")
    assert (next_reply.action, first in next_reply.text, second in next_reply.text) == ("confirm", False, True)
    assert [one.action.name for one in next_reply.results] == ["cancel"]
    assert (status(own, "#W1000001"), status(own, other)) == ("cancelled", "delivered")
    last = chat.say(ada, "是" if "取消" in said else "yes")
    assert [one.action.name for one in last.results] == ["return"]
    assert (last.action, status(own, other)) == ("done", "return requested")


def test_after_a_no_the_next_thing_is_put_before_the_customer(chat: Chat, own: OwnTables) -> None:
    ada = chat.open("ada")
    chat.say(ada, BOTH)
    reply = chat.say(ada, "no")
    assert reply.text.startswith("Nothing was changed.")
    assert (reply.action, "Return from order #W1000002" in reply.text) == ("confirm", True)
    chat.say(ada, "yes")
    assert (status(own, "#W1000001"), status(own, "#W1000002")) == ("pending", "return requested")


def test_what_is_missing_of_the_second_is_asked_once_the_first_is_done(chat: Chat, own: OwnTables) -> None:
    ada = chat.open("ada")
    assert "Why should order #W1000001" in chat.say(ada, "cancel #W1000001 and return one lamp of #W1000002").text
    assert "Cancel order #W1000001" in chat.say(ada, "no longer needed").text
    reply = chat.say(ada, "yes")
    assert (reply.action, "Which payment method" in reply.text) == ("ask", True)
    assert status(own, "#W1000001") == "cancelled"
    assert chat.say(ada, "visa").action == "confirm"
    assert chat.say(ada, "yes").action == "done"


def test_who_wants_the_first_no_more_when_asked_goes_on_to_the_second(chat: Chat) -> None:
    ada = chat.open("ada")
    chat.say(ada, "return one lamp of #W1000002 and cancel #W1000001, no longer needed")
    assert "Cancel order #W1000001" in chat.say(ada, "no").text


def test_where_the_second_is_a_persons_the_first_is_done_and_told(own: OwnTables, desk: Desk) -> None:
    chat = Chat(Desk(desk.state, own, Policy(hand_over_above=Decimal(50))))
    ada = chat.open("ada")
    chat.say(ada, "return one lamp of #W1000002 to my visa and cancel #W1000001, no longer needed")
    reply = chat.say(ada, "yes")
    assert reply.hand_over is not None
    assert [one.action.name for one in reply.results] == ["return"]
    assert "return for order #W1000002 is requested" in reply.text
    assert status(own, "#W1000001") == "pending"


@pytest.mark.parametrize("again", ["yes", "Yes, please."])
def test_a_yes_that_is_sent_twice_is_to_the_first_alone(chat: Chat, own: OwnTables, again: str) -> None:
    ada = chat.open("ada")
    first = chat.say(ada, BOTH)
    second = chat.say(ada, "yes", first.proposal)
    repeated = chat.say(ada, again, first.proposal)
    assert (repeated.action, "Return from order #W1000002" in repeated.text) == ("confirm", True)
    assert (repeated.proposal != first.proposal, status(own, "#W1000002")) == (True, "delivered")
    assert second.proposal != first.proposal
    assert chat.say(ada, "yes", repeated.proposal).action == "done"


def test_another_way_to_pay_is_of_what_was_restated(chat: Chat) -> None:
    ada = chat.open("ada")
    chat.say(ada, "return one lamp of #W1000002 to my visa and cancel #W1000001, no longer needed")
    assert "gift card" in chat.say(ada, "to the gift card please").text
    assert "Cancel order #W1000001" in chat.say(ada, "yes").text


def test_a_question_between_leaves_both_as_they_are(knowing: Chat, own: OwnTables) -> None:
    ada = knowing.open("ada")
    knowing.say(ada, BOTH)
    reply = knowing.say(ada, "do you ship to Norway?")
    assert reply.text.startswith("To Norway we ship on Mondays.")
    assert "Cancel order #W1000001" in reply.text
    assert "Return from order #W1000002" in knowing.say(ada, "yes").text


def test_what_is_asked_anew_takes_the_place_of_all_before(chat: Chat, own: OwnTables) -> None:
    ada = chat.open("ada")
    chat.say(ada, BOTH)
    assert "9 Oak Avenue" in chat.say(ada, "change the address of #W1000001 to 9 Oak Avenue, Denver, CO 80279").text
    assert chat.say(ada, "yes").action == "done"
    assert status(own, "#W1000001") == "pending"


def test_all_orders_of_one_wish_are_restated_together(chat: Chat, own: OwnTables) -> None:
    found = own.order("#W1000004")
    assert found is not None
    own.load(orders=[found.model_copy(update={"status": "pending"})])
    ada = chat.open("ada")
    reply = chat.say(ada, "cancel all my orders, no longer needed")
    assert reply.text.count("Cancel order") == 2
    assert [one.is_done for one in chat.say(ada, "yes").results] == [True, True]


def test_items_are_changed_after_address_and_payment(chat: Chat) -> None:
    ada = chat.open("ada")
    reply = chat.say(
        ada, "change the lamp of #W1000001 to the brighter black one with my visa, and pay the order with paypal"
    )
    assert "Pay order #W1000001" in reply.text
    assert "Change items of order #W1000001" in chat.say(ada, "yes").text


@pytest.mark.parametrize(
    ("said", "yes", "told", "proposed"),
    [
        ("Cancel order #W1000001, no longer needed, and when do you ship to Norway?", "yes", "Norway", "Cancel order"),
        ("When do you ship to Norway? And cancel #W1000001, no longer needed", "yes", "Norway", "Cancel order"),
        ("取消订单 #W1000001，不需要了。另外挪威什么时候发货？", "是", "Norway", "取消订单"),
        ("你们多久发货到挪威？另外取消订单 #W1000001，不需要了", "是", "Norway", "取消订单"),
    ],
)
def test_the_question_beside_an_action_is_answered(
    knowing: Chat, own: OwnTables, said: str, yes: str, told: str, proposed: str
) -> None:
    ada = knowing.open("ada")
    reply = knowing.say(ada, said)
    assert (told in reply.text, proposed in reply.text, reply.action) == (True, True, "confirm")
    assert set(reply.citations) == {"shipping.md", "#W1000001"}
    assert knowing.say(ada, yes).action == "done"
    assert status(own, "#W1000001") == "cancelled"


def test_a_question_of_rules_does_not_hide_what_is_to_be_done(knowing: Chat) -> None:
    reply = knowing.say(knowing.open("ada"), "how long do you ship to Norway? And return the chair to paypal")
    assert (reply.action, reply.text.count("Norway")) == ("confirm", 1)


def test_that_a_question_has_no_answer_is_said(chat: Chat, knowing: Chat) -> None:
    asked = "Cancel #W1000001, no longer needed. And do you ship to Peru?"
    for each in (chat, knowing):
        reply = each.say(each.open("ada"), asked)
        assert reply.action == "confirm"
        assert "no answer to your question" in reply.text


def test_anybody_is_answered_and_asked_to_sign_in(knowing: Chat) -> None:
    reply = knowing.say(knowing.open(is_public=True), "Cancel #W1000001 and when do you ship to Norway?")
    assert (reply.action, "Norway" in reply.text, "sign in" in reply.text) == ("ask", True, True)
