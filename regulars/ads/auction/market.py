"""Impressions for sale, and what each is worth to whom: drawn, so that the truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.logistic import probability

Floats = npt.NDArray[np.float64]

PRIVATE = 0.5
"""Deviation of the logarithm of what rivals know of an impression and others do not."""


@dataclass(frozen=True)
class Market:
    """n impressions, their contexts, and the values of all who bid for them.

    Attributes
    ----------
    contexts : (n, d) what all see.
    clicks : (n, creatives) click chance of each of our creatives.
    click_value : what a click is worth to us, in money.
    public : (n, rivals) logarithm of what an impression is worth to a rival, as far as all could know it.
    private : (n, rivals) what is added to it that only the rival knows.
    """

    contexts: Floats
    clicks: Floats
    click_value: float
    public: Floats
    private: Floats

    @classmethod
    def drawn(cls, auctions: int, *, rivals: int = 6, features: int = 4, creatives: int = 3, seed: int = 0) -> Market:
        """A market by chance: impressions that are good for one are often good for others too.

        Raises
        ------
        InputError
            If there is nothing to draw.

        >>> market = Market.drawn(1000, seed=1)
        >>> market.clicks.shape, market.public.shape, bool(0 < market.values.mean() < 1)
        ((1000, 3), (1000, 6), True)
        """
        if min(auctions, rivals, features, creatives) < 1:
            raise InputError("auctions, rivals, features and creatives: 1 or more of each are expected.")
        rng = np.random.default_rng([seed, 11])
        contexts = rng.normal(size=(auctions, features))
        weights = rng.normal(0, 0.5, (features, creatives))
        clicks = probability(-2.0 + contexts @ weights)
        common = weights.mean(axis=1, keepdims=True)
        slopes = common + rng.normal(0, 0.2, (features, rivals))
        level = np.log(0.15) + rng.normal(0, 0.2, rivals)
        public = level + contexts @ slopes
        return cls(contexts, clicks, 1.0, public, PRIVATE * rng.normal(size=(auctions, rivals)))

    def __len__(self) -> int:
        return len(self.contexts)

    @property
    def values(self) -> Floats:
        """(n,) what an impression of our best creative is worth to us in the mean."""
        found: Floats = self.clicks.max(axis=1) * self.click_value
        return found

    @property
    def rival_values(self) -> Floats:
        """(n, rivals) what each is worth to the rivals."""
        found: Floats = np.exp(self.public + self.private)
        return found
