"""Numbers that belong to groups inside groups, each drawn to its group as far as its own data leave it open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from regulars.pricing.response.checking import Floats, Numbers

SPREADS = np.geomspace(0.02, 2.0, 10)
"""How far numbers may lie about their group's (standard deviations), as looked at."""
FIRST_GUESS = np.log(SPREADS) - SPREADS**2 / 2
"""Before any data: half-normal with a scale of 1, on a grid of equal ratios."""


@dataclass(frozen=True)
class Level:
    """What to believe of each number on one level.

    Attributes
    ----------
    mean, variance : (m,) of each.
    """

    mean: Floats
    variance: Floats


@dataclass(frozen=True)
class Belief:
    """What to believe of a tree of numbers.

    Attributes
    ----------
    levels : the lowest first.
    spreads : (levels - 1,) mean variance of each level's numbers about their group's.
    evidence : logarithm of how likely the data are.
    """

    levels: list[Level]
    spreads: Floats
    evidence: float


def believe(information: Floats, weighted: Floats, parents: list[Numbers], centre: float, vague: float) -> Belief:
    """Believe of each number what its own data and those of its group, and its group's group, say.

    How far numbers lie about their group's is not known either: few groups hardly tell. So no best guess of it is
    taken, which would make intervals too narrow wherever the guess comes out small, but all of `SPREADS`, each as far
    as the data make it likely.

    Parameters
    ----------
    information, weighted : (s,) of the lowest level: how much its data say (1 over the variance), and that times what
        they say. 0 where they say nothing.
    parents : for each level but the highest, the number of each one's group on the level above. Costs grow tenfold with
        each level, but the numbers of all but the lowest are few.
    centre, vague : mean and variance of a first guess of the numbers on the highest level.

    Source
    ------
    Gelman and others (2013), Bayesian Data Analysis, 5.4: a hierarchical normal model, its spread integrated out on a
    grid; sums on a tree are exact.

    Examples
    --------
    Two products of one category, one well known to have -2, one of which nothing is known:

    >>> found = believe(np.array([100.0, 0.0]), np.array([-200.0, 0.0]), [np.array([0, 0])], -1.5, 1.0)
    >>> [level.mean.round(2).tolist() for level in found.levels]
    [[-2.0, -1.85], [-1.85]]
    """
    if not parents:
        top = information + 1 / vague
        mean = (weighted + centre / vague) / top
        evidence = -np.log1p(vague * information) + mean**2 * top - centre**2 / vague
        return Belief([Level(mean, 1 / top)], np.empty(0), float(evidence.sum()) / 2)
    parent, *above = parents
    size = int(parent.max()) + 1
    tried = []
    for spread in SPREADS**2:
        passed = 1 / (1 + spread * information)
        known, said = (np.bincount(parent, each * passed, size).astype(np.float64) for each in (information, weighted))
        group = believe(known, said, above, centre, vague)
        of_group = group.levels[0]
        mean = spread * passed * weighted + passed * of_group.mean[parent]
        variance = spread * passed + passed**2 * of_group.variance[parent]
        likely = float((np.log(passed) + spread * passed * weighted**2).sum()) / 2
        tried.append(
            Belief([Level(mean, variance), *group.levels], np.append(spread, group.spreads), likely + group.evidence)
        )
    return _mixed(tried)


def _mixed(tried: list[Belief]) -> Belief:
    """One belief of those under each spread."""
    likely = np.array([each.evidence for each in tried]) + FIRST_GUESS
    whole = float(logsumexp(likely))
    weight = np.exp(likely - whole)
    levels = []
    for same in zip(*(each.levels for each in tried), strict=True):
        means, variances = (np.array([getattr(level, part) for level in same]) for part in ("mean", "variance"))
        mean = weight @ means
        levels.append(Level(mean, weight @ (variances + (means - mean) ** 2)))
    return Belief(levels, weight @ np.array([each.spreads for each in tried]), whole)
