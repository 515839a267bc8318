"""Allocation of any size: prices of what is scarce, found on the dual; what customers take at them, repaired.

The relaxed problem asks prices p >= 0 for budget, limits and floors so that

    D(p) = sum over customers of the best they can take at prices p, plus p times what there is

is least. D bounds the gain of every allocation from above, so the gap between it and what was found says how far from
the best the allocation can be at most. D is convex and made of planes: each evaluation is one pass over customers, and
gives the plane that touches there; the lowest point of the planes so far, kept near the best prices yet, is asked next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from regulars.campaign.allocation import kernels
from regulars.campaign.allocation.problem import Floats, Problem

SAMPLE = 30_000
"""Of more customers, prices are first sought on so many drawn by lot."""
MOST_STEPS = 120
NEAR = 2e-5
"""Prices are good enough when no other can lower the bound by this share of it."""


@dataclass(frozen=True)
class Prices:
    """What one more unit of each scarce thing is worth.

    Attributes
    ----------
    budget : of money, beside the money itself.
    limits : (limits,) of a contact under each.
    floors : (floors,) what is lost by the last contact that each asks for.
    bound : no allocation brings more than this.
    """

    budget: float
    limits: Floats
    floors: Floats
    bound: float


def prices(problem: Problem) -> Prices:
    """Those at which the bound is least.

    Source
    ------
    Fisher (1981), The Lagrangian Relaxation Method for Solving Integer Programming Problems; for the steps Lemarechal,
    Nemirovskii and Nesterov (1995), New Variants of Bundle Methods, here with a box for keeping near.
    """
    count = len(problem.gain)
    if count > 2 * SAMPLE:
        drawn = np.sort(np.random.default_rng(0).permutation(count)[:SAMPLE])
        start = descend(_Dual(problem, drawn), None)
        return _named(problem, *descend(_Dual(problem), start[0]))
    return _named(problem, *descend(_Dual(problem), None))


def at(problem: Problem, found: Prices) -> tuple[npt.NDArray[np.bool_], Floats]:
    """(n, actions) what customers take at prices, and what each action is worth to them there."""
    dual = _Dual(problem)
    dual.evaluate(np.concatenate([[found.budget], found.limits, found.floors]))
    return dual.chosen, dual.worth


class Dual(Protocol):
    """What is descended on: D, of whichever problem.

    Attributes
    ----------
    there : (p,) what there is of each scarce thing; below 0 what is owed.
    highest : (p,) no price is sought above.
    """

    there: Floats
    highest: Floats

    def evaluate(self, price: Floats) -> tuple[float, Floats]:
        """D at prices (p,), and its slope."""


class _Dual:
    """D, over all customers or over some that stand for all."""

    def __init__(self, problem: Problem, rows: npt.NDArray[np.int64] | None = None) -> None:
        pick = slice(None) if rows is None else rows
        share = 1.0 if rows is None else len(rows) / len(problem.gain)
        self._gain, self._cost = problem.gain[pick], problem.cost[pick]
        self._contacts, self._floor_of = problem.contacts[pick], problem.floor_of[pick]
        self._counted = problem.counted
        self._has_budget = np.isfinite(problem.budget)
        budget = problem.budget if self._has_budget else 0.0
        # What there is: floors are owed, so they stand below 0.
        self.there = share * np.concatenate([[budget], problem.most, -problem.least])
        self.chosen = np.zeros(self._gain.shape, bool)
        self.worth = np.empty(self._gain.shape)
        finite = self._gain[np.isfinite(self._gain)]
        self.scale = float(np.abs(finite).max(initial=0.0)) + 1e-9
        paid = self._cost[self._cost > 0]
        most_budget = self.scale / float(np.quantile(paid, 0.01)) if len(paid) and self._has_budget else 0.0
        self.highest = np.concatenate(
            [[most_budget], np.full(len(problem.most), self.scale), np.full(len(problem.least), self._deepest())]
        )

    def _deepest(self) -> float:
        """A premium at which everybody in a group takes what there is, whatever it costs."""
        return 4 * self.scale + float(self._cost.max(initial=0.0)) * 4

    def evaluate(self, price: Floats) -> tuple[float, Floats]:
        """D at prices, and its slope."""
        limits = len(self._counted)
        kernels.take(
            self._gain, self._cost, self._contacts, self._counted, self._floor_of, float(price[0]),
            price[1 : 1 + limits], price[1 + limits :], self.chosen, self.worth,
        )  # fmt: skip
        taken = self.chosen
        used = taken.sum(0) @ self._counted.T if limits else np.zeros(0)
        each = taken.sum(1)
        floors = len(price) - 1 - limits
        inside = self._floor_of >= 0
        reached = np.bincount(self._floor_of[inside], each[inside], floors) if floors else np.zeros(0)
        spent = float(self._cost[taken].sum()) if self._has_budget else 0.0
        slope = self.there - np.concatenate([[spent], used, -reached])
        return float(self.worth[taken].sum() + price @ self.there), slope


def descend(dual: Dual, start: Floats | None) -> tuple[Floats, float]:
    """The prices at which D is least, and D; `start` is where they are sought first, if that is known."""
    size = len(dual.there)
    best_at = np.zeros(size) if start is None else start
    best, slope = dual.evaluate(best_at)
    planes, heights = [slope], [best - slope @ best_at]
    reach = np.where(best_at > 0, 0.2 * best_at, 0.01 * dual.highest) if start is not None else 0.25 * dual.highest
    reach = np.maximum(reach, 1e-9 * dual.highest)
    for _ in range(MOST_STEPS):
        low, high = np.maximum(best_at - reach, 0), np.minimum(best_at + reach, dual.highest)
        found = linprog(
            np.append(np.zeros(size), 1.0),
            A_ub=np.column_stack([np.array(planes), -np.ones(len(planes))]),
            b_ub=-np.array(heights),
            bounds=[*zip(low, np.maximum(high, low), strict=True), (None, None)],
            method="highs",
        )
        if not found.success:
            break
        at, foreseen = np.maximum(found.x[:size], 0), float(found.x[size])
        if best - foreseen <= NEAR * max(abs(best), 1e-9):
            # Nothing better is near; is it further away?
            touches = ((at <= low + 1e-12) & (low > 0)) | ((at >= high - 1e-12) & (high < dual.highest))
            if not touches.any():
                break
            reach = reach * 4
        value, slope = dual.evaluate(at)
        planes.append(slope)
        heights.append(value - slope @ at)
        if value < best - 0.1 * (best - foreseen):
            if value < best - 0.7 * (best - foreseen):
                reach = reach * 1.5
            best, best_at = value, at
        else:
            reach = reach * 0.5
    return best_at, best


def _named(problem: Problem, price: Floats, bound: float) -> Prices:
    limits = len(problem.limits)
    return Prices(float(price[0]), price[1 : 1 + limits], price[1 + limits :], bound)


def repaired(
    problem: Problem, chosen: npt.NDArray[np.bool_], worth: Floats
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """What customers take, made to hold: too much is taken back, floors are filled, and what is left is given out.

    Returns
    -------
    (n, actions) the allocation, and (floors,) which floors hold.
    """
    actions = chosen.shape[1]
    counted, floor_of, most, least = problem.counted, problem.floor_of, problem.most, problem.least
    cost, budget = problem.cost, problem.budget
    chosen = chosen.copy()
    each = chosen.sum(1)
    used = (chosen.sum(0) @ counted.T).astype(np.float64) if len(most) else np.zeros(0)
    inside = floor_of >= 0
    reached = np.bincount(floor_of[inside], each[inside], len(least)).astype(np.float64) if len(least) else np.zeros(0)
    spent = float(cost[chosen].sum())
    flat = worth.ravel()
    taken = np.flatnonzero(chosen.ravel())
    taken = taken[np.argsort(flat[taken], kind="stable")]
    for heeds_floors in (True, False):
        spent = kernels.drop(
            taken, actions, cost, counted, floor_of, spent, budget, used, most, reached, least, chosen, heeds_floors
        )
    held = chosen.sum(1)
    possible = np.flatnonzero(np.isfinite(flat) & ~chosen.ravel() & (held < problem.contacts).repeat(actions))
    best_first = possible[np.argsort(-flat[possible], kind="stable")]
    gains = (problem.gain - cost).ravel()
    pays = best_first[gains[best_first] > 0]
    for order, only_floors in ((best_first, True), (pays, False)):
        spent = kernels.add(
            order, actions, cost, counted, floor_of, spent, budget, used, most, reached, least, chosen, held,
            problem.contacts, only_floors,
        )  # fmt: skip
    return chosen, reached >= least
