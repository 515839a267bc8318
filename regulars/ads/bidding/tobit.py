"""Where the logarithm of the highest rival bid lies, from auctions of which often only won or lost is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

Floats = npt.NDArray[np.float64]

ROUNDS = 30
RIDGE = 1.0
"""As if each slope had been seen once to be 0: contexts have unit spread when they come here."""
LEAST_SPREAD = 0.01
"""Rivals that always bid the same would have none, and no likelihood."""


@dataclass(frozen=True)
class Tobit:
    """The line and spread of log rival bids.

    Attributes
    ----------
    weights : (1 + d,) of the level and the contexts.
    spread : standard deviation around the line.
    """

    weights: Floats
    spread: float

    def middle(self, inputs: Floats) -> Floats:
        """(n,) where log rival bids lie, for inputs (n, 1 + d) that begin with a 1."""
        found: Floats = inputs @ self.weights
        return found


def fit(inputs: Floats, low: Floats, high: Floats, weight: Floats, start: Tobit | None = None) -> Tobit:
    """By maximum penalised likelihood, in Newton steps.

    Parameters
    ----------
    inputs : (n, 1 + d), the first column 1.
    low, high : (n,) the log rival bid lies between; equal where it is known, -inf or inf where a side is open.
    weight : (n,) >= 0.
    start : where to begin: a fit to fewer rows.

    Source
    ------
    Olsen (1978), Note on the Uniqueness of the Maximum Likelihood Estimator for the Tobit Model: in weights and
    level over the spread the likelihood has one top.

    Examples
    --------
    Lost at 1 and won at 3, again and again, around a few known at 2:

    >>> low, high = np.array([1.0, -np.inf, 2.0]), np.array([np.inf, 3.0, 2.0])
    >>> found = fit(np.ones((3, 1)), low, high, np.full(3, 50.0))
    >>> round(float(found.middle(np.ones((1, 1)))[0]), 2)
    2.0
    """
    is_known = low == high
    is_lost = np.isinf(high)
    end = np.where(is_lost, low, high)
    design = np.column_stack([end, -inputs])  # (n, 2 + d)
    sign = np.where(is_lost, -1.0, 1.0)
    penalty = np.full(design.shape[1], RIDGE)
    penalty[:2] = 1e-3
    start = start or Tobit(np.append(np.average(end, weights=weight), np.zeros(inputs.shape[1] - 1)), 0.7)
    found = np.append(1.0, start.weights) / start.spread
    known_weight = float(weight[is_known].sum())

    def objective(at: Floats) -> float:
        place = design @ at
        each = np.where(is_known, np.log(at[0]) - place**2 / 2, log_ndtr(sign * place))
        return float(weight @ each - penalty @ at**2 / 2)

    best = objective(found)
    for _ in range(ROUNDS):
        place = sign * (design @ found)
        mills = np.exp(np.clip(-(place**2) / 2 - log_ndtr(place), -700, 700)) / np.sqrt(2 * np.pi)
        slope = np.where(is_known, -(design @ found), sign * mills)
        bend = np.where(is_known, 1.0, np.clip(mills * (mills + place), 0, 1))
        gradient = design.T @ (weight * slope) - penalty * found
        gradient[0] += known_weight / found[0]
        hessian = (design * (weight * bend)[:, None]).T @ design + np.diag(penalty)
        hessian[0, 0] += known_weight / found[0] ** 2
        step = np.linalg.solve(hessian, gradient)
        length = 1.0
        while length > 1e-4:
            there = found + length * step
            if there[0] > 1e-3 and (reached := objective(there)) >= best:
                break
            length /= 2
        else:
            break
        gained, found, best = reached - best, there, reached
        if gained < 1e-6 * (1 + abs(best)):
            break
    return Tobit(found[1:] / found[0], float(np.clip(1 / found[0], LEAST_SPREAD, 5.0)))
