"""Habits: what a household bought before, as features of its next choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numba import njit

from regulars.errors import NotEnoughError
from regulars.pricing.choice.choices import Choices, Floats
from regulars.pricing.choice.likelihood import Shape, tells_nothing
from regulars.pricing.choice.logit import fit

MEMORIES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares of loyalty kept at a choice, of which the likeliest is taken."""


@dataclass(frozen=True)
class Habits:
    """Features of each alternative from the household's earlier choices.

    - `last`: bought last time, 0 or 1.
    - `last, same offer`: so, and no price or other feature on the shelf has changed since. Rows of one shopping trip
      look like this; who takes a second cup takes the same.
    - `loyalty`: a share in which each choice before counts `memory` times the one after it; at first the market's.
    - `past share`: logarithm of the share of all past choices, with the market's shares as one choice more.
    - `price change`: since the last choice, in money.

    Attributes
    ----------
    memory : in [0, 1), of loyalty.
    market : (j,) shares, with which a household without a past begins.
    names : of those features that differ in the choices it was fitted on.

    Source
    ------
    Guadagni and Little (1983), A Logit Model of Brand Choice Calibrated on Scanner Data, for loyalty.
    """

    memory: float
    market: Floats
    names: tuple[str, ...] = ("last", "last, same offer", "loyalty", "past share", "price change")

    ALL: ClassVar[tuple[str, ...]] = ("last", "last, same offer", "loyalty", "past share", "price change")

    @classmethod
    def fit(cls, choices: Choices) -> Habits:
        """With the memory that makes the choices likeliest in a multinomial logit.

        Raises
        ------
        NotEnoughError
            If no household chose twice, so that there are no habits.
        """
        known = choices.some(choices.is_known)
        if not len(known) or known.position.max() == 0:
            raise NotEnoughError("no household chose twice: there are no habits. Give `household`, or leave them out.")
        bought = np.bincount(known.chosen, minlength=len(known.alternatives)) + 0.5
        market = bought / bought.sum()
        tried = [cls(memory, market) for memory in MEMORIES]
        loyal = [replace(habits, names=("loyalty",)).add(known) for habits in tried]
        best = tried[int(np.argmax([fit(each).likelihood for each in loyal]))]
        told = best.add(known)
        # Where the shelf never changes, one of these is the other, and no coefficient can be told from the next.
        names = (*told.alternatives[1:], *told.names)
        none = np.zeros(0, np.int64)
        empty = tells_nothing(told, Shape(names, none, none, False, len(told.alternatives) - 1))
        return replace(best, names=tuple(name for name in cls.ALL if name not in empty))

    def add(self, choices: Choices, past: Choices | None = None) -> Choices:
        """The choices with these features.

        Each choice knows those before it of the same household, in `past` (without these features) and in `choices`,
        as far as it is known what was chosen; never itself.
        """
        joined, where = (choices, np.arange(len(choices))) if past is None else past.then(choices)
        return choices.with_features(self.names, self.features(joined)[where])

    def features(self, choices: Choices) -> Floats:
        """(n, j, k) in the order of `names`."""
        found = np.zeros((*choices.available.shape, len(self.ALL)))
        _walk(choices.features, choices.available, choices.chosen, choices.position, self.memory, self.market, found)
        return found[:, :, [self.ALL.index(name) for name in self.names]]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _walk(features: Any, available: Any, chosen: Any, position: Any, memory: float, market: Any, found: Any) -> None:
    """From one choice of a household to its next."""
    alternatives = len(market)
    loyalty, count = np.zeros(alternatives), np.zeros(alternatives)
    last, before = -1, -1
    for t in range(len(chosen)):
        if position[t] == 0:
            loyalty[:], count[:] = market, 0.0
            last, before = -1, -1
        is_same = before >= 0
        if before >= 0:
            for j in range(alternatives):
                is_same &= available[t, j] == available[before, j]
                for k in range(features.shape[2]):
                    is_same &= features[t, j, k] == features[before, j, k]
        total = count.sum() + 1.0
        for j in range(alternatives):
            found[t, j, 0] = 1.0 if j == last else 0.0
            found[t, j, 1] = 1.0 if j == last and is_same else 0.0
            found[t, j, 2] = loyalty[j]
            found[t, j, 3] = np.log((count[j] + market[j]) / total)
            if before >= 0 and available[t, j] and available[before, j]:
                found[t, j, 4] = features[t, j, 0] - features[before, j, 0]
        if chosen[t] >= 0:
            for j in range(alternatives):
                loyalty[j] *= memory
            loyalty[chosen[t]] += 1.0 - memory
            count[chosen[t]] += 1.0
            last, before = chosen[t], t
