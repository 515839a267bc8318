"""Decisions as they were logged, among a finite number of actions, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.experiment.offpolicy.estimators import finite
from regulars.experiment.offpolicy.overlap import Floats, Ints, Overlap, overlap, owners

CLOSE = 1e-6
"""How far the chances of a policy may be from 1 in sum."""


@dataclass(frozen=True)
class Logged:
    """A log to judge policies by. Make it with `Logged.of`, which checks.

    Attributes
    ----------
    action : (n,) which action, 0 to actions - 1.
    reward : (n,) what came of it.
    propensity : (n,) the chance with which it was chosen, (0, 1].
    owner : (n,) the number of the customer.
    context : (n, d) what was known of the customer before; d may be 0.
    actions : how many actions there are.
    """

    action: Ints
    reward: Floats
    propensity: Floats
    owner: Ints
    context: Floats
    actions: int

    @classmethod
    def of(
        cls,
        action: npt.ArrayLike,
        reward: npt.ArrayLike,
        propensity: npt.ArrayLike,
        *,
        actions: int,
        customers: npt.ArrayLike | None = None,
        context: npt.ArrayLike | None = None,
    ) -> Logged:
        """A log, checked.

        Raises
        ------
        InputError
            If lengths differ, an action is not among the actions, a chance is outside (0, 1], or a reward or a context
            is no number.

        Examples
        --------
        >>> Logged.of([0, 1, 1], [0.0, 1.0, 0.0], [0.5, 0.5, 0.5], actions=2).context.shape
        (3, 0)
        """
        chosen, values, chance = np.asarray(action), finite(reward), np.asarray(propensity, float)
        rows = len(values)
        known = np.zeros((rows, 0)) if context is None else np.asarray(context, float)
        if chosen.shape != (rows,) or chance.shape != (rows,) or known.ndim != 2 or len(known) != rows:
            raise InputError(
                f"{chosen.shape} actions, {values.shape} rewards, {chance.shape} propensities and {known.shape} "
                "contexts: as many of each are needed."
            )
        if not rows:
            raise InputError("The log holds no decision.")
        if not np.issubdtype(chosen.dtype, np.integer) or chosen.min() < 0 or chosen.max() >= actions:
            raise InputError(
                f"Actions are whole numbers from 0 to {actions - 1}; {chosen.min()} to {chosen.max()} found."
            )
        if not np.isfinite(known).all():
            row = int(np.flatnonzero(~np.isfinite(known).all(axis=1))[0])
            raise InputError(
                f"row {row}: the context is no number. Put a number, such as the mean, for what is unknown."
            )
        overlap(chance, chance)  # which refuses what is no chance
        return cls(chosen.astype(np.int64), values, chance, owners(customers, rows), known, actions)

    def target(self, target: npt.ArrayLike) -> Floats:
        """(n, actions) the chances of a policy, checked: each in [0, 1], of each row 1 in sum."""
        chances = np.asarray(target, float)
        if chances.shape != (len(self.reward), self.actions):
            raise InputError(
                f"The policy's chances are {chances.shape}; ({len(self.reward)}, {self.actions}) are expected: one for "
                "each decision and action."
            )
        is_wrong = ~((chances >= 0).all(axis=1) & (np.abs(chances.sum(axis=1) - 1) < CLOSE))  # so that NaN fails too
        if is_wrong.any():
            row = int(np.flatnonzero(is_wrong)[0])
            raise InputError(f"row {row}: the policy's chances are {chances[row].tolist()}; 1 in sum is expected.")
        found: Floats = np.minimum(chances, 1.0)
        return found

    def overlap(self, target: Floats) -> Overlap:
        """How far the log can speak for a policy of (n, actions) chances."""
        return overlap(self.propensity, self.of_logged(target), self.owner)

    def of_logged(self, values: Floats) -> Floats:
        """(n,) of (n, actions) values, those of the logged actions."""
        found: Floats = values[np.arange(len(self.action)), self.action]
        return found
