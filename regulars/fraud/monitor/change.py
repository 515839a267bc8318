"""Has the rate of frauds changed? Sums of evidence (CUSUM), with a limit that quiet times rarely reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from regulars.errors import NotEnoughError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FACTOR = 2.0
"""The change that is looked for: twice as many, or half as many."""
FALSE_ALARMS = 0.01
"""So many of a hundred quiet periods raise an alarm, up or down."""
SERIES = 5_000
LEAST_FRAUDS, LEAST_DAYS = 10, 14
"""What the time before must hold at least."""


@dataclass(frozen=True)
class Change:
    """Whether the rate of frauds changed in the days that were watched.

    Attributes
    ----------
    before : the rate of the days before.
    watched : the rate of the days that were watched.
    up, down : (days,) evidence for twice as many, and for half as many, by day: 0 where there is none.
    up_limit, down_limit : what a quiet period reaches with a chance of half the false alarms.
    direction : "up", "down", or None.
    alarm : the day, by its place, on which a limit was first crossed; None if none was.
    since : the day, by its place, since which the evidence has grown; None without an alarm.
    spread : how much more days differ than luck would have it (1: as luck): frauds come in bursts.
    """

    before: float
    watched: float
    up: Floats
    down: Floats
    up_limit: float
    down_limit: float
    direction: Literal["up", "down"] | None
    alarm: int | None
    since: int | None
    spread: float


def rate_change(
    before_frauds: npt.ArrayLike,
    before_attempts: npt.ArrayLike,
    frauds: npt.ArrayLike,
    attempts: npt.ArrayLike,
    false_alarms: float = FALSE_ALARMS,
) -> Change:
    """Whether the rate of frauds has changed, judged day by day.

    Each day adds the logarithm of how much likelier its count is at twice (half) the rate than at the rate before; the
    sum never falls below 0. The limits are drawn from 5,000 quiet periods of as many attempts: their rate is drawn
    from what the days before allow, and their days differ as much as those did. So the chance of a false alarm is what
    is said, though the rate before is only an estimate and frauds come in bursts.

    Parameters
    ----------
    before_frauds, before_attempts : (b,) by day, of a time when all was well.
    frauds, attempts : (w,) by day, of the days that are watched.
    false_alarms : the chance that a quiet period raises any alarm.

    Raises
    ------
    NotEnoughError
        If the days before are under 14, or hold under 10 frauds.

    Source
    ------
    Page (1954), Continuous Inspection Schemes, Biometrika 41, 100-115.

    Examples
    --------
    >>> quiet, loud = rate_change([2] * 60, [200] * 60, [2] * 28, [200] * 28), [2] * 14 + [6] * 14
    >>> quiet.direction
    >>> found = rate_change([2] * 60, [200] * 60, loud, [200] * 28)
    >>> found.direction, found.since, found.alarm
    ('up', 14, 17)
    """
    old_x, old_n, x, n = (np.asarray(each, np.int64) for each in (before_frauds, before_attempts, frauds, attempts))
    total, trials = int(old_x.sum()), int(old_n.sum())
    if total < LEAST_FRAUDS or len(old_x) < LEAST_DAYS:
        raise NotEnoughError(
            f"monitoring: {total} frauds on {len(old_x)} days to compare with; at least {LEAST_FRAUDS} on {LEAST_DAYS} "
            "days are needed to tell a change of their rate."
        )
    rate = min(total / trials, 1 / (FACTOR + 1))
    spread, alike = _spread(old_x, old_n, total / trials)
    rng = np.random.default_rng(0)
    chance = rng.beta(total + 0.5, trials - total + 0.5, (SERIES, 1)) * np.ones(len(n))
    if alike > 0:
        pull = 1 / alike - 1
        chance = rng.beta(np.maximum(chance * pull, 1e-9), np.maximum((1 - chance) * pull, 1e-9))
    quiet = rng.binomial(n, chance)
    sums, limits = {}, {}
    for name, other in (("up", rate * FACTOR), ("down", rate / FACTOR)):
        worst = _evidence(quiet, n, rate, other).max(axis=1, initial=0.0)
        limits[name] = float(np.quantile(worst, 1 - false_alarms / 2, method="higher"))
        sums[name] = _evidence(x[None], n, rate, other)[0]
    crossed = {name: np.flatnonzero(sums[name] > limits[name]) for name in sums}
    first = {name: int(days[0]) for name, days in crossed.items() if len(days)}
    direction = min(first, key=lambda name: first[name]) if first else None
    alarm = first[direction] if direction else None
    since = None
    if direction and alarm is not None:
        since = int(np.flatnonzero(np.append(0.0, sums[direction][: alarm + 1]) == 0)[-1])
    return Change(
        total / trials, float(x.sum() / max(n.sum(), 1)), sums["up"], sums["down"], limits["up"], limits["down"],
        "up" if direction == "up" else "down" if direction == "down" else None, alarm, since, spread,
    )  # fmt: skip


def _evidence(x: Ints, n: Ints, rate: float, other: float) -> Floats:
    """(series, days) the sums of evidence for another rate."""
    gain = x * np.log(other / rate) + (n - x) * np.log((1 - other) / (1 - rate))
    found = np.zeros(gain.shape)
    so_far = np.zeros(len(gain))
    for day in range(gain.shape[1]):
        so_far = np.maximum(so_far + gain[:, day], 0.0)
        found[:, day] = so_far
    return found


def _spread(x: Ints, n: Ints, rate: float) -> tuple[float, float]:
    """How much more days differ than by luck (Pearson), and how alike attempts of a day are (beta-binomial: rho)."""
    there = n > 0
    expected = n[there] * rate
    luck = np.maximum(expected * (1 - rate), 1e-9)
    spread = float((np.square(x[there] - expected) / luck).sum() / max(there.sum() - 1, 1))
    size = float(n[there].mean())
    return spread, min(max((spread - 1) / max(size - 1, 1.0), 0.0), 0.5)
