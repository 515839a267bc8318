"""Policies that look at a context: a linear model of the reward for each arm.

A context is a row of numbers, of similar scale; put a 1 among them, so that a model has a level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.experiment.bandits.best import best_of_normals
from regulars.experiment.bandits.policies import greatest

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Linear:
    """Evidence of an arm: the sums of x x' and of x times reward."""

    features: int

    @property
    def size(self) -> int:
        """See `Policy`."""
        return self.features * (self.features + 1)

    def gather(self, contexts: Floats, rewards: Floats, weights: Floats) -> Floats:
        """See `Policy`."""
        weighed = contexts * weights[:, None]
        return np.concatenate([(weighed.T @ contexts).ravel(), weighed.T @ rewards])

    def _sums(self, evidence: Floats) -> tuple[Floats, Floats]:
        """(k, d, d) and (k, d)."""
        square = self.features**2
        return evidence[:, :square].reshape(-1, self.features, self.features), evidence[:, square:]

    def _foreseen(self, evidence: Floats, contexts: Floats, ridge: float) -> tuple[Floats, Floats]:
        """(n, k) the mean x' A^-1 b and the deviation sqrt(x' A^-1 x), where A = ridge + sum of x x'."""
        squares, sums = self._sums(evidence)
        inverse = np.linalg.inv(squares + ridge * np.eye(self.features))
        means = contexts @ np.einsum("kde,ke->kd", inverse, sums).T
        return means, np.sqrt(np.einsum("nd,kde,ne->nk", contexts, inverse, contexts, optimize=True))

    def _check(self, **settings: float) -> None:
        if self.features < 1:
            raise InputError(f"a context of {self.features} features: at least 1 is expected.")
        for name, value in settings.items():
            if not (np.isfinite(value) and value > 0):
                raise InputError(f"{name} = {value:g}: more than 0 is expected.")


@dataclass(frozen=True)
class LinearThompson(_Linear):
    """LinTS: an arm is chosen with the chance that its line is the highest at this context.

    Lines of different arms are independent and normal, so this chance is worked out, not drawn (`best_of_normals`).

    Parameters
    ----------
    features : numbers in a context.
    noise : how much rewards vary at one context, above 0.
    slope : how large coefficients may be: the prior's deviation, above 0.

    Source
    ------
    Agrawal and Goyal (2013), Thompson Sampling for Contextual Bandits with Linear Payoffs; one line an arm.

    Examples
    --------
    >>> policy = LinearThompson(2)
    >>> seen = np.stack([policy.gather(np.array([[1.0, 1.0]] * 9), np.ones(9), np.ones(9)), np.zeros(6)])
    >>> policy.chances(seen, np.array([[1.0, 1.0], [1.0, -1.0]])).round(3).tolist()
    [[0.743, 0.257], [0.5, 0.5]]
    """

    noise: float = 1.0
    slope: float = 1.0

    kind: ClassVar[str] = "linear thompson"

    def __post_init__(self) -> None:
        self._check(noise=self.noise, slope=self.slope)

    def means(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        return self._foreseen(evidence, contexts, self._ridge)[0]

    def chances(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        means, deviations = self._foreseen(evidence, contexts, self._ridge)
        # A context of zeros says nothing of any arm: then all are alike, not all certain.
        return best_of_normals(means, np.maximum(self.noise * deviations, 1e-12))

    @property
    def _ridge(self) -> float:
        return (self.noise / self.slope) ** 2


@dataclass(frozen=True)
class LinearUCB(_Linear):
    """LinUCB (Li, Chu, Langford and Schapire, 2010), a line an arm: the arm with the highest upper bound; equals share.

    It always chooses the same, so a log of it says little of other policies: give the bandit some `explore`.

    Parameters
    ----------
    features : numbers in a context.
    alpha : how many deviations the upper bound lies above the mean, above 0.

    Examples
    --------
    >>> policy = LinearUCB(2)
    >>> seen = np.stack([policy.gather(np.array([[1.0, 1.0]] * 9), np.ones(9), np.ones(9)), np.zeros(6)])
    >>> policy.chances(seen, np.array([[1.0, 1.0], [1.0, -1.0]])).tolist()
    [[0.0, 1.0], [0.5, 0.5]]
    """

    alpha: float = 1.0

    kind: ClassVar[str] = "linear ucb"

    def __post_init__(self) -> None:
        self._check(alpha=self.alpha)

    def means(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        return self._foreseen(evidence, contexts, 1.0)[0]

    def chances(self, evidence: Floats, contexts: Floats) -> Floats:
        """See `Policy`."""
        means, deviations = self._foreseen(evidence, contexts, 1.0)
        # Rounded, so that equals are equal whatever order they were added up in.
        return greatest((means + self.alpha * deviations).round(12))
