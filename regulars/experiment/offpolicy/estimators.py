"""The estimators that need a log and no model of ours, and the interval that all share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.errors import InputError
from regulars.experiment.offpolicy.overlap import (
    Floats,
    Ints,
    Overlap,
    error_of_mean,
    overlap,
    owners,
    require,
    weights,
)

STRAIGHT = 1e-6
"""Less skewed than this is not skewed: the transformation would be 0 / 0."""


@dataclass(frozen=True)
class Estimate:
    """The mean reward of a policy, with its 95 % interval.

    Attributes
    ----------
    method : e.g. "IPS", "SNIPS", "DR", "DR, weights at most 4".
    low, high : by the t distribution over customers' sums, since rows of one customer are alike.
    sure_low, sure_high : a wider interval that holds for any distribution of rewards within the range seen, by an
        empirical Bernstein bound; None where it was not asked for.
    """

    method: str
    value: float
    low: float
    high: float
    overlap: Overlap
    sure_low: float | None = None
    sure_high: float | None = None


def ips(
    reward: npt.ArrayLike, logged: npt.ArrayLike, target: npt.ArrayLike, customers: npt.ArrayLike | None = None
) -> Estimate:
    """Inverse propensity scoring: unbiased if the propensities are right; of few effective rows it is wide.

    Parameters
    ----------
    reward : (n,) what came of each decision.
    logged, target : (n,) see `overlap`.
    customers : (n,) whose decision it was; each another's when left out.

    Raises
    ------
    InputError
        If a chance is outside its range, a reward is no number, or lengths differ.
    OverlapError
        If the log is worth fewer than 30 of the policy's own decisions, or the mean weight is surely not 1.

    Source
    ------
    Horvitz and Thompson (1952), A Generalization of Sampling Without Replacement from a Finite Universe.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> arm = rng.integers(0, 2, 4000)
    >>> reward = rng.random(4000) < np.where(arm == 1, 0.3, 0.1)
    >>> found = ips(reward, np.full(4000, 0.5), arm == 1)
    >>> found.low < 0.3 < found.high
    True
    """
    values, weight, owner, seen = _checked(reward, logged, target, customers)
    return of_mean("IPS", weight * values, owner, seen)


def snips(
    reward: npt.ArrayLike, logged: npt.ArrayLike, target: npt.ArrayLike, customers: npt.ArrayLike | None = None
) -> Estimate:
    """The same divided by the mean weight: a little biased, mostly narrower, and inside the range of the rewards.

    Parameters, errors: see `ips`.

    Source
    ------
    Swaminathan and Joachims (2015), The Self-Normalized Estimator for Counterfactual Learning; the interval by the
    delta method.
    """
    values, weight, owner, seen = _checked(reward, logged, target, customers)
    return of_mean("SNIPS", normalised(values, weight), owner, seen)


def doubly_robust(
    reward: npt.ArrayLike,
    logged: npt.ArrayLike,
    target: npt.ArrayLike,
    expected: npt.ArrayLike,
    expected_of_policy: npt.ArrayLike,
    customers: npt.ArrayLike | None = None,
) -> Estimate:
    """A model of the reward, put right by weighted errors: unbiased if either the propensities or the model are.

    Parameters
    ----------
    expected : (n,) what a model expected of each logged decision; it must not have been fitted to the row itself.
    expected_of_policy : (n,) what it expects there of the policy in question.

    Other parameters, errors: see `ips`.

    Source
    ------
    Dudik, Langford and Li (2011), Doubly Robust Policy Evaluation and Learning, equation 3.
    """
    values, weight, owner, seen = _checked(reward, logged, target, customers)
    model, of_policy = np.asarray(expected, float), np.asarray(expected_of_policy, float)
    if model.shape != values.shape or of_policy.shape != values.shape:
        raise InputError(
            f"{len(values)} rewards, {model.shape} and {of_policy.shape} expectations: as many are needed."
        )
    return of_mean("DR", of_policy + weight * (values - model), owner, seen)


def normalised(reward: Floats, weight: Floats) -> Floats:
    """(n,) values whose mean is the mean reward by weights, and whose spread is, to first order, that of its error."""
    mean = float((weight * reward).sum() / weight.sum())
    found: Floats = mean + weight * (reward - mean) / weight.mean()
    return found


def of_mean(
    method: str, values: Floats, owner: Ints, seen: Overlap, error: float | None = None, skewed: float = 0.0
) -> Estimate:
    """The mean of values, with an interval over customers.

    Parameters
    ----------
    error : the standard error, where it is known better than by the spread of the values.
    skewed : see `skewness`; without it the interval reaches as far up as down.
    """
    mean = float(values.mean())
    error = error_of_mean(values, owner) if error is None else error
    # Few rows with large weights carry the sum: as many degrees of freedom as they are worth.
    reach = float(stats.t.ppf(0.975, max(min(int(owner.max()) + 1, seen.effective) - 1, 1)))
    return Estimate(method, mean, mean - error * _skew(reach, skewed), mean - error * _skew(-reach, skewed), seen)


def skewness(away: Floats) -> float:
    """The skewness of a mean of (n,) values that are 0 in the mean: theirs by the root of n, at most 1 either way."""
    most = float(np.abs(away).max(initial=0.0))
    if not most:
        return 0.0
    away = away / most  # small numbers would be lost to rounding when they are cubed
    found = float(np.mean(away**3)) / float(np.mean(away**2)) ** 1.5 / np.sqrt(len(away))
    return float(np.clip(found, -1, 1))


def _skew(reach: float, skewed: float) -> float:
    """How far t reaches where what it is of is skewed: Hall (1992), On the Removal of Skewness by Transformation."""
    if abs(skewed) < STRAIGHT:
        return reach
    return float(3 / skewed * (np.cbrt(1 + skewed * (reach - skewed / 6)) - 1))


def finite(reward: npt.ArrayLike) -> Floats:
    """Rewards that are numbers; InputError for one that is none."""
    values = np.asarray(reward, float)
    if not np.isfinite(values).all():
        raise InputError(f"row {int(np.flatnonzero(~np.isfinite(values))[0])}: the reward is no number.")
    return values


def _checked(
    reward: npt.ArrayLike, logged: npt.ArrayLike, target: npt.ArrayLike, customers: npt.ArrayLike | None
) -> tuple[Floats, Floats, Ints, Overlap]:
    values, weight = np.asarray(reward, float), weights(logged, target)
    if values.shape != weight.shape:
        raise InputError(f"{values.shape} rewards and {weight.shape} propensities: as many are needed.")
    values, owner = finite(values), owners(customers, len(weight))
    seen = overlap(logged, target, owner)
    require(seen)
    return values, weight, owner, seen
