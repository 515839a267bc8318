"""How good are predictions of many labels at once: AUROC under many weightings, popularity, diversity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import entr

from regulars.logistic import probability

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

TOP = 10
"""So many labels are predicted of each customer, where their popularity is judged."""


def aurocs(target: Floats, score: Float32s, weights: Floats) -> Floats:
    """AUROC under many weightings at once; `auroc_score` with each row of weights gives the same.

    Parameters
    ----------
    target, score : (n,)
    weights : (draws, n)

    Returns
    -------
    (draws,) NaN where a class weighs nothing.

    Examples
    --------
    >>> aurocs(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]), np.ones((1, 4))).tolist()
    [0.75]
    """
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    # Equal scores are taken together: of two of them neither is above the other.
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    is_true = target[order] > 0
    mass = weights[:, order]
    positive = np.add.reduceat(mass * is_true, starts, axis=1)
    negative = np.add.reduceat(mass * ~is_true, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(1) * negative.sum(1)
    found: Floats = np.where(pairs > 0, (positive * below).sum(1) / np.where(pairs > 0, pairs, 1.0), np.nan)
    return found


def popularity_of(scores: Float32s, popularity: Floats) -> Floats:
    """How popular is what is predicted of each customer: the ten likeliest, each by its chance.

    1 is for certainty of the ten most popular. Of the challenge's novelty this is what is taken off 1; the mean is
    then raised to the hundredth power, for all would lie close to 1 else.

    Parameters
    ----------
    scores : (n, labels) log-odds.
    popularity : (labels,) how often each was bought.

    Returns
    -------
    (n,) in [0, 1]

    Examples
    --------
    >>> popularity_of(np.array([[0.0, -100.0]]), np.array([3.0, 1.0])).round(3).tolist()
    [0.375]
    """
    top = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    chance = _chance(np.take_along_axis(scores, top, 1))
    found: Floats = (chance * popularity[top]).sum(1) / np.sort(popularity)[-TOP:].sum()
    return found


def diversity_of(scores: Float32s) -> Floats:
    """Over how many products is each customer's prediction spread: the entropy of the chances, taken as shares of one.

    Parameters
    ----------
    scores : (n, labels) log-odds.

    Returns
    -------
    (n,) in [0, 1]; 1 if all are equally likely, 0 if one is certain.

    Examples
    --------
    >>> diversity_of(np.array([[1.0, 1.0], [2.0, -2.0]])).round(3).tolist()
    [1.0, 0.527]
    """
    chance = _chance(scores)
    share = chance / chance.sum(1, keepdims=True)
    found: Floats = entr(share).sum(1) / np.log(max(scores.shape[1], 2))
    return found


def _chance(scores: Float32s) -> Floats:
    return probability(scores.astype(np.float64))
