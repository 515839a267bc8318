"""BG/NBD and its kin: customers order at a rate of their own, and may leave after each order, at their own chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log, log1p
from typing import Any, ClassVar

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln, psi

from regulars.churn.btyd.fitting import Fitted, maximise
from regulars.churn.btyd.history import Floats, Histories

STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.3, 0.8, 2.5), (2.0, 2.0, 0.3, 3.0))
MOST_REGULAR = 8
"""The largest k that is tried."""
NEGLIGIBLE = 1e-10


@dataclass(frozen=True)
class BetaGeometricNBD:
    """Four models in one: BG/NBD, MBG/NBD, BG/CNBD-k and MBG/CNBD-k.

    The times between orders are Erlang-k with a rate that is Gamma(r, rate alpha) over customers: k = 1 is order by
    chance, a larger k is regularity. After each order a customer leaves with a chance that is Beta(a, b) over
    customers; with `at_once` also right after the first.

    Attributes
    ----------
    r, a, b : without a unit. alpha : in the unit of the times.

    Source
    ------
    Fader, Hardie and Lee (2005), Counting Your Customers the Easy Way; Batislam, Denizel and Filiztekin (2007), for
    leaving at once; Reutterer, Platzer and Schröder (2021), Leveraging purchase regularity for predicting customer
    behavior the easy way, for k. Expected orders are summed order by order, without the hypergeometric function.

    Examples
    --------
    >>> model = BetaGeometricNBD(0.243, 4.414, 0.793, 2.426)
    >>> one = Histories(np.array([2.0]), np.array([30.43]), np.array([38.86]), np.ones(1), np.zeros(1))
    >>> model.alive(one).round(3).tolist(), model.expected(one, 39.0).round(3).tolist()
    ([0.727], [1.226])
    """

    r: float
    alpha: float
    a: float
    b: float
    k: int = 1
    at_once: bool = False
    fitted: Fitted | None = None
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")

    @classmethod
    def fit(cls, histories: Histories, *, k: int | None = 1, at_once: bool = False) -> BetaGeometricNBD:
        """By maximum likelihood.

        Parameters
        ----------
        k : how regular orders are; None tries 1, 2, 3, … as long as the data become likelier.

        Raises
        ------
        NotEnoughError
            If hardly anybody came back.
        """
        if k is None:
            best = cls.fit(histories, k=1, at_once=at_once)
            for more in range(2, MOST_REGULAR + 1):
                found = cls.fit(histories, k=more, at_once=at_once)
                if found.likelihood <= best.likelihood:
                    break
                best = found
            return best
        histories.require_enough()
        unit = histories.customers / float(histories.count @ histories.age)
        scaled = histories.scaled(unit)
        known = scaled.grouped()

        def likelihood(logs: Floats, some: Histories) -> tuple[float, Floats]:
            value, gradient = _terms(logs, some, k, at_once)
            return float(some.count @ value), some.count @ gradient

        fitted = maximise(likelihood, STARTS, known)
        logs = fitted.logs - np.array([0, 1, 0, 0]) * np.log(unit)
        value = fitted.likelihood + float(histories.count @ histories.orders) * np.log(unit)
        fitted = replace(fitted, logs=logs, likelihood=value)
        r, alpha, a, b = np.exp(logs).tolist()
        return cls(r, alpha, a, b, k, at_once, fitted)

    @property
    def likelihood(self) -> float:
        """The logarithm of that of the data it was fitted on; NaN if it was not."""
        return float("nan") if self.fitted is None else self.fitted.likelihood

    def likelihoods(self, histories: Histories) -> Floats:
        """(n,) the logarithm of the likelihood of each."""
        return _terms(self._logs, histories, self.k, self.at_once)[0]

    def alive(self, histories: Histories) -> Floats:
        """(n,) the chance that a customer has not left yet; 1 of who has not come back, unless `at_once`."""
        staying, leaving = _ways(self._logs, histories, self.k, self.at_once)
        found: Floats = 1 / (1 + np.exp(np.minimum(leaving - staying, 700)))
        return found

    def expected(self, histories: Histories, horizon: float) -> Floats:
        """(n,) orders within the horizon after the age."""
        counts = _expected(
            self.r, self.alpha, self.a, self.b + self.at_once, self.k,
            histories.orders, histories.last, histories.age, float(horizon),
        )  # fmt: skip
        found: Floats = self.alive(histories) * counts
        return found

    @property
    def _logs(self) -> Floats:
        return np.log([self.r, self.alpha, self.a, self.b])


def _ways(logs: Floats, known: Histories, k: int, at_once: bool) -> tuple[Floats, Floats]:
    """(n,) logarithms of how likely a customer is to have stayed, and to have left at the last order; in one unit."""
    r, alpha, a, b = np.exp(logs)
    shape, chances = r + k * known.orders, b + known.orders + at_once
    later = alpha + known.age
    staying = np.log(_phases(shape, (known.age - known.last) / later, k)[0])
    with np.errstate(divide="ignore"):
        could = np.where(known.orders + at_once > 0, 0.0, -np.inf)
        leaving = could + np.log(a / np.maximum(chances - 1, 1e-300)) + shape * np.log(later / (alpha + known.last))
    return staying, leaving


def _phases(shape: Floats, share: Floats, k: int) -> tuple[Floats, Floats, Floats]:
    """(n,) the sum over steps j < k towards the next order, and it with each step times j, and times psi(shape + j).

    Each is Gamma(shape + j) / Gamma(shape) / j! share^j; the last less psi(shape).
    """
    total, by_step, by_psi = np.ones(len(shape)), np.zeros(len(shape)), np.zeros(len(shape))
    each, growth = np.ones(len(shape)), np.zeros(len(shape))
    for j in range(1, k):
        each = each * (shape + j - 1) / j * share
        growth = growth + 1 / (shape + j - 1)
        total, by_step, by_psi = total + each, by_step + j * each, by_psi + growth * each
    return total, by_step, by_psi


def _terms(logs: Floats, known: Histories, k: int, at_once: bool) -> tuple[Floats, Floats]:
    """(n,) logarithms of the likelihood and (n, 4) its gradient by the logarithms of the parameters."""
    r, alpha, a, b = np.exp(logs)
    which, back = known.numbers

    def of_orders(values: Floats) -> Floats:
        return values[back]

    shape, chances = r + k * known.orders, b + known.orders + at_once
    later, begin = alpha + known.age, alpha + known.last
    staying, leaving = _ways(logs, known, k, at_once)
    both = np.logaddexp(staying, leaving)
    value = (
        (k - 1) * known.log_gaps - known.orders * gammaln(k)
        + of_orders(betaln(a, b + which + at_once) - betaln(a, b) + gammaln(r + k * which) - gammaln(r))
        + r * logs[1] - shape * np.log(later) + both
    )  # fmt: skip
    stays, left = np.exp(staying - both), np.exp(leaving - both)
    total, by_step, by_psi = _phases(shape, (known.age - known.last) / later, k)
    by_r = of_orders(psi(r + k * which) - psi(r)) + logs[1] - np.log(later)
    by_r += stays * by_psi / total + left * np.log(later / begin)
    by_alpha = r / alpha - shape / later - stays * by_step / total / later + left * shape * (1 / later - 1 / begin)
    of_all = of_orders(psi(a + b) - psi(a + b + which + at_once))
    by_a = of_all + left / a
    by_b = of_all + of_orders(psi(b + which + at_once) - psi(b))
    by_b -= np.where(left > 0, left / np.maximum(chances - 1, 1e-300), 0.0)
    return value, np.column_stack([by_r, by_alpha, by_a, by_b]) * np.exp(logs)


@numba.njit(cache=True, parallel=True)
def _expected(
    r: float, alpha: float, a: float, b: float, k: int, orders: Any, last: Any, age: Any, horizon: float
) -> npt.NDArray[np.float64]:
    """(n,) orders within the horizon of customers who have not left, summed over the first, the second, and so on.

    Steps within the horizon are negative binomial, as their rate is Gamma(r + k x + j) once j steps towards the next
    order are made; every k-th is an order, and after each the customer stays with a chance that is Beta over customers.
    """
    found = np.zeros(len(orders))
    for row in numba.prange(len(orders)):
        shape, later = r + k * orders[row], alpha + age[row]
        odds, ahead = (age[row] - last[row]) / later, horizon / (later + horizon)
        chances, total, weight = b + orders[row], 0.0, 1.0
        for j in range(k):
            if j:
                weight *= (shape + j - 1) / j * odds
            total += weight
            own = shape + j
            # Of n steps, in logarithms: where there are many, the first chances are below what a number can hold.
            log_chance = own * log1p(-ahead)
            fewer, steps, stays = 0.0, 0, 1.0
            number = 0
            expected = 0.0
            while True:
                fewer += exp(log_chance)
                log_chance += log(ahead * (own + steps) / (steps + 1))
                steps += 1
                if (steps + j) % k == 0:
                    gained = stays * max(1.0 - fewer, 0.0)
                    expected += gained
                    stays *= (chances + number) / (a + chances + number)
                    number += 1
                    is_past = steps * (1 - ahead) > own * ahead
                    if is_past and gained < NEGLIGIBLE * (1 + expected):
                        break
            found[row] += weight * expected
        found[row] /= total
    return found
