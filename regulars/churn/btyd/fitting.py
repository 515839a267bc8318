"""Maximum likelihood that always ends: scaled time, exact gradients, several starts, the curvature at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, minimize
from scipy.stats import norm
from threadpoolctl import threadpool_limits

from regulars.churn.btyd.history import Floats, Histories

Likelihood = Callable[[Floats, Histories], tuple[float, Floats]]
"""Of logarithms of parameters, and customers: the logarithm of the likelihood, and its gradient."""
TRIED_ON = 2_000
"""Rows of the data on which the starts are tried; from the best of them all are fitted."""

LARGEST = 12.0
"""Logarithms of parameters lie within this of 0: beyond it a model is another, simpler one, and nothing changes."""
PRIOR = 20.0
"""Standard deviation of a normal prior of the logarithms; so weak that it moves only what the data cannot say."""
VAGUE = 1.5
"""A logarithm of a parameter with a larger standard error than this is not known from the data."""
STEP = 1e-4


@dataclass(frozen=True)
class Fitted:
    """What was found.

    Attributes
    ----------
    logs : (k,) logarithms of the parameters.
    covariance : (k, k) of these, by the curvature of the likelihood.
    likelihood : its logarithm.
    vague : numbers of the parameters of which the data cannot say where they are.
    """

    logs: Floats
    covariance: Floats
    likelihood: float
    vague: tuple[int, ...]

    def intervals(self, level: float = 0.95) -> Floats:
        """(k, 2) of the parameters themselves."""
        wide = norm.ppf(0.5 + level / 2) * np.sqrt(np.diag(self.covariance))
        found: Floats = np.exp(np.clip(np.column_stack([self.logs - wide, self.logs + wide]), -700, 700))
        return found

    def draws(self, count: int, seed: int = 0) -> Floats:
        """(count, k) parameters as likely as the data make them: for intervals of whatever follows from them."""
        rng = np.random.default_rng(seed)
        logs = rng.multivariate_normal(self.logs, self.covariance, count, method="eigh")
        found: Floats = np.exp(np.clip(logs, -LARGEST, LARGEST))
        return found


def maximise(likelihood: Likelihood, starts: Sequence[Sequence[float]], known: Histories) -> Fitted:
    """The parameters that make the data likeliest, from the best of several starts.

    Parameters
    ----------
    starts : parameters, not their logarithms.
    known : the customers; those who are alike are best one row.
    """

    def loss(logs: Floats, some: Histories) -> tuple[float, Floats]:
        value, gradient = likelihood(logs, some)
        return -value + float((logs**2).sum()) / (2 * PRIOR**2), -gradient + logs / PRIOR**2

    def best(begin: Floats, some: Histories, tolerance: float = 1e-11) -> OptimizeResult:
        options = {"maxiter": 500, "ftol": tolerance, "gtol": 1e-6 * some.customers}
        bounds = [(-LARGEST, LARGEST)] * len(begin)
        return minimize(loss, begin, (some,), jac=True, method="L-BFGS-B", bounds=bounds, options=options)

    begins = [np.log(start) for start in starts]
    # A handful of parameters: several threads of the optimiser's linear algebra would wait for each other.
    with threadpool_limits(1, "blas"):
        if len(known) > TRIED_ON:
            tried = known.some(TRIED_ON)
            begins = [min((best(begin, tried, 1e-7) for begin in begins), key=lambda each: float(each.fun)).x]
        logs = np.asarray(min((best(begin, known) for begin in begins), key=lambda each: float(each.fun)).x)
    covariance = np.linalg.pinv(_curvature(lambda at: loss(at, known)[1], logs), hermitian=True).astype(np.float64)
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    at_edge = np.abs(logs) > LARGEST - 0.1
    vague = tuple(int(k) for k in np.flatnonzero((errors > VAGUE) | at_edge))
    return Fitted(logs, covariance, likelihood(logs, known)[0], vague)


def _curvature(gradient: Callable[[Floats], Floats], logs: Floats) -> Floats:
    """(k, k) by differences of the exact gradient; made positive."""
    rows = [(gradient(logs + step) - gradient(logs - step)) / (2 * STEP) for step in np.eye(len(logs)) * STEP]
    values, vectors = np.linalg.eigh((np.array(rows) + np.array(rows).T) / 2)
    found: Floats = (vectors * np.maximum(values, 1 / PRIOR**2)) @ vectors.T
    return found
