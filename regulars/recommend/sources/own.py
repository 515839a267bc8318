"""What the customer has had before: the strongest source where people come back for the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regulars.recommend.candidates import Top
from regulars.recommend.past import Past
from regulars.recommend.sources.source import Allowed, Arrays

HALF_LIFE_DAYS = 90.0


@dataclass(frozen=True)
class Own:
    """Products of the customer's own past, older events less."""

    name: ClassVar[str] = "own"

    @classmethod
    def fit(cls, past: Past) -> Own:
        """There is nothing to learn."""
        return cls()

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """Those the customer had most and last."""
        return Top.of_sparse(past.matrix(HALF_LIFE_DAYS), k, allowed)

    def to_arrays(self) -> Arrays:
        """Nothing."""
        return {}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Own:
        """From nothing."""
        return cls()
