"""Numbers that belong to groups inside groups, each drawn to its group as far as its own data leave it open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regulars.pricing.response.checking import Floats, Numbers

FIRST_SPREAD = 0.25
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Level:
    """What to believe of each number on one level.

    Attributes
    ----------
    mean, variance : (m,) of each.
    """

    mean: Floats
    variance: Floats


def smooth(
    information: Floats, weighted: Floats, parents: list[Numbers], spreads: Floats, centre: float, vague: float
) -> tuple[list[Level], Floats]:
    """Believe of each number what its own data and those of its group, and its group's group, say.

    Parameters
    ----------
    information, weighted : (s,) of the lowest level: how much its data say (1 over the variance), and that times what
        they say. 0 where they say nothing.
    parents : for each level but the highest, the number of each one's group on the level above.
    spreads : (levels - 1,) variance of each level's numbers about their group's.
    centre, vague : mean and variance of a first guess of the numbers on the highest level.

    Returns
    -------
    levels, the lowest first; and (levels - 1,) the spreads that the data make likelier than those given (one step of
    expectation and maximisation)

    Source
    ------
    Dempster, Rubin and Tsutakawa (1981), Estimation in Covariance Components Models; sums on a tree are exact.

    Examples
    --------
    Two products of one category, one well known to have -2, one of which nothing is known:

    >>> parents, spreads = [np.array([0, 0])], np.array([0.25])
    >>> levels, _ = smooth(np.array([100.0, 0.0]), np.array([-200.0, 0.0]), parents, spreads, -1.5, 1.0)
    >>> levels[0].mean.round(2).tolist()
    [-2.0, -1.9]
    """
    precision: list[Floats] = [information]
    total: list[Floats] = [weighted]
    for level, parent in enumerate(parents):
        size = int(parent.max()) + 1
        passed = 1 / (1 + spreads[level] * precision[level])
        precision.append(np.bincount(parent, precision[level] * passed, size).astype(np.float64))
        total.append(np.bincount(parent, total[level] * passed, size).astype(np.float64))
    top = precision[-1] + 1 / vague
    levels = [Level((total[-1] + centre / vague) / top, 1 / top)]
    likelier = spreads.copy()
    for level in reversed(range(len(parents))):
        above = levels[0]
        mean, variance = above.mean[parents[level]], above.variance[parents[level]]
        own = precision[level] + 1 / spreads[level]
        pull = 1 / (spreads[level] * own)
        levels.insert(0, Level(total[level] / own + pull * mean, 1 / own + pull**2 * variance))
        apart = (total[level] - precision[level] * mean) / own
        squares = apart**2 + (precision[level] / own) ** 2 * variance + 1 / own
        # A number of which nothing is known says nothing of how far numbers lie apart.
        tells = precision[level] * spreads[level] > 1e-3
        if tells.any():
            likelier[level] = max(float(squares[tells].mean()), LEAST_SPREAD)
    return levels, likelier
