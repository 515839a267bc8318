"""Ghost ads: who was held out and would have been shown the ad, beside who was shown it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.experiment.stats import Effect, Moments, adjusted, difference, mean_of, mismatch

Floats = npt.NDArray[np.float64]

SUSPICIOUS = 0.001


@dataclass(frozen=True)
class GhostLift:
    """What ads added.

    Attributes
    ----------
    effect : of margin a reached customer, with its interval.
    treated, control : customers who were reached, and who would have been.
    incremental : margin that ads added over all reached, and the ends of its interval.
    spend : what they cost.
    mismatch : chance of so uneven arms if the lot was fair; below .001 nothing here can be relied on.
    """

    effect: Effect
    treated: int
    control: int
    incremental: tuple[float, float, float]
    spend: float
    mismatch: float

    @property
    def return_on_spend(self) -> tuple[float, float, float]:
        """Incremental margin a unit of spend (iROAS), and the ends of its interval; spend is taken as known."""
        value, low, high = (each / self.spend for each in self.incremental)
        return value, low, high

    @property
    def is_sound(self) -> bool:
        """Whether the arms are as even as the lot says."""
        return self.mismatch >= SUSPICIOUS


def ghost_lift(
    is_treated: npt.ArrayLike,
    would_show: npt.ArrayLike,
    margin: npt.ArrayLike,
    spend: float,
    *,
    share: float,
    before: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> GhostLift:
    """What ads brought, from a hold-out of customers by lot (`regulars.experiment.assign.Plan`).

    Only customers for whom an impression was won, or would have been (the ghost: the bid that was worked out and not
    sent), are compared. All others only add noise: on them ads can have had no effect.

    Parameters
    ----------
    is_treated : (n,) by the lot. would_show : (n,) reached, or would have been.
    margin : (n,) of each customer after the first (ghost) impression, in money; zeros count.
    spend : of the treated, above 0.
    share : of customers that the lot treats, in (0, 1).
    before : (n,) margin of each in a time before, to make the interval narrower (CUPED).

    Raises
    ------
    InputError
        If a number cannot be.
    NotEnoughError
        If an arm has fewer than two customers.

    Source
    ------
    Johnson, Lewis and Nubbemeyer (2017), Ghost Ads: Improving the Economics of Measuring Online Ad Effectiveness.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> treated, seen = rng.random(40_000) < 0.5, rng.random(40_000) < 0.3
    >>> margin = rng.exponential(2.0, 40_000) + 0.5 * (treated & seen)
    >>> found = ghost_lift(treated, seen, margin, spend=1500.0, share=0.5)
    >>> found.effect.low < 0.5 < found.effect.high, found.is_sound, round(found.return_on_spend[0])
    (True, True, 2)
    """
    treated, seen = np.asarray(is_treated, bool), np.asarray(would_show, bool)
    money = np.asarray(margin, np.float64)
    if not 0 < spend < np.inf:
        raise InputError(f"spend = {spend:g}: more than 0 is expected.")
    if not 0 < share < 1:
        raise InputError(f"share = {share:g}: a share of customers between 0 and 1 is expected.")
    if not treated.shape == seen.shape == money.shape:
        raise InputError(f"is_treated {treated.shape}, would_show {seen.shape}, margin {money.shape}: one length.")
    columns = money[:, None] if before is None else np.column_stack([money, np.asarray(before, np.float64)])
    arms = [Moments.of(columns[seen & (treated == is_arm)]) for is_arm in (False, True)]
    if before is None:
        control, shown = (mean_of(arm) for arm in arms)
    else:
        control, shown = adjusted(arms).arms
    found = difference(shown, control, confidence)
    count = arms[1].count
    total = (found.difference * count, found.low * count, found.high * count)
    uneven = mismatch([arms[0].count, count], [1 - share, share])
    return GhostLift(found, count, arms[0].count, total, spend, float(uneven))
