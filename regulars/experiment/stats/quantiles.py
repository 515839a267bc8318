"""The median, or another quantile, of orders or visits, of which one customer may have many."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.errors import InputError, NotEnoughError
from regulars.experiment.stats.moments import Arm

LEAST_CUSTOMERS = 30


def quantile_of(values: npt.ArrayLike, customers: npt.ArrayLike, share: float) -> Arm:
    """A quantile of one arm, its error clustered by customer.

    The interval is the values between which the share lies, were it moved by its own clustered error; the standard
    error is the interval's half width, in units of 1.96.

    Parameters
    ----------
    values : (n,) finite, one an order or visit.
    customers : (n,) whose each is.
    share : in (0, 1), .5 for the median.

    Raises
    ------
    InputError
        If the share is outside (0, 1), a value is no number, or there are not as many of both.
    NotEnoughError
        If there are fewer than 30 customers.

    Source
    ------
    Deng, Knoblich and Lu (2018), Applying the Delta Method in Metric Analytics, section 4 (outer confidence interval).

    Examples
    --------
    >>> found = quantile_of(np.arange(1001.0), np.arange(1001), 0.5)
    >>> found.value, round(found.error)
    (500.0, 16)
    """
    value, whose = np.asarray(values, float), np.asarray(customers)
    if not 0 < share < 1:
        raise InputError(f"a quantile's share is {share}; a number between 0 and 1 is expected, .5 for the median.")
    if value.shape != whose.shape or not np.isfinite(value).all():
        raise InputError(f"{len(value)} values of {len(whose)} customers: as many are needed, each a number.")
    owner = np.unique(whose, return_inverse=True)[1]
    people = int(owner.max(initial=-1)) + 1
    if people < LEAST_CUSTOMERS:
        raise NotEnoughError(f"An arm has values of {people} customers: a quantile needs {LEAST_CUSTOMERS}.")
    middle = float(np.quantile(value, share))
    number = np.bincount(owner, minlength=people)
    below = np.bincount(owner, value <= middle, people)
    rest = below - below.sum() / number.sum() * number
    error = float(np.sqrt((rest**2).sum() * people / (people - 1)) / number.sum())
    z = float(stats.norm.ppf(0.975))
    low, high = np.quantile(value, np.clip([share - z * error, share + z * error], 0, 1))
    return Arm(people, middle, float(high - low) / (2 * z))
