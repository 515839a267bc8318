"""An order comes days after the click: who has not ordered yet is no refusal, only silence so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]
Learner = Callable[[Floats], Floats]
"""Fits chances to soft targets (n,) and gives the chance of each of the n rows, by a model that may not know it."""

BINS = 24
ROUNDS = 4
LEAST = 20


@dataclass(frozen=True)
class Delay:
    """How long an order takes after a click, where one comes within the window at all.

    Attributes
    ----------
    ends : (b + 1,) days, ascending from 0 to the window.
    arrived : (b + 1,) share that has come by then, ascending from 0 to 1.

    Examples
    --------
    >>> Delay(np.array([0.0, 1.0, 7.0]), np.array([0.0, 0.5, 1.0])).share([0.5, 4.0, 9.0]).tolist()
    [0.25, 0.75, 1.0]
    """

    ends: Floats
    arrived: Floats

    @property
    def window_days(self) -> float:
        """An order after that is not the click's."""
        return float(self.ends[-1])

    def share(self, days: npt.ArrayLike) -> Floats:
        """(n,) of all orders to come, the share that has come so many days after the click."""
        return np.interp(np.asarray(days, np.float64), self.ends, self.arrived)

    def to_come(self, chance: Floats, elapsed_days: Floats) -> Floats:
        """(n,) how likely an order still comes, of clicks without one so far: Bayes' rule."""
        late = chance * (1 - self.share(elapsed_days))
        return late / np.maximum(1 - chance + late, 1e-12)

    @classmethod
    def fit(cls, delay_days: Floats, elapsed_days: Floats, still: Floats, window_days: float) -> Delay:
        """From clicks whose order came (delay known, else NaN), and how likely the others are still to bring one.

        Hazards by bin: orders over those at risk, where who did not order is at risk by the chance `still` to do so.
        """
        came = ~np.isnan(delay_days)
        inner = np.unique(np.quantile(delay_days[came], np.linspace(0, 1, BINS + 1)[1:-1]))
        ends = np.unique(np.concatenate([[0.0], inner[(inner > 0) & (inner < window_days)], [window_days]]))
        bin_of = np.clip(np.searchsorted(ends, delay_days[came], side="left") - 1, 0, len(ends) - 2)
        orders = np.bincount(bin_of, minlength=len(ends) - 1).astype(float)
        until = np.where(came, np.nan_to_num(delay_days), np.minimum(elapsed_days, window_days))
        weight = np.where(came, 1.0, still)
        length = np.diff(ends)
        at_risk = np.array(
            [(weight * np.clip(until - low, 0, size)).sum() for low, size in zip(ends[:-1], length, strict=True)]
        )
        hazard = orders / np.maximum(at_risk, 1e-9)
        arrived = 1 - np.exp(-np.append(0.0, np.cumsum(hazard * length)))
        return cls(ends, arrived / max(arrived[-1], 1e-12))


def ripened(
    learner: Learner, delay_days: npt.ArrayLike, elapsed_days: npt.ArrayLike, window_days: float
) -> tuple[Floats, Delay]:
    """Chances that an order comes within the window, learned from clicks of which many are young.

    Expectation: who has not ordered yet will with a chance that falls with the days gone by. Maximisation: chances are
    learned from these as soft targets, and delays with them at risk. In turns.

    Parameters
    ----------
    learner : fits chances to soft targets.
    delay_days : (n,) from click to order, NaN where none came so far.
    elapsed_days : (n,) from click to now.
    window_days : orders after that do not count.

    Returns
    -------
    (n,) soft targets in [0, 1] to learn the last model from, and the delays.

    Raises
    ------
    NotEnoughError
        If fewer than 20 clicks brought an order.
    InputError
        If an order came before its click, or after now.

    Source
    ------
    Chapelle (2014), Modeling Delayed Feedback in Display Advertising, section 4, with any learner and any delay in
    place of a logistic model and exponential ones.

    Examples
    --------
    Half of the clicks bring an order, after five days in the mean; all are at most ten days old:

    >>> rng = np.random.default_rng(0)
    >>> elapsed, delay = rng.uniform(0, 10, 20_000), rng.exponential(5, 20_000)
    >>> came = (rng.random(20_000) < 0.5) & (delay < elapsed)
    >>> flat = lambda target: np.full(len(target), target.mean())
    >>> soft, delays = ripened(flat, np.where(came, delay, np.nan), elapsed, 10.0)
    >>> round(float(came.mean()), 2), round(float(soft.mean()), 2)  # 0.5 x the 86 % that come within ten days is 0.43
    (0.29, 0.42)
    """
    delay, elapsed = np.asarray(delay_days, np.float64), np.asarray(elapsed_days, np.float64)
    if delay.shape != elapsed.shape:
        raise InputError(f"delay_days {delay.shape}, elapsed_days {elapsed.shape}: one of each a click is expected.")
    came = ~np.isnan(delay) & (delay <= window_days)
    if (delay[came] < 0).any() or (delay[came] > elapsed[came] + 1e-9).any():
        raise InputError("an order came before its click, or after now: delay_days between 0 and elapsed_days.")
    if came.sum() < LEAST:
        raise NotEnoughError(f"ads: {int(came.sum())} clicks brought an order so far; at least {LEAST} are needed.")
    delay = np.where(came, delay, np.nan)
    is_ripe = elapsed >= window_days
    # To begin with, silence counts by the share of the window that has passed.
    still = np.where(came | is_ripe, 0.0, came.mean() * (1 - np.minimum(elapsed / window_days, 1)))
    delays = Delay.fit(delay, elapsed, still, window_days)
    target = np.where(came, 1.0, still)
    for _ in range(ROUNDS):
        chance = learner(target)
        # The chance of each round is one of the whole window: what is to come is worked out a few times at it.
        for _ in range(10):
            still = np.where(came | is_ripe, 0.0, delays.to_come(chance, elapsed))
            delays = Delay.fit(delay, elapsed, still, window_days)
        target = np.where(came, 1.0, still)
    return target, delays
