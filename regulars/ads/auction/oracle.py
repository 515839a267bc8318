"""The best that can be done against rivals by one who knows how they bid, but not their private draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from regulars.ads.auction.competitors import Competitor
from regulars.ads.auction.market import PRIVATE, Market

Floats = npt.NDArray[np.float64]

DRAWS = 64


class Oracle:
    """Knows every value, every rival's way to bid at this moment, and how private values are spread.

    Its price of money is one number for the whole time; which is best is found by playing (`benchmarks/ads.py`).

    Parameters
    ----------
    price : of money, 1 or more.
    """

    def __init__(self, market: Market, competitors: Sequence[Competitor], budget: float, price: float, seed: int = 0):
        self.market, self.competitors, self.price = market, competitors, price
        self.left = budget
        self._rng = np.random.default_rng([seed, 12])

    def bid(self, auction: int) -> float:
        """The best bid for an impression, by its number."""
        highest = np.zeros(DRAWS)
        for number, one in enumerate(self.competitors):
            noise = PRIVATE * self._rng.normal(size=DRAWS)
            value = np.exp(self.market.public[auction, number] + noise) / one.dual.price
            offers = np.minimum(value * one.shares(DRAWS, self._rng), max(one.dual.left, 0.0))
            highest = np.maximum(highest, offers)
        highest.sort()
        value = float(self.market.values[auction]) / self.price
        gain = (value - highest) * np.arange(1, DRAWS + 1)
        best = int(np.argmax(gain))
        return min(float(highest[best]) * (1 + 1e-9), self.left) if gain[best] > 0 else 0.0

    def learn(self, bid: float, won: bool) -> None:
        """What came of it."""
        self.left -= bid * won
