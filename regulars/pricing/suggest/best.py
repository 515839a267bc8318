"""Which list price brings most, of those that may be asked? With what it would bring, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.pricing.guard import UNKNOWN, Admissible, Ints
from regulars.pricing.suggest.demand import Demand, worth

Floats = npt.NDArray[np.float64]

STEPS = 25
"""Prices that are tried between the lowest and the highest."""
DRAWS = 200


class Suggestions(NamedTuple):
    """What to ask, (n,) each; money is margin in a week, in the smallest coin.

    Attributes
    ----------
    price : suggested.
    margin, margin_now : that are expected at that price and at the present one, with what others earn more at it.
    low, high : in which the gain lies with 90 %.
    chance : that it is a gain, 0 to 1; 0.5 where the price stays.
    """

    price: Ints
    margin: Floats
    margin_now: Floats
    low: Floats
    high: Floats
    chance: Floats


def suggest(
    bounds: Admissible, present: npt.ArrayLike, cost: npt.ArrayLike, demand: Demand, *, least_chance: float = 0.5,
    steps: int = STEPS, seed: int = 0,
) -> Suggestions:  # fmt: skip
    """The list prices of most expected margin.

    Parameters
    ----------
    present, cost : (n,) in the smallest coin; cost -1 where it is not known: those prices stay.
    least_chance : a price moves only if it brings more with at least this chance.

    Examples
    --------
    At an elasticity of -3, the best price is one and a half times the cost, if it may be asked:

    >>> from regulars.pricing.guard import Rules, list_prices
    >>> from regulars.pricing.suggest.demand import ConstantElasticity
    >>> one = np.array([1.0])
    >>> demand = ConstantElasticity(10 * one, 1000 * one, -3 * one, 0 * one)
    >>> present, cost = np.array([1000]), np.array([720])
    >>> suggest(list_prices(Rules(max_change=0.2), present, cost), present, cost, demand, steps=401).price
    array([1080])
    """
    if not 0 <= least_chance < 1:
        raise InputError(f"least_chance = {least_chance}: a chance from 0 to 1 is expected.")
    present, cost = np.asarray(present), np.asarray(cost)
    grid = np.column_stack([present, bounds.grid(steps)])  # (n, 1 + steps), the present price first
    margin = worth(demand, grid, cost)
    margin -= np.where(cost > UNKNOWN, demand.others(present[:, None])[:, 0], 0.0)[:, None]
    rows = np.arange(len(grid))
    # Where no price may be chosen the grid is the present price: of equals the first is taken.
    best = margin.argmax(1)
    price = grid[rows, best]
    pair = np.stack([present, price], axis=1)
    each = pair - np.maximum(cost, 0)[:, None]
    drawn = demand.draws(pair, DRAWS, seed=seed) * each + demand.others(pair)
    gain = drawn[:, :, 1] - drawn[:, :, 0]
    chance = (gain > 0).mean(0) + (gain == 0).mean(0) / 2
    stays = (price == present) | (chance < least_chance)
    low, high = np.quantile(gain, [0.05, 0.95], axis=0)
    return Suggestions(
        price=np.where(stays, present, price),
        margin=np.where(stays, margin[:, 0], margin[rows, best]),
        margin_now=margin[:, 0],
        low=np.where(stays, 0.0, low),
        high=np.where(stays, 0.0, high),
        chance=np.where(stays, 0.5, chance),
    )
