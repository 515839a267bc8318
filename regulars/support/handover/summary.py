"""What was asked and done in a conversation, for the person who goes on with it; no model writes it."""

from __future__ import annotations

import re

import sqlalchemy as sa

from regulars.support.order.yes import is_no, is_yes
from regulars.support.tables import handovers, messages

LONGEST = 1_000
"""Characters of a summary: what a person sees at a glance; the whole is in the conversation."""
EACH = 300
REQUESTS = 4
"""The last ones, and so many things that were done."""
_DONE = {"en": "Done", "zh": "已办理"}
# A pick from a list, a greeting, a code: no request.
_SAYS = re.compile(r"\w{2,}\W+\w{2,}|[\u3400-\u9fff]{4,}")


def asked_in(change: sa.Connection, conversation: str) -> list[str]:
    """What the customer asked since a person last left the conversation, in its order, the last ones; each once.

    Yes, no and picks from a list ask nothing. Where nothing else was said the last message is what was asked.
    """
    said = [text for who, text, _ in _said(change, conversation) if who == "customer"]
    kept = [text for text in said if _SAYS.search(text) and not (is_yes(text) or is_no(text))]
    return list(dict.fromkeys(text[:LONGEST] for text in kept or said[-1:]))[-REQUESTS:]


def summarised(change: sa.Connection, conversation: str, language: str) -> str:
    """What was asked, and what the assistant says that it has done; see `asked_in`."""
    asked = asked_in(change, conversation)
    parts = [text if len(asked) == 1 else text[:EACH] for text in asked]
    done = [
        # After it stands only whether there is anything else.
        "; ".join(text.splitlines()[:-1])[:EACH]
        for who, text, about in _said(change, conversation)
        if who == "ai" and about.get("done")
    ]
    if done:
        parts.append(f"{_DONE['zh' if language == 'zh' else 'en']}: {' '.join(done[-REQUESTS:])}")
    return " / ".join(parts)[:LONGEST]


def _said(change: sa.Connection, conversation: str) -> list[tuple[str, str, dict[str, object]]]:
    left = change.execute(
        sa.select(sa.func.max(handovers.c.left_at)).where(handovers.c.conversation_id == conversation)
    ).scalar()
    asked = sa.select(messages.c.who, messages.c.text, messages.c.about)
    asked = asked.where(messages.c.conversation_id == conversation).order_by(messages.c.id)
    rows = change.execute(asked if left is None else asked.where(messages.c.at >= left))
    return [(row.who, row.text, row.about) for row in rows]
