"""What the behaviour model expects next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from regulars.behavior.dataset import sequences_of
from regulars.behavior.sequences import Sequences
from regulars.behavior.use import Kept
from regulars.behavior.vocabulary import Vocabulary
from regulars.recommend.candidates import Floats, Ints, Top
from regulars.recommend.neighbours import Neighbours
from regulars.recommend.past import BOUGHT, Past
from regulars.recommend.sources.source import Allowed

if TYPE_CHECKING:
    from regulars.shop import Shop

NAME = "behavior"
BLOCK = 100_000
"""Customers whose states are worked out at once."""


@dataclass(frozen=True)
class Head:
    """The head of a behaviour model, that is asked for what is bought next.

    Attributes
    ----------
    kept : the model, which learned from nothing at or after the moment it is asked about.
    sequences : what all customers did before that moment, with the model's numbers.
    """

    kept: Kept
    sequences: Sequences

    @classmethod
    def of(cls, shop: Shop, kept: Kept, moment: datetime, customers: Sequence[str] | None = None) -> Head:
        """A model that is asked as of a moment, about some customers (default: all)."""
        return cls(kept, sequences_of(shop, kept.model.vocabulary, moment, customers))

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """The best k products for each customer of a past, with the past's numbers."""
        model = self.kept.model
        own = model.vocabulary
        whose = np.array([self._number.get(name, -1) for name in past.sequences.customers])
        place = self._places(past.vocabulary)
        kind = BOUGHT if BOUGHT in own.types else None
        # Row 0 is of no product, and never allowed.
        found = self._neighbours.top(self._queries(whose, past.now, kind), k, allowed[place])
        return Top(place[found.products], found.scores)

    def warm(self, now: int) -> None:
        """Work out what is asked for all customers as of a moment, so that it need not be done at each request."""
        kind = BOUGHT if BOUGHT in self.kept.model.vocabulary.types else None
        every = np.append(np.arange(len(self.sequences.customers)), -1)
        self._warmed[now] = np.concatenate(
            [self._queries(every[low : low + BLOCK], now, kind) for low in range(0, len(every), BLOCK)]
        )

    def _queries(self, customers: Ints, now: int, kind: str | None) -> Floats:
        """(n, D) what is asked for customers, -1 for a stranger."""
        if now in self._warmed:
            return self._warmed[now][customers]
        model, count = self.kept.model, len(customers)
        states = model.states(self.sequences.of(customers), np.arange(count), np.full(count, now))
        return model.queries(states, kind)

    @cached_property
    def _warmed(self) -> dict[int, Floats]:
        return {}

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self.kept.model.product_vectors())

    @cached_property
    def _number(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.sequences.customers)}

    def _places(self, vocabulary: Vocabulary) -> Ints:
        """Of the model's products, in another vocabulary; kept for the last one asked about."""
        if not self._last or self._last[0][0] is not vocabulary:
            number = vocabulary.numbers(self.kept.model.vocabulary.products).astype(np.int64)
            self._last[:] = [(vocabulary, np.concatenate([[0], number]))]
        return self._last[0][1]

    @cached_property
    def _last(self) -> list[tuple[Vocabulary, Ints]]:
        return []
