"""What is to be expected, from the same utilities by which customers choose: the mean over choices, not a draw."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from regulars.simulate.choice import MOST, People, Rules, Shelf, consider, units, wanted, weigh
from regulars.simulate.randomness import begin

Amounts = npt.NDArray[np.float64]

LINES, REVENUE, MARGIN, ELASTICITY = range(4)
"""Columns of `expected_visit`."""


@njit(cache=True, nogil=True)
def expected_visit(people: People, shelf: Shelf, rules: Rules, cost: Amounts, shares: Amounts, samples: int) -> Amounts:
    """What a visit of each customer brings in the mean, had they a share taken off the price.

    Parameters
    ----------
    cost : (p,) of one unit.
    shares : (n,) share taken off.
    samples : needs drawn for each customer; given a need, the choice is computed, not drawn.

    Returns
    -------
    (n, 4) in a visit: lines bought, revenue, margin, and by how much units change with all prices: the
    logarithm of units by that of prices.
    """
    found = np.zeros((len(people.rate), 4))
    stream = np.empty(1, np.uint64)
    seen, source, position = np.empty(MOST, np.int32), np.empty(MOST, np.int32), np.empty(MOST, np.int32)
    weight = np.empty(MOST, np.float64)
    scale = rules.needs * (1.0 - rules.abandon) / samples
    for i in range(len(people.rate)):
        # The same draws whatever is taken off, so that what differs is the offer's own.
        begin(stream, rules.seed, -1 - rules.day, i)
        bend, taken = 0.0, 0.0
        for need in range(samples):
            category = wanted(stream, people, i)
            count = consider(stream, people, shelf, rules, i, category, -1, need, seen, source, position)
            total = weigh(people, shelf, rules, i, category, shares[i], count, seen, source, position, weight)
            inside = 0.0
            for k in range(count):
                inside += weight[k]
            state = stream[0]
            for k in range(count):
                price = shelf.price[seen[k]] * (1.0 - shares[i])
                stream[0] = state
                expected = weight[k] / total * units(stream, people, rules, i, price)
                found[i, 0] += weight[k] / total
                found[i, 1] += expected * price
                found[i, 2] += expected * (price - cost[seen[k]])
                # Where all prices move, a product loses only to buying nothing.
                bend -= expected * people.sensitivity[i] * (1.0 - inside / total)
                taken += expected
        if taken > 0.0:
            found[i, 3] = bend / taken
        for k in range(3):
            found[i, k] *= scale
    return found


@njit(cache=True, nogil=True)
def expected_demand(
    people: People, shelf: Shelf, rules: Rules, multiples: Amounts, samples: int, every: int
) -> tuple[Amounts, Amounts]:
    """How much of each product is bought in a day, were its price alone another.

    Parameters
    ----------
    multiples : (m,) of today's price.
    samples : needs drawn for each customer.
    every : one customer in so many stands for the others.

    Returns
    -------
    (p, m) units a day, and (p,) by how much units change with the product's own price, both as logarithms.
    """
    demand = np.zeros((len(shelf.price), len(multiples)))
    bend = np.zeros(len(shelf.price))
    stream = np.empty(1, np.uint64)
    seen, source, position = np.empty(MOST, np.int32), np.empty(MOST, np.int32), np.empty(MOST, np.int32)
    weight = np.empty(MOST, np.float64)
    scale = rules.needs * (1.0 - rules.abandon) / samples * every
    for i in range(0, len(people.rate), every):
        if people.rate[i] <= 0.0:
            continue
        begin(stream, rules.seed, -1 - rules.day, i)
        sensitivity = people.sensitivity[i]
        for need in range(samples):
            category = wanted(stream, people, i)
            count = consider(stream, people, shelf, rules, i, category, -1, need, seen, source, position)
            total = weigh(people, shelf, rules, i, category, 0.0, count, seen, source, position, weight)
            state = stream[0]
            for k in range(count):
                j = seen[k]
                if weight[k] == 0.0:
                    continue
                for m in range(len(multiples)):
                    own = weight[k] * math.exp(-sensitivity * math.log(multiples[m]))
                    stream[0] = state
                    amount = units(stream, people, rules, i, shelf.price[j] * multiples[m])
                    demand[j, m] += people.rate[i] * scale * amount * own / (total - weight[k] + own)
                stream[0] = state
                amount = units(stream, people, rules, i, shelf.price[j])
                chance = weight[k] / total
                bend[j] -= people.rate[i] * scale * amount * chance * sensitivity * (1.0 - chance)
    return demand, bend
