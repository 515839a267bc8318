"""Who bids against us: some always shade alike, most learn. All pace a budget in the same way."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from regulars.ads.bidding.dual import Dual

Floats = npt.NDArray[np.float64]

SHARES = np.linspace(0.2, 1.0, 17)
"""Shares of the value that learners choose among."""


class Competitor(Protocol):
    """A bidder of the market, who knows what an impression is worth to it."""

    dual: Dual

    def shares(self, count: int, rng: np.random.Generator) -> Floats:
        """(count,) shares of value over price of money that it would bid now; it stays as it is."""

    def learn(self, value: float, share: float, won: bool, rival: float) -> None:
        """What came of bidding a share of a value (already over the price of money), against the highest rival bid."""


class Fixed:
    """Always bids the same share of the value; 1 is truthful."""

    def __init__(self, share: float, dual: Dual) -> None:
        self.share, self.dual = share, dual

    def shares(self, count: int, rng: np.random.Generator) -> Floats:
        """See `Competitor`."""
        return np.full(count, self.share)

    def learn(self, value: float, share: float, won: bool, rival: float) -> None:
        """Nothing."""


class Learner:
    """A bandit over shares by the surplus that each brought, the older the less (epsilon-greedy, fading)."""

    def __init__(self, dual: Dual, explore: float = 0.1, half_life: float = 2000.0) -> None:
        self.dual, self._explore, self._keep = dual, explore, 0.5 ** (1 / half_life)
        self._gained, self._tried = np.full(len(SHARES), 0.02), np.full(len(SHARES), 0.1)

    def shares(self, count: int, rng: np.random.Generator) -> Floats:
        """See `Competitor`."""
        best = SHARES[int(np.argmax(self._gained / self._tried))]
        is_random = rng.random(count) < self._explore
        return np.where(is_random, SHARES[rng.integers(0, len(SHARES), count)], best)

    def learn(self, value: float, share: float, won: bool, rival: float) -> None:
        """See `Competitor`."""
        self._gained *= self._keep
        self._tried *= self._keep
        arm = int(np.argmin(np.abs(SHARES - share)))
        self._gained[arm] += (1 - share) * value * won
        self._tried[arm] += value


class Perturbed:
    """Climbs: bids a little more and a little less in turns, and goes where the surplus was larger."""

    def __init__(self, dual: Dual, share: float = 0.7, width: float = 0.08, every: int = 400) -> None:
        self.dual, self.share, self._width, self._every = dual, share, width, every
        self._surplus, self._seen = np.zeros(2), 0

    def shares(self, count: int, rng: np.random.Generator) -> Floats:
        """See `Competitor`."""
        return np.clip(self.share + self._width * (2 * rng.integers(0, 2, count) - 1), 0.1, 1.0)

    def learn(self, value: float, share: float, won: bool, rival: float) -> None:
        """See `Competitor`."""
        self._surplus[int(share > self.share)] += (1 - share) * value * won
        self._seen += 1
        if self._seen % self._every == 0:
            better = np.sign(self._surplus[1] - self._surplus[0])
            self.share = float(np.clip(self.share + self._width / 2 * better, 0.2, 0.95))
            self._surplus[:] = 0.0


class BestReply:
    """Bids the share that would have earned most against the rival bids of late, all of which it is told."""

    def __init__(self, dual: Dual, memory: int = 1000, every: int = 100) -> None:
        self.dual, self._memory, self._every = dual, memory, every
        self._value, self._rival = np.zeros(memory), np.zeros(memory)
        self._seen, self._share = 0, 0.6

    def shares(self, count: int, rng: np.random.Generator) -> Floats:
        """See `Competitor`."""
        return np.clip(self._share + 0.03 * rng.normal(size=count), 0.1, 1.0)

    def learn(self, value: float, share: float, won: bool, rival: float) -> None:
        """See `Competitor`."""
        place = self._seen % self._memory
        self._value[place], self._rival[place] = value, rival
        self._seen += 1
        if self._seen % self._every == 0 and self._seen >= self._memory // 2:
            values, rival_bids = self._value[: self._seen], self._rival[: self._seen]
            offers = SHARES[:, None] * values
            gain = ((values - offers) * (offers > rival_bids)).sum(axis=1)
            self._share = float(SHARES[int(np.argmax(gain))])


def rivals(budget: float, auctions: int) -> list[Competitor]:
    """Six, two of each kind that learns, with equal budgets."""
    return [
        maker(Dual(budget, auctions))
        for maker in (Learner, Learner, Perturbed, lambda dual: Perturbed(dual, 0.5), BestReply, BestReply)
    ]
