"""What the shop's texts say to a message: an answer, some texts to pick from, and the one that was picked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from regulars.errors import NotFoundError
from regulars.support.answer.aloud import heard_by
from regulars.support.dialogue.given import Answer, Offers
from regulars.support.dialogue.intents import STATUS, verbs
from regulars.support.dialogue.phrases import asked
from regulars.support.dialogue.reply import Memory, Reply
from regulars.support.dialogue.slots import place_in
from regulars.support.entities import asking
from regulars.support.order.things import Customer
from regulars.support.order.yes import is_no

TEXTS = "texts"
"""The question which of some texts is meant."""
ASKS_FOR_RULES = re.compile(
    r"\b(?:how (?:long|many|much|do|does)|what (?:is|are|happens)|do you|policy|policies|rules?)\b"
    r"|多久|多少天|几天|怎么|如何|政策|规定",
    re.IGNORECASE,
)
"""Such a question, of no order by its number, is answered from texts where they do: it asks for nothing to be done."""
UNDERSTOOD = ("en", "zh")
OWN = re.compile(r"\b(?:it|them|this|that|these|i|my|mine)\b|我|它|这|那", re.IGNORECASE)
"""Of what is the customer's own no text of the shop tells where it is."""
NONE = re.compile(r"\b(?:none|neither|nothing)\b|都不|没有", re.IGNORECASE)
"""Of what was offered."""


class Texts:
    """The shop's texts in one turn of a conversation, whose memory it writes into.

    Parameters
    ----------
    answer, offers : see `given`; None where the shop has no texts.
    customer : who asks; it may cost a look at the shop's own system.
    """

    def __init__(
        self,
        answer: Answer | None,
        offers: Offers | None,
        memory: Memory,
        language: str,
        customer: Callable[[], Customer | None],
    ) -> None:
        self._answer, self._offers, self._memory = answer, offers, memory
        self._language, self._customer = language, customer
        self._told: dict[str, tuple[str, tuple[str, ...]] | None] = {}

    def answer(self, text: str, customer: Customer | None = None) -> Reply | None:
        """An answer from what the shop has written down."""
        if self._answer is None:
            return None
        # One message is asked about in several places, and an answer may be a language model's.
        if text not in self._told:
            self._told[text] = self._answer(text, customer, self._language)
        told = self._told[text]
        if told is None:
            return None
        self._memory.misunderstood = 0
        return Reply(told[0], "answer", self._language, citations=told[1])

    def beside(self, text: str, reply: Reply) -> Reply:
        """A reply to what is to be done, after the answers of what the message asks besides."""
        with heard_by(None):  # whether they are said, and in which order, is known once all are there
            told = self._answers(text)
        cited = [one for each in (*told, reply) for one in each.citations]
        said = "\n".join(each.text for each in (*told, reply))
        return replace(reply, text=said, citations=tuple(dict.fromkeys(cited)))

    def _answers(self, text: str) -> list[Reply]:
        """Of what a message asks beside what is to be done, each once."""
        told: dict[str, Reply] = {}
        for part in asking(text):
            wanted = {verb.intent for verb in verbs(part)}
            if wanted and (wanted != {STATUS} or OWN.search(part)):
                continue
            found = self.answer(part)
            if found is None and not wanted and ASKS_FOR_RULES.search(part):
                # What "it" is, the rest of the message says.
                unanswered = Reply(asked("no_answer", self._language), "answer", self._language)
                found = self.answer(text) or unanswered
            if found is not None:
                told.setdefault(found.text, found)
        return list(told.values())

    def offer(self, text: str) -> Reply | None:
        """The texts that may answer, by their titles; None where none is near, or where this did not help before."""
        memory = self._memory
        if self._offers is None or memory.misunderstood or self._language not in UNDERSTOOD:
            return None
        found = self._offers.offered(text, self._customer())
        if not found:
            return None
        memory.misunderstood, memory.request, memory.question = 1, text, TEXTS
        memory.listed = [one for one, _ in found]
        titles = [f"{place}. {title}" for place, (_, title) in enumerate(found, 1)]
        choices = ("；" if self._language == "zh" else "; ").join(titles)
        return Reply(asked("texts", self._language, choices=choices), "ask", self._language)

    def picked(self, text: str) -> Reply | None:
        """What the text says that the customer picked; None for a message about something else.

        Raises
        ------
        NotFoundError
            If it is none of them, or that text is gone.
        """
        memory = self._memory
        memory.question = ""
        place = place_in(text, len(memory.listed))
        if place is None or self._offers is None:
            if is_no(text) or NONE.search(text):
                raise NotFoundError("None of the texts that were offered.")
            return None
        said, citations = self._offers.told(memory.listed[place], memory.request, self._customer(), self._language)
        memory.misunderstood = 0
        return Reply(said, "answer", self._language, citations=citations)
