"""What should the shop learn to answer? Questions that nobody could answer, and those worth a label."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import sqlalchemy as sa

from regulars.errors import InputError
from regulars.state import State
from regulars.support.dataset import NONE
from regulars.support.entities import cleaned
from regulars.support.record import ASKED, LABELLED, write_event
from regulars.support.tables import handovers, prepare

if TYPE_CHECKING:
    from regulars.shop import Shop

FOR_WANT = ("not_understood", "unanswered")
"""Reasons of a hand-over that a text or a label would have spared."""
MOST = 5_000
LONGEST = 1_000


def unanswered(state: State, most: int = MOST) -> list[str]:
    """Questions that a person had to answer because nothing was known to answer them by; the newest last."""
    asked = sa.select(handovers.c.facts, handovers.c.summary).where(handovers.c.reason.in_(FOR_WANT))
    with prepare(state).read() as view:
        found = view.execute(asked.order_by(handovers.c.id.desc()).limit(most)).all()
    questions = [row.facts.get("question") or row.summary for row in reversed(found)]
    return [question for question in questions if question.strip()]


def unlabelled(shop: Shop, as_of: datetime, most: int = MOST) -> list[str]:
    """The first messages of conversations that nobody has labelled; the newest last."""
    events = shop.events
    rows = events.filter(events.time < ibis.literal(as_of), events.text.notnull())
    labelled = rows.filter(rows.type == LABELLED).select("text").distinct()
    asked = rows.filter(rows.type == ASKED, rows.text.strip() != "")
    first = asked.group_by(session=ibis.coalesce(asked.session_id, asked.event_id)).agg(
        text=asked.text.argmin(asked.time), time=asked.time.min()
    )
    found = first.anti_join(labelled, "text").order_by(ibis.desc("time"), "text").limit(most)
    texts: list[str] = shop.engine.to_arrow(found)["text"].to_pylist()
    return texts[::-1]


def label(state: State, question: str, intent: str) -> None:
    """Say what a question wants: from the next `regulars learn support` on, it is learned from.

    Parameters
    ----------
    question : in the words of the customer.
    intent : of the starter set or one of the shop's own, such as gift_engraving; "no_intent" for a question of none.

    Raises
    ------
    InputError
        If the question is empty or longer than 1,000 characters, or the intent is no name.
    """
    said = cleaned(question)
    if not said or len(said) > LONGEST:
        raise InputError(f"A question has 1 to {LONGEST:,} characters; this has {len(said):,}.")
    if not intent.isidentifier():
        raise InputError(f'"{intent[:40]}" is no name of an intent; write it as gift_engraving, or {NONE}.')
    with prepare(state).write() as change:
        write_event(change, "", None, LABELLED, text=said, outcome=intent)
