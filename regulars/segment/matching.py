"""The same segment keeps its number and its name when it is learned anew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Ints = npt.NDArray[np.int64]

LEAST = 0.3
"""Jaccard of a segment with the one before, below which it is another."""


def matched(before: Ints, now: Ints, ids: Ints, count: int, newest: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Ids of segments, taken from those before that have the most customers in common.

    Parameters
    ----------
    before : (n,) place of each common customer's segment in `ids`; below 0 for none.
    now : (n,) the same customer's new segment, 0 to count - 1; below 0 for none.
    ids : (m,) of the segments before.
    newest : the largest id ever given: one that went is never given again.

    Returns
    -------
    (count,) ids, and whether each was there before.

    Source
    ------
    Kuhn (1955), the Hungarian method, on the Jaccard index of every pair of segments.

    Examples
    --------
    >>> before, now = np.array([0, 0, 0, 1, 1]), np.array([1, 1, 0, 0, 0])
    >>> matched(before, now, np.array([7, 9]), 3, 9)
    (array([ 9,  7, 10]), array([ True,  True, False]))
    """
    is_both = (before >= 0) & (now >= 0)
    both = np.zeros((count, len(ids)))
    np.add.at(both, (now[is_both], before[is_both]), 1)
    one, other = np.bincount(now[now >= 0], minlength=count), np.bincount(before[before >= 0], minlength=len(ids))
    alike = both / np.maximum(one[:, None] + other - both, 1)
    rows, columns = linear_sum_assignment(alike, maximize=True)
    is_same = alike[rows, columns] >= LEAST
    found, was_there = np.zeros(count, np.int64), np.zeros(count, bool)
    found[rows[is_same]] = ids[columns[is_same]]
    was_there[rows[is_same]] = True
    found[~was_there] = newest + 1 + np.arange((~was_there).sum())
    return found, was_there
