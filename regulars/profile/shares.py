"""Shares of few things, shrunk to the shop's: what share of a customer's choices fall on a kind, and how sure is that?

Who bought one cup, once, is not a lover of cups. Each share starts from that of the whole shop, and moves away from it
as far as the customer's own choices carry: a beta-binomial model, whose strength is fitted to all customers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import betaln
from scipy.stats import beta

Floats = npt.NDArray[np.float64]

LEVEL = 0.9
"""Of intervals: nine in ten hold the truth."""
STRENGTH = (0.5, 100.0)
"""The shop's share counts as so many choices, at least and at most."""


class Shares(NamedTuple):
    """Of n customers and kinds.

    Attributes
    ----------
    share, low, high : (n,) in [0, 1], the middle and the ends of an interval that holds nine in ten.
    confidence : (n,) chance that the share is above the shop's.
    """

    share: Floats
    low: Floats
    high: Floats
    confidence: Floats


def shares(weight: Floats, total: Floats, of_all: Floats, strength: float) -> Shares:
    """What shares are, by choices and by what is usual in the shop.

    Parameters
    ----------
    weight : (n,) >= 0, choices that fell on the kind; old ones may count less than one.
    total : (n,) >= weight, all choices of the customer.
    of_all : (n,) in [0, 1], the shop's share of the kind.
    strength : as how many choices the shop's share counts.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd edition, 2.4 and 5.3.

    Examples
    --------
    One of one, and eight of ten, where one in five is usual:

    >>> found = shares(np.array([1.0, 8.0]), np.array([1.0, 10.0]), np.array([0.2, 0.2]), strength=5.0)
    >>> found.share.round(2), found.confidence.round(3)
    (array([0.33, 0.6 ]), array([0.737, 1.   ]))
    """
    prior = np.clip(of_all, 1e-6, 1 - 1e-6)
    hits = np.clip(weight, 0.0, None) + strength * prior
    misses = np.clip(total - weight, 0.0, None) + strength * (1 - prior)
    tail = (1 - LEVEL) / 2
    return Shares(
        hits / (hits + misses),
        beta.ppf(tail, hits, misses),
        beta.ppf(1 - tail, hits, misses),
        beta.sf(prior, hits, misses),
    )


def fitted_strength(weight: Floats, total: Floats, of_all: Floats) -> float:
    """How alike the customers of a shop are: as how many choices the shop's share should count for each.

    By maximum likelihood over all customers and kinds, as if kinds were independent (a composite likelihood).

    Parameters
    ----------
    weight, total, of_all : (n,) as in `shares`; kinds that a customer did not choose must be among them, as 0.

    Examples
    --------
    Customers who differ much, then customers who are all alike:

    >>> ten, half = np.full(4, 10.0), np.full(4, 0.5)
    >>> fitted_strength(np.array([0.0, 10.0, 0.0, 10.0]), ten, half)
    0.5
    >>> fitted_strength(np.array([5.0, 5.0, 5.0, 5.0]), ten, half)
    100.0
    """
    is_there = (total > 0) & (of_all > 0) & (of_all < 1)
    hits, misses = weight[is_there], np.clip(total - weight, 0.0, None)[is_there]
    prior = of_all[is_there]
    if not len(prior):
        return STRENGTH[1]

    def unlikelihood(log_strength: float) -> float:
        alpha, other = np.exp(log_strength) * prior, np.exp(log_strength) * (1 - prior)
        return -float((betaln(hits + alpha, misses + other) - betaln(alpha, other)).sum())

    bounds = (float(np.log(STRENGTH[0])), float(np.log(STRENGTH[1])))
    found = float(minimize_scalar(unlikelihood, bounds=bounds, method="bounded", options={"xatol": 0.01}).x)
    # The search stops short of an end that it wants to reach.
    ends = [end for end in bounds if abs(found - end) < 0.05]
    return round(float(np.exp(ends[0] if ends else found)), 3)
