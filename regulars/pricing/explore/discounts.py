"""How much do personal discounts move customers, of what the elasticities of products foresee? By discounts of the lot.

A discount that was chosen went to whom it was thought to move. What of it a lot added,

    z = x - E[x],     x = log(1 - discount),

has to do with nothing but itself. At the true strength k, what was bought at y, brought back to no discount, has
nothing to do with it:

    E[ sum of  a z (y exp(-k a x) - m) ] = 0        a: elasticity, m: what was foreseen

(g-estimation: Robins, Mark and Newey, 1992, Estimating Exposure Effects by Modelling the Expectation of Exposure). k is
1 where customers answer a discount of their own as all answer a list price, and 0 where it is wasted on them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Floats = npt.NDArray[np.float64]

FIRST, UNSURE = 1.0, 0.5
"""What is believed of the strength before any lot was seen, and its standard deviation."""
LEAST, MOST = 0.0, 4.0
STEPS = 50
TOLERANCE = 1e-6


class Strength(NamedTuple):
    """What is believed: times what elasticities foresee, its standard deviation, and of how many lots."""

    value: float
    error: float
    lots: int


def strength(bought: Floats, foreseen: Floats, log_left: Floats, expected: Floats, elasticity: Floats) -> Strength:
    """Of what is foreseen, how much do discounts move customers?

    Parameters
    ----------
    bought : (n,) what each bought after the lot, at list prices, 0 or more.
    foreseen : (n,) what each would have bought without a discount, as was believed before, 0 or more.
    log_left : (n,) logarithm of the share of the list price that was left.
    expected : (n,) mean of that over the chances with which it was drawn.
    elasticity : (n,) of each.

    Examples
    --------
    Customers of elasticity -2 who were moved by half of that:

    >>> rng = np.random.default_rng(0)
    >>> x = np.log(1 - rng.choice([0.0, 0.1, 0.2], 20_000))
    >>> bought = rng.poisson(5 * np.exp(0.5 * -2 * x))
    >>> one = np.ones(len(x))
    >>> found = strength(bought, 5 * one, x, x.mean() * one, -2 * one)
    >>> round(found.value, 1), found.error < 0.1
    (0.5, True)
    """
    columns = [np.asarray(each, np.float64) for each in (bought, foreseen, log_left, expected, elasticity)]
    y, m, x, mean, a = columns
    if len({each.shape for each in columns}) > 1 or not all(np.isfinite(each).all() for each in columns):
        raise InputError("bought, foreseen, log_left, expected and elasticity: one finite number a lot is expected.")
    z, counts = a * (x - mean), int((np.abs(x - mean) > 1e-9).sum())
    if not counts or not y.sum():
        return Strength(FIRST, UNSURE, counts)
    k = FIRST
    for _ in range(STEPS):
        back = y * np.exp(-k * a * x)
        # What was foreseen may be too much or too little for all: only what differs by the lot counts.
        rest = back - m * back.sum() / max(m.sum(), 1e-12)
        slope = float((z * back * a * x).sum())
        noise = float(((z * rest) ** 2).sum())
        # One Newton step on moment and first belief together.
        score = float((z * rest).sum()) * slope / max(noise, 1e-12) - (k - FIRST) / UNSURE**2
        precision = slope**2 / max(noise, 1e-12) + 1 / UNSURE**2
        step = float(np.clip(score / precision, -0.5, 0.5))
        k = float(np.clip(k + step, LEAST, MOST))
        if abs(step) < TOLERANCE:
            break
    return Strength(k, precision**-0.5, counts)
