"""What reward to expect of each action: ridge regressions, never fitted to the customer that they are asked about.

First one of the action and of the context, as if the context did the same to all actions; then, on what that leaves,
one for each action. How far actions may differ is chosen by what fits customers that were left out.

A model that is linear in the rewards has a second use: an estimate by it is a weighted sum of rewards too. So it can be
said how much each row carries, in all, and how far the estimate would move if the row had come out otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from regulars.experiment.offpolicy.logged import Logged
from regulars.experiment.offpolicy.overlap import Floats, Ints

FOLDS = 10
SHARED = 3.0
"""Added to the sum of squares of each column of the first regression: worth three rows in which it says nothing."""
OWN = (3.0, 30.0, 300.0, 30_000.0)
"""The same of the regressions by action, to choose from; with the last of them actions hardly differ in slope."""


@dataclass(frozen=True)
class Expected:
    """What a cross-fitted model expects.

    Attributes
    ----------
    of_actions : (n, actions) of each action, at each row.
    design : (n, d + 1) a constant, then the standardised context.
    penalty : of `OWN`, the one that was chosen.
    """

    of_actions: Floats
    design: Floats
    penalty: float

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
        for action, rows in _by_action(logged.action, logged.actions):
            own = self.design[rows]
            # What the policy does of this action, less what the weights make up for.
            left = self.design.T @ target[:, action] - own.T @ weight[rows]
            found[rows] += own @ np.linalg.solve(_gram(own, self.penalty), left)
        shared = _shared(self.design, logged.action, logged.actions)
        wanted = np.concatenate([target.sum(axis=0), self.design[:, 1:].sum(axis=0)])
        left = wanted - shared.T @ found
        carried: Floats = found + shared @ np.linalg.solve(_gram(shared, SHARED), left)
        return carried


def expect(logged: Logged, seed: int = 0) -> Expected:
    """Fit without each tenth of the customers in turn, and ask about that tenth; `seed` is of who is in which.

    Source
    ------
    Cross-fitting: Chernozhukov et al. (2018), Double/Debiased Machine Learning, definition 3.1.

    Examples
    --------
    >>> logged = Logged.of([0, 1] * 200, [0.0, 1.0] * 200, [0.5] * 400, actions=2)
    >>> expect(logged).of_actions.mean(axis=0).round(2)
    array([0., 1.])
    """
    spread = logged.context.std(axis=0)
    scaled = (logged.context - logged.context.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(scaled)), scaled])
    customers = int(logged.owner.max()) + 1
    fold = (np.random.default_rng(seed).permutation(customers) % FOLDS)[logged.owner]
    found = np.zeros((len(OWN), len(design), logged.actions))
    for number in range(min(FOLDS, customers)):
        asked = fold == number
        if not asked.all():  # of one customer alone nothing is known from others
            found[:, asked] = _fitted(logged, design, ~asked, design[asked])
    wrong = ((found[:, np.arange(len(design)), logged.action] - logged.reward) ** 2).sum(axis=1)
    best = int(wrong.argmin())
    return Expected(found[best], design, OWN[best])


def _fitted(logged: Logged, design: Floats, is_known: np.ndarray, asked: Floats) -> Floats:
    """(penalties, rows asked, actions) what to expect, from the rows that are known."""
    action, reward, known = logged.action[is_known], logged.reward[is_known], design[is_known]
    middle = float(reward.mean())
    shared = _shared(known, action, logged.actions)
    slopes = np.linalg.solve(_gram(shared, SHARED), shared.T @ (reward - middle))
    left = reward - middle - shared @ slopes
    alike = middle + slopes[: logged.actions] + (asked[:, 1:] @ slopes[logged.actions :])[:, None]
    own = np.zeros((len(OWN), logged.actions, design.shape[1]))
    for number, rows in _by_action(action, logged.actions):
        part = known[rows]
        grams = np.stack([_gram(part, penalty) for penalty in OWN])
        own[:, number] = np.linalg.solve(grams, (part.T @ left[rows])[:, None])[..., 0]
    found: Floats = np.clip(alike + np.einsum("nd,pkd->pnk", asked, own, optimize=True), reward.min(), reward.max())
    return found


def _by_action(action: Ints, actions: int) -> Iterator[tuple[int, Ints]]:
    """Each action that was done, and its rows."""
    order = np.argsort(action, kind="stable")
    bounds = np.searchsorted(action[order], np.arange(actions + 1))
    for number in np.flatnonzero(np.diff(bounds)).tolist():
        yield number, order[bounds[number] : bounds[number + 1]]


def _shared(design: Floats, action: Ints, actions: int) -> Floats:
    """(n, actions + d) which action it was, and the context."""
    return np.column_stack([np.eye(actions)[action], design[:, 1:]])


def _gram(design: Floats, penalty: float) -> Floats:
    found: Floats = design.T @ design
    found[np.diag_indices_from(found)] += penalty
    return found
