"""Candidate actions in one form: for each customer what an action would bring, how surely, and what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MESSAGE, OFFER, DISCOUNT, LIST, AD, CALL, RECOVERY, REVIEW = (
    "message", "offer", "discount", "list", "ad", "call", "service recovery", "review",
)  # fmt: skip
KINDS = (MESSAGE, OFFER, DISCOUNT, LIST, AD, CALL, RECOVERY, REVIEW)
QUIET = {DISCOUNT, LIST, REVIEW}
"""What reaches a customer who comes by itself, or is done out of sight: no contact."""


@dataclass(frozen=True)
class Action:
    """Something that can be done for a customer.

    Attributes
    ----------
    name : as decisions have it, e.g. "spring by email".
    kind : one of `KINDS`; exclusions are by kind.
    channel : "" where there is none.
    source : the capability that says what it brings.
    minutes : of people, for one customer.
    stock : how many there are; inf for any number.
    """

    name: str
    kind: str
    channel: str
    source: str
    minutes: float = 0.0
    stock: float = float("inf")

    @property
    def is_contact(self) -> bool:
        """Whether it counts against how often a customer may be contacted."""
        return self.kind not in QUIET


@dataclass(frozen=True)
class Candidates:
    """What could be done for n customers, (n, actions) each, in one currency.

    Attributes
    ----------
    gain : money over the remaining life that an action is expected to bring, more than silence does, its cost not taken
        off; -inf where it cannot be done.
    error : standard error of that. cost : money that it takes from the budget.
    notes : what was not used, and why.
    """

    actions: tuple[Action, ...]
    gain: Floats
    error: Floats
    cost: Floats
    notes: tuple[str, ...] = ()

    @classmethod
    def nothing(cls, count: int, *notes: str) -> Candidates:
        """No action, for so many customers."""
        none = np.zeros((count, 0))
        return cls((), none, none, none, notes)

    @classmethod
    def of(cls, action: Action, gain: npt.ArrayLike, error: npt.ArrayLike, cost: npt.ArrayLike) -> Candidates:
        """One action: gain (n,), the others the same for all or (n,); NaN gains count as not possible."""
        money = np.asarray(gain, float)
        columns = [np.broadcast_to(np.asarray(each, float), money.shape)[:, None] for each in (error, cost)]
        return cls((action,), np.where(np.isnan(money), -np.inf, money)[:, None], columns[0], columns[1])


def joined(parts: Sequence[Candidates]) -> Candidates:
    """All actions of several sources, for the same customers.

    >>> one = Candidates.of(Action("call", CALL, "", "churn"), [1.0, np.nan], 0.5, 2.0)
    >>> both = joined([one, Candidates.nothing(2, "pricing: no table")])
    >>> both.gain.tolist(), both.notes
    ([[1.0], [-inf]], ('pricing: no table',))
    """
    gain, error, cost = (np.hstack([getattr(part, name) for part in parts]) for name in ("gain", "error", "cost"))
    actions = tuple(action for part in parts for action in part.actions)
    return Candidates(actions, gain, error, cost, tuple(note for part in parts for note in part.notes))
