"""How far two arms are apart, and how sure that is when it is looked at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from regulars.errors import InputError, NotEnoughError
from regulars.experiment.stats.moments import Arm


@dataclass(frozen=True)
class Effect:
    """What a treatment changed.

    Attributes
    ----------
    difference, error : treated less control, and its standard error.
    low, high : the interval of the difference, right for one look that was fixed beforehand.
    p_value : of no difference, two-sided; for the same one look.
    relative, relative_low, relative_high : the difference over control; None where control is nothing.
    """

    difference: float
    error: float
    low: float
    high: float
    p_value: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None


def difference(treated: Arm, control: Arm, confidence: float = 0.95) -> Effect:
    """Two arms' difference, each with a variance of its own (Welch).

    Where neither arm varies at all there is nothing to tell chance by: the error is 0, and the p-value 1 if they are
    equal, else 0.

    Source
    ------
    Welch (1947), The Generalization of Student's Problem when Several Different Population Variances Are Involved;
    the relative difference by the delta method.

    Examples
    --------
    >>> found = difference(Arm(100, 12.0, 1.0), Arm(100, 10.0, 1.0))
    >>> round(found.difference, 2), round(found.p_value, 3), round(found.relative, 2)
    (2.0, 0.159, 0.2)
    """
    gap = treated.value - control.value
    error = float(np.hypot(treated.error, control.error))
    if error:
        freedom = error**4 / (treated.error**4 / (treated.customers - 1) + control.error**4 / (control.customers - 1))
        reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
        p_value = float(2 * stats.t.sf(abs(gap) / error, freedom))
    else:
        reach, p_value = 0.0, float(gap == 0)
    if not control.value:
        return Effect(gap, error, gap - reach, gap + reach, p_value, None, None, None)
    relative = gap / control.value
    spread = np.hypot(treated.error, control.error * treated.value / control.value) / abs(control.value)
    wide = float(reach / error * spread) if error else 0.0
    return Effect(gap, error, gap - reach, gap + reach, p_value, relative, relative - wide, relative + wide)


def difference_of_shares(treated: tuple[int, int], control: tuple[int, int], confidence: float = 0.95) -> Effect:
    """The difference of two shares that were counted; its interval stays right where few have it.

    Parameters
    ----------
    treated, control : how many had it, of how many.

    Raises
    ------
    NotEnoughError
        If an arm has no customers.
    InputError
        If more had it than there are.

    Source
    ------
    Newcombe (1998), Interval Estimation for the Difference Between Independent Proportions, method 10; the p-value is
    that of the chi-square test without continuity correction.

    Examples
    --------
    >>> found = difference_of_shares((56, 70), (48, 80))
    >>> round(found.difference, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    for hits, of in (treated, control):
        if of < 1:
            raise NotEnoughError("An arm has no customers: there is no share to compare.")
        if not 0 <= hits <= of:
            raise InputError(f"{hits} of {of}: as many as there are, at most, are expected.")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    p, q = treated[0] / treated[1], control[0] / control[1]
    (p_low, p_high), (q_low, q_high) = _wilson(*treated, z), _wilson(*control, z)
    gap = p - q
    low, high = gap - np.hypot(p - p_low, q_high - q), gap + np.hypot(p_high - p, q - q_low)
    error = float(np.sqrt(p * (1 - p) / treated[1] + q * (1 - q) / control[1]))
    pooled = (treated[0] + control[0]) / (treated[1] + control[1])
    under_none = float(np.sqrt(pooled * (1 - pooled) * (1 / treated[1] + 1 / control[1])))
    p_value = float(2 * stats.norm.sf(abs(gap) / under_none)) if under_none else 1.0
    if not q:
        return Effect(gap, error, float(low), float(high), p_value, None, None, None)
    spread = z * float(np.hypot(np.sqrt(p * (1 - p) / treated[1]), p / q * np.sqrt(q * (1 - q) / control[1]))) / q
    return Effect(gap, error, float(low), float(high), p_value, gap / q, gap / q - spread, gap / q + spread)


def _wilson(hits: int, of: int, z: float) -> tuple[float, float]:
    share = hits / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * float(np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2)))
    return middle - half, middle + half
