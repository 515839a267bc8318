"""Can these data tell what prices do to demand? A plain answer, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from regulars.pricing.response.checking import Floats
from regulars.pricing.response.demand import Demand
from regulars.pricing.response.hierarchy import Level
from regulars.pricing.response.surprise import by_series

MOST_ERROR = 0.5
"""Of the shop's elasticity by its own data; above it -1 cannot be told from -2."""
LEAST_SURPRISE = 0.02
"""Of how far prices move, the share that could not be foreseen."""
WEAK = 10.0
ALPHA = 0.01
LARGE = 0.1
"""A placebo counts if it is so large a part of the elasticity: with many rows any is significant."""


@dataclass(frozen=True)
class Verdict:
    """Whether an elasticity may be believed.

    Attributes
    ----------
    can_tell : bool
    reasons : why not; empty if it may.
    price_moves : standard deviation of the logarithm of a product's price over its weeks.
    surprise : share of the variance of prices that could not be foreseen.
    error : of the shop's elasticity, by its own data alone.
    placebo, placebo_error : what next week's price seems to do to this week's demand. Nothing, if prices came first.
    strength : F of the instrument, infinite without one.
    """

    can_tell: bool
    reasons: tuple[str, ...]
    price_moves: float
    surprise: float
    error: float
    placebo: float
    placebo_error: float
    strength: float

    def __str__(self) -> str:
        return "The data can tell." if self.can_tell else "The data cannot tell: " + " ".join(self.reasons)


def judge(
    demand: Demand,
    price: Floats,
    moved: Floats,
    weight: Floats,
    residual: Floats,
    shop: Level,
    information: Floats,
    strength: float,
) -> Verdict:
    """From a fit at rest: each test looks at what the elasticity rests on.

    Parameters
    ----------
    price, moved : (n,) logarithms less the mean of the series: all, and the part that counts.
    weight, residual : (n,) of the fit: information of each row, and units less those expected, in the same scale.
    shop : what is believed of the shop's elasticity. information : (s,) of each series' own data about its elasticity.
    """
    error = float(1 / np.sqrt(max(float(information.sum()), 1e-12)))
    moves = float(np.sqrt(np.mean(price**2)))
    inside = by_series(moved, demand)
    surprise = float(np.mean(inside**2)) / max(float(np.mean(price**2)), 1e-300)
    value = float(shop.mean[0])
    placebo, placebo_error = _placebo(demand, inside, weight, residual)
    reasons = []
    if error > MOST_ERROR:
        reasons.append(
            f"Prices moved too little, by {moves:.1%} within a product: the elasticity of the whole shop is known to "
            f"{error:.2f} only. Try other prices for a while, drawn by chance."
        )
    if surprise < LEAST_SURPRISE and not demand.is_drawn.all():
        reasons.append(
            f"Prices followed from the demand of the weeks before and the season: {surprise:.1%} of their moves are "
            "left to learn from. Try prices drawn by chance, or bring what moved them from outside, such as costs."
        )
    if strength < WEAK:
        reasons.append(f"The instrument hardly moved prices (F {strength:.1f}, {WEAK:g} are needed). Bring another.")
    if abs(placebo) > norm.ppf(1 - ALPHA / 2) * placebo_error and abs(placebo) > LARGE * max(abs(value), 0.5):
        reasons.append(
            f"Next week's price seems to change this week's demand (by {placebo:+.2f}, error {placebo_error:.2f}): so "
            "something else moves both, and what this week's price seems to do may be no different."
        )
    if value > 0:
        reasons.append(f"Demand seems to rise with the price ({value:+.2f}): prices followed demand.")
    return Verdict(not reasons, tuple(reasons), moves, surprise, error, placebo, placebo_error, strength)


def _placebo(demand: Demand, moved: Floats, weight: Floats, residual: Floats) -> tuple[float, float]:
    """Effect of next week's price beside this week's, and its error, by series."""
    # What a lot added to next week's price has nothing to do with this week, by the way it was made.
    ahead = demand.shifted(np.where(demand.is_drawn, np.nan, moved), 1)
    rows = np.isfinite(ahead)
    if rows.sum() < 3:
        return 0.0, np.inf
    some = demand.some(rows)
    now, then = (by_series(column[rows], some, weight[rows]) for column in (moved, ahead))
    mass, left = weight[rows], residual[rows]
    both = np.column_stack([then, now])
    steep = np.linalg.pinv((both * mass[:, None]).T @ both)
    effect = steep @ (both.T @ left)
    rest = left - mass * (both @ effect)
    scores = np.column_stack([np.bincount(some.series, column * rest, len(some.products)) for column in both.T])
    covariance = steep @ (scores.T @ scores) @ steep
    return float(effect[0]), float(np.sqrt(max(covariance[0, 0], 1e-24)))
