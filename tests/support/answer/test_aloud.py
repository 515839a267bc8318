"""What a language model writes is heard sentence by sentence, checked; what was heard is said, whatever comes after."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from regulars.language import LanguageModel, Limits
from regulars.language.endpoint import Endpoint
from regulars.support import Chat, Desk
from regulars.support.answer import Answers
from regulars.support.knowledge import Knowledge
from tests.language.conftest import Asking, Behaviour, Server, says, sends, server

__all__ = ["server"]

TEXT = "# Return period\nYou may send back unused goods within thirty days. Opened food cannot be returned.\n"
ASKED = "how many days do I have to send goods back?"
DAYS = "Unused goods may be sent back within 30 days."
FOOD = "Opened food cannot be returned."
AGAIN = "You have thirty days to send back unused goods."
OWN = "You may send back unused goods within thirty days. [1] Opened food cannot be returned. [1]"


def entry(text: str) -> str:
    return json.dumps({"text": text, "sources": [1]})


def written(*texts: str, action: str = "answer") -> str:
    return f'{{"action": "{action}", "sentences": [{", ".join(map(entry, texts))}]}}'


def streams(text: str, *, at_once: int = 3, before: Callable[[str], object] = lambda rest: None) -> Behaviour:
    """A stream of a few signs at a time, as endpoints send tokens; `before` each, whatever a test waits for."""

    def behaviour(asking: Asking) -> None:
        asking.begin()
        for place in range(0, len(text), at_once):
            before(text[place:])
            piece = {"choices": [{"delta": {"content": text[place : place + at_once]}}]}
            asking.wfile.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
        if text.endswith("}"):
            asking.wfile.write(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')

    return behaviour


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("texts")
    (folder / "help.md").write_text(TEXT, "utf-8")
    return Knowledge(folder)


@pytest.fixture
def chat(desk: Desk, knowledge: Knowledge, server: Server) -> Chat:
    limits = Limits(timeout_seconds=5.0, tries=1)
    model = LanguageModel(Endpoint(server.url), "test", limits, sleep=lambda seconds: None)
    return Chat(desk, answer=Answers(knowledge, model=model))


def said(chat: Chat) -> tuple[list[str], str]:
    """What was heard, and the reply, without the words that an AI answers."""
    heard: list[str] = []
    conversation = chat.open("ada")
    reply = chat.say(conversation, ASKED, heard=heard.append)
    assert all(reply.text.startswith(so_far) for so_far in heard)
    assert heard == sorted(heard, key=len)
    assert chat.said(conversation)[-1].text == reply.text
    return [so_far.partition("\n")[2] for so_far in heard], reply.text.partition("\n")[2]


def test_a_sentence_is_heard_before_the_endpoint_has_written_the_last(chat: Chat, server: Server) -> None:
    is_heard = threading.Event()
    waited: list[bool] = []

    def before(rest: str) -> None:
        if FOOD not in rest and FOOD[-10:] in rest and not waited:
            waited.append(is_heard.wait(30))

    server.behaviours = [streams(written(DAYS, AGAIN, FOOD), before=before)]
    heard: list[str] = []

    def hear(so_far: str) -> None:
        heard.append(so_far)
        is_heard.set()

    reply = chat.say(chat.open("ada"), ASKED, heard=hear)
    assert waited == [True]
    assert heard[0].endswith(f"\n{DAYS} [1]")
    assert reply.text.endswith(f"\n{DAYS} [1] {AGAIN} [1] {FOOD} [1]")
    assert server.requests[0]["response_format"] == {"type": "json_object"}


LIES = [
    "You may send back unused goods within 60 days.",
    "You get 500.00 back.",
    "It is free.",
    "Until 5 May.",
    "Write to boss@evil.example.",
    "Opened food can be returned.",
    "\u200bWe guar\u200bantee it.",
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_what_no_source_says_is_never_heard_and_ends_the_answer_before_the_sentence_that_it_may_belong_to(
    chat: Chat, server: Server, lie: str
) -> None:
    server.behaviours = [streams(written(DAYS, AGAIN, lie, FOOD))]
    heard, reply = said(chat)
    assert heard == [f"{DAYS} [1]"]
    assert reply == f"{DAYS} [1] {OWN}"  # the text itself goes on
    server.behaviours = [streams(written(DAYS, lie)), streams(written(lie, DAYS, AGAIN))]
    for _ in range(2):
        assert said(chat) == ([], OWN)


@pytest.mark.parametrize(
    "text",
    [
        written(DAYS, AGAIN, FOOD)[:-45],
        written(DAYS, AGAIN)[:-2] + ", {}]}",
        written(DAYS, AGAIN)[:-2] + ", 7]}",
        written(DAYS, AGAIN)[:-1] + ', "action": "hand_over"}',
        written(DAYS, AGAIN)[:-2] + "]]]]}",
        written(DAYS, AGAIN)[:-2] + "x" * 30_000,
    ],
    ids=["cut", "an entry without a text", "no entry", "another end", "no JSON", "endless"],
)
def test_a_stream_that_ends_ill_is_ended_by_the_texts_own_words(chat: Chat, server: Server, text: str) -> None:
    server.behaviours = [streams(text)]
    heard, reply = said(chat)
    assert heard == [f"{DAYS} [1]"]
    assert reply == f"{DAYS} [1] {OWN}"


@pytest.mark.parametrize(
    "first",
    [sends(b"{}", 503), sends(b'{"error": {"message": "no stream"}}', 400), streams("no JSON at all }"), sends(b"")],
    ids=["down", "refused", "no JSON", "nothing"],
)
def test_where_nothing_was_heard_the_whole_is_asked_for(chat: Chat, server: Server, first: Behaviour) -> None:
    server.behaviours = [first, says(written(DAYS, FOOD))]
    heard, reply = said(chat)
    assert reply == f"{DAYS} [1] {FOOD} [1]"
    assert reply.startswith(tuple(heard))


def test_an_endpoint_that_falls_silent_in_the_middle_is_not_waited_for_for_ever(
    desk: Desk, knowledge: Knowledge, server: Server
) -> None:
    def before(rest: str) -> None:
        if len(rest) < 30:
            server.stopping.wait(30)

    model = LanguageModel(Endpoint(server.url), "test", Limits(timeout_seconds=1.0, tries=1))
    server.behaviours = [streams(written(DAYS, AGAIN, FOOD), before=before)]
    heard, reply = said(Chat(desk, answer=Answers(knowledge, model=model), seconds=2.0))
    assert heard == [f"{DAYS} [1]"]
    assert reply == f"{DAYS} [1] {OWN}"


def test_who_does_not_listen_is_told_the_same(chat: Chat, server: Server) -> None:
    server.behaviours = [says(written(DAYS, AGAIN, FOOD)), says(written(DAYS, AGAIN, LIES[0], FOOD))]
    whole, cut = (chat.say(chat.open("ada"), ASKED).text.partition("\n")[2] for _ in range(2))
    assert whole == f"{DAYS} [1] {AGAIN} [1] {FOOD} [1]"
    assert cut == f"{DAYS} [1] {OWN}"
    assert "stream" not in server.requests[0]


def test_what_was_heard_is_said_though_something_fails_after_it(
    chat: Chat, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise ZeroDivisionError

    server.behaviours = [streams(written(DAYS, AGAIN, FOOD))]
    monkeypatch.setattr("regulars.support.answer.answers.generated", telling_then(failing))
    heard, reply = said(chat)
    assert heard == ["Thirty days. [1]"]
    assert reply.startswith("Thirty days. [1]\n")


def telling_then(failing: Callable[..., None]) -> Callable[..., None]:
    from regulars.support.answer.aloud import tell

    def generated(*about: object) -> None:
        tell("Thirty days. [1]")
        failing(*about)

    return generated


def test_beside_what_is_to_be_done_nothing_is_heard_before_all_is_there(chat: Chat, server: Server) -> None:
    server.behaviours = [says(written(DAYS, FOOD))]
    heard: list[str] = []
    said = f"Cancel #W1000001, ordered by mistake. And {ASKED}"
    reply = chat.say(chat.open("ada"), said, heard=heard.append)
    assert (reply.action, heard) == ("confirm", [])
    assert reply.text.index(DAYS) < reply.text.index("Cancel order #W1000001")
