"""What a dialogue is given by whoever puts a chat together: answers, texts to offer, a model with tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from regulars.support.dialogue.reply import Reply
from regulars.support.order.actions import Action
from regulars.support.order.desk import Desk
from regulars.support.order.things import Customer

Answer = Callable[[str, Customer | None, str], tuple[str, tuple[str, ...]] | None]
"""A question, who asks and the language, to an answer with what it rests on; None if it cannot tell."""

Agent = Callable[[Desk, str, str, str], Reply | Sequence[Action] | None]
"""A desk, a conversation, its customer's message and the language, to a reply, or to what is to be done and the policy
allows; None if it has neither."""


AtRisk = Callable[[str], bool]
"""A customer's id, to whether much value would leave with this one."""


class Offers(Protocol):
    """Texts that may answer where none surely does: named, and said once the customer picks one."""

    def offered(self, question: str, customer: Customer | None) -> Sequence[tuple[str, str]]:
        """Id and title of each, the likeliest first; none where none is near."""

    def told(self, text: str, question: str, customer: Customer | None, language: str) -> tuple[str, tuple[str, ...]]:
        """What the text of an id says to the question, with what it rests on; NotFoundError if it is gone."""
