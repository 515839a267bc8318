"""How good are predictions of something that happens or does not?

Names follow scikit-learn: of a `*_score` more is better, of a `*_loss` or `*_error` less. All take
y (n,) in {0, 1}, p (n,) and, where rows count more than once, weight (n,) >= 0: a row of weight 3
is the same as three rows. All raise `UndefinedMetricError` (a ValueError) where there is no row,
or only one class: a number would be a lie.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.evaluation.ties import Ties, equal_mass_bins, tied


def auroc_score(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """How often is a row of class 1 ranked above one of class 0? (Ties count half.)

    Parameters
    ----------
    y, p, weight
        See the module; p may be any finite number, only its order matters.

    Returns
    -------
    float in [0, 1]; 0.5 is chance

    Examples
    --------
    Of four pairs, three are in the right order:

    >>> auroc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    ties = tied(y, p, weight)
    negative = ties.mass - ties.positive
    below = np.cumsum(negative) - negative / 2
    return float(ties.positive @ below / (ties.positive.sum() * negative.sum()))


def average_precision_score(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """How pure is the top of the list, averaged over the positives found?

    The step-wise sum over the precision-recall curve, without interpolation.

    Parameters
    ----------
    y, p, weight
        See the module; p may be any finite number, only its order matters.

    Returns
    -------
    float in (0, 1]; chance is the share of positives

    Examples
    --------
    The positives stand first and third: (1/1 + 2/3) / 2.

    >>> round(average_precision_score([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6]), 3)
    0.833
    """
    ties = tied(y, p, weight)
    positive = ties.positive[::-1]
    # Above the first row that counts no mass has come yet, and no positive: precision 0, not 0 / 0.
    mass_so_far = np.maximum(np.cumsum(ties.mass[::-1]), np.finfo(np.float64).tiny)
    precision = np.cumsum(positive) / mass_so_far
    return float(positive @ precision / positive.sum())


def brier_loss(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """How far, squared, are the probabilities from what happened?

    Parameters
    ----------
    y, p, weight
        See the module; p in [0, 1].

    Returns
    -------
    float in [0, 1]; always answering the share of positives s gives s (1 - s)

    Examples
    --------
    >>> brier_loss([0, 1], [0.5, 1.0])
    0.125
    """
    ties = _probabilities(y, p, weight)
    squares = ties.positive * (1 - ties.p) ** 2 + (ties.mass - ties.positive) * ties.p**2
    return float(squares.sum() / ties.mass.sum())


def log_loss(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """How surprised are the probabilities by what happened, in nats per row?

    Parameters
    ----------
    y, p, weight
        See the module; p in [0, 1], held 2.2e-16 away from both ends (as scikit-learn does), so
        that one confident mistake costs 36 nats and not infinity.

    Returns
    -------
    float >= 0; ln 2 = 0.693 is a coin

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.5]), 3)
    0.693
    """
    ties = _probabilities(y, p, weight)
    edge = np.finfo(np.float64).eps
    p_inside = np.clip(ties.p, edge, 1 - edge)
    nats = ties.positive @ np.log(p_inside) + (ties.mass - ties.positive) @ np.log1p(-p_inside)
    return float(-nats / ties.mass.sum())


def expected_calibration_error(
    y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None, bins: int = 15
) -> float:
    """By how much do the probabilities miss the frequencies, averaged over bins?

    The bins have equal mass and never part equal predictions (`ties.equal_mass_bins`). Even perfect
    probabilities miss a little on few rows: compare it with a baseline's, not with 0.

    Parameters
    ----------
    y, p, weight
        See the module; p in [0, 1].
    bins : int, >= 1
        Bins at most; fewer where there are fewer distinct predictions.

    Returns
    -------
    float in [0, 1]

    Examples
    --------
    Two bins: predicted 0.2, happened to 0 of 2; predicted 0.9, happened to 2 of 2.

    >>> round(expected_calibration_error([0, 0, 1, 1], [0.2, 0.2, 0.9, 0.9], bins=2), 3)
    0.15
    """
    ties = _probabilities(y, p, weight)
    bin_of = equal_mass_bins(ties, bins)
    missed = np.bincount(bin_of, weights=ties.positive - ties.mass * ties.p)
    return float(np.abs(missed).sum() / ties.mass.sum())


def _probabilities(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None) -> Ties:
    ties = tied(y, p, weight)
    if ties.p[0] < 0 or ties.p[-1] > 1:
        raise ValueError(
            f"p goes from {ties.p[0]:g} to {ties.p[-1]:g}; probabilities in [0, 1] are expected. "
            f"A score that only ranks can be judged by auroc_score and average_precision_score."
        )
    return ties


def mean_score(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """The mean of what was worked out for each customer, such as the NDCG of a list; `y` says nothing.

    >>> mean_score([1, 1], [0.2, 0.4])
    0.30000000000000004
    """
    return float(np.average(np.asarray(p, float), weights=None if weight is None else np.asarray(weight, float)))
