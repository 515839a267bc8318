"""What a policy would have earned, from a log of another that chose by chance with known propensities.

All three estimators weigh each logged decision by how much more often the policy in question would have made it:
w = target / logged. Intervals are by the t distribution over customers' sums, since rows of one customer are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]

LEAST_EFFECTIVE = 30.0
"""Below so many rows' worth of evidence no estimate is given: its interval would not mean what it says."""


@dataclass(frozen=True)
class Overlap:
    """How much of what a policy would do the log has seen.

    Attributes
    ----------
    rows : of the log.
    effective : how many rows of a log of the policy itself would be worth as much (Kish): (sum w)^2 / sum w^2.
    largest : the largest weight.
    mean : the mean weight; near 1 where propensities are right and the log covers what the policy does.
    """

    rows: int
    effective: float
    largest: float
    mean: float

    def __str__(self) -> str:
        return (
            f"{self.rows:,} decisions are worth {self.effective:,.0f} of the policy's own; the largest weighs "
            f"{self.largest:.1f}, the mean {self.mean:.2f} (1 is expected)"
        )


@dataclass(frozen=True)
class Estimate:
    """The mean reward of a policy, with its 95 % interval.

    Attributes
    ----------
    method : "IPS", "SNIPS" or "DR".
    """

    method: str
    value: float
    low: float
    high: float
    overlap: Overlap


def overlap(logged: npt.ArrayLike, target: npt.ArrayLike) -> Overlap:
    """How far a log can speak for a policy.

    Parameters
    ----------
    logged : (n,) the chance with which the log's policy made each decision, (0, 1].
    target : (n,) that of the policy in question, [0, 1].

    Raises
    ------
    InputError
        If a chance is outside its range, or there are not as many of both.

    Examples
    --------
    >>> found = overlap([0.5, 0.5, 0.5, 0.5], [1, 1, 0, 0])
    >>> found.effective, found.largest, found.mean
    (2.0, 2.0, 1.0)
    """
    weight = _weights(logged, target)
    square = float((weight**2).sum())
    effective = float(weight.sum() ** 2 / square) if square else 0.0
    return Overlap(len(weight), effective, float(weight.max(initial=0)), float(weight.mean()) if len(weight) else 0.0)


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
    NotEnoughError
        If the log is worth fewer than 30 of the policy's own decisions.

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
    reward, weight, seen = _checked(reward, logged, target)
    return _of_mean("IPS", weight * reward, customers, seen)


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
    reward, weight, seen = _checked(reward, logged, target)
    value = float((weight * reward).sum() / weight.sum())
    around = _of_mean("SNIPS", weight * (reward - value) / weight.mean(), customers, seen)
    return Estimate("SNIPS", value, value + around.low - around.value, value + around.high - around.value, seen)


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
    reward, weight, seen = _checked(reward, logged, target)
    model, of_policy = np.asarray(expected, float), np.asarray(expected_of_policy, float)
    if model.shape != reward.shape or of_policy.shape != reward.shape:
        raise InputError(
            f"{len(reward)} rewards, {model.shape} and {of_policy.shape} expectations: as many are needed."
        )
    return _of_mean("DR", of_policy + weight * (reward - model), customers, seen)


def _weights(logged: npt.ArrayLike, target: npt.ArrayLike) -> Floats:
    chance, wanted = np.asarray(logged, float), np.asarray(target, float)
    if chance.shape != wanted.shape:
        raise InputError(f"{chance.shape} logged propensities and {wanted.shape} of the policy: as many are needed.")
    for name, values, is_right in (
        ("logged propensity", chance, (chance > 0) & (chance <= 1)),
        ("propensity of the policy", wanted, (wanted >= 0) & (wanted <= 1)),
    ):
        if not is_right.all():  # so that NaN fails too
            row = int(np.flatnonzero(~is_right)[0])
            raise InputError(f"row {row}: the {name} is {values[row]}; a chance in (0, 1] is expected.")
    found: Floats = wanted / chance
    return found


def _checked(reward: npt.ArrayLike, logged: npt.ArrayLike, target: npt.ArrayLike) -> tuple[Floats, Floats, Overlap]:
    values, weight = np.asarray(reward, float), _weights(logged, target)
    if values.shape != weight.shape:
        raise InputError(f"{values.shape} rewards and {weight.shape} propensities: as many are needed.")
    if not np.isfinite(values).all():
        raise InputError(f"row {int(np.flatnonzero(~np.isfinite(values))[0])}: the reward is no number.")
    seen = overlap(logged, target)
    if seen.effective < LEAST_EFFECTIVE:
        raise NotEnoughError(
            f"The log cannot speak for this policy: {seen}. At least {LEAST_EFFECTIVE:.0f} are needed. Explore more, "
            "or ask for a policy nearer to the one that was logged."
        )
    return values, weight, seen


def _of_mean(method: str, values: Floats, customers: npt.ArrayLike | None, seen: Overlap) -> Estimate:
    """The mean of values, with an interval over customers."""
    count = len(values)
    value = float(values.mean())
    owner = np.arange(count) if customers is None else np.unique(np.asarray(customers), return_inverse=True)[1]
    away = np.bincount(owner, values - value)
    groups = len(away)
    error = float(np.sqrt((away**2).sum() * groups / max(groups - 1, 1)) / count)
    # Few rows with large weights carry the sum: as many degrees of freedom as they are worth.
    reach = float(stats.t.ppf(0.975, max(min(groups, seen.effective) - 1, 1))) * error
    return Estimate(method, value, value - reach, value + reach, seen)
