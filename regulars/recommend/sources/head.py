"""What the behaviour model expects next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from regulars.behavior.dataset import moment_of, sequences_of
from regulars.behavior.use import Kept
from regulars.recommend.candidates import Floats, Ints, Top
from regulars.recommend.past import BOUGHT, Past
from regulars.recommend.sources.source import Allowed

if TYPE_CHECKING:
    from regulars.shop import Shop

NAME = "behavior"


@dataclass(frozen=True)
class Head:
    """The head of a behaviour model, that is asked for what is bought next.

    Attributes
    ----------
    kept : the model, which learned from nothing at or after the moments it is asked about.
    """

    shop: Shop
    kept: Kept

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """The best k products for each customer of a past, with the past's numbers."""
        model = self.kept.model
        own = model.vocabulary
        sequences = sequences_of(self.shop, own, moment_of(past.now), list(past.sequences.customers))
        count = len(past.sequences.customers)
        states = model.states(sequences, np.arange(count), np.full(count, past.now))
        number = past.vocabulary.numbers(own.products).astype(np.int64)  # of the model's products, in the past
        place: Ints = np.concatenate([[0], number])
        kind = BOUGHT if BOUGHT in own.types else None

        def score(part: slice) -> Floats:
            scores = model.scores(states[part], kind)
            scores[:, ~allowed[place]] = -np.inf  # row 0 is of no product, and never allowed
            return scores

        found = Top.by_block(score, count, len(own.products), k)
        return Top(place[found.products], found.scores)
