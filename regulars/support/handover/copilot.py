"""What a person could answer and do next: learned from what people sent before, and from what the policy allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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


def suggest(
    language: str, summary: str, past: Sequence[tuple[str, str, str]], embed: Embed, most: int = MOST
) -> list[Suggestion]:
    """Which answers, sent before, fit this conversation? The best first; each text once.

    Parameters
    ----------
    language, summary : of the hand-over.
    past : (language, summary, answer) of those before; see `queue.past_answers`.
    embed : texts to vectors of length 1; see `regulars.language.embed`.

    Examples
    --------
    >>> def embed(texts):
    ...     return np.array([[1.0, 0.0] if "lamp" in text else [0.0, 1.0] for text in texts], np.float32)
    >>> suggest("en", "the lamp is broken", [("en", "lamp broken", "We send a new one."), ("en", "late", "Sorry.")], embed)
    [Suggestion(text='We send a new one.', likeness=1.0)]
    """  # noqa: E501 one call
    same = [(about, answer) for spoken, about, answer in past if spoken == language]
    if not same:
        return []
    vectors = embed([summary, *(about for about, _ in same)])
    likeness = vectors[1:] @ vectors[0]
    found: dict[str, float] = {}
    for place in np.argsort(-likeness, kind="stable"):
        if likeness[place] >= ALIKE:
            found.setdefault(same[place][1], round(float(likeness[place]), 3))
    return [Suggestion(text, alike) for text, alike in list(found.items())[:most]]


def next_actions(orders: Sequence[Order]) -> dict[str, list[str]]:
    """What the policy allows with each of a customer's orders, for whoever goes on: {order_id: actions}."""
    return {order.order_id: allowed(order) for order in orders}
