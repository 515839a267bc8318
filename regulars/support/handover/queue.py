"""The queue of conversations that a person goes on with: opened, taken, answered, given back or closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.errors import InputError, NotFoundError, ShopError
from regulars.state import State
from regulars.support.entities import cleaned
from regulars.support.handover.hours import Hours
from regulars.support.record import RATED, write_message
from regulars.support.tables import conversations, handovers, messages, outbox, prepare

URGENCY = {"needs_person": 3, "at_risk": 3, "angry": 2, "too_many_tries": 2}
"""By reason; all else is 1, and 2 where the customer says that it is urgent. Of equals, who came first is first."""
LAST_TAKEN = 50
LONGEST_REPLY = 4_000


@dataclass(frozen=True)
class Handover:
    """A conversation that a person is to go on with, with all that this one needs.

    `reason` is why: asked, angry, at_risk (unhappy, and much value would leave with this customer), not_understood,
    unanswered, language, system_away (the shop's own does not answer),
    or the policy's own (needs_person: much money would move).
    """

    id: int
    conversation: str
    customer_id: str | None
    language: str
    reason: str
    summary: str
    facts: dict[str, Any]
    proposed: str
    status: str
    opened_at: datetime
    holder: str | None

    @property
    def asked(self) -> str:
        """What the customer asked, without what was done: by it texts and answers of before are found."""
        return str(self.facts.get("asked") or self.summary)


_RATED_ILL = sa.select(outbox.c.session_id).where(outbox.c.type == RATED, outbox.c.outcome.in_(("1", "2", "3")))
"""Conversations whose customers said of 1 to 5 that they were not satisfied."""


class Past(NamedTuple):
    """A hand-over of before: its language, what was asked, what the person wrote, in its order; when and by whom."""

    language: str
    asked: str
    answers: tuple[str, ...]
    number: int = 0
    at: datetime | None = None
    person: str = ""
    customer_id: str | None = None


def hand_over(
    change: sa.Connection, conversation: str, *, customer_id: str | None, language: str, reason: str, summary: str,
    facts: dict[str, Any], proposed: str, is_urgent: bool = False, is_aside: bool = False,
) -> int:  # fmt: skip
    """Put a conversation into the queue, inside a change that goes on; its number there. Twice is once.

    Parameters
    ----------
    is_aside : a person has something to do for it, while the assistant goes on with the customer.
    """
    which = (handovers.c.conversation_id == conversation) & handovers.c.status.in_(("waiting", "taken"))
    there = change.execute(sa.select(handovers.c.id).where(which)).scalar()
    which_one = conversations.c.conversation_id == conversation
    is_news = change.execute(sa.select(conversations.c.status).where(which_one)).scalar() != "person"
    if not is_aside:
        # First of all: an answer that took longer must not open again what waits for a person.
        _set_status(change, conversation, "person")
    row: dict[str, Any] = {
        "conversation_id": conversation, "customer_id": customer_id, "language": language, "reason": reason,
        "summary": summary, "facts": facts, "proposed": proposed, "urgency": max(URGENCY.get(reason, 1), 1 + is_urgent),
    }  # fmt: skip
    if there is not None:
        if is_news:
            change.execute(sa.update(handovers).where(handovers.c.id == there).values(row))
        return int(there)
    row |= {"status": "waiting", "opened_at": clock.now()}
    return int(change.execute(sa.insert(handovers).values(row).returning(handovers.c.id)).scalar_one())


def waiting(state: State, limit: int = 50) -> list[Handover]:
    """Who waits for a person, in the order in which they are to be taken."""
    asked = sa.select(handovers).where(handovers.c.status == "waiting")
    order = (handovers.c.urgency.desc(), handovers.c.opened_at, handovers.c.id)
    with prepare(state).read() as view:
        return [_read(row) for row in view.execute(asked.order_by(*order).limit(limit))]


def one(state: State, number: int) -> Handover:
    """A hand-over, whoever holds it; NotFoundError if there is none."""
    with prepare(state).read() as view:
        return _read(_row(view, number))


def expected_wait(view: sa.Connection, hours: Hours, moment: datetime) -> float | None:
    """Minutes until it is the turn of who comes now; see `Hours.wait_minutes`."""
    before = view.execute(sa.select(sa.func.count()).where(handovers.c.status == "waiting")).scalar_one()
    ended = sa.select(handovers.c.taken_at, handovers.c.left_at).where(handovers.c.left_at.is_not(None))
    rows = view.execute(ended.order_by(handovers.c.left_at.desc()).limit(LAST_TAKEN)).all()
    took = [(left - taken).total_seconds() / 60 for taken, left in rows if taken is not None]
    return hours.wait_minutes(moment, int(before), took)


def take(state: State, person: str, number: int | None = None) -> Handover | None:
    """A person takes a conversation over: the one asked for, else the next; None if nobody waits.

    Raises
    ------
    NotFoundError
        If there is no such hand-over.
    ShopError
        If another holds it, or it is over.
    """
    person = _name(person)
    with prepare(state).write(alone="support queue") as change:
        if number is None:
            order = (handovers.c.urgency.desc(), handovers.c.opened_at, handovers.c.id)
            number = change.execute(
                sa.select(handovers.c.id).where(handovers.c.status == "waiting").order_by(*order).limit(1)
            ).scalar()
            if number is None:
                return None
        row = _row(change, number)
        if row.status == "taken" and row.holder != person:
            raise ShopError(f"Hand-over {number} is held by {row.holder}. Take another: regulars support take")
        if row.status in ("returned", "closed"):
            raise ShopError(f"Hand-over {number} is {row.status}. See who waits: regulars support queue")
        # What a person was to do beside the assistant, too: from here on one of them speaks.
        _set_status(change, row.conversation_id, "person")
        values = {"status": "taken", "holder": person, "taken_at": row.taken_at or clock.now()}
        change.execute(sa.update(handovers).where(handovers.c.id == number).values(values))
        return _read(_row(change, number))


def send(state: State, person: str, number: int, text: str) -> None:
    """A person answers the customer.

    Raises
    ------
    NotFoundError, ShopError
        If there is no such hand-over, or this person does not hold it.
    InputError
        If the text is empty or longer than 4,000 characters.
    """
    said = cleaned(text)
    if not said or len(text) > LONGEST_REPLY:
        raise InputError(f"An answer has 1 to {LONGEST_REPLY:,} characters; this has {len(text):,}.")
    with prepare(state).write() as change:
        row = _held(change, number, person)
        write_message(change, row.conversation_id, row.customer_id, person, said, {"made_by": "person"})


def give_back(state: State, person: str, number: int) -> None:
    """A person gives a conversation back to the assistant, which begins afresh from there."""
    _leave(state, person, number, "returned", "open")


def close(state: State, person: str, number: int) -> None:
    """A person ends a conversation."""
    _leave(state, person, number, "closed", "ended")


def transcript(state: State, conversation: str) -> list[tuple[datetime, str, str]]:
    """All that was said in a conversation: when, by whom, what."""
    asked = sa.select(messages.c.at, messages.c.who, messages.c.text)
    with prepare(state).read() as view:
        rows = view.execute(asked.where(messages.c.conversation_id == conversation).order_by(messages.c.id))
        return [(row.at, row.who, row.text) for row in rows]


def past_answers(state: State, limit: int = 2_000) -> Sequence[Past]:
    """What people answered in the hand-overs before, the newest first; nothing that its customer rated below 4."""
    newest = sa.select(handovers).where(handovers.c.holder.is_not(None)).order_by(handovers.c.id.desc()).limit(limit)
    of = newest.subquery()
    said = (messages.c.conversation_id == of.c.conversation_id) & (messages.c.who == of.c.holder)
    # One conversation may be handed over several times.
    said &= (messages.c.at >= of.c.opened_at) & (of.c.left_at.is_(None) | (messages.c.at <= of.c.left_at))
    asked = sa.select(of, messages.c.text, messages.c.at).join(messages, said)
    found: dict[int, Past] = {}
    with prepare(state).read() as view:
        unhelpful = set(view.execute(_RATED_ILL).scalars())
        for row in view.execute(asked.order_by(of.c.id.desc(), messages.c.id)):
            if row.conversation_id in unhelpful:
                continue
            asked_of = str(row.facts.get("asked") or row.summary)
            before = found.get(row.id) or Past(row.language, asked_of, (), row.id, row.at, row.holder, row.customer_id)
            found[row.id] = before._replace(answers=(*before.answers, row.text))
    return list(found.values())


def _leave(state: State, person: str, number: int, status: str, conversation: str) -> None:
    with prepare(state).write() as change:
        row = _held(change, number, person)
        values = {"status": status, "left_at": clock.now()}
        change.execute(sa.update(handovers).where(handovers.c.id == number).values(values))
        _set_status(change, row.conversation_id, conversation)


def _set_status(change: sa.Connection, conversation: str, status: str) -> None:
    # What the assistant remembers of before goes too: it would take up again what a person has settled.
    values = {"status": status, "memory": {"greeted": True}, "changed_at": clock.now()}
    change.execute(sa.update(conversations).where(conversations.c.conversation_id == conversation).values(values))


def _held(change: sa.Connection, number: int, person: str) -> Any:
    row = _row(change, number)
    if row.status != "taken" or row.holder != _name(person):
        raise ShopError(f"Hand-over {number} is not held by {person}. Take it first: regulars support take {number}")
    return row


def _row(change: sa.Connection, number: int) -> Any:
    row = change.execute(sa.select(handovers).where(handovers.c.id == number).with_for_update()).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no hand-over {number}. See: regulars support queue")
    return row


def _name(person: str) -> str:
    name = cleaned(person)
    if not name or len(name) > 100 or "\n" in name or name in ("customer", "ai"):
        raise InputError('A person\'s name is one line of at most 100 characters, and not "customer" or "ai".')
    return name


def _read(row: Any) -> Handover:
    return Handover(
        id=row.id, conversation=row.conversation_id, customer_id=row.customer_id, language=row.language,
        reason=row.reason, summary=row.summary, facts=row.facts, proposed=row.proposed, status=row.status,
        opened_at=row.opened_at, holder=row.holder,
    )  # fmt: skip
