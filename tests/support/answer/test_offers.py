"""Where no text surely answers, three are named: one that is picked is told, and none of them is a person's turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from regulars.support.answer import Answers
from regulars.support.dialogue import Chat
from regulars.support.knowledge import Knowledge
from regulars.support.order import Desk

HELP = """# Return period
You may send back unused goods within thirty days.

# Return costs
Sending goods back is free inside the country.

# Opening hours
We are there from nine to five.
"""


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("offers") / "knowledge"
    folder.mkdir()
    (folder / "help.md").write_text(HELP, encoding="utf-8")
    return Knowledge(folder)


@pytest.fixture
def chat(desk: Desk, knowledge: Knowledge) -> Chat:
    """Of answers that are never sure."""
    answers = Answers(knowledge, bar=2.0)
    return Chat(desk, answer=answers, offers=answers)


def test_the_text_that_is_picked_is_told_with_its_citation(chat: Chat) -> None:
    conversation = chat.open("ada")
    offered = chat.say(conversation, "how many days do I have to send goods back?")
    assert (offered.action, offered.citations, "1. Return period" in offered.text) == ("ask", (), True)
    assert "thirty days" not in offered.text
    told = chat.say(conversation, "1")
    assert (told.action, told.citations) == ("answer", ("help.md, Return period",))
    assert "thirty days" in told.text


@pytest.mark.parametrize(
    ("asked", "none"),
    [("how many days do I have to send goods back?", "no"), ("你们几点开门", "都不是")],
)
def test_none_of_them_is_a_person_s_turn(chat: Chat, asked: str, none: str) -> None:
    conversation = chat.open("ada")
    assert "1." in chat.say(conversation, asked).text
    handed = chat.say(conversation, none)
    assert handed.hand_over is not None
    assert handed.hand_over.reason == "unanswered"


def test_another_question_is_taken_as_such(chat: Chat) -> None:
    conversation = chat.open("ada")
    chat.say(conversation, "how many days do I have to send goods back?")
    assert "#W1000001" in chat.say(conversation, "where is my order #W1000001?").text


def test_a_text_that_was_taken_away_meanwhile_is_a_person_s_turn(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "help.md").write_text(HELP, encoding="utf-8")
    answers = Answers(Knowledge(tmp_path), bar=2.0)
    chat = Chat(desk, answer=answers, offers=answers)
    conversation = chat.open("ada")
    assert "1." in chat.say(conversation, "how many days do I have to send goods back?").text
    (tmp_path / "help.md").unlink()
    assert answers.knowledge is not None
    answers.knowledge.refresh()
    assert chat.say(conversation, "1").hand_over is not None


def test_what_is_no_business_of_a_shop_is_offered_no_text(knowledge: Knowledge) -> None:
    assert Answers(knowledge).offered("who won the football match in 1998?") == []
