"""How many are sold at which price? What the optimiser asks of any model of demand, and the simplest one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from regulars.pricing.guard import UNKNOWN, Ints

Floats = npt.NDArray[np.float64]


class Demand(Protocol):
    """Demand of n products, as it is believed; each changed alone."""

    def units(self, price: Ints) -> Floats:
        """(n, k) units that are expected to be sold in a week at prices (n, k) in the smallest coin."""

    def draws(self, price: Ints, count: int, *, seed: int) -> Floats:
        """(count, n, k) the same as it may be: draws from what is believed."""

    def others(self, price: Ints) -> Floats:
        """(n, k) what other products earn more in a week, in the smallest coin, were one at prices (n, k)."""


@dataclass(frozen=True)
class ConstantElasticity:
    """Demand that falls by the same share for each per cent of price.

    Attributes
    ----------
    base_units, base_price : (n,) units in a week at a price.
    elasticity, error : (n,) by how much the logarithm of units moves with that of the price, and its standard error.
    kept : (n,) what other products would earn in a week if nobody bought this one; in the smallest coin.
    line_elasticity : (n,) the same of lines: it says how many customers turn to others.

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
    kept: Floats | None = None
    line_elasticity: Floats | None = None

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

    def others(self, price: Ints) -> Floats:
        """See `Demand`: of the lines lost since the base price, as much as is kept of all."""
        if self.kept is None:
            return np.zeros(price.shape)
        e = self.elasticity if self.line_elasticity is None else self.line_elasticity
        found: Floats = self.kept[:, None] * (1 - np.exp(e[:, None] * np.log(price / self.base_price[:, None])))
        return found

    def away(self, deviations: float) -> ConstantElasticity:
        """The same, were every elasticity so many standard errors from what is expected, for certain."""
        off = deviations * self.error
        line = None if self.line_elasticity is None else self.line_elasticity + off
        return replace(self, elasticity=self.elasticity + off, error=0 * self.error, line_elasticity=line)


def worth(demand: Demand, price: Ints, cost: Ints) -> Floats:
    """(n, k) what the shop earns in a week at prices (n, k), each changed alone: by the product and by others.

    Parameters
    ----------
    cost : (n,) of one; -1 where it is not known: there nothing is earned at any price.

    Examples
    --------
    At the higher price one of two lines is lost; were both, others would earn 4 more:

    >>> one = np.array([1.0])
    >>> demand = ConstantElasticity(2 * one, 10 * one, -1 * one, 0 * one, kept=4 * one)
    >>> worth(demand, np.array([[10, 20]]), np.array([5]))
    array([[10., 17.]])
    """
    known = (cost > UNKNOWN)[:, None]
    return np.where(known, demand.units(price) * (price - cost[:, None]) + demand.others(price), 0.0)
