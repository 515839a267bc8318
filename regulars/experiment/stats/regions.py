"""Geo lift: regions where ads ran, beside a mix of regions where they did not (synthetic control)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]

LEAST_PERIODS, LEAST_REGIONS = 8, 5
SUM = 1e3
"""How hard weights are held to add to 1."""


@dataclass(frozen=True)
class GeoLift:
    """What ads added in the treated regions.

    Attributes
    ----------
    lift : outcome added over the whole time after the start.
    low, high : its interval, by how far off the same method is for regions without ads.
    p_value : share of regions without ads (and the treated) that look as unusual; never below 1 over their number.
    expected : (periods,) what would have come without ads, before and after the start.
    weights : (regions without ads,) of the mix; they add to 1.
    error_before : root mean square of what the mix misses before the start, as a share of the mean outcome.
    """

    lift: float
    low: float
    high: float
    p_value: float
    expected: Floats
    weights: Floats
    error_before: float


def geo_lift(treated: npt.ArrayLike, controls: npt.ArrayLike, start: int) -> GeoLift:
    """What ads added from a period on.

    Parameters
    ----------
    treated : (periods,) outcome of the treated regions together, such as weekly sales per inhabitant.
    controls : (periods, regions) the same of regions without ads, in the same unit.
    start : the first period with ads.

    Raises
    ------
    NotEnoughError
        If there are fewer than 8 periods before the start, or 5 regions without ads.

    Source
    ------
    Abadie, Diamond and Hainmueller (2010), Synthetic Control Methods for Comparative Case Studies: weights of 0 or
    more that add to 1, placebos in all regions without ads. The level may differ (Doudchenko and Imbens, 2016).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> common = np.cumsum(rng.normal(0, 1, (40, 1)), axis=0)
    >>> controls = 50 + common * rng.uniform(0.8, 1.2, 20) + rng.normal(0, 0.3, (40, 20))
    >>> treated = 52 + common[:, 0] + rng.normal(0, 0.3, 40)
    >>> treated[30:] += 3.0
    >>> found = geo_lift(treated, controls, 30)
    >>> found.low < 30 < found.high, found.p_value < 0.1
    (True, True)
    """
    ours, others = np.asarray(treated, np.float64), np.asarray(controls, np.float64)
    if ours.ndim != 1 or others.shape[:1] != ours.shape or others.ndim != 2:
        raise InputError(f"treated {ours.shape}, controls {others.shape}: (periods,) and (periods, regions).")
    if not (np.isfinite(ours).all() and np.isfinite(others).all()):
        raise InputError("an outcome is not a finite number. Leave out regions or periods that are not known.")
    if start < LEAST_PERIODS or start >= len(ours) or others.shape[1] < LEAST_REGIONS:
        raise NotEnoughError(
            f"{start} periods before ads, {len(ours) - start} with them, {others.shape[1]} regions without: at "
            f"least {LEAST_PERIODS}, 1 and {LEAST_REGIONS} are needed."
        )
    expected, weights = _mixed(ours, others, start)
    lift = float((ours - expected)[start:].sum())
    ratios, errors = [], []
    for place in range(others.shape[1]):
        rest = np.delete(others, place, axis=1)
        foreseen, _ = _mixed(others[:, place], rest, start)
        missed = others[:, place] - foreseen
        ratios.append(_ratio(missed, start))
        errors.append(missed[start:].sum() / max(_rms(missed[:start]), 1e-12))
    own = ours - expected
    scale = max(_rms(own[:start]), 1e-12)
    # The spread of placebos, in units of how well each was followed before; with so few, a quantile would be a guess.
    reach = 1.96 * float(np.sqrt(np.mean(np.square(errors)))) * scale
    unusual = sum(ratio >= _ratio(own, start) for ratio in ratios)
    return GeoLift(
        lift=lift,
        low=lift - reach,
        high=lift + reach,
        p_value=(1 + unusual) / (1 + len(ratios)),
        expected=expected,
        weights=weights,
        error_before=scale / max(abs(float(ours[:start].mean())), 1e-12),
    )


def _mixed(ours: Floats, others: Floats, start: int) -> tuple[Floats, Floats]:
    """(periods,) the mix of other regions that follows ours best before the start, at our level; and its weights."""
    level, levels = ours[:start].mean(), others[:start].mean(axis=0)
    before = others[:start] - levels
    # A little ridge: of regions that are alike none takes all.
    ridge = 0.05 * np.sqrt(start) * before.std()
    size = others.shape[1]
    left = np.vstack([before, np.full((1, size), SUM * max(before.std(), 1e-9)), ridge * np.eye(size)])
    right = np.concatenate([ours[:start] - level, [SUM * max(before.std(), 1e-9)], np.full(size, ridge / size)])
    weights: Floats = nnls(left, right)[0]
    weights /= max(weights.sum(), 1e-12)
    return level + (others - levels) @ weights, weights


def _ratio(missed: Floats, start: int) -> float:
    return _rms(missed[start:]) / max(_rms(missed[:start]), 1e-12)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
