"""How one need is met: which products are looked at, what each is worth to the customer, what is chosen.

The utility of product j to customer i, looked at in position k:

    u = appeal_j + season_j + taste_i . v_j + loyalty [brand] + usual [usual product]
        - s_i log(price paid / list price) - position_weight log2(1 + k)

and that of buying nothing is `outside - s_i log(rivals' price / list price)`. One of them is taken with
probability exp(u) / (sum of exp(u)): McFadden's logit (1974) with an outside option.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from regulars.simulate.randomness import normal, uniform

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]
Stream = npt.NDArray[np.uint64]

MOST = 16
"""The most products looked at for one need."""
OFFERED = 1
"""Source of a product looked at: 0 the list, 1 a recommendation, 2 the usual one, 3 a complement."""
USUAL = 2
COMPLEMENT = 3
COMPLEMENT_SHARE = 0.25


class Shelf(NamedTuple):
    """The products as of a day: (p,) each.

    base is -inf for what cannot be bought; log_price is the logarithm of the price over the list price;
    ranking holds the products on sale by category, the best placed first, from listed[c] to listed[c + 1];
    rivals is (categories,), the mean logarithm of rivals' prices over list prices.
    """

    base: Floats
    price: npt.NDArray[np.float64]
    log_price: Floats
    taste: Floats
    brand: Numbers
    category: Numbers
    complements: Numbers
    by_category: Numbers
    starts: Numbers
    ranking: Numbers
    listed: Numbers
    rivals: Floats


class People(NamedTuple):
    """The customers as of a day: (n,) each.

    offers is (lists, r), the products recommended, and offered says which list is whose, or -1; of each list,
    campaigns and chances say of which campaign it is (-1: none), and its propensity (0: not known).
    """

    rate: Floats
    habit: Floats
    taste: Floats
    spin: Floats
    sensitivity: Floats
    favourite: Numbers
    bulk: Floats
    uses_app: Floats
    device: Numbers
    ip: Numbers
    payment: Numbers
    coupon: Floats
    discount: Floats
    offered: Numbers
    offers: Numbers
    campaigns: Numbers
    chances: Floats


class Rules(NamedTuple):
    """What is the same for all on a day."""

    seed: int
    day: int
    needs: float
    needs_shape: float
    outside: float
    examined: int
    skip: float
    position_weight: float
    viewed: float
    search: float
    signed_out: float
    abandon: float
    declined: float
    usual_share: float
    usual_utility: float
    loyalty: float
    bulk_within: float
    bulk_price: float
    price_median: float
    redeemed: float


@njit(cache=True, nogil=True)
def wanted(stream: Stream, people: People, i: int) -> int:
    """The category of a need."""
    u = uniform(stream)
    habit = people.habit[i]
    category = 0
    while category < len(habit) - 1 and habit[category] <= u:
        category += 1
    return category


@njit(cache=True, nogil=True)
def _usual(people: People, shelf: Shelf, i: int, category: int) -> int:
    """A customer's usual product of a category: always the same, more often an appealing one."""
    mixed = (np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)) ^ (np.uint64(category) * np.uint64(0xD1B54A32D192ED03))
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    u = float((mixed ^ (mixed >> np.uint64(32))) >> np.uint64(11)) / 9007199254740992.0
    start, end = shelf.starts[category], shelf.starts[category + 1]
    return int(shelf.by_category[start + int((end - start) * u * u)])


@njit(cache=True, nogil=True)
def consider(
    stream: Stream,
    people: People,
    shelf: Shelf,
    rules: Rules,
    i: int,
    category: int,
    last: int,
    need: int,
    seen: Numbers,
    source: Numbers,
    position: Numbers,
) -> int:
    """Fill in which products are looked at, from where and at which position; how many."""
    count = 0
    offer = people.offered[i]
    if offer >= 0:
        width = people.offers.shape[1]
        for k in range(min(3, width)):
            j = people.offers[offer, (need * 3 + k) % width]
            # What cannot be bought is not shown.
            if j >= 0 and count < rules.examined and shelf.base[j] > -math.inf:
                seen[count], source[count], position[count] = j, OFFERED, k
                count += 1
    if uniform(stream) < rules.usual_share and count < rules.examined:
        seen[count], source[count], position[count] = _usual(people, shelf, i, category), USUAL, 0
        count += 1
    if last >= 0 and uniform(stream) < COMPLEMENT_SHARE and count < rules.examined:
        seen[count] = shelf.complements[last, 0 if uniform(stream) < 0.5 else 1]
        source[count], position[count] = COMPLEMENT, 0
        count += 1
    start, end = shelf.listed[category], shelf.listed[category + 1]
    at = -1
    while count < rules.examined:
        at += 1 + int(-math.log(1.0 - uniform(stream)) * rules.skip)
        if start + at >= end:
            break
        j = shelf.ranking[start + at]
        is_new = True
        for k in range(count):
            is_new = is_new and seen[k] != j
        if is_new:
            seen[count], source[count], position[count] = j, 0, at
            count += 1
    return count


@njit(cache=True, nogil=True)
def weigh(
    people: People,
    shelf: Shelf,
    rules: Rules,
    i: int,
    category: int,
    share: float,
    count: int,
    seen: Numbers,
    source: Numbers,
    position: Numbers,
    weight: npt.NDArray[np.float64],
) -> float:
    """Fill in exp(utility) of each product looked at; the sum, the outside option among it.

    share: of the price that is taken off for this customer.
    """
    sensitivity = people.sensitivity[i]
    total = math.exp(rules.outside - sensitivity * shelf.rivals[category])
    off = math.log(1.0 - share)
    # The first two tastes turn into each other as time goes by.
    angle = people.spin[i] * rules.day
    cosine, sine = math.cos(angle), math.sin(angle)
    own = people.taste[i]
    first = own[0] * cosine - own[1] * sine
    second = own[0] * sine + own[1] * cosine
    for k in range(count):
        j = seen[k]
        its = shelf.taste[j]
        u = shelf.base[j] + first * its[0] + second * its[1]
        for d in range(2, len(own)):
            u += own[d] * its[d]
        u -= sensitivity * (shelf.log_price[j] + off) + rules.position_weight * math.log2(1.0 + position[k])
        if shelf.brand[j] == people.favourite[i]:
            u += rules.loyalty
        if source[k] == USUAL:
            u += rules.usual_utility
        weight[k] = math.exp(u)
        total += weight[k]
    return total


@njit(cache=True, nogil=True)
def choose(stream: Stream, count: int, weight: npt.NDArray[np.float64], total: float) -> int:
    """Which of the products is taken, or -1: nothing."""
    left = uniform(stream) * total
    for k in range(count):
        left -= weight[k]
        if left < 0:
            return k
    return -1


@njit(cache=True, nogil=True)
def units(stream: Stream, people: People, rules: Rules, i: int, price: float) -> float:
    """How many are taken."""
    level = (
        people.bulk[i] + rules.bulk_within * normal(stream) - rules.bulk_price * math.log(price / rules.price_median)
    )
    return max(1.0, math.floor(math.exp(level) + 0.5))
