"""When will a customer order next? From the pauses of its own, and from how all customers of the shop come back.

The logarithms of a customer's pauses are taken as normal, with a middle and a spread of its own; both are drawn
from the shop's, so that whoever has two orders is told by the shop, and whoever has thirty by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln
from scipy.stats import t

Floats = npt.NDArray[np.float64]

LEVEL = 0.8
"""Of intervals: eight in ten customers who come back do so within it."""
LIMITS = ((0.05, 0.05, 1.0), (100.0, 3.0, 150.0))
"""Of strength, spread and evenness, from and to."""
MOST_DAYS = 3650.0
"""Nobody's next order is foreseen for later."""
GONE = 0.95
"""Who stays away longer than so many of its pauses would last has no next date."""


@dataclass(frozen=True)
class Pauses:
    """How the customers of a shop differ in the logarithms of their pauses (days).

    Attributes
    ----------
    middle : of all customers.
    strength : > 0, as how many pauses the shop's middle counts for a customer.
    spread : > 0, the typical standard deviation within a customer.
    evenness : > 0, as how many pauses the shop's spread counts.
    """

    middle: float
    strength: float
    spread: float
    evenness: float

    @classmethod
    def of(cls, order_days: Floats, log_sum: Floats, log_square_sum: Floats) -> Pauses:
        """By maximum likelihood over all customers with two orders; there must be one.

        Source
        ------
        Murphy (2007), Conjugate Bayesian analysis of the Gaussian distribution, section 6 (normal-gamma): the
        likelihood of all pauses of a customer, its own middle and spread integrated out.
        """
        count = order_days - 1
        has = count > 0
        count, total, squares = count[has], log_sum[has], log_square_sum[has]
        mean = total / count
        within = np.clip(squares - total * mean, 0.0, None)

        def unlikelihood(given: Floats) -> float:
            strength, spread, evenness = _within(given[1:])
            after, degrees, scale = _posterior(count, mean, within, given[0], strength, spread, evenness)
            found = (
                gammaln(degrees / 2) - gammaln(evenness / 2) + 0.5 * np.log(strength / after)
                + evenness / 2 * np.log(evenness * spread**2) - degrees / 2 * np.log(degrees * scale)
            )  # fmt: skip
            return -float(found.sum()) / len(count)

        start = np.array([float(np.median(mean)), 0.0, np.log(max(float(mean.std()), 0.2)), 1.0])
        found = minimize(unlikelihood, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-7}).x
        strength, spread, evenness = _within(found[1:])
        return cls(*(round(float(value), 4) for value in (found[0], strength, spread, evenness)))

    def next_order(
        self, order_days: Floats, log_sum: Floats, log_square_sum: Floats, since_days: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """In how many days the next order comes, given that none came since.

        Parameters
        ----------
        order_days : (n,) days with an order; below 2 nothing is said (NaN).
        log_sum, log_square_sum : (n,) of the logarithms of the pauses.
        since_days : (n,) >= 0, since the last order.

        Returns
        -------
        earliest, middle, latest : (n,) days from now; eight in ten who come back do so between the ends.
        passed : (n,) in [0, 1], the share of the customer's pauses that would be over by now.

        Examples
        --------
        Every 30 days, five times, the last 10 days ago:

        >>> shop = Pauses(middle=3.4, strength=1.0, spread=0.6, evenness=3.0)
        >>> five = np.log(30.0) * 5
        >>> found = shop.next_order(*(np.array([x]) for x in (6.0, five, five * np.log(30.0), 10.0)))
        >>> [int(days[0].round()) for days in found[:3]]
        [8, 20, 42]
        """
        count = np.clip(order_days - 1, 0, None)
        is_known = count > 0
        safe = np.maximum(count, 1)
        mean = np.nan_to_num(log_sum) / safe
        within = np.clip(np.nan_to_num(log_square_sum) - safe * mean**2, 0.0, None)
        after, degrees, scale = _posterior(safe, mean, within, self.middle, self.strength, self.spread, self.evenness)
        middle = (self.strength * self.middle + safe * mean) / after
        width = np.sqrt(scale * (1 + 1 / after))
        away = np.maximum(since_days, 1e-3)
        passed = t.cdf((np.log(away) - middle) / width, degrees)
        tail = (1 - LEVEL) / 2
        ends = []
        for share in (tail, 0.5, 1 - tail):
            log_days = middle + width * t.ppf(passed + share * (1 - passed), degrees)
            whole = np.exp(np.minimum(log_days, np.log(MOST_DAYS + since_days)))
            ends.append(np.where(is_known, np.maximum(whole - since_days, 0.0), np.nan))
        return ends[0], ends[1], ends[2], np.where(is_known, passed, np.nan)


def _within(logs: Floats) -> Floats:
    """Strength, spread and evenness inside of what a shop can have: one pause in all would tell nothing of a spread."""
    found: Floats = np.clip(np.exp(np.clip(logs, -10, 10)), *LIMITS)
    return found


def _posterior(
    count: Floats, mean: Floats, within: Floats, middle: float, strength: float, spread: float, evenness: float
) -> tuple[Floats, Floats, Floats]:
    """As how many pauses each customer's middle counts, its degrees of freedom, and its variance."""
    after = strength + count
    degrees = evenness + count
    apart = strength * count * (mean - middle) ** 2 / after
    return after, degrees, (evenness * spread**2 + within + apart) / degrees
