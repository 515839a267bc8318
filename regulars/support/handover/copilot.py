"""What a person could answer and do next: learned from what people sent before, and from what the policy allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.support.handover.queue import Past
from regulars.support.order.policy import allowed
from regulars.support.order.things import Order

MOST = 3
ALIKE = 0.5
"""Below this, two questions are about different things."""

Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Suggestion:
    """An answer that was sent before, and how alike the question was (0 to 1)."""

    text: str
    likeness: float


def suggest(language: str, asked: str, past: Sequence[Past], embed: Embed, most: int = MOST) -> list[Suggestion]:
    """Which answers, sent before, fit this conversation? The best first; each text once.

    Of what a person wrote in a conversation the message nearest to the question is its answer: the first is often a
    greeting, the last a farewell.

    Parameters
    ----------
    language, asked : of the hand-over.
    past : those before; see `queue.past_answers`.
    embed : texts to vectors of length 1; see `regulars.language.embed`.

    Examples
    --------
    >>> def embed(texts):
    ...     return np.array([[1.0, 0.0] if "lamp" in text else [0.0, 1.0] for text in texts], np.float32)
    >>> past = [Past("en", "lamp broken", ("Hello.", "We send a new lamp.")), Past("en", "late", ("Sorry.",))]
    >>> suggest("en", "the lamp is broken", past, embed)
    [Suggestion(text='We send a new lamp.', likeness=1.0)]
    """
    same = [one for one in past if one.language == language and one.answers]
    if not same:
        return []
    vectors = embed([asked, *(one.asked for one in same)])
    likeness = vectors[1:] @ vectors[0]
    found: dict[str, float] = {}
    for place in np.argsort(-likeness, kind="stable"):
        if likeness[place] < ALIKE or len(found) == most:
            break
        answers = same[place].answers
        nearest = int(np.argmax(embed(answers) @ vectors[1 + place]))
        found.setdefault(answers[nearest], round(float(likeness[place]), 3))
    return [Suggestion(text, alike) for text, alike in found.items()]


def next_actions(orders: Sequence[Order]) -> dict[str, list[str]]:
    """What the policy allows with each of a customer's orders, for whoever goes on: {order_id: actions}."""
    return {order.order_id: allowed(order) for order in orders}
