"""What is worth most to be looked at: products that are often ordered by who looks at them, and worth much then."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from regulars.recommend.candidates import Floats, Ints, Top
from regulars.recommend.past import Past
from regulars.recommend.sources.source import Allowed, Arrays

SHRINKAGE = 20.0


@dataclass(frozen=True)
class Worth:
    """The same products for all: the share of the customers who had to do with a product that ordered it, times worth.

    What many buy need not be what showing helps: they may find it anyway. Where nothing but orders is logged, it names
    nothing.

    Attributes
    ----------
    score : (products + 1,) 0 of no product.
    """

    score: Floats
    name: ClassVar[str] = "worth"

    @classmethod
    def fit(cls, past: Past) -> Worth:
        """Count."""
        if not past.looked_at.any():
            return cls(np.zeros(past.products + 1, np.float32))
        return cls((past.conversion(SHRINKAGE) * past.worth).astype(np.float32))

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """The same list for each customer."""
        order = self._order[allowed[self._order]][:k]
        count = len(past.sequences.customers)
        return Top(np.tile(order, (count, 1)), np.tile(self.score[order], (count, 1)))

    @cached_property
    def _order(self) -> Ints:
        order: Ints = np.lexsort((np.arange(len(self.score)), -self.score))
        return order[self.score[order] > 0]

    def to_arrays(self) -> Arrays:
        """The scores."""
        return {"score": self.score}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Worth:
        """From the scores."""
        return cls(arrays["score"].astype(np.float32))
