"""With which chance is each price tried, so that the best is found, little is lost, and what is learned has no bias?

Thompson sampling: a price is tried with the chance that it is the best, given what is believed of demand. That chance
is worked out over the quantiles of the belief, not drawn, so the propensity that is logged is exact. A share of all
tries is spread evenly over the prices, so that no propensity is near 0 and other policies can be judged by the log.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import ndtri

from regulars.errors import InputError
from regulars.experiment.assign import places
from regulars.pricing.guard import UNKNOWN, Ints

Floats = npt.NDArray[np.float64]

NODES = 200
"""Quantiles of the belief that are looked at: the chance of a price is a multiple of one in so many."""


def thompson(
    price: Ints, cost: Ints, believed: Callable[[Ints, float], Floats], *, explore: float = 0.1, nodes: int = NODES
) -> Floats:
    """The chance with which each price is tried.

    Parameters
    ----------
    price : (n, k) in the smallest coin; where a price stands twice, the first place stands for both.
    cost : (n,); where it is -1, not known, the first price is kept.
    believed : function(price, z) -> (n, k) what is earned, were demand z standard deviations from what is expected.
    explore : share of tries that is spread evenly over the prices, [0, 1].

    Returns
    -------
    (n, k); rows add to 1.

    Examples
    --------
    Nothing is uncertain, and 8 units at 12 bring more than 10 at 10 where each costs 5:

    >>> earned = lambda price, z: np.array([[10.0, 8.0]]) * (price - 5)
    >>> thompson(np.array([[10, 12]]), np.array([5]), earned, explore=0.2).round(3).tolist()
    [[0.1, 0.9]]
    """
    if not 0 <= explore <= 1:
        raise InputError(f"explore = {explore}: a share from 0 to 1 is expected.")
    count, k = price.shape
    is_first = np.ones(price.shape, bool)
    for place in range(1, k):
        is_first[:, place] = (price[:, :place] != price[:, place : place + 1]).all(1)
    rows = np.arange(count)
    best = np.zeros((count, k))
    for z in ndtri((np.arange(nodes) + 0.5) / nodes):
        profit = np.where(is_first, believed(price, float(z)), -np.inf)
        best[rows, profit.argmax(1)] += 1
    even = is_first / is_first.sum(1, keepdims=True)
    # Counted and then divided: parts added up would make a sure price more than sure.
    found = (1 - explore) * best / nodes + explore * even
    known = cost > UNKNOWN
    kept: Floats = np.where(known[:, None], found, np.arange(k) == 0)
    return kept


def evenly(price: Ints, cost: Ints) -> Floats:
    """(n, k) each different price with the same chance; the first where the cost is not known."""
    return thompson(price, cost, lambda prices, _: np.ones(prices.shape), explore=1.0, nodes=1)


def drawn(chances: Floats, at: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Which price each gets, and with which chance.

    Parameters
    ----------
    chances : (n, k) rows add to 1.
    at : (n,) a place in [0, 1) for each, by lot.

    Examples
    --------
    >>> drawn(np.array([[0.25, 0.75], [0.25, 0.75]]), np.array([0.2, 0.3]))
    (array([0, 1]), array([0.25, 0.75]))
    """
    ends = np.cumsum(chances, axis=1)
    ends[:, -1] = 1.0  # sums of floats may end a hair below
    place = (at[:, None] >= ends).sum(1)
    # A price of no chance at the very end would be taken for that hair.
    place = np.minimum(place, chances.shape[1] - 1 - (chances[:, ::-1] > 0).argmax(1))
    return place, chances[np.arange(len(place)), place]


def lot(price: Ints, chances: Floats) -> tuple[Floats, Floats]:
    """(n,) mean and (n,) variance of the logarithm of a price that is drawn: what has to be logged to learn from it.

    >>> lot(np.array([[100, 100 * 4]]), np.array([[0.5, 0.5]]))[1].round(3)  # (ln 4 / 2)^2
    array([0.48])
    """
    x = np.log(price)
    mean = (chances * x).sum(1)
    found: Floats = (chances * (x - mean[:, None]) ** 2).sum(1)
    return mean, found


def by_product_and_time(salt: str, product_ids: pa.Array, block: int) -> Floats:
    """(n,) a place by lot for each product in a block of time: everybody sees the same price (a switchback).

    The same salt, product and block are the same place, on any machine: a price does not change within its block.

    >>> by_product_and_time("spring", pa.array(["tea", "pot"]), 3).round(3).tolist()
    [0.803, 0.168]
    """
    return places(f"{salt}/block {block}", product_ids)


def by_customer(salt: str, customer_ids: pa.Array) -> Floats:
    """(n,) a place by lot for each customer, for personal discounts: it stays the same however often one looks."""
    return places(f"{salt}/customer", customer_ids)
