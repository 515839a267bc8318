"""Pareto/NBD: customers order at random times at a rate of their own, until they leave, at a rate of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, psi

from regulars.churn.btyd.fitting import Fitted, maximise
from regulars.churn.btyd.history import Floats, Histories

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
STEEP = 30.0
"""Where the integrand has fallen by e to this power, the rest of the integral is left out."""
ENOUGH = 50_000
"""Rows from which on more than one core is used: to wake the others takes time, too."""
STARTS = ((1.0, 1.0, 1.0, 1.0), (0.5, 0.5, 0.5, 0.5), (2.0, 1.0, 0.5, 4.0))


@dataclass(frozen=True)
class ParetoNBD:
    """Schmittlein, Morrison and Colombo (1987), Counting Your Customers.

    The rate of orders is Gamma(r, rate alpha), that of leaving Gamma(s, rate beta), over customers.

    Attributes
    ----------
    r, s : shapes, without a unit. alpha, beta : in the unit of the times.

    Source
    ------
    Fader and Hardie (2005), A Note on Deriving the Pareto/NBD Model and Related Expressions, equations 18, 36 and 41.
    The likelihood's integral is taken by Gauss-Legendre quadrature instead of the hypergeometric function: it cannot
    overflow, and its gradient is exact by the same nodes.

    Examples
    --------
    >>> model = ParetoNBD(0.55, 10.6, 0.61, 11.7)
    >>> one = Histories(np.array([2.0]), np.array([30.0]), np.array([39.0]), np.ones(1), np.zeros(1))
    >>> model.alive(one).round(2).tolist(), model.expected(one, 39.0).round(2).tolist()
    ([0.86], [1.43])
    """

    r: float
    alpha: float
    s: float
    beta: float
    fitted: Fitted | None = None
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")

    @classmethod
    def fit(cls, histories: Histories) -> ParetoNBD:
        """By maximum likelihood.

        Raises
        ------
        NotEnoughError
            If hardly anybody came back.
        """
        histories.require_enough()
        unit = histories.customers / float(histories.count @ histories.age)
        known = histories.scaled(unit).grouped()
        found = maximise(_likelihood, STARTS, known)
        # In the unit that was given; the times of orders are a density.
        logs = found.logs - np.array([0, 1, 0, 1]) * np.log(unit)
        likelihood = found.likelihood + float(histories.count @ histories.orders) * np.log(unit)
        found = replace(found, logs=logs, likelihood=likelihood)
        r, alpha, s, beta = np.exp(logs).tolist()
        return cls(r, alpha, s, beta, found)

    @property
    def likelihood(self) -> float:
        """The logarithm of that of the data it was fitted on; NaN if it was not."""
        return float("nan") if self.fitted is None else self.fitted.likelihood

    def likelihoods(self, histories: Histories) -> Floats:
        """(n,) the logarithm of the likelihood of each."""
        logs = np.log([self.r, self.alpha, self.s, self.beta])
        found: Floats = _terms(logs, histories)[0]
        return found

    def alive(self, histories: Histories) -> Floats:
        """(n,) the chance that a customer has not left yet."""
        odds = _inner(
            self.r, self.alpha, self.s, self.beta, histories.orders, histories.last, histories.age, NODES, WEIGHTS
        )[2]
        found: Floats = 1 / (1 + odds)
        return found

    def expected(self, histories: Histories, horizon: float) -> Floats:
        """(n,) orders within the horizon after the age."""
        later = histories.age + self.beta
        found: Floats = self.alive(histories) * self.rate(histories) * _mean_time(later, self.s, horizon)
        return found

    def rate(self, histories: Histories) -> Floats:
        """(n,) orders a unit of time of each as long as it stays."""
        found: Floats = (self.r + histories.orders) / (self.alpha + histories.age)
        return found


def _mean_time(beta: Floats, s: float, horizon: float) -> Floats:
    """How much of a horizon a customer stays in the mean, who has not left, by the rate of leaving Gamma(s, beta)."""
    if abs(s - 1) < 1e-9:
        return np.asarray(beta * np.log1p(horizon / beta))
    return np.asarray(beta / (s - 1) * -np.expm1(-(s - 1) * np.log1p(horizon / beta)))


def _terms(logs: Floats, known: Histories) -> tuple[Floats, Floats]:
    """(n,) logarithms of the likelihood and (n, 4) its gradient by the logarithms of the parameters."""
    r, alpha, s, beta = np.exp(logs)
    value, gradient, _ = _inner(r, alpha, s, beta, known.orders, known.last, known.age, NODES, WEIGHTS)
    which, back = known.numbers
    value += (gammaln(r + which) - gammaln(r))[back] + r * logs[1] + s * logs[3]
    gradient += np.column_stack(
        [(psi(r + which) - psi(r))[back] + logs[1], np.full(len(back), r / alpha), np.full(len(back), logs[3]),
         np.full(len(back), s / beta)]
    )  # fmt: skip
    return value, gradient * np.exp(logs)


def _likelihood(logs: Floats, known: Histories) -> tuple[float, Floats]:
    value, gradient = _terms(logs, known)
    return float(known.count @ value), known.count @ gradient


def _inner_of(
    r: float, alpha: float, s: float, beta: float, orders: Any, last: Any, age: Any, nodes: Any, weights: Any
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The logarithm of (alpha + T)^-(r + x) (beta + T)^-s + s times the integral over when the customer left, its
    gradient, and the likelihood of having left over that of having stayed.

    The integral over y from t to T of (alpha + y)^-(r + x) (beta + y)^-(s + 1) is taken over the logarithm of
    alpha + y, or of beta + y, whichever factor falls faster: in it that factor falls evenly. All is divided by
    (alpha + t)^-(r + x) (beta + t)^-s.
    """
    value, gradient, odds = np.empty(len(orders)), np.empty((len(orders), 4)), np.empty(len(orders))
    for row in numba.prange(len(orders)):
        power = r + orders[row]
        begin, beginning = alpha + last[row], beta + last[row]
        width, width_left = np.log((alpha + age[row]) / begin), np.log((beta + age[row]) / beginning)
        log_staying = -power * width - s * width_left
        by_alpha_y = power / begin >= (s + 1) / beginning
        part = min(width, STEEP / power) if by_alpha_y else min(width_left, STEEP / (s + 1))
        left = by_log = by_inverse = by_log_left = by_inverse_left = 0.0
        for k in range(len(nodes)):
            w = part * (nodes[k] + 1) / 2
            grown = np.exp(w)
            if by_alpha_y:
                one = begin * grown
                other = one - alpha + beta
                log_one, log_other, step = w, np.log(other / beginning), one
            else:
                other = beginning * grown
                one = other - beta + alpha
                log_one, log_other, step = np.log(one / begin), w, other
            f = weights[k] * np.exp(-power * log_one - s * log_other) * step / other
            left += f
            by_log += f * log_one
            by_inverse += f / one
            by_log_left += f * log_other
            by_inverse_left += f / other
        scale, staying = s * part / 2, np.exp(log_staying)
        total = staying + scale * left
        value[row] = np.log(total) - power * np.log(begin) - s * np.log(beginning)
        gradient[row, 0] = -np.log(begin) - (staying * width + scale * by_log) / total
        gradient[row, 1] = -power * (staying / (alpha + age[row]) + scale * by_inverse) / total
        gradient[row, 2] = -np.log(beginning) + (scale * (left / s - by_log_left) - staying * width_left) / total
        gradient[row, 3] = -(staying * s / (beta + age[row]) + scale * (s + 1) * by_inverse_left) / total
        odds[row] = scale * left * np.exp(min(-log_staying, 700.0))
    return value, gradient, odds


_serial = numba.njit(cache=True, nogil=True)(_inner_of)
_parallel = numba.njit(cache=True, parallel=True)(_inner_of)


def _inner(*given: Any) -> tuple[Floats, Floats, Floats]:
    """`_inner_of`, on all cores where there is enough to do for them."""
    compiled: Any = _parallel if len(given[4]) > ENOUGH else _serial
    value, gradient, odds = compiled(*given)
    return value, gradient, odds
