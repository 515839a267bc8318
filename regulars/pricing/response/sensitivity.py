"""How sensitive is each customer to prices, seen from what was bought at a reduced price?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, expit, logit
from scipy.stats import beta

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.response.checking import Floats

FEWEST = 20
"""Customers with a purchase, below which how they differ cannot be learned."""
LARGEST = 4000.0
"""Of the sum of the two parameters of the spread; above it customers do not differ."""
POINTS = 81


@dataclass(frozen=True)
class Sensitivity:
    """Of each customer, the odds of buying at a reduced price, over those of a customer who does not care.

    Attributes
    ----------
    customers : (c,) as the user knows them.
    bought : (c,) purchases. reduced : (c,) of them at a reduced price. offered : (c,) mean share that was reduced.
    share, low, high : (c,) chance in [0, 1] that a purchase is at a reduced price where half of all is reduced, and the
        ends of the interval that holds 95 %. 0.5 is a customer who does not look at it.
    apart : standard deviation of that chance over customers; near 0, customers do not differ.
    """

    customers: tuple[str, ...]
    bought: Floats
    reduced: Floats
    offered: Floats
    share: Floats
    low: Floats
    high: Floats
    apart: float


def sensitivity(customer: npt.ArrayLike, is_reduced: npt.ArrayLike, offered: npt.ArrayLike) -> Sensitivity:
    """Who buys at reduced prices more often than these were there?

    A customer's chance is learned from few purchases, so it is drawn to that of all customers (beta-binomial, as far as
    customers differ at all). What was offered is taken into account: 3 of 4 purchases reduced mean nothing where 3 of
    4 products were.

    Parameters
    ----------
    customer : (n,) any values, of each purchase.
    is_reduced : (n,) bool, whether it was at a reduced price.
    offered : (n,) float in (0, 1)
        The share of comparable products that were at a reduced price then: of the category in that week.

    Raises
    ------
    InputError
        If a share is not between 0 and 1.
    NotEnoughError
        If there are fewer than 20 customers.

    Examples
    --------
    Of forty customers half buy reduced only, half never, where half of all is reduced:

    >>> who = np.repeat(np.arange(40), 6)
    >>> found = sensitivity(who, np.repeat([1, 0] * 20, 6), np.full(240, 0.5))
    >>> bool(found.low[0] > 0.5 > found.high[1])
    True
    """
    label, cheap = np.asarray(customer).astype(str), np.asarray(is_reduced)
    there = np.asarray(offered, np.float64)
    if cheap.shape != label.shape or there.shape != label.shape:
        raise InputError(
            f"is_reduced {cheap.shape}, offered {there.shape}: one value a purchase is expected, {label.shape}."
        )
    if not np.isin(cheap, (0, 1)).all():
        raise InputError("is_reduced: true or false (1 or 0) is expected for each purchase.")
    wrong = ~((there > 0) & (there < 1))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            f'purchase {at}, of customer "{label[at]}": offered {there[at]:g}; a share between 0 and 1 is expected. '
            "Leave out purchases where nothing or everything was reduced: they tell nothing of the customer."
        )
    customers, code = np.unique(label, return_inverse=True)
    if len(customers) < FEWEST:
        raise NotEnoughError(f"{len(customers)} customers; at least {FEWEST} are needed to learn how they differ.")
    bought: Floats = np.bincount(code).astype(np.float64)
    reduced, mean = np.bincount(code, cheap).astype(np.float64), np.bincount(code, there) / bought

    # The offer shifts the logarithm of the odds; the rest is the customer's own.
    grid = logit(np.linspace(0.005, 0.995, POINTS))
    log_likelihood = np.zeros((len(customers), POINTS))
    for column, own in enumerate(grid):
        chance = expit(own + logit(there))
        log_likelihood[:, column] = np.bincount(code, np.where(cheap == 1, np.log(chance), np.log1p(-chance)))
    share = expit(grid)
    cells = np.gradient(share)

    def prior(spread: Floats) -> Floats:
        first, second = np.exp(spread)
        return np.asarray((first - 1) * np.log(share) + (second - 1) * np.log1p(-share) - betaln(first, second))

    def loss(spread: Floats) -> float:
        both = log_likelihood + prior(spread) + np.log(cells)
        top = both.max(1)
        return -float((top + np.log(np.exp(both - top[:, None]).sum(1))).sum())

    bound = np.log(LARGEST / 2)
    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-3, bound)] * 2)
    both = log_likelihood + prior(found.x) + np.log(cells)
    belief = np.exp(both - both.max(1, keepdims=True))
    belief /= belief.sum(1, keepdims=True)
    total = belief.cumsum(1)
    first, second = np.exp(found.x)
    low, high = (share[np.argmax(total >= end, axis=1)] for end in (0.025, 0.975))
    apart = float(beta(first, second).std())
    return Sensitivity(tuple(customers.tolist()), bought, reduced, mean, belief @ share, low, high, apart)
