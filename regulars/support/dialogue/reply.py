"""What a customer is answered: words, and beside them what they are and do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from regulars.support.order.desk import Result

Kind = Literal["answer", "ask", "confirm", "done", "hand_over", "with_person", "end"]


@dataclass(frozen=True)
class Handed:
    """That a conversation was handed over: a field of its own, never read off the words."""

    reason: str
    number: int = 0
    """In the queue."""
    wait_minutes: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What the person sees beside the words: orders, what was understood, what the policy allows."""
    proposed: str = ""
    """What the person may begin with."""
    question: str = ""
    """What nothing answered, where that is not the message that came last."""


@dataclass(frozen=True)
class Reply:
    """An answer.

    `action` says what it is: an answer, a question, a proposal that waits for a yes, what was done, that a person goes
    on or has gone on, or the end. `citations` are the orders that it speaks from.
    """

    text: str
    action: Kind
    language: str
    proposal: int | None = None
    results: tuple[Result, ...] = ()
    hand_over: Handed | None = None
    citations: tuple[str, ...] = ()
    is_first: bool = False
    choices: tuple[str, ...] = ()
    intent: str | None = None
    learned: tuple[str, str] | None = None

    @property
    def mark(self) -> dict[str, Any]:
        """What a machine reads: that an AI made it (EU AI Act, article 50), and what it is.

        >>> Reply("Hello", "answer", "en").mark["made_by"]
        'ai'
        """
        return {
            "made_by": "ai", "action": self.action, "language": self.language, "citations": list(self.citations),
            "proposal": self.proposal, "hand_over": None if self.hand_over is None else self.hand_over.reason,
            "choices": list(self.choices), "intent": self.intent,
            "done": [result.action.name for result in self.results if result.is_done],
        }  # fmt: skip


@dataclass
class Memory:
    """What a conversation remembers between two messages."""

    greeted: bool = False
    misunderstood: int = 0
    name: str = ""
    zip_code: str = ""
    request: str = ""
    """What was asked before it was known by whom, or what for."""
    wish: str = ""
    """The intent of that, where it is known."""
    drafts: list[Any] = field(default_factory=list)
    """What is asked about, or waits for a yes."""
    later: list[Any] = field(default_factory=list)
    """What was wanted besides: it comes once that is done or refused."""
    question: str = ""
    """What was asked last, of the first draft; empty if nothing waits for an answer."""
    item: int = -1
    listed: list[str] = field(default_factory=list)
