"""What a product earns at each price, and the price that earns most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.response.checking import Floats
from regulars.pricing.response.model import Response

POINTS = 61


@dataclass(frozen=True)
class ProfitCurve:
    """Of one product, at each of several prices.

    Attributes
    ----------
    product : str
    price, units, profit : (p,) per week; `units_low` to `profit_high` the ends of the intervals that hold 95 %.
    best : the price of most expected profit among them.
    is_at_edge : whether it is the lowest or highest asked: the best may lie beyond, where nothing is known.
    """

    product: str
    price: Floats
    units: Floats
    units_low: Floats
    units_high: Floats
    profit: Floats
    profit_low: Floats
    profit_high: Floats
    best: float
    is_at_edge: bool


def profit_curve(
    response: Response, product: str, unit_cost: float | None, low: float, high: float, group: str = ""
) -> ProfitCurve:
    """How much does a product earn at prices from `low` to `high`?

    Parameters
    ----------
    unit_cost : in the currency of the prices; without it no profit can be told.
    low, high : the prices asked about; keep them near those that were seen.

    Raises
    ------
    InputError
        If the cost is missing or negative, or the prices are none.
    NotEnoughError
        If the data could not tell what prices do (`response.verdict`), or no price asked about is above the cost.

    Examples
    --------
    See `docs/pricing_response.md`.
    """
    if unit_cost is None or not np.isfinite(unit_cost) or unit_cost < 0:
        raise InputError(
            f'product "{product}": unit cost {unit_cost}; a number of 0 or more is needed to tell its profit.'
        )
    if not 0 < low < high:
        raise InputError(f"prices from {low:g} to {high:g}: a lower and a higher price above 0 are expected.")
    if not response.verdict.can_tell:
        raise NotEnoughError(f'product "{product}": no price is suggested. {response.verdict}')
    if unit_cost >= high:
        raise NotEnoughError(
            f'product "{product}": its unit cost {unit_cost:g} is not below the highest price asked about, {high:g}: '
            "it loses at all of them. Check the cost and its currency, or ask about higher prices."
        )
    price = np.linspace(low, high, POINTS)
    units, fewest, most = response.units(product, price, group)
    margin = price - unit_cost
    profit, ends = margin * units, np.sort([margin * fewest, margin * most], axis=0)
    at = int(np.argmax(profit))
    return ProfitCurve(
        product, price, units, fewest, most, profit, ends[0], ends[1], float(price[at]), at in (0, POINTS - 1)
    )
