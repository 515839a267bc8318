"""Does the arithmetic hold on this shop's own data? Tests of nothing against nothing, and how often each rule errs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats as scipy_stats

from regulars.errors import NotEnoughError
from regulars.evaluation.proportion import wilson_interval
from regulars.experiment.power import Past
from regulars.experiment.stats import boundaries, mixture_for, reach, spent
from regulars.experiment.stats.group_sequential import Spending
from regulars.experiment.stats.sequences import LEAST_CUSTOMERS

MOST_CUSTOMERS = 50_000
"""Of a larger shop so many are drawn: more would not change the rates, only the wait."""
CELLS = 20_000_000


@dataclass(frozen=True)
class Rate:
    """How often a rule found what is not there.

    Attributes
    ----------
    rule : in words.
    wrong, low, high : share of tests, with its 95 % interval.
    """

    rule: str
    wrong: float
    low: float
    high: float


@dataclass(frozen=True)
class SelfTest:
    """What an A/A test of the shop's own past found."""

    metric: str
    tests: int
    customers: int
    looks: int
    alpha: float
    rates: tuple[Rate, ...]

    def __str__(self) -> str:
        said = "; ".join(f"{one.rule} {one.wrong:.1%} ({one.low:.1%} to {one.high:.1%})" for one in self.rates)
        return f"{self.tests:,} A/A tests on {self.metric}, {self.customers:,} customers, {self.looks} looks: {said}"


def self_test(
    past: Past, *, tests: int = 1000, alpha: float = 0.05, spending: Spending = "even", seed: int = 0
) -> SelfTest:
    """Split the past by chance many times, look daily, and count findings: each is false.

    All rules see the same splits, values being what CUPED leaves of them.

    Raises
    ------
    NotEnoughError
        If there is no day by which both arms have 100 customers.
    """
    rng = np.random.default_rng(seed)
    some = np.arange(len(past.values))
    if len(some) > MOST_CUSTOMERS:
        some = np.sort(rng.choice(some, MOST_CUSTOMERS, replace=False))
    order = some[np.argsort(past.exposed_day[some], kind="stable")]
    value, day = _of_each(past.values[order]), past.exposed_day[order]
    starts = np.flatnonzero(np.diff(day, prepend=-1))
    customers = np.append(starts[1:], len(day))
    is_look = customers >= 2.5 * LEAST_CUSTOMERS
    if not is_look.any():
        raise NotEnoughError(
            f"{len(day)} customers came in all: an A/A test needs {2.5 * LEAST_CUSTOMERS:.0f}. Take more days."
        )
    batch = max(CELLS // len(value), 1)
    z = np.vstack([_walks(rng, value, starts, min(batch, tests - at)) for at in range(0, tests, batch)])[:, is_look]
    customers = customers[is_look]
    fraction = (np.unique(day)[is_look] + 1) / (day[-1] + 1)
    edges = {
        "a plain test looked at daily": np.full(len(customers), scipy_stats.norm.isf(alpha / 2)),
        "the interval that holds at any time": reach(customers, mixture_for(float(customers[-1]), alpha), alpha),
        "the planned verdict": boundaries(customers, spent(fraction, alpha, spending)),
    }
    crossed = {rule: (np.abs(z) >= edge).any(1) for rule, edge in edges.items()}
    crossed["a plain test looked at once"] = np.abs(z[:, -1]) >= scipy_stats.norm.isf(alpha / 2)
    rates = []
    for rule, is_wrong in crossed.items():
        low, high = wilson_interval([is_wrong.sum()], [tests])
        rates.append(Rate(rule, float(is_wrong.mean()), float(low[0]), float(high[0])))
    return SelfTest(past.metric.name, tests, len(value), len(customers), alpha, tuple(rates))


def _of_each(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What each customer adds to a mean or ratio, less what the time before foretells."""

    def added(part: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if part.shape[1] == 1:
            return part[:, 0]
        below = part[:, 1].mean()
        return (part[:, 0] - part[:, 0].mean() / below * part[:, 1]) / below if below else np.zeros(len(part))

    half = values.shape[1] // 2
    after, before = added(values[:, :half]), added(values[:, half:])
    spread = before.var()
    slope = float(np.mean((after - after.mean()) * (before - before.mean())) / spread) if spread else 0.0
    return np.asarray(after - slope * (before - before.mean()))


def _walks(
    rng: np.random.Generator, value: npt.NDArray[np.float64], starts: npt.NDArray[np.int64], tests: int
) -> npt.NDArray[np.float64]:
    """(tests, days) the difference over its standard error at each day's end."""
    treated = rng.integers(0, 2, (tests, len(value)), dtype=np.int8)

    def running(of: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.cumsum(np.add.reduceat(treated * of, starts, axis=1), axis=1))

    def whole(of: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.cumsum(np.add.reduceat(of, starts)))

    one = np.ones(len(value))
    n, total, square = running(one), running(value), running(value**2)
    m, rest, rest_square = whole(one) - n, whole(value) - total, whole(value**2) - square
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (square / n - (total / n) ** 2) / (n - 1) + (rest_square / m - (rest / m) ** 2) / (m - 1)
        z = (total / n - rest / m) / np.sqrt(variance)
    return np.asarray(np.nan_to_num(z, nan=0.0, posinf=0.0, neginf=0.0))
