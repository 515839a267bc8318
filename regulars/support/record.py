"""What is said in conversations: kept, and on its way into the log as events; each arrives once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa

from regulars import clock, outbox
from regulars.state import State
from regulars.support import tables

if TYPE_CHECKING:
    from regulars.shop import Shop

ASKED, ANSWERED, RATED, LABELLED = "support_asked", "support_answered", "support_rated", "support_labelled"


def write_message(
    change: sa.Connection, conversation: str, customer_id: str | None, who: str, text: str, about: dict[str, Any]
) -> None:
    """Keep a message, and put its event into the outbox, inside a change that goes on.

    Parameters
    ----------
    who : customer, ai, or a person's name.
    about : of an answer: what it is marked with.
    """
    now = clock.now()
    row = {"conversation_id": conversation, "at": now, "who": who, "text": text, "about": about}
    change.execute(sa.insert(tables.messages).values(row))
    write_event(
        change,
        conversation,
        customer_id,
        ASKED if who == "customer" else ANSWERED,
        text=text,
        outcome=about.get("action"),
        properties={} if who == "customer" else {"who": who, **about},
    )


def write_event(
    change: sa.Connection, conversation: str, customer_id: str | None, kind: str, *, text: str | None = None,
    outcome: str | None = None, properties: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Put an event for the log into the outbox, inside a change that goes on."""
    row = {
        "event_id": f"support-{uuid4().hex}", "time": clock.now(), "customer_id": customer_id,
        "session_id": conversation, "type": kind, "text": text, "outcome": outcome, "properties": properties or {},
    }  # fmt: skip
    change.execute(sa.insert(tables.outbox).values(row))


def deliver(state: State, shop: Shop) -> int:
    """Append to the log all events of support that wait for it; how many. What was appended already stays once."""
    return outbox.deliver(tables.prepare(state), shop, tables.outbox, _event, "conversations with support")


def _event(row: Any) -> dict[str, Any]:
    return {
        "event_id": row.event_id, "time": row.time, "customer_id": row.customer_id,
        "session_id": row.session_id or None, "type": row.type, "text": row.text, "outcome": row.outcome,
        "channel": "support_chat", "properties": row.properties,
    }  # fmt: skip


def note(
    change: sa.Connection, conversation: str, customer_id: str | None, action: str, arguments: Any, said: str,
    **about: Any,
) -> None:  # fmt: skip
    """Write into the journal what was tried for a customer, and what came of it."""
    row = {
        "at": clock.now(), "conversation_id": conversation, "customer_id": customer_id, "who": "customer",
        "action": action, "arguments": arguments, "outcome": said, "about": about,
    }  # fmt: skip
    change.execute(sa.insert(tables.journal).values(row))
