"""What did other prices do? Read off a test in which products changed prices by lot, from block to block of time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

LEAST = 20
"""So many products must have had an arm and the first one."""
Z = 1.96


class Effect(NamedTuple):
    """An arm beside the first: by which share its outcome differs, in [low, high] with 95 %."""

    arm: int
    products: int
    change: float
    low: float
    high: float


def read_switchback(outcome: Floats, arm: Numbers, propensity: Floats) -> list[Effect]:
    """By how much each arm changes an outcome, each product compared with itself.

    Blocks count as the inverse of the chance of their arm, so that prices that were chosen by what had been learned
    (Thompson sampling) are read without bias; what a block had in common for all products is taken out by the mean of
    all. The interval is over products: what sells well in one week and ill in the next counts once.

    Parameters
    ----------
    outcome : (n, blocks) e.g. margin of each product in each block; leave out the first day of a block, on which
        customers still have the price before in their carts.
    arm : (n, blocks) number of the arm; -1 where the product was not in the test.
    propensity : (n, blocks) chance of that arm, (0, 1].

    Raises
    ------
    NotEnoughError
        If fewer than 20 products had an arm and the first one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> arm = rng.integers(0, 2, (400, 8))
    >>> found = read_switchback(rng.poisson(50 * (1 + 0.1 * arm)).astype(float), arm, np.full(arm.shape, 0.5))
    >>> found[0].low < 0.1 < found[0].high
    True
    """
    inside = arm >= 0
    if not ((propensity > 0) & (propensity <= 1))[inside].all():
        raise InputError("a propensity is outside (0, 1]: the chance with which each price was chosen is expected.")
    weight = np.where(inside, 1 / np.where(inside, propensity, 1.0), 0.0)
    whole = float((weight * outcome).sum() / max(weight.sum(), 1e-12))
    block = (weight * outcome).sum(0) / np.maximum(weight.sum(0), 1e-12) / max(whole, 1e-12)
    level = outcome / np.maximum(block, 1e-12)
    found = []
    for number in range(1, int(arm.max(initial=0)) + 1):
        means = []
        for one in (0, number):
            of_arm = weight * (arm == one)
            sums = of_arm.sum(1)
            means.append(np.divide((of_arm * level).sum(1), sums, out=np.full(len(sums), np.nan), where=sums > 0))
        both = ~np.isnan(means[0]) & ~np.isnan(means[1])
        if both.sum() < LEAST:
            raise NotEnoughError(
                f"{int(both.sum())} products had arm {number} and arm 0; at least {LEAST} are needed. Test longer, "
                "or with more products."
            )
        base, other = means[0][both], means[1][both]
        change = float((other - base).sum() / base.sum())
        # Of a ratio of sums, by its linear part.
        error = float(np.sqrt(((other - base - change * base) ** 2).sum()) / base.sum())
        found.append(Effect(number, int(both.sum()), change, change - Z * error, change + Z * error))
    return found
