"""A language model that has the desk's tools: it reads and proposes, code decides, and what it says is looked up.

Of what it is made to say nothing reaches the customer but what the customer's own orders bear; what it wants done is
checked, restated by code, and done after the customer's own yes, one thing after the other. Where it fails in any way,
forms are filled instead.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from regulars.errors import RegularsError
from regulars.language import Answer, LanguageError, LanguageModel, Part, Pseudonyms, Tool
from regulars.support.dialogue.reply import Reply
from regulars.support.dialogue.said import borne, objects
from regulars.support.handover.queue import transcript
from regulars.support.order.actions import ACTIONS, Action
from regulars.support.order.desk import Desk
from regulars.support.order.tools import Tools, refused

ROUNDS, CALLS = 5, 12
"""So often a model is asked for one message, and so many tools are called in a round."""
REMEMBERED = 12
"""Messages of the conversation that it is told."""
LONGEST = 1_500
"""Characters of what it says."""
NEEDED = frozenset(("question", "orders"))
"""Kinds of parts that must be allowed to leave the machine; see `[language] send`."""
KINDS = {"profile": "profile", "product": "products"}
"""Of what these tools tell; all else is of orders. A tool whose kind may not leave is not offered."""

INSTRUCTIONS = (
    "You serve a customer of a shop. The last message is to be answered, in the language {language}. The tools act for "
    "this customer alone. Read what you need. To have something done, call the tools that do it, all at once: the shop "
    "checks them, shows them to the customer, and does them only after the customer's yes, so never say that anything "
    'is done. Otherwise answer with JSON: the action "say" with a short text of what the tools told, or a question '
    'that you need an answer to; "texts" for a question about the shop\'s rules, delivery, products; "hand_over" where '
    "a person is needed. Say no number, day, amount or promise that the tools did not tell."
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"action": {"enum": ["say", "texts", "hand_over"]}, "text": {"type": "string"}},
    "required": ["action"],
}
TOOLS = [Tool(one["name"], one["description"], one["parameters"]) for one in Tools.schemas()]


@dataclass(frozen=True)
class Agent:
    """A language model with tools; it fits `Chat(desk, agent=...)`.

    Attributes
    ----------
    model : that may be sent questions and orders.
    seconds : in which a reply must be there.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from regulars.language.recording import Scripted
    >>> from regulars.language import Limits
    >>> from regulars.state import State
    >>> from regulars.support import Chat, Desk, OwnTables
    >>> from regulars.support.order import Customer
    >>> state = State.open(Path(tempfile.mkdtemp()))
    >>> own = OwnTables(state)
    >>> about = {"customer_id": "ada", "name": {"first_name": "Ada"}, "address": {"address1": "1 Elm Street"}}
    >>> own.load([Customer(**about)])
    >>> said = ['{"action": "say", "text": "You have 3 orders."}', '{"action": "say", "text": "Which one?"}']
    >>> model = LanguageModel(Scripted(said), "test", Limits(send=NEEDED))
    >>> chat = Chat(Desk(state, own), agent=Agent(model))
    >>> ada = chat.open("ada")
    >>> "3 orders" in chat.say(ada, "how many orders do I have?").text  # no tool has told it
    False
    >>> chat.say(ada, "where is it?").text
    'Which one?'
    """

    model: LanguageModel
    seconds: float = 10.0

    def __call__(self, desk: Desk, conversation: str, message: str, language: str) -> Reply | Sequence[Action] | None:
        """The reply to a message, or what is to be done; None where there is neither that may be."""
        end = time.monotonic() + self.seconds
        tools, found = Tools(desk, conversation, language), list[dict[str, Any]]()
        customer = desk.customer(conversation)
        name = f"{customer.name.first_name} {customer.name.last_name}".strip()
        hidden = Pseudonyms({"NAME": [name] if name else []})
        hidden.know(_ids_of(customer.model_dump(mode="json")))
        said = [{"by": who, "text": text} for _, who, text in transcript(desk.state, conversation)[-REMEMBERED:]]
        said.append({"by": "customer", "text": message})
        for _ in range(ROUNDS):
            told = self._asked(said, found, language, hidden, end)
            if told is None:
                return None
            if not told.asked:
                return _spoken(told.value, found, language)
            wanted = _called(told, tools, found)
            hidden.know(_ids_of(found))
            if wanted:
                return wanted
        return None

    def _asked(
        self, said: Sequence[Any], found: Sequence[Any], language: str, hidden: Pseudonyms, end: float
    ) -> Answer | None:
        left = end - time.monotonic()
        if left <= 0:
            return None
        limits = replace(self.model.limits, timeout_seconds=min(left, self.model.limits.timeout_seconds))
        parts = [Part("question", said)]
        for kind in dict.fromkeys(("orders", *KINDS.values())):
            if some := [one for one in found if KINDS.get(one["tool"], "orders") == kind]:
                parts.append(Part(kind, some))
        tools = [tool for tool in TOOLS if KINDS.get(tool.name, "orders") in self.model.limits.send]
        instructions = INSTRUCTIONS.format(language=language)
        try:
            return replace(self.model, limits=limits).ask(
                instructions, parts, schema=SCHEMA, tools=tools, pseudonyms=hidden
            )
        except LanguageError:
            return None


def _called(told: Answer, tools: Tools, found: list[dict[str, Any]]) -> list[Action]:
    """Call what a model asks for. What it reads is found; what it wants done comes back, where all of it may be."""
    calls = told.asked[:CALLS]
    for call in calls:
        if call.name not in ACTIONS:
            found.append({"tool": call.name, **tools.call(call.name, dict(call.arguments))})
    wanted = [(call.name, dict(call.arguments)) for call in calls if call.name in ACTIONS]
    try:
        return tools.checked(wanted)
    except RegularsError as error:
        found.append({"tool": ", ".join(name for name, _ in wanted), **refused(error)})
        return []


def _ids_of(told: Any) -> dict[str, set[str]]:
    """What of a customer's things leaves as a pseudonym, though it does not look like a number: by kind."""
    known: dict[str, set[str]] = {"ID": set(), "ADDRESS": set()}
    for one in objects(told):
        for kind, names in _HIDDEN.items():
            known[kind] |= {str(one[name]) for name in names if one.get(name)}
        # Payment methods stand by their ids.
        known["ID"] |= set(one.get("payment_methods") or ())
    return known


_HIDDEN = {
    "ID": ("customer_id", "payment_method_id", "settled_with", "last_four"),
    "ADDRESS": ("address1", "address2", "city", "zip"),
}


def _spoken(value: Mapping[str, Any], found: Sequence[dict[str, Any]], language: str) -> Reply | None:
    """What a model says, as far as what its tools told bears it."""
    text = str(value.get("text") or "").strip()
    if value["action"] == "hand_over":
        return Reply("", "hand_over", language)
    if value["action"] == "texts" or not text or len(text) > LONGEST:
        return None
    said = borne(text, found)
    if not said:
        return None
    orders = [one["order_id"] for one in objects(found) if "order_id" in one and str(one["order_id"]) in said]
    return Reply(said, "answer", language, citations=tuple(dict.fromkeys(map(str, orders))))
