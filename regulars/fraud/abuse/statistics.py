"""How surprising a count is: tails, many tests at once, shares drawn towards those of peers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Floats = npt.NDArray[np.float64]

SMALLEST = 1e-300
"""A chance below counts as this, so that its logarithm is a number."""
CONCENTRATIONS = np.geomspace(0.2, 200, 30)
"""How alike peers may be, as if by so many orders each."""
APART = np.geomspace(1e-4, 0.1, 10)
"""What share of customers may be no peers."""
SAMPLED = 20_000


def sums(place: npt.NDArray[Any], what: npt.NDArray[Any] | None, count: int) -> Floats:
    """(count,) the sum of what stands at each place, or how often it is there.

    >>> sums(np.array([0, 2, 2]), np.array([True, True, False]), 3).tolist()
    [1.0, 0.0, 1.0]
    """
    return np.bincount(place, what, count).astype(np.float64)


def false_share(chances: Floats) -> Floats:
    """(n,) the share of false alarms to expect, at most, among findings at least as striking as each (q-values).

    Parameters
    ----------
    chances : (n,) p-values of all that was looked at.

    Source
    ------
    Benjamini and Hochberg (1995), Controlling the False Discovery Rate.

    Examples
    --------
    >>> false_share(np.array([0.001, 0.04, 0.03, 0.9])).round(3).tolist()
    [0.004, 0.053, 0.053, 0.9]
    """
    order = np.argsort(chances, kind="stable")
    raised = chances[order] * len(chances) / (np.arange(len(chances)) + 1)
    found = np.empty(len(chances))
    found[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return found


def together(chances: Floats) -> Floats:
    """(n,) the chance of several independent signs at once.

    Parameters
    ----------
    chances : (signs, n) p-values.

    Source
    ------
    Fisher (1932), Statistical Methods for Research Workers, section 21.1.

    Examples
    --------
    >>> together(np.array([[0.05, 1.0], [0.05, 1.0]])).round(4).tolist()
    [0.0175, 1.0]
    """
    total = -2 * np.log(np.maximum(chances, SMALLEST)).sum(0)
    found: Floats = stats.chi2.sf(total, 2 * len(chances))
    return found


def at_least(count: npt.NDArray[Any], of: npt.NDArray[Any], share: Floats | float) -> Floats:
    """(n,) the chance of so many or more out of so many, where each is one with a chance of `share`.

    Where the chances differ and `share` is their mean, this is an upper bound above the mean (Hoeffding 1956).

    >>> at_least(np.array([0, 3]), np.array([3, 3]), 0.1).round(4).tolist()
    [1.0, 0.001]
    """
    found: Floats = stats.binom.sf(count.astype(float) - 1, of.astype(float), share)
    return found


def at_least_by_rate(count: npt.NDArray[Any], expected: Floats) -> Floats:
    """(n,) the chance of so many or more events where so many are expected (Poisson).

    >>> at_least_by_rate(np.array([0, 3]), np.array([1.0, 0.1])).round(5).tolist()
    [1.0, 0.00015]
    """
    found: Floats = stats.poisson.sf(count.astype(float) - 1, expected)
    return found


class Shares(NamedTuple):
    """How the share of each compares with that of peers, (n,) each.

    Attributes
    ----------
    share, low, high : the own share, and between what it lies with a chance of 95 % by the own orders alone.
    bar : what all but one in a hundred such peers stay below.
    above : the chance that the share is above the bar.
    """

    share: Floats
    low: Floats
    high: Floats
    bar: Floats
    above: Floats


def shares(part: Floats, whole: Floats, expected: Floats) -> Shares:
    """Who has a share that is above that of nearly all peers (empirical Bayes)?

    A peer's share comes from a beta distribution whose mean is what its own mix leads to expect. A few are no peers:
    theirs may be anything. How far peers differ, and how many are none, are the likeliest two numbers for all.

    Parameters
    ----------
    part : (n,) of it; need not be whole numbers: half an order counts half. 0 <= part <= whole.
    whole : (n,) out of so many.
    expected : (n,) the share that peers with the same mix have, in (0, 1).

    Source
    ------
    Casella (1985), An Introduction to Empirical Bayes Data Analysis, The American Statistician 39(2).

    Examples
    --------
    Of a thousand who give back nothing or one of ten, one gives back nine of ten, another one of one:

    >>> part = np.r_[np.tile([0.0, 1.0], 500), 9.0, 1.0]
    >>> whole = np.r_[np.full(1000, 10.0), 10.0, 1.0]
    >>> found = shares(part, whole, np.full(1002, 0.05))
    >>> found.above[[0, 1000, 1001]].round(2).tolist()
    [0.01, 1.0, 0.03]
    """
    if not len(part):
        nothing = np.empty(0)
        return Shares(nothing, nothing, nothing, nothing, nothing)
    rest = np.maximum(whole - part, 0)
    weight, apart = _peers(part, rest, expected)
    yes, no = weight * expected, weight * (1 - expected)
    bar = stats.beta.ppf(0.99, yes, no)
    odds = special.betaln(yes + part, no + rest) - special.betaln(yes, no) - special.betaln(1 + part, 1 + rest)
    is_apart = special.expit(special.logit(apart) - odds)
    above = is_apart * stats.beta.sf(bar, 1 + part, 1 + rest) + (1 - is_apart) * stats.beta.sf(
        bar, yes + part, no + rest
    )
    low, high = (stats.beta.ppf(level, 1 + part, 1 + rest) for level in (0.025, 0.975))
    return Shares(part / np.maximum(whole, 1e-9), low, high, bar, above)


def _peers(part: Floats, rest: Floats, expected: Floats) -> tuple[float, float]:
    """How many orders of its own weigh as much as what peers do, and what share are no peers: the likeliest on a
    grid, of a sample where there are very many."""
    step = max(len(part) // SAMPLED, 1)
    part, rest, expected = part[::step], rest[::step], expected[::step]
    yes, no = CONCENTRATIONS[:, None] * expected, CONCENTRATIONS[:, None] * (1 - expected)
    peer = special.betaln(yes + part, no + rest) - special.betaln(yes, no)  # (concentrations, n)
    other = special.betaln(1 + part, 1 + rest)
    likelihood = [np.logaddexp(np.log1p(-apart) + peer, np.log(apart) + other).sum(1) for apart in APART]
    best = np.unravel_index(np.argmax(likelihood), (len(APART), len(CONCENTRATIONS)))
    return float(CONCENTRATIONS[best[1]]), float(APART[best[0]])
