"""What a policy is worth, by the estimator that fits its log; and whether it may go live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.experiment.offpolicy.bounds import sure
from regulars.experiment.offpolicy.choice import CAPS, slope
from regulars.experiment.offpolicy.estimators import Estimate, normalised, of_mean, skewness
from regulars.experiment.offpolicy.logged import Logged
from regulars.experiment.offpolicy.overlap import Floats, Overlap, error_of_mean, overlap, require
from regulars.experiment.offpolicy.rewards import Expected, expect

SHRINKAGES = (np.inf, 16384.0, 4096.0, 1024.0, 256.0, 64.0, 16.0)
"""lambda of DRos; a weight is at most half the square root of it, so these go as far as `CAPS`."""


SPREAD = 0.5
"""Half way between the two extremes of `_corrected`."""


class Way(NamedTuple):
    """One way to estimate.

    Attributes
    ----------
    name : of the method, with its setting.
    values : (n,) whose mean is the estimate.
    through : (n,) the same, with what each row carries through the model of the reward too.
    weight : (n,) target / logged.
    doubt : how far the answer depends on what is thought of rows whose weights were cut, signed.
    """

    name: str
    values: Floats
    through: Floats
    weight: Floats
    doubt: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """A new policy beside the present one, on the same log.

    Attributes
    ----------
    new, present : each by itself.
    difference : of the two, paired row by row; its overlap is that of the new policy.
    goes_live : whether the new one is better even at the low end of the difference's interval.
    is_sure : whether that holds by the bound for any distribution too.
    """

    new: Estimate
    present: Estimate
    difference: Estimate

    @property
    def goes_live(self) -> bool:
        """Whether it is better even at the low end."""
        return self.difference.low > 0

    @property
    def is_sure(self) -> bool:
        """Whether it is so by the wider bound."""
        return self.difference.sure_low is not None and self.difference.sure_low > 0

    def __str__(self) -> str:
        found = self.difference
        verdict = "goes live" if self.goes_live else "does not go live: it may be no better than the present one"
        return (
            f"The new policy {verdict}. It brings {found.value:+.4g} a decision more ({found.low:+.4g} to "
            f"{found.high:+.4g}, 95 %): {self.new.value:.4g} instead of {self.present.value:.4g}. "
            f"{self.new.overlap}."
        )


def value(logged: Logged, target: npt.ArrayLike) -> Estimate:
    """The mean reward that a policy would have brought, by the estimator that SLOPE chooses.

    It chooses among IPS, SNIPS, DR, and DR with weights of at most 64, 32, … 2. Its interval knows what each row
    carries in all, by its weight and through the model; `sure_low` and `sure_high` hold for any distribution.

    Parameters
    ----------
    target : (n, actions) the chance with which the policy would choose each action there.

    Raises
    ------
    InputError
        If the chances are none.
    OverlapError
        If the log cannot speak for the policy.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> action = rng.integers(0, 2, 2000)
    >>> logged = Logged.of(action, rng.random(2000) < np.where(action, 0.3, 0.1), np.full(2000, 0.5), actions=2)
    >>> found = value(logged, np.tile([0.0, 1.0], (2000, 1)))
    >>> bool(found.sure_low < found.low < 0.3 < found.high < found.sure_high)
    True
    """
    chances = logged.target(target)
    seen, weight = _seen(logged, chances)
    chosen = _chosen(_capped(logged, chances, weight, expect(logged))[2:], logged)
    return _guarded(_estimate(chosen, logged, seen), logged, weight)


def methods(logged: Logged, target: npt.ArrayLike) -> dict[str, Estimate]:
    """What each method says: IPS, SNIPS, DM, DR, Switch-DR and DRos (each set by SLOPE), and "chosen", as `value` does.

    Parameters, errors: see `value`.

    Source
    ------
    Switch-DR: Wang, Agarwal and Dudik (2017), Optimal and Adaptive Off-policy Evaluation in Contextual Bandits.
    DRos: Su, Dimakopoulou, Krishnamurthy and Dudik (2020), Doubly Robust Off-policy Evaluation with Shrinkage.

    Examples
    --------
    >>> logged = Logged.of([0, 1] * 200, [0.0, 1.0] * 200, [0.5] * 400, actions=2)
    >>> list(methods(logged, np.tile([0.5, 0.5], (400, 1))))
    ['IPS', 'SNIPS', 'DM', 'DR', 'Switch-DR', 'DRos', 'chosen']
    """
    chances = logged.target(target)
    seen, weight = _seen(logged, chances)
    expected = expect(logged)
    capped = _capped(logged, chances, weight, expected)
    switched = [
        _corrected(f"Switch-DR, weights up to {cap:g}", logged, chances, np.where(weight <= cap, weight, 0.0), expected)
        for cap in CAPS
    ]
    shrunk = [
        _corrected(f"DRos, lambda {size:g}", logged, chances, _shrunk(weight, size), expected) for size in SHRINKAGES
    ]
    ways = {
        "IPS": capped[0],
        "SNIPS": capped[1],
        "DM": _corrected("DM", logged, chances, np.zeros(len(weight)), expected),
        "DR": capped[2],
        "Switch-DR": _chosen(switched, logged),
        "DRos": _chosen(shrunk, logged),
        "chosen": _chosen(capped[2:], logged),
    }
    return {name: _guarded(_estimate(way, logged, seen), logged, weight) for name, way in ways.items()}


def compare(logged: Logged, new: npt.ArrayLike, present: npt.ArrayLike | None = None) -> Comparison:
    """Is a new policy better than the present one?

    Both are judged on the same rows, and the interval is of the difference: what happens to both alike drops out.

    Parameters
    ----------
    new, present : (n, actions) see `value`; the present one is the log's own when left out.

    Raises
    ------
    InputError, OverlapError
        See `value`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> action = rng.integers(0, 2, 2000)
    >>> logged = Logged.of(action, rng.random(2000) < np.where(action, 0.3, 0.1), np.full(2000, 0.5), actions=2)
    >>> compare(logged, np.tile([0.0, 1.0], (2000, 1))).goes_live
    True
    >>> compare(logged, np.tile([1.0, 0.0], (2000, 1))).goes_live
    False
    """
    one, seen, weight = _way(logged, new)
    if present is None:
        weight_of_present = np.ones(len(logged.reward))
        other = Way("mean", logged.reward, logged.reward, weight_of_present)
        of_present = overlap(logged.propensity, logged.propensity, logged.owner)
    else:
        other, of_present, weight_of_present = _way(logged, present)
    gap = Way(
        f"{one.name}, less {other.name}",
        one.values - other.values,
        one.through - other.through,
        weight - weight_of_present,
        one.doubt - other.doubt,
    )
    difference = _estimate(gap, logged, seen)
    reward, owner = logged.reward, logged.owner
    # A bound for each side, of half the chance of being wrong.
    sides = [sure(each, reward, owner, 0.025) for each in (weight, weight_of_present)]
    difference = replace(difference, sure_low=sides[0][0] - sides[1][1], sure_high=sides[0][1] - sides[1][0])
    return Comparison(
        _guarded(_estimate(one, logged, seen), logged, weight),
        _guarded(_estimate(other, logged, of_present), logged, weight_of_present),
        difference,
    )


def _way(logged: Logged, target: npt.ArrayLike) -> tuple[Way, Overlap, Floats]:
    chances = logged.target(target)
    seen, weight = _seen(logged, chances)
    return _chosen(_capped(logged, chances, weight, expect(logged))[2:], logged), seen, weight


def _seen(logged: Logged, chances: Floats) -> tuple[Overlap, Floats]:
    seen = logged.overlap(chances)
    require(seen)
    return seen, logged.of_logged(chances) / logged.propensity


def _capped(logged: Logged, chances: Floats, weight: Floats, expected: Expected) -> list[Way]:
    weighted, even = weight * logged.reward, normalised(logged.reward, weight)
    return [
        Way("IPS", weighted, weighted, weight),
        Way("SNIPS", even, even, weight),
        _corrected("DR", logged, chances, weight, expected),
        *(
            _corrected(f"DR, weights at most {cap:g}", logged, chances, np.minimum(weight, cap), expected, SPREAD)
            for cap in CAPS
            if np.isfinite(cap)
        ),
    ]


def _corrected(
    name: str, logged: Logged, chances: Floats, weight: Floats, expected: Expected, spread: float = 0.0
) -> Way:
    """The model's answer, put right by weighted errors.

    Parameters
    ----------
    spread : how far weights that were cut are made up for: 0 not at all, as if the model were right on what was cut; 1
        in full, as if it were as wrong there as elsewhere.
    """
    of_policy = (chances * expected.of_actions).sum(axis=1)
    wrong = logged.reward - logged.of_logged(expected.of_actions)
    mean = float(weight.mean()) if spread else 1.0
    more = 1 + spread * (1 / mean - 1)
    # By the delta method: the mean weight is an estimate too.
    found = float((weight * wrong).mean())
    least = spread * found / mean**2 * (weight - weight.mean())
    carried = expected.carried(logged, chances, more * weight)
    uncut = logged.of_logged(chances) / logged.propensity
    # The whole way between the two extremes: how wrong the model is on what was cut, the log does not tell.
    doubt = found * (1 / mean - 1)
    return Way(name, of_policy + more * weight * wrong - least, of_policy + carried * wrong - least, uncut, doubt)


def _shrunk(weight: Floats, size: float) -> Floats:
    found: Floats = weight if np.isinf(size) else size * weight / (weight**2 + size)
    return found


def _error(way: Way, logged: Logged) -> float:
    """The standard error: where weights are cut the model is not put right, and what it learned is uncertain too."""
    return max(error_of_mean(way.values, logged.owner), error_of_mean(way.through, logged.owner))


def _chosen(ways: list[Way], logged: Logged) -> Way:
    # The error that is carried through the model is much the same for all, and would hide what cutting weights gains.
    errors = [error_of_mean(way.values, logged.owner) for way in ways]
    return ways[slope([float(way.values.mean()) for way in ways], errors)]


def _estimate(way: Way, logged: Logged, seen: Overlap) -> Estimate:
    # Two more rows, the one as good, the other as bad as any: of a few hundred in which hardly any came out badly, the
    # spread that is seen is mostly too small (Agresti and Coull 1998, Approximate Is Better than Exact).
    more = float(np.ptp(logged.reward)) * np.sqrt(2 * np.mean(way.weight**2)) / len(way.weight)
    sums: Floats = np.bincount(logged.owner, way.through - way.through.mean()).astype(np.float64)
    error = float(np.sqrt(_error(way, logged) ** 2 + more**2 + way.doubt**2))
    return of_mean(way.name, way.values, logged.owner, seen, error, skewness(sums))


def _guarded(found: Estimate, logged: Logged, weight: Floats) -> Estimate:
    low, high = sure(weight, logged.reward, logged.owner)
    return replace(found, sure_low=low, sure_high=high)
