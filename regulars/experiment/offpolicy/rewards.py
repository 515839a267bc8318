"""What reward to expect of each action: a ridge regression for each, never fitted to the customer it is asked about.

A model that is linear in the rewards has a second use: an estimate by it is a weighted sum of rewards too. So it can be
said how much each row carries, in all, and how far the estimate would move if the row had come out otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regulars.experiment.offpolicy.logged import Logged
from regulars.experiment.offpolicy.overlap import Floats, Ints

FOLDS = 10
PENALTY = 3.0
"""Added to the sum of squares of each standardised column: worth three rows in which it says nothing."""
PRIOR = 2.0
"""The mean reward of an action is drawn to that of all by so many rows."""
LEAST_ROWS = 2
FIXED = 1e-6
"""The penalty of the constant: none, but for actions whose rows all weigh nothing."""


@dataclass(frozen=True)
class Expected:
    """What a cross-fitted model expects.

    Attributes
    ----------
    of_actions : (n, actions) of each action, at each row.
    design : (n, d + 1) a constant, then the standardised context.
    weight : (n,) how much each row counted in the fit.
    """

    of_actions: Floats
    design: Floats
    weight: Floats

    def carried(self, logged: Logged, target: Floats, weight: Floats) -> Floats:
        """(n,) what each row carries in an estimate, by its weight and through the model.

        Parameters
        ----------
        target : (n, actions) the policy's chances.
        weight : (n,) the weights of the estimate's own correction: of DR target / logged, of DM 0.

        Source
        ------
        Ben-Michael, Feller and Rothstein (2021), The Augmented Synthetic Control Method, section 4 (ridge as weights).
        """
        found = weight.copy()
        for action in range(logged.actions):
            rows = np.flatnonzero(logged.action == action)
            if len(rows) < LEAST_ROWS:
                continue
            own, counts = self.design[rows], self.weight[rows]
            # What the policy does of this action, less what the weights make up for.
            left = self.design.T @ target[:, action] - own.T @ weight[rows]
            found[rows] += counts * (own @ np.linalg.solve(_gram(own, counts), left))
        return found


def expect(logged: Logged, weight: Floats, seed: int = 0) -> Expected:
    """Fit without each tenth of the customers in turn, and ask about that tenth.

    Parameters
    ----------
    weight : (n,) how much each row counts, >= 0. Rows that are like what the policy in question does count more, by the
        square root of target / logged: the model is to be right there. By the whole of it few rows would carry the fit.
    seed : of who is in which tenth.

    Source
    ------
    Cross-fitting: Chernozhukov et al. (2018), Double/Debiased Machine Learning, definition 3.1. Weighted by the policy:
    Farajtabar, Chow and Ghavamzadeh (2018), More Robust Doubly Robust Off-policy Evaluation.

    Examples
    --------
    >>> logged = Logged.of([0, 1] * 200, [0.0, 1.0] * 200, [0.5] * 400, actions=2)
    >>> expect(logged, np.ones(400)).of_actions.mean(axis=0).round(2)
    array([0., 1.])
    """
    spread = logged.context.std(axis=0)
    scaled = (logged.context - logged.context.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(scaled)), scaled])
    customers = int(logged.owner.max()) + 1
    fold = (np.random.default_rng(seed).permutation(customers) % FOLDS)[logged.owner]
    found = np.empty((len(design), logged.actions))
    for number in range(min(FOLDS, customers)):
        asked = fold == number
        found[asked] = _fitted(logged, design, weight, ~asked)(design[asked])
    return Expected(found, design, weight)


class _Model:
    def __init__(self, means: Floats, slopes: Floats, low: float, high: float) -> None:
        self._means, self._slopes, self._low, self._high = means, slopes, low, high

    def __call__(self, design: Floats) -> Floats:
        return np.clip(self._means + design @ self._slopes.T, self._low, self._high)


def _fitted(logged: Logged, design: Floats, weight: Floats, is_known: np.ndarray) -> _Model:
    action, reward, counts = logged.action[is_known], logged.reward[is_known], weight[is_known]
    if not len(reward):  # of one customer alone nothing is known from others
        return _Model(np.zeros(logged.actions), np.zeros((logged.actions, design.shape[1])), 0.0, 0.0)
    of_all = float(np.average(reward, weights=counts if counts.any() else None))
    sums = np.bincount(action, counts * reward, logged.actions) + PRIOR * of_all
    means = sums / (np.bincount(action, counts, logged.actions) + PRIOR)
    known, left = design[is_known], reward - means[action]
    slopes = np.zeros((logged.actions, design.shape[1]))
    order = np.argsort(action, kind="stable")
    bounds: Ints = np.searchsorted(action[order], np.arange(logged.actions + 1))
    for number in range(logged.actions):
        rows = order[bounds[number] : bounds[number + 1]]
        if len(rows) >= LEAST_ROWS:
            own, counted = known[rows], counts[rows]
            slopes[number] = np.linalg.solve(_gram(own, counted), own.T @ (counted * left[rows]))
    return _Model(means, slopes, float(reward.min()), float(reward.max()))


def _gram(design: Floats, weight: Floats) -> Floats:
    found: Floats = design.T @ (design * weight[:, None])
    found[np.diag_indices_from(found)] += PENALTY
    found[0, 0] += FIXED - PENALTY
    return found
