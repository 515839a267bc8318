"""Which part of a price could not be foreseen: only that part tells what prices do to demand."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.response.checking import Floats
from regulars.pricing.response.demand import Demand

BLOCKS = 4
"""Blocks of weeks; of each, prices are foreseen from the others."""
ROUNDS = 100
YEAR_WEEKS = 52.18
SETTINGS = {
    "objective": "regression",
    "num_leaves": 16,
    "learning_rate": 0.1,
    "min_data_in_leaf": 30,
    "lambda_l2": 1.0,
    "verbose": -1,
    # The same data must give the same model, byte for byte.
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}
BLOCK_WEEKS = 4
"""The least length of a block: shorter, the weeks beside it would tell what it holds."""


def by_series(values: Floats, demand: Demand, weight: Floats | None = None) -> Floats:
    """(n,) values less the (weighted) mean of their series."""
    size = len(demand.products)
    mass = np.bincount(demand.series, weight, size)
    total = np.bincount(demand.series, values if weight is None else values * weight, size)
    found: Floats = values - (total / np.maximum(mass, 1e-12))[demand.series]
    return found


def foreseen(demand: Demand) -> Floats:
    """(n,) the log price that what was known before each week leads to expect, less the series' mean.

    Known before were the last price, the demand of the weeks before, the season, and what else moves demand. Each
    block of weeks is foreseen by a model of the others (cross-fitting), so that it never saw the price it foresees.

    Raises
    ------
    NotEnoughError
        If there are fewer than 16 weeks.

    Source
    ------
    Chernozhukov and others (2018), Double/Debiased Machine Learning for Treatment and Structural Parameters: both
    price and demand are told of what moves both, by models that did not see them.
    """
    weeks = np.unique(demand.week)
    if len(weeks) < BLOCKS * BLOCK_WEEKS:
        raise NotEnoughError(
            f"{len(weeks)} weeks; at least {BLOCKS * BLOCK_WEEKS} are needed to tell a price that followed demand from "
            "one that moved it. Bring more weeks, or let prices be drawn by lot: regulars pricing explore"
        )
    price = by_series(demand.log_price, demand)
    level = by_series(np.log1p(demand.recent), demand)
    sold = by_series(np.log1p(demand.units), demand)
    angle = 2 * np.pi * demand.week / YEAR_WEEKS
    inputs = np.column_stack([
        demand.shifted(price, -1), demand.shifted(price, -2), demand.shifted(sold, -1), demand.shifted(sold, -2),
        level, demand.shifted(level, -BLOCK_WEEKS), np.log1p(demand.recent),
        np.sin(angle), np.cos(angle), np.unique(demand.categories, return_inverse=True)[1][demand.series],
        demand.controls,
    ])  # fmt: skip
    block = np.searchsorted(np.quantile(weeks, np.linspace(0, 1, BLOCKS + 1)[1:-1]), demand.week, side="right")
    found = np.empty(len(demand))
    for number in range(BLOCKS):
        out = block == number
        trees = lgb.train(SETTINGS, lgb.Dataset(inputs[~out], price[~out]), ROUNDS)
        found[out] = np.asarray(trees.predict(inputs[out]))
    return found


def by_instrument(demand: Demand, instrument: Floats, others: Floats) -> tuple[Floats, float]:
    """(n,) what of the log price does not follow from the instrument, and the F of the instrument.

    Parameters
    ----------
    instrument : (n,) float
        What moved prices and nothing else, such as the logarithm of the unit cost or of a tax.
    others : (n, k) what else moves demand, less the mean of each series.

    Raises
    ------
    InputError
        If it is no number somewhere, or never changes inside a series.

    Source
    ------
    Wooldridge (2015), Control Function Methods in Applied Econometrics; an F below 10 is weak after Staiger and Stock
    (1997), Instrumental Variables Regression with Weak Instruments.
    """
    moved = np.asarray(instrument, np.float64)
    if moved.shape != demand.log_price.shape or not np.isfinite(moved).all():
        raise InputError(f"instrument: a number for each of the {len(demand)} rows of the demand is expected.")
    price, cause = by_series(demand.log_price, demand), by_series(moved, demand)
    if np.abs(cause).max() < 1e-9:
        raise InputError("instrument: it never changes inside a product, so it cannot have moved its price.")
    plain = price - others @ np.linalg.lstsq(others, price, rcond=None)[0]
    clean = cause - others @ np.linalg.lstsq(others, cause, rcond=None)[0]
    slope = float(clean @ plain / (clean @ clean))
    left = plain - slope * clean
    # Weeks of one product are alike: the error of the slope is by product.
    score = np.bincount(demand.series, clean * left)
    strength = slope**2 * float(clean @ clean) ** 2 / max(float(score @ score), 1e-300)
    return left, strength
