"""Rows with the same prediction, taken together.

Every metric and curve of this package depends only on how many rows and how many positives each
distinct prediction has. Computing from these makes ties exact: no result depends on row order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class UndefinedMetricError(ValueError):
    """The rows say nothing: there are none, or only one of the two classes."""


@dataclass(frozen=True)
class Ties:
    """The distinct predictions of a table, lowest first.

    Attributes
    ----------
    p : (n_distinct,) float, strictly increasing
        The predictions.
    mass, positive : (n_distinct,) float, 0 <= positive <= mass
        Weight of the rows with this prediction; of those whose y is 1. A mass is 0 where no row
        counts.
    """

    p: Floats
    mass: Floats
    positive: Floats


def tied(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Ties:
    """How much weight, and how much of it positive, has each distinct prediction?

    Parameters
    ----------
    y : (n,) each 0 or 1
        What happened.
    p : (n,) float, finite
        What was predicted: any number that is higher for likelier.
    weight : (n,) float, >= 0, optional
        How often each row counts; once when left out.

    Raises
    ------
    UndefinedMetricError
        If no row counts, or all that count are of one class.
    ValueError
        If the shapes differ, or a value is out of its range.

    Examples
    --------
    >>> tied([0, 1, 1], [0.5, 0.5, 0.9]).positive
    array([1., 1.])
    """
    y = np.asarray(y, dtype=np.float64)
    p = np.asarray(p, dtype=np.float64)
    weight = np.ones_like(p) if weight is None else np.asarray(weight, dtype=np.float64)
    _require_rows(y, p, weight)
    # The bootstrap sorts once and asks a thousand times: asking is much cheaper than sorting.
    if np.any(p[1:] < p[:-1]):
        order = np.argsort(p, kind="stable")
        y, p, weight = y[order], p[order], weight[order]
    mass, positive = weight, weight * y
    starts = np.flatnonzero(np.concatenate([[True], p[1:] != p[:-1]]))
    if len(starts) < len(p):
        p, mass, positive = p[starts], np.add.reduceat(mass, starts), np.add.reduceat(positive, starts)
    total_positive = positive.sum()
    if total_positive <= 0 or total_positive >= mass.sum():
        raise UndefinedMetricError(
            f"all rows are of class {int(total_positive > 0)}: a metric needs rows of both classes"
        )
    return Ties(p, mass, positive)


def equal_mass_bins(ties: Ties, bins: int) -> npt.NDArray[np.intp]:
    """Into which of `bins` bins of about equal mass does each distinct prediction go?

    A prediction goes where the middle of its mass falls, so ties are never parted: with few
    distinct predictions there are fewer bins, of unequal mass.

    Returns
    -------
    (n_distinct,) int, non-decreasing, consecutive from 0

    Examples
    --------
    >>> equal_mass_bins(tied([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]), bins=2)
    array([0, 0, 1, 1])
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}; at least 1 is expected")
    middle = np.cumsum(ties.mass) - ties.mass / 2
    raw = (middle / ties.mass.sum() * bins).astype(np.intp)
    return np.concatenate([[0], np.cumsum(raw[1:] != raw[:-1])]).astype(np.intp)


def _require_rows(y: Floats, p: Floats, weight: Floats) -> None:
    if not (y.ndim == 1 and y.shape == p.shape == weight.shape):
        raise ValueError(f"one row each is expected: y has shape {y.shape}, p {p.shape}, weight {weight.shape}")
    if not len(y):
        raise UndefinedMetricError("there are no rows: a metric of nothing is undefined")
    if not np.all((y == 0) | (y == 1)):
        raise ValueError("y holds a value other than 0 and 1")
    if not np.all(np.isfinite(p)):
        raise ValueError("p holds a value that is not a finite number")
    if not (np.all(weight >= 0) and np.all(np.isfinite(weight))):
        raise ValueError("weight holds a value that is negative or not finite")
    if not np.any(weight > 0):
        raise UndefinedMetricError("no row has a weight above 0: a metric of nothing is undefined")
