"""Gamma-Gamma: what an order of each customer is worth, drawn to what others' are the fewer its orders are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.special import gammaln, psi

from regulars.churn.btyd.fitting import Fitted, maximise
from regulars.churn.btyd.history import LEAST_REPEATING, Floats, Histories
from regulars.errors import NotEnoughError

STARTS = ((2.0, 2.0, 1.0), (6.0, 3.0, 4.0), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class GammaGamma:
    """The worth of orders is Gamma(p, rate nu) for each customer, and nu Gamma(q, rate v) over customers.

    Attributes
    ----------
    p, q : without a unit; q above 1, so that a mean exists and is above 0. v : in the unit of the worth.

    Source
    ------
    Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value, equations 1a and 5.

    Examples
    --------
    Of who has ordered nothing yet, the mean of all; of who ordered much and often, what it was:

    >>> model = GammaGamma(6.25, 3.74, 15.44)
    >>> model.expected(np.array([0.0, 1, 100]), np.array([0.0, 80, 80])).round(1).tolist()
    [35.2, 66.4, 79.8]
    """

    p: float
    q: float
    v: float
    fitted: Fitted | None = None
    names: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    @classmethod
    def fit(cls, orders: Floats, mean: Floats, count: Floats | None = None) -> GammaGamma:
        """By maximum likelihood, from (n,) orders and their mean worth; who has none, or of no worth, says nothing.

        Raises
        ------
        NotEnoughError
            If hardly anybody has an order of some worth.
        """
        says = (orders > 0) & (mean > 0) & np.isfinite(mean)
        if says.sum() < LEAST_REPEATING:
            raise NotEnoughError(
                f"churn: {int(says.sum())} customers have orders of a worth above 0; at least {LEAST_REPEATING} are "
                "needed to learn what an order is worth. Import more history, or check prices."
            )
        count = np.ones(len(orders)) if count is None else count
        unit = float(np.median(mean[says]))
        orders, worth, count = orders[says], mean[says] / unit, count[says]

        def likelihood(logs: Floats, some: Histories) -> tuple[float, Floats]:
            value, gradient = _terms(logs, some.orders, some.last)
            return float(some.count @ value), some.count @ gradient

        # Worth stands where a time would: what is fitted is the same to the one who fits.
        known = Histories(orders, worth, worth, count, np.zeros(len(orders)))
        found = maximise(likelihood, STARTS, known)
        logs = found.logs + np.array([0, 0, 1]) * np.log(unit)
        found = replace(found, logs=logs)
        p, less, v = np.exp(logs).tolist()
        return cls(p, 1 + less, v, found)

    @property
    def mean(self) -> float:
        """Of an order of a customer of whom nothing is known."""
        return self.v * self.p / (self.q - 1)

    def expected(self, orders: Floats, mean: Floats) -> Floats:
        """(n,) what the next order of each customer is worth, from the mean of so many before."""
        known = np.where(orders > 0, np.maximum(mean, 0), 0)
        found: Floats = (self.v + orders * known) * self.p / (self.p * orders + self.q - 1)
        return found


def _terms(logs: Floats, orders: Floats, mean: Floats) -> tuple[Floats, Floats]:
    """(n,) logarithms of the likelihood and (n, 3) its gradient by the logarithms of p, q - 1 and v."""
    p, less, v = np.exp(logs)
    q, all_orders, total = 1 + less, p * orders, v + orders * mean
    value = (
        gammaln(all_orders + q) - gammaln(all_orders) - gammaln(q) + q * np.log(v) + (all_orders - 1) * np.log(mean)
        + all_orders * np.log(orders) - (all_orders + q) * np.log(total)
    )  # fmt: skip
    both = psi(all_orders + q)
    by_p = orders * (both - psi(all_orders) + np.log(orders * mean / total))
    by_q = both - psi(q) + np.log(v / total)
    by_v = q / v - (all_orders + q) / total
    return value, np.column_stack([by_p * p, by_q * less, by_v * v])
