"""How many customers a test needs, and what it can find with those it has."""

from __future__ import annotations

import numpy as np
from scipy import stats

from regulars.errors import InputError

DAILY_LOOKS = 1.2
"""What daily looks that spend the error evenly cost in customers at most (.05, power .8 to .9, 7 to 42 looks)."""


def customers_needed(
    effect: float, deviation: float, *, share: float = 0.5, power: float = 0.8, alpha: float = 0.05, looks: bool = False
) -> int:
    """Customers of both arms together, for a two-sided test of two means.

    Parameters
    ----------
    effect : != 0, the smallest difference that should be found.
    deviation : > 0, standard deviation of a customer's value, after CUPED where it is used.
    share : in (0, 1), of customers that are treated.
    looks : whether it is looked at daily by a group-sequential plan, which needs some more.

    Raises
    ------
    InputError
        If a number is outside its range.

    Source
    ------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, section 2.4, without the correction for small
    samples: 63 in each arm for half a standard deviation at .05 and power .8.

    Examples
    --------
    >>> customers_needed(0.5, 1.0)
    126
    """
    _checked(share, power, alpha)
    if not effect or not deviation > 0:
        raise InputError(f"an effect of {effect} with a deviation of {deviation}: both must be told, and not 0.")
    wanted = (_reach(alpha) + float(stats.norm.ppf(power))) ** 2 * deviation**2 / (effect**2 * share * (1 - share))
    each = np.ceil(wanted * (DAILY_LOOKS if looks else 1) * np.array([share, 1 - share]) - 1e-9)
    return int(each.sum())


def detectable(
    customers: float, deviation: float, *, share: float = 0.5, power: float = 0.8, alpha: float = 0.05
) -> float:
    """The smallest difference that so many customers find; see `customers_needed`.

    >>> round(detectable(126, 1.0), 2)
    0.5
    """
    _checked(share, power, alpha)
    if not customers > 0:
        raise InputError(f"{customers} customers find nothing: a number above 0 is expected.")
    wide = (_reach(alpha) + float(stats.norm.ppf(power))) * deviation
    return float(wide / np.sqrt(customers * share * (1 - share)))


def _reach(alpha: float) -> float:
    return float(stats.norm.isf(alpha / 2))


def _checked(share: float, power: float, alpha: float) -> None:
    for name, value in (("share of the treated", share), ("power", power), ("alpha", alpha)):
        if not 0 < value < 1:
            raise InputError(f"{name} is {value}; a number between 0 and 1 is expected.")
