"""An interval that holds whatever the rewards are like, within a range: wide, for those who must be sure."""

from __future__ import annotations

import numpy as np

from regulars.experiment.offpolicy.overlap import Floats, Ints


def sure_low(weight: Floats, reward: Floats, owner: Ints, chance: float = 0.025) -> float:
    """A value that the mean of weight * reward is below with no more than a chance, for rewards >= 0.

    Weights are cut at the third root of the number of rows: of rewards >= 0 that can but lower the bound, and without
    it one row could be worth any amount.

    Parameters
    ----------
    weight, reward : (n,) >= 0.
    owner : (n,) the customer of each row, from 0.
    chance : of being wrong, on this side.

    Source
    ------
    Maurer and Pontil (2009), Empirical Bernstein Bounds and Sample-Variance Penalization, theorem 4; cut as in Thomas,
    Theocharous and Ghavamzadeh (2015), High Confidence Off-Policy Evaluation.

    Examples
    --------
    >>> found = sure_low(np.ones(4000), np.repeat([0.0, 1.0], 2000), np.arange(4000))
    >>> 0.4 < found < 0.5
    True
    """
    rows = len(weight)
    cap = max(2.0, rows ** (1 / 3))
    sums = np.bincount(owner, np.minimum(weight, cap) * reward)
    groups = len(sums)
    if groups < 2:
        return 0.0
    largest = cap * float(reward.max()) * float(np.bincount(owner).max())
    bits = np.log(2 / chance)
    margin = np.sqrt(2 * sums.var(ddof=1) * bits / groups) + largest * 7 * bits / (3 * (groups - 1))
    return max(float(sums.mean() - margin), 0.0) * groups / rows


def sure(weight: Floats, reward: Floats, owner: Ints, chance: float = 0.05) -> tuple[float, float]:
    """Low and high of the mean reward of a policy, rewards lying between the least and the largest seen."""
    least, most = float(reward.min()), float(reward.max())
    low = least + sure_low(weight, reward - least, owner, chance / 2)
    high = most - sure_low(weight, most - reward, owner, chance / 2)
    return low, high
