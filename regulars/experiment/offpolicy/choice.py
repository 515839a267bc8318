"""Which of several estimates: the narrowest that does not contradict a wider one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

CAPS = (np.inf, 64.0, 32.0, 16.0, 8.0, 4.0, 2.0)
"""The largest weight a row may have, from none to that of two rows; below, the model alone would speak."""
OVERLAPPING = float(np.sqrt(6) - 1)
SIDE = float(stats.norm.ppf(0.9))
"""Deviations that an estimate is allowed, in standard errors: one side of 80 %."""


def slope(values: Sequence[float], errors: Sequence[float]) -> int:
    """The place of the estimate to take.

    Estimates differ in how far they cut large weights: what is cut makes an estimate narrower, and biased. From the
    widest on, each is compared with all before it; the last before one contradicts them has the best balance, without
    the bias being known.

    Parameters
    ----------
    values, errors : (m,) each estimate and its standard error.

    Source
    ------
    Su, Srinath and Krishnamurthy (2020), Adaptive Estimator Selection for Off-Policy Evaluation, with the constant of
    Tucker and Lee (2021), Improved Estimator Selection for Off-Policy Evaluation.

    Examples
    --------
    The third is narrow, but far from both others:

    >>> slope([1.0, 1.1, 3.0], [0.5, 0.2, 0.1])
    1
    """
    middle, reach = np.asarray(values, float), SIDE * np.asarray(errors, float)
    order = np.argsort(-reach, kind="stable")
    for count, number in enumerate(order):
        before = order[:count]
        if (np.abs(middle[before] - middle[number]) > reach[number] + OVERLAPPING * reach[before]).any():
            return int(order[count - 1])
    return int(order[-1])
