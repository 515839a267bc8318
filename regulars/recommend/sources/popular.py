"""What most customers took up of late."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from regulars.behavior.sequences import DAY
from regulars.recommend.candidates import Floats, Ints, Top
from regulars.recommend.past import Past
from regulars.recommend.sources.source import Allowed, Arrays

HALF_LIFE_DAYS = 14.0
SORTED = 5_000
"""A short list is looked for among so many first."""


@dataclass(frozen=True)
class Popular:
    """The same products for all: what many took up of late.

    Attributes
    ----------
    score : (products + 1,) events with each product by weight, older ones less; 0 of no product.
    """

    score: Floats
    name: ClassVar[str] = "popular"

    @classmethod
    def fit(cls, past: Past) -> Popular:
        """Count."""
        events = past.with_product
        weight = events.weight * np.exp2(-(past.now - events.time) / DAY / HALF_LIFE_DAYS)
        return cls(np.bincount(events.product, weight, past.products + 1).astype(np.float32))

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """The same list for each customer."""
        best = self.best(k, allowed & (self.score > 0))
        count = len(past.sequences.customers)
        return Top(np.tile(best, (count, 1)), np.tile(self.score[best], (count, 1)))

    def best(self, k: int, allowed: Allowed) -> Ints:
        """(up to k,) the products with the highest scores; of equals the lower number first."""
        if k < SORTED:
            some = self._order[:SORTED]
            found = some[allowed[some]][:k]
            if len(found) == k:
                return found
        return self._order[allowed[self._order]][:k]

    @cached_property
    def _order(self) -> Ints:
        return np.lexsort((np.arange(len(self.score)), -self.score)).astype(np.int64)

    def to_arrays(self) -> Arrays:
        """The scores."""
        return {"score": self.score}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Popular:
        """From the scores."""
        return cls(arrays["score"].astype(np.float32))
