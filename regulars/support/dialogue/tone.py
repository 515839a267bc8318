"""How a reply begins, by the mood of the message and by what the customer is worth: what is said stays the same."""

from __future__ import annotations

from dataclasses import replace

from regulars.support.dialogue.phrases import asked
from regulars.support.dialogue.reply import Reply
from regulars.support.dialogue.texts import UNDERSTOOD
from regulars.support.intent.message import is_urgent, mood


def toned(reply: Reply, text: str, *, is_dear: bool) -> Reply:
    """The same reply, with a few words before it where they fit, in a language that is spoken here.

    Regret where the customer is unhappy; that it is passed on as urgent, where a person goes on with what is urgent;
    else thanks to whom the shop would miss most.

    Parameters
    ----------
    is_dear : whether this is the beginning of a talk with one of these.

    Examples
    --------
    >>> toned(Reply("It is delivered.", "answer", "en"), "it is broken", is_dear=True).text
    'I am sorry about that.\\nIt is delivered.'
    >>> toned(Reply("It is delivered.", "answer", "en"), "where is it?", is_dear=True).text
    'Thank you for being our customer.\\nIt is delivered.'
    """
    if reply.action in ("done", "end", "with_person") or reply.language not in UNDERSTOOD:
        return reply
    if mood(text) in ("angry", "unhappy"):
        phrase = "sorry"
    elif reply.action == "hand_over" and is_urgent(text):
        phrase = "urgent"
    elif is_dear:
        phrase = "dear"
    else:
        return reply
    return replace(reply, text=f"{asked(phrase, reply.language)}\n{reply.text}".strip())
