"""Doubly robust scores: of each customer an unbiased, noisy figure of what each arm would have brought."""

from __future__ import annotations

import numpy as np

from regulars.campaign.uplift.expected import Expected
from regulars.campaign.uplift.trial import Floats, Trial

FOLDS = 5


def expected_apart(trial: Trial, folds: int = FOLDS) -> Floats:
    """(n, arms) what is expected of each customer under each arm, by models that did not know the customer."""
    fold = trial.folds(folds)
    found = np.empty((len(trial), len(trial.arms)))
    for held_out in range(folds):
        is_out = fold == held_out
        found[is_out] = Expected.fit(trial.rows(~is_out), knows_arm=True).predict(trial.features[is_out])
    return found


def doubly_robust_scores(trial: Trial, expected: Floats) -> Floats:
    """(n, arms) what each arm would have brought: expected, and for the arm drawn its weighted error besides.

    score_a = expected_a + [arm = a] (outcome - expected_a) / propensity_a

    Unbiased in the mean over customers if either the propensities or the expectations are right.

    Parameters
    ----------
    expected : (n, arms) by models that did not know the row.

    Source
    ------
    Robins, Rotnitzky and Zhao (1994), Estimation of Regression Coefficients When Some Regressors Are Not Always
    Observed; for several arms as in Zhou, Athey and Wager (2023), Offline Multi-Action Policy Learning.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> arm = rng.integers(0, 2, 20_000)
    >>> bought = rng.random(20_000) < np.where(arm == 1, 0.3, 0.1)
    >>> trial = Trial.of(np.zeros((20_000, 1)), arm, bought, kind="binary")
    >>> doubly_robust_scores(trial, np.zeros((20_000, 2))).mean(0).round(1).tolist()
    [0.1, 0.3]
    """
    rows = np.arange(len(trial))
    found = expected.copy()
    drawn = trial.arm
    found[rows, drawn] += (trial.outcome - expected[rows, drawn]) / trial.propensity[rows, drawn]
    return found
