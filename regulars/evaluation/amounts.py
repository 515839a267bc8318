"""How good are predictions of an amount: how many, how much?

As in `metrics`, of a `*_score` more is better, of an `*_error` less; all take y (n,), p (n,) and, where rows count more
than once, weight (n,) >= 0. The mean absolute error is not among them: where most customers do nothing, it rewards who
predicts nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.evaluation.ties import UndefinedMetricError

Floats = npt.NDArray[np.float64]


def rmse_error(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Root of the mean squared error, in the unit of y.

    >>> rmse_error([0, 3], [0, 1]).__round__(3)
    1.414
    """
    came, said, rows = _checked(y, p, weight)
    return float(np.sqrt(rows @ (came - said) ** 2 / rows.sum()))


def correlation_score(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Pearson's correlation, in [-1, 1]; 0 of a prediction that is the same for all.

    >>> correlation_score([0, 1, 2], [1, 3, 5]).__round__(6)
    1.0
    """
    came, said, rows = _checked(y, p, weight)
    came, said = came - rows @ came / rows.sum(), said - rows @ said / rows.sum()
    if not rows @ came**2:
        raise UndefinedMetricError("every y is the same: nothing can go with it")
    spread = float(np.sqrt((rows @ came**2) * (rows @ said**2)))
    return float(rows @ (came * said)) / spread if spread else 0.0


def total_bias_error(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """How far the total of all is off, as a share of what came; at least 0.

    >>> total_bias_error([1, 3], [2, 3])
    0.25
    """
    came, said, rows = _checked(y, p, weight)
    total = float(rows @ came)
    if not total:
        raise UndefinedMetricError("nothing came: no share of it can be given")
    return abs(float(rows @ said) / total - 1)


def gini_score(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Normalised Gini: how well p puts those with the largest y first, 1 as well as y itself, 0 as chance.

    Source
    ------
    Wang, Liu and Miao (2019), A Deep Probabilistic Model for Customer Lifetime Value Prediction, section 4.2.

    Examples
    --------
    >>> gini_score([0, 1, 3], [1, 2, 9]), gini_score([0, 1, 3], [9, 2, 1])
    (1.0, -1.0)
    """
    came, said, rows = _checked(y, p, weight)
    best = _area(came, came, rows)
    if not best:
        raise UndefinedMetricError("every y is the same: no order is better than another")
    return _area(came, said, rows) / best


def _area(y: Floats, p: Floats, weight: Floats) -> float:
    """Between the curve of y gained by p and that of chance; of equal p each gains as all of them."""
    _, group = np.unique(-p, return_inverse=True)
    mass = np.bincount(group, weight)
    gained = np.cumsum(np.bincount(group, weight * y))
    before = np.append(0.0, gained[:-1])
    return float(mass @ (gained + before) / 2 / weight.sum() - gained[-1] / 2)


def _checked(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    came, said = np.asarray(y, float), np.asarray(p, float)
    rows = np.ones(len(came)) if weight is None else np.asarray(weight, float)
    if not len(came) or not rows.sum():
        raise UndefinedMetricError("there is no row to judge by")
    return came, said, rows
