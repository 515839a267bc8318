"""Less noise by what customers did before: CUPED, with what it saved and whether it can be relied on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from regulars.experiment.stats.moments import Arm, Floats, Moments, mean_of, ratio_of, spread_of

LEVERAGE = 0.2
"""One customer with so large a share of the covariate's squares would decide the slope alone."""
UNBALANCED = 0.001
"""Below this chance the arms differed before anything was done to them."""


@dataclass(frozen=True)
class Health:
    """Whether the pre-period helps, and whether it can be relied on.

    Attributes
    ----------
    correlation : of a customer's value with the one before, within arms; 0 where one of them is constant.
    saved : share of the variance that is gone, 0 to 1.
    balance : chance of pre-period means as far apart as these, the smallest over arms against the first.
    leverage : the largest share of one customer in the squares of the pre-period; 0 where it was not given.
    """

    correlation: float
    saved: float
    balance: float
    leverage: float

    @property
    def is_sound(self) -> bool:
        """Whether the adjusted effect may stand for the plain one."""
        return self.balance >= UNBALANCED and self.leverage < LEVERAGE


@dataclass(frozen=True)
class Adjusted:
    """Arms as they would be, had all begun alike.

    Attributes
    ----------
    arms : in the order given.
    slope : what a unit before is worth after.
    """

    arms: tuple[Arm, ...]
    slope: float
    health: Health


def adjusted(arms: Sequence[Moments], leverage: float = 0.0) -> Adjusted:
    """Means or ratios of arms, less what the pre-period foretold.

    The pre-period must lie before exposure, so that no treatment can have changed it.

    Parameters
    ----------
    arms : control first; each of (value, value before), or of (numerator, denominator, numerator before,
        denominator before) of a ratio.
    leverage : see `Health`.

    Raises
    ------
    NotEnoughError
        As `mean_of` and `ratio_of`.

    Source
    ------
    Deng, Xu, Kohavi and Walker (2013), Improving the Sensitivity of Online Controlled Experiments by Utilizing
    Pre-Experiment Data, equations 3 to 5; for ratios appendix B.

    Examples
    --------
    What was spent before foretells half of what is spent:

    >>> rng = np.random.default_rng(0)
    >>> before = rng.normal(20, 5, 4000)
    >>> after = before + rng.normal(0, 5, 4000)
    >>> both = np.column_stack([after, before])
    >>> found = adjusted([Moments.of(both[:2000]), Moments.of(both[2000:])])
    >>> round(found.health.saved, 1), round(found.slope, 1)
    (0.5, 1.0)
    """
    is_ratio = len(arms[0].mean) == 4
    plain = [ratio_of(arm) if is_ratio else mean_of(arm) for arm in arms]
    ways = [_directions(arm, is_ratio) for arm in arms]
    usable = all(before is not None for _, before in ways)
    weights = np.array([arm.count for arm in arms], float)
    if not usable:
        return Adjusted(tuple(plain), 0.0, Health(0.0, 0.0, 1.0, leverage))

    def mixed(left: int, right: int) -> float:
        found = [_way(way, left) @ arm.covariance @ _way(way, right) for arm, way in zip(arms, ways, strict=True)]
        return float(np.dot(found, weights) / weights.sum())

    after, before, both = mixed(0, 0), mixed(1, 1), mixed(0, 1)
    slope = both / before if before > 0 else 0.0
    correlation = both / float(np.sqrt(after * before)) if after > 0 and before > 0 else 0.0
    start = [_before(arm, is_ratio) for arm in arms]
    common = float(np.dot(start, weights) / weights.sum())
    found = tuple(
        Arm(arm.count, one.value - slope * (then - common), spread_of(arm, _way(way, 0) - slope * _way(way, 1)))
        for arm, one, way, then in zip(arms, plain, ways, start, strict=True)
    )
    errors = [spread_of(arm, _way(way, 1)) for arm, way in zip(arms, ways, strict=True)]
    apart = [_chance(start[place] - start[0], errors[place], errors[0]) for place in range(1, len(arms))]
    return Adjusted(found, slope, Health(correlation, min(correlation**2, 1.0), min(apart, default=1.0), leverage))


def _chance(gap: float, error: float, other: float) -> float:
    spread = float(np.hypot(error, other))
    return float(2 * stats.norm.sf(abs(gap) / spread)) if spread else float(gap == 0)


def _before(arm: Moments, is_ratio: bool) -> float:
    return float(arm.mean[2] / arm.mean[3]) if is_ratio else float(arm.mean[1])


def _directions(arm: Moments, is_ratio: bool) -> tuple[Floats, Floats | None]:
    """The derivatives of an arm's value, and of its value before, by its means; None where there was nothing before."""
    if not is_ratio:
        return np.array([1.0, 0.0]), np.array([0.0, 1.0])
    top, below, top_before, below_before = arm.mean
    after = np.array([1 / below, -top / below**2, 0.0, 0.0])
    if not below_before:
        return after, None
    return after, np.array([0.0, 0.0, 1 / below_before, -top_before / below_before**2])


def _way(ways: tuple[Floats, Floats | None], which: int) -> Floats:
    found = ways[which]
    assert found is not None  # noqa: S101  # checked for all arms before
    return found
