"""What a person answered once is told to the next who asks, if it is of nobody; the shop's own texts come first."""

from __future__ import annotations

from pathlib import Path

import pytest

from regulars.language import Pseudonyms
from regulars.language.search import Index
from regulars.state import State
from regulars.support import Chat
from regulars.support.answer import Answers
from regulars.support.answer.earlier import Earlier, is_for_anybody
from regulars.support.handover import close, past_answers, send, take
from regulars.support.knowledge import Knowledge

GENERAL = "Wool jumpers are washed by hand at thirty degrees and dried flat."


def answered(chat: Chat, state: State, asked: str, *said: str) -> None:
    chat.say(chat.open("ada"), f"{asked} I want a person")
    taken = take(state, "mei")
    assert taken is not None
    for text in said:
        send(state, "mei", taken.id, text)
    close(state, "mei", taken.id)


def earlier_of(state: State) -> Earlier:
    found = Earlier(lambda: past_answers(state), lambda customer: "Ada Lovelace", Index())
    found.refresh()
    return found


def answers_of(state: State, folder: Path | None = None) -> Answers:
    return Answers(None if folder is None else Knowledge(folder), earlier=earlier_of(state))


@pytest.mark.parametrize(
    ("asked", "said", "again", "language", "source"),
    [
        ("How do I wash a wool jumper?", GENERAL, "how do I wash a jumper of wool?", "en", "answer of our support"),
        ("羊毛衫怎么洗？", "羊毛衫请用三十度的水手洗。", "羊毛衫要怎么洗", "zh", "客服的回答"),
    ],
)
def test_what_a_person_answered_is_told_to_the_next_with_its_source(
    chat: Chat, local: State, asked: str, said: str, again: str, language: str, source: str
) -> None:
    asking = asked if language == "en" else f"{asked}转人工。"
    answered(chat, local, asking, said)
    found = answers_of(local).answer(again, language=language)
    assert (found.is_sure, found.way, found.citations) == (True, "earlier", (f"{source}, 2024-05-01",))
    assert said in found.text


def test_the_texts_of_the_shop_come_first(chat: Chat, local: State, tmp_path: Path) -> None:
    answered(chat, local, "How many days do I have to send goods back?", "Goods come back within ten days.")
    (tmp_path / "returns.md").write_text("# Return period\nYou may send back unused goods within thirty days.\n")
    found = answers_of(local, tmp_path).answer("how many days do I have to send goods back?")
    assert found.citations == ("returns.md, Return period",)


def test_what_is_gone_is_not_told_any_more(chat: Chat, local: State) -> None:
    answered(chat, local, "How do I wash a wool jumper?", GENERAL)
    there = list(past_answers(local))
    earlier = Earlier(lambda: there, lambda customer: "", Index())
    earlier.refresh()
    assert len(earlier) == 1
    there.clear()
    earlier.refresh()
    assert (len(earlier), earlier.find("how do I wash a wool jumper?")) == (0, [])


def test_of_a_customers_words_nothing_personal_is_searched(chat: Chat, local: State) -> None:
    answered(chat, local, "I am Ada Lovelace, ada@example.com. How do I wash wool jumpers?", GENERAL)
    (text,) = earlier_of(local).texts
    assert "Ada" not in f"{text.questions} {text.title}"
    assert "example.com" not in f"{text.questions} {text.title}"


@pytest.mark.parametrize(
    "said",
    [
        "Ada, wash it by hand.",
        "Hello bob, wash it by hand.",
        "Wash it as Tom does.",
        "Mei here: wash it by hand.",
        "Write to help@example.com about wool.",
        "Call +49 30 901820 about wool.",
        "Order #W1000001 is washed by hand.",
        "It is sent to 9 Oak Avenue, Denver, CO 80279.",
        "It was washed by hand.",
        "It arrives tomorrow.",
        "It arrives on Monday.",
        "I have looked: by hand.",
        "We will wash it.",
        "Your parcel is here.",
        "Washing is free.",
        "王先生，请手洗。",
        "李雷您好，请手洗。",
        "已经为您退款。",
        "您的订单明天到。",
    ],
)
def test_what_is_of_somebody_or_of_one_case_is_told_to_nobody_else(said: str) -> None:
    assert not is_for_anybody(said, Pseudonyms({"NAME": ["Ada Lovelace", "Mei"]}))


@pytest.mark.parametrize(
    "said", [GENERAL, "Batteries go by road, not by air.", "羊毛请手洗。", "Jumpers run small; take a size more."]
)
def test_what_is_general_may_be_told(said: str) -> None:
    assert is_for_anybody(said, Pseudonyms({"NAME": ["Ada Lovelace", "Mei"]}))
