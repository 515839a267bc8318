"""How replies begin: by mood, by urgency, and with whom much value would leave."""

from __future__ import annotations

import pytest

from regulars.support import Chat, Desk

THANKS = "Thank you for being our customer."


@pytest.fixture
def chat(desk: Desk) -> Chat:
    return Chat(desk, at_risk=lambda customer: customer == "ada")


def test_whom_the_shop_would_miss_is_thanked_once_a_conversation(chat: Chat) -> None:
    ada, bob = chat.open("ada"), chat.open("bob")
    assert THANKS in chat.say(ada, "where is #W1000003?").text
    assert THANKS not in chat.say(ada, "where is #W1000001?").text
    assert THANKS not in chat.say(bob, "where is #W2000001?").text
    assert THANKS not in chat.say(chat.open(), "where is #W1000003?").text
    assert "感谢您一直以来的支持。" in chat.say(chat.open("ada"), "订单 #W1000003 到哪里了").text


def test_what_is_urgent_is_said_to_be_passed_on_as_that(chat: Chat) -> None:
    assert "marked it as urgent" in chat.say(chat.open("bob"), "I want a human, it is urgent").text
    assert "已标记为紧急" in chat.say(chat.open("bob"), "转人工，很急").text
    assert "urgent" not in chat.say(chat.open("bob"), "a human please").text


def test_who_is_unhappy_hears_regret_and_no_thanks(chat: Chat) -> None:
    reply = chat.say(chat.open("ada"), "the lamp of #W1000003 arrived broken")
    assert "I am sorry about that." in reply.text
    assert THANKS not in reply.text
