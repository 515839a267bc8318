"""How many are sold at which price? What the optimiser asks of any model of demand, and the simplest one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from regulars.pricing.guard import Ints

Floats = npt.NDArray[np.float64]


class Demand(Protocol):
    """Demand of n products, as it is believed; each changed alone."""

    def units(self, price: Ints) -> Floats:
        """(n, k) units that are expected to be sold in a week at prices (n, k) in the smallest coin."""

    def draws(self, price: Ints, count: int, *, seed: int) -> Floats:
        """(count, n, k) the same as it may be: draws from what is believed."""


@dataclass(frozen=True)
class ConstantElasticity:
    """Demand that falls by the same share for each per cent of price.

    Attributes
    ----------
    base_units, base_price : (n,) units in a week at a price.
    elasticity, error : (n,) by how much the logarithm of units moves with that of the price, and its standard error.

    Examples
    --------
    Twice as dear at an elasticity of -2 is a quarter of the units:

    >>> one = np.array([1.0])
    >>> ConstantElasticity(8 * one, 100 * one, -2 * one, 0 * one).units(np.array([[100, 200]]))
    array([[8., 2.]])
    """

    base_units: Floats
    base_price: Floats
    elasticity: Floats
    error: Floats

    def units(self, price: Ints) -> Floats:
        """See `Demand`: the mean over what the elasticity may be (of a log-normal)."""
        x = np.log(price / self.base_price[:, None])
        found: Floats = self.base_units[:, None] * np.exp(
            self.elasticity[:, None] * x + (self.error[:, None] * x) ** 2 / 2
        )
        return found

    def draws(self, price: Ints, count: int, *, seed: int) -> Floats:
        """See `Demand`."""
        rng = np.random.default_rng(seed)
        drawn = self.elasticity + self.error * rng.standard_normal((count, len(self.elasticity)))  # (count, n)
        x = np.log(price / self.base_price[:, None])
        found: Floats = self.base_units[:, None] * np.exp(drawn[:, :, None] * x)
        return found

    def away(self, deviations: float) -> ConstantElasticity:
        """The same, were every elasticity so many standard errors from what is expected, for certain."""
        return replace(self, elasticity=self.elasticity + deviations * self.error, error=np.zeros(len(self.error)))
