"""What is known of the customers of one arm: counts, means and covariances; and the mean or ratio that they give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]

ROUNDING = 1e-12
"""A variance below this share of the mean square is that of a constant: sums of floats are no more exact."""


@dataclass(frozen=True)
class Moments:
    """How k quantities of each customer are spread, over the customers of one arm.

    One value a customer, however many orders or visits it was made of: so whatever is computed from it is clustered by
    customer.

    Attributes
    ----------
    count : customers.
    mean : (k,)
    covariance : (k, k), of the sample (divided by count - 1); zeros where there are fewer than two customers.

    Examples
    --------
    >>> found = Moments.of([[1.0, 2.0], [3.0, 2.0]])
    >>> found.count, found.mean.tolist(), found.covariance.tolist()
    (2, [2.0, 2.0], [[2.0, 0.0], [0.0, 0.0]])
    """

    count: int
    mean: Floats
    covariance: Floats

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Moments:
        """From values.

        Parameters
        ----------
        values : (n, k) or (n,), finite.

        Raises
        ------
        InputError
            If a value is no number.
        """
        table = np.asarray(values, float)
        table = table[:, None] if table.ndim == 1 else table
        if not np.isfinite(table).all():
            row = int(np.flatnonzero(~np.isfinite(table).all(1))[0])
            raise InputError(f"row {row}: {table[row].tolist()}; a number for each customer is expected.")
        return cls.from_sums(len(table), table.sum(0), table.T @ table)

    @classmethod
    def from_sums(cls, count: int, sums: npt.ArrayLike, products: npt.ArrayLike) -> Moments:
        """From what an engine adds up in one pass.

        Parameters
        ----------
        sums : (k,) of each quantity.
        products : (k, k) of each pair of quantities, a quantity with itself among them.
        """
        total, square = np.asarray(sums, float), np.asarray(products, float)
        if count < 1:
            return cls(0, np.zeros(len(total)), np.zeros_like(square))
        mean = total / count
        spread = square - count * np.outer(mean, mean)
        constant = np.diag(spread) <= ROUNDING * np.abs(np.diag(square))
        spread[constant] = 0.0
        spread[:, constant] = 0.0
        return cls(count, mean, spread / max(count - 1, 1))


@dataclass(frozen=True)
class Arm:
    """What one arm came to.

    Attributes
    ----------
    customers : of the arm.
    value : the mean or ratio.
    error : its standard error.
    """

    customers: int
    value: float
    error: float


def mean_of(moments: Moments, at: int = 0) -> Arm:
    """The mean of one quantity.

    Raises
    ------
    NotEnoughError
        If there are fewer than two customers.

    Examples
    --------
    >>> mean_of(Moments.of([1.0, 3.0]))
    Arm(customers=2, value=2.0, error=1.0)
    """
    _checked(moments)
    return Arm(moments.count, float(moments.mean[at]), float(np.sqrt(moments.covariance[at, at] / moments.count)))


def ratio_of(moments: Moments, numerator: int = 0, denominator: int = 1) -> Arm:
    """The sum of one quantity over the sum of another, such as revenue an order; its error by the delta method.

    Raises
    ------
    NotEnoughError
        If there are fewer than two customers, or the denominator's sum is nothing.

    Source
    ------
    Deng, Knoblich and Lu (2018), Applying the Delta Method in Metric Analytics, section 3.1.

    Examples
    --------
    Two orders of 30 in all, and one order of 10:

    >>> ratio_of(Moments.of([[30.0, 2.0], [10.0, 1.0]])).value.__round__(3)
    13.333
    """
    _checked(moments)
    below = float(moments.mean[denominator])
    if not below:
        raise NotEnoughError(
            "The denominator of the ratio is nothing for all customers of an arm: it has no value yet."
        )
    value = float(moments.mean[numerator]) / below
    slope = np.zeros(len(moments.mean))
    slope[numerator], slope[denominator] = 1 / below, -value / below
    return Arm(moments.count, value, spread_of(moments, slope))


def spread_of(moments: Moments, slope: Floats) -> float:
    """The standard error of a function of the means with these derivatives."""
    return float(np.sqrt(max(float(slope @ moments.covariance @ slope), 0.0) / moments.count))


def _checked(moments: Moments) -> None:
    if moments.count < 2:
        raise NotEnoughError(f"An arm has {moments.count} customers: at least 2 are needed to tell how sure a mean is.")
