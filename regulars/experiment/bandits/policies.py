"""What is believed of each arm, and with which chance each is then chosen.

A policy is a value: its settings. What was seen of an arm is one row of numbers that add up, so that evidence fades by
multiplying it, and late evidence counts as if it had come in time. The prior is no part of it, and never fades.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.experiment.bandits.best import best_of_betas, best_of_students

Floats = npt.NDArray[np.float64]


class Policy(Protocol):
    """How a bandit learns and chooses. All arrays of evidence are (k arms, size), of contexts (n, features)."""

    kind: ClassVar[str]

    @property
    def features(self) -> int:
        """How many numbers a context has; 0 for a policy that asks of none."""

    @property
    def size(self) -> int:
        """How many numbers the evidence of an arm is."""

    def gather(self, contexts: Floats, rewards: Floats, weights: Floats) -> Floats:
        """(size,) what some rewards of one arm add to its evidence; InputError if a reward cannot be one."""

    def means(self, evidence: Floats, contexts: Floats) -> Floats:
        """(n, k) the reward expected of each arm, for each of n contexts."""

    def chances(self, evidence: Floats, contexts: Floats) -> Floats:
        """(n, k) the chance with which each arm is chosen; rows add to 1."""


@dataclass(frozen=True)
class BetaThompson:
    """Thompson sampling of rewards between 0 and 1, such as bought or not.

    An arm is chosen with the chance that it is the best, given what was seen. That chance is worked out (`best`), not
    drawn, so the propensity is exact.

    Parameters
    ----------
    successes, failures : the prior: as if so many had been seen before, each at least 1. 1 and 1 is uniform.

    Source
    ------
    Chapelle and Li (2011), An Empirical Evaluation of Thompson Sampling, section 1.

    Examples
    --------
    >>> policy = BetaThompson()
    >>> seen = np.stack([policy.gather(np.empty((4, 0)), np.array([1.0, 0, 0, 0]), np.ones(4)), np.zeros(2)])
    >>> policy.means(seen, np.empty((1, 0))).round(3).tolist(), policy.chances(seen, np.empty((1, 0))).round(3).tolist()
    ([[0.333, 0.5]], [[0.333, 0.667]])
    """

    successes: float = 1.0
    failures: float = 1.0

    kind: ClassVar[str] = "beta thompson"
    features: ClassVar[int] = 0
    size: ClassVar[int] = 2

    def __post_init__(self) -> None:
        _at_least(1.0, successes=self.successes, failures=self.failures)

    def gather(self, contexts: Floats, rewards: Floats, weights: Floats) -> Floats:
        """See `Policy`."""
        if ((rewards < 0) | (rewards > 1)).any():
            raise InputError(
                f"a reward of {rewards.max():g}: between 0 and 1 is expected. For money, use NormalThompson."
            )
        return np.array([weights @ rewards, weights @ (1 - rewards)])

    def means(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        a, b = self._posterior(evidence)
        return _for_each(contexts, a / (a + b))

    def chances(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        return _for_each(contexts, best_of_betas(*self._posterior(evidence)))

    def _posterior(self, evidence: Floats) -> tuple[Floats, Floats]:
        return self.successes + evidence[:, 0], self.failures + evidence[:, 1]


@dataclass(frozen=True)
class NormalThompson:
    """Thompson sampling of money: normal rewards whose mean and variance are both unknown, by arm.

    Mean and precision have a normal-gamma prior (shape 1), so the mean of an arm has a Student distribution. Rewards
    with a heavy tail are not normal: their means are, once there are many; cap what would outweigh a day.

    Parameters
    ----------
    mean, deviation : what a reward is expected to be, and how much rewards vary, before any is seen; deviation above 0.
    worth : as if the mean had been seen so often before, above 0.

    Examples
    --------
    >>> policy = NormalThompson(mean=10.0, deviation=5.0)
    >>> seen = np.stack([policy.gather(np.empty((3, 0)), np.array([9.0, 15, 12]), np.ones(3)), np.zeros(3)])
    >>> policy.means(seen, np.empty((1, 0))).tolist()
    [[11.5, 10.0]]
    """

    mean: float
    deviation: float
    worth: float = 1.0

    kind: ClassVar[str] = "normal thompson"
    features: ClassVar[int] = 0
    size: ClassVar[int] = 3

    def __post_init__(self) -> None:
        _above_zero(deviation=self.deviation, worth=self.worth)

    def gather(self, contexts: Floats, rewards: Floats, weights: Floats) -> Floats:
        """See `Policy`."""
        # From the prior's mean, so that sums of squares keep their digits where rewards are large and alike.
        off = rewards - self.mean
        return np.array([weights.sum(), weights @ off, weights @ off**2])

    def means(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        return _for_each(contexts, self._posterior(evidence)[1])

    def chances(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        return _for_each(contexts, best_of_students(*self._posterior(evidence)))

    def _posterior(self, evidence: Floats) -> tuple[Floats, Floats, Floats]:
        """Degrees of freedom, place and scale of each arm's mean."""
        count, total, squares = evidence.T
        worth = self.worth + count
        shape = 1 + count / 2
        spread = self.deviation**2 + np.maximum(squares - total**2 / worth, 0) / 2
        return 2 * shape, self.mean + total / worth, np.sqrt(spread / (shape * worth))


@dataclass(frozen=True)
class Greedy:
    """The arm with the best mean so far; equals share. With a bandit's `explore` it is epsilon-greedy.

    Parameters
    ----------
    mean : of an arm of which nothing is known; it counts as one reward.

    Examples
    --------
    >>> seen = np.array([[3.0, 6.0], [1.0, 1.0], [1.0, 1.0]])  # sums and counts of rewards
    >>> Greedy().chances(seen, np.empty((1, 0))).tolist()
    [[0.0, 0.5, 0.5]]
    """

    mean: float = 0.0

    kind: ClassVar[str] = "greedy"
    features: ClassVar[int] = 0
    size: ClassVar[int] = 2

    def gather(self, contexts: Floats, rewards: Floats, weights: Floats) -> Floats:
        """See `Policy`."""
        return np.array([weights @ rewards, weights.sum()])

    def means(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        return _for_each(contexts, (evidence[:, 0] + self.mean) / (evidence[:, 1] + 1))

    def chances(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        return greatest(self.means(evidence, contexts))


def greatest(scores: Floats) -> Floats:
    """(n, k) 1 where a row is greatest; equals share it.

    >>> greatest(np.array([[1.0, 3.0, 3.0]])).tolist()
    [[0.0, 0.5, 0.5]]
    """
    is_greatest = scores == scores.max(axis=1, keepdims=True)
    found: Floats = is_greatest / is_greatest.sum(axis=1, keepdims=True)
    return found


def _for_each(contexts: Floats, of_arms: Floats) -> Floats:
    return np.broadcast_to(of_arms, (len(contexts), len(of_arms)))


def _at_least(least: float, **settings: float) -> None:
    for name, value in settings.items():
        if not (np.isfinite(value) and value >= least):
            raise InputError(f"{name} = {value:g}: at least {least:g} is expected.")


def _above_zero(**settings: float) -> None:
    for name, value in settings.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} = {value:g}: more than 0 is expected.")
