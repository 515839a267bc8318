"""Who waits for a person, in which order and how long; and what a person is offered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import clock
from regulars.errors import InputError, NotFoundError, ShopError
from regulars.state import State
from regulars.support import Chat, Desk, Hours, OwnTables
from regulars.support.handover import close, give_back, past_answers, send, suggest, take, waiting
from regulars.support.order import Policy
from regulars.support.questions import unanswered
from tests.support.conftest import LAMP, NOON, VISA, customer, order


def handed(chat: Chat, who: str, said: str) -> None:
    assert chat.say(chat.open(who), said).action == "hand_over"


def test_the_angry_come_first_then_who_came_first(chat: Chat, local: State) -> None:
    for minute, (who, said) in enumerate(
        (("ada", "a human please"), ("bob", "a human please"), ("bob", "you are a scam"))
    ):
        with clock.held_at(NOON + timedelta(minutes=minute)):
            handed(chat, who, said)
    assert [one.reason for one in waiting(local)] == ["angry", "asked", "asked"]
    first = take(local, "mei")
    assert first is not None
    assert (first.customer_id, first.reason) == ("bob", "angry")


def test_what_is_urgent_comes_before_what_is_not(chat: Chat, local: State) -> None:
    for minute, (who, said) in enumerate((("ada", "a human please"), ("bob", "urgent, a human please"))):
        with clock.held_at(NOON + timedelta(minutes=minute)):
            handed(chat, who, said)
    assert [one.customer_id for one in waiting(local)] == ["bob", "ada"]


def test_one_holds_a_conversation(chat: Chat, local: State) -> None:
    handed(chat, "ada", "a human please")
    taken = take(local, "mei")
    assert taken is not None
    assert take(local, "mei", taken.id) is not None
    with pytest.raises(ShopError, match="held by mei"):
        take(local, "lou", taken.id)
    with pytest.raises(ShopError, match="not held by lou"):
        send(local, "lou", taken.id, "hello")
    close(local, "mei", taken.id)
    with pytest.raises(ShopError, match="is closed"):
        take(local, "mei", taken.id)
    with pytest.raises(NotFoundError):
        take(local, "mei", 99)
    assert take(local, "mei") is None


@pytest.mark.parametrize("name", ["", "ai", "customer", "a\nb", "x" * 101])
def test_a_person_has_a_name(local: State, name: str) -> None:
    with pytest.raises(InputError):
        take(local, name)


def test_an_answer_has_words(chat: Chat, local: State) -> None:
    handed(chat, "ada", "a human please")
    taken = take(local, "mei")
    assert taken is not None
    for text in ("", "\u200b", "x" * 4001):
        with pytest.raises(InputError, match="1 to 4,000"):
            send(local, "mei", taken.id, text)


def test_the_wait_grows_with_who_waits_and_is_learned_from_how_long_they_took(chat: Chat, local: State) -> None:
    assert handing(chat, "ada") == 8
    assert handing(chat, "bob") == 16
    taken = take(local, "mei")
    assert taken is not None
    with clock.held_at(NOON + timedelta(minutes=20)):
        close(local, "mei", taken.id)
        assert handing(chat, "ada") == 40  # one waits, and each takes 20 minutes


def handing(chat: Chat, who: str) -> float | None:
    reply = chat.say(chat.open(who), "a human please")
    assert reply.hand_over is not None
    return reply.hand_over.wait_minutes


def test_what_people_sent_is_offered_in_the_next_such_case(chat: Chat, local: State) -> None:
    for said, answered in (
        ("a human please, the lamp flickers", "We send a new lamp."),
        ("a human, my parcel is late", "Sorry."),
    ):
        handed(chat, "ada", said)
        taken = take(local, "mei")
        assert taken is not None
        for text in ("Hello, Mei here.", answered, "Bye."):
            send(local, "mei", taken.id, text)
        close(local, "mei", taken.id)
    past = past_answers(local)
    assert [one.answers[1] for one in past] == ["Sorry.", "We send a new lamp."]

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.array([[1, 0] if "lamp" in text else [0, 1] for text in texts], np.float32)

    assert [one.text for one in suggest("en", "lamp broken", past, embed)] == ["We send a new lamp."]
    assert suggest("zh", "lamp broken", past, embed) == []


def test_the_queue_is_the_same_in_either_database(state: State) -> None:
    own = OwnTables(state)
    own.load([customer("ada", "Ada", "Lovelace", VISA)], [order("#W1000001", "ada", "pending", LAMP)])
    chat = Chat(Desk(state, own))
    assert handing(chat, "ada") == 8
    taken = take(state, "mei")
    assert taken is not None
    send(state, "mei", taken.id, "hello")
    assert [one.answers for one in past_answers(state)] == [("hello",)]
    close(state, "mei", taken.id)


def test_hours_are_of_a_place_and_leave_out_holidays() -> None:
    hours = Hours(zone="Asia/Shanghai", opens=time(9), closes=time(18), holidays=frozenset({date(2024, 5, 1)}))
    assert not hours.is_open(datetime(2024, 5, 1, 3, tzinfo=UTC))
    assert hours.next_opening(datetime(2024, 5, 1, 3, tzinfo=UTC)) == datetime(2024, 5, 2, 1, tzinfo=UTC)
    assert Hours(days=()).wait_minutes(NOON, 0) is None


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2025, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]),
)
def test_people_are_there_when_it_is_said_that_they_are(moment: datetime, zone: str) -> None:
    hours = Hours(zone=zone)
    opening = hours.next_opening(moment)
    assert opening is not None
    assert opening >= moment
    assert hours.is_open(opening)


def test_who_goes_on_sees_what_was_asked_and_done_and_not_each_yes(chat: Chat, local: State) -> None:
    ada = chat.open("ada")
    for said in ("Cancel #W1000001, no longer needed", "yes", "My other lamp flickers", "a human please"):
        chat.say(ada, said)
    found = waiting(local)[0]
    asked, _, done = found.summary.partition(" / Done: ")
    assert asked == "Cancel #W1000001, no longer needed / My other lamp flickers / a human please"
    assert "#W1000001" in done
    assert "anything else" not in done
    assert found.asked.splitlines() == asked.split(" / ")
    taken = take(local, "mei")
    assert taken is not None
    with clock.held_at(NOON + timedelta(minutes=5)):
        give_back(local, "mei", taken.id)
    with clock.held_at(NOON + timedelta(minutes=9)):
        chat.say(ada, "转人工，椅子坏了")
    assert waiting(local)[0].summary == "转人工,椅子坏了"


def test_the_person_may_begin_with_what_the_texts_say(local: State, desk: Desk) -> None:
    def answer(question: str, customer: object, language: str) -> tuple[str, tuple[str, ...]] | None:
        return ("You may send it back within thirty days. [1]", ("returns.md",)) if "days" in question else None

    chat = Chat(desk, answer=answer)
    for said in ("I want a human: how many days do I have?", "a human please"):
        handed(chat, "ada", said)
    first, second = waiting(local)
    assert first.proposed.endswith("\nYou may send it back within thirty days.")
    assert "Ada" in first.proposed
    assert "thirty" not in second.proposed


@pytest.mark.parametrize(
    ("said", "name"),
    [("delete all my data", "erase_data"), ("I want a copy of my data", "export_data"), ("a coupon of $5 please", "coupon")],
)  # fmt: skip
def test_what_only_a_person_does_is_in_the_queue_and_the_assistant_goes_on(
    local: State, own: OwnTables, said: str, name: str
) -> None:
    chat = Chat(Desk(local, own, Policy(coupon_limit=Decimal(5))))
    ada = chat.open("ada")
    chat.say(ada, said)
    assert waiting(local) == []
    done = chat.say(ada, "yes")
    assert [one.action.name for one in done.results if one.is_done] == [name]
    (found,) = waiting(local)
    assert (found.reason, found.customer_id, found.summary.startswith(said)) == ("request", "ada", True)
    assert chat.say(ada, "where is order #W1000003?").action == "answer"
    chat.say(ada, "I want to talk to a person")
    (found,) = waiting(local)
    assert (found.reason, chat.status(ada)) == ("asked", "person")


def test_who_takes_a_request_speaks_alone(chat: Chat, local: State) -> None:
    ada = chat.open("ada")
    chat.say(ada, "delete all my data")
    chat.say(ada, "yes")
    assert take(local, "mei") is not None
    assert chat.say(ada, "where is order #W1000003?").action == "with_person"


def test_an_answer_that_took_longer_does_not_open_again_what_waits_for_a_person(desk: Desk, local: State) -> None:
    def answer(question: str, *_: object) -> tuple[str, tuple[str, ...]] | None:
        if "how long" not in question:
            return None
        assert chat.say(ada, "I want to talk to a person").action == "hand_over"
        return "Thirty days.", ("returns.md",)

    chat = Chat(desk, answer=answer)
    ada = chat.open("ada")
    assert "Thirty days." in chat.say(ada, "how long may I keep it?").text
    assert chat.status(ada) == "person"
    assert chat.say(ada, "hello?").action == "with_person"


def test_what_nobody_could_answer_is_what_was_asked_then_and_nothing_before(chat: Chat, local: State) -> None:
    ada = chat.open("ada")
    chat.say(ada, "cancel #W1000001, no longer needed")
    chat.say(ada, "yes")
    chat.say(ada, "does the blue whale sing?")
    assert chat.say(ada, "is the moon of cheese?").action == "hand_over"
    assert unanswered(local) == ["is the moon of cheese?"]
