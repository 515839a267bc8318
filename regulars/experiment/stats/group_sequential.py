"""A planned verdict in several looks: more power than an answer for all times, for whoever keeps to the plan."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from regulars.errors import InputError
from regulars.experiment.stats.moments import Floats

Spending = Literal["even", "obrien-fleming"]

_FAR = 8.0
"""Standard deviations beyond which nothing lies."""
_PER_DEVIATION = 4
"""Nodes of the integration to each standard deviation of the smallest step: the error is then far below 1e-6."""
_NODES = (96, 3000)


def spent(fraction: npt.ArrayLike, alpha: float = 0.05, spending: Spending = "even") -> Floats:
    """How much of the error a plan has used up.

    Parameters
    ----------
    fraction : (k,) of the plan that is over, 0 to 1.
    alpha : two-sided, of the whole plan.
    spending : "even" (as much each day: the soonest verdicts) or "obrien-fleming" (hard at first, almost a plain test
        at the end: more is found by then, later).

    Source
    ------
    Lan and DeMets (1983), Discrete Sequential Boundaries for Clinical Trials, alpha 1 (in each tail, as is usual) and
    alpha 3, the even one.

    Examples
    --------
    >>> spent([0.5, 1.0]).round(4), spent([0.5, 1.0], spending="obrien-fleming").round(4)
    (array([0.025, 0.05 ]), array([0.0031, 0.05  ]))
    """
    part = np.clip(np.asarray(fraction, float), 1e-12, 1.0)
    if spending == "even":
        return np.asarray(alpha * part)
    return np.asarray(4 * stats.norm.sf(stats.norm.isf(alpha / 4) / np.sqrt(part)))


def boundaries(information: npt.ArrayLike, used: npt.ArrayLike) -> Floats:
    """How many standard errors an effect must be away from none, at each look.

    Parameters
    ----------
    information : (k,) > 0, ascending, in any unit: of customers, say. Only their ratios count.
    used : (k,) the error used up after each look, ascending; see `spent`. Where nothing is added, the boundary is
        infinite.

    Raises
    ------
    InputError
        If either goes down, or there are not as many of both.

    Source
    ------
    Armitage, McPherson and Rowe (1969), Repeated Significance Tests on Accumulating Data: the density of what has not
    crossed yet, carried on from look to look.

    Examples
    --------
    >>> looks = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
    >>> boundaries(looks, spent(looks)).round(3)
    array([2.576, 2.492, 2.411, 2.339, 2.276])
    """
    steps, error = _checked(information, used)
    found = np.empty(len(steps))
    walk = _Walk()
    for look, (at, extra) in enumerate(zip(steps, np.diff(error, prepend=0.0), strict=True)):
        walk.step(at)
        if extra <= 1e-14:
            edge = _FAR * 2
            found[look] = np.inf
        else:
            edge = float(optimize.brentq(lambda z, goal=extra: walk.crossing(z) - goal, 0.0, _FAR, xtol=1e-10))
            found[look] = edge
        walk.keep(min(edge, _FAR))
    return found


def crossing(information: npt.ArrayLike, edges: npt.ArrayLike, drift: float = 0.0) -> Floats:
    """The chance to cross boundaries for the first time at each look.

    Parameters
    ----------
    information : (k,) > 0, ascending.
    edges : (k,) boundaries in standard errors, to both sides.
    drift : the mean of the statistic at the last look, 0 for no effect.

    Examples
    --------
    Five looks as if each were the only one:

    >>> float(crossing([1, 2, 3, 4, 5], [1.96] * 5).sum().round(3))
    0.142
    """
    steps, edge = _checked(information, edges, ascending=False)
    found = np.empty(len(steps))
    walk = _Walk(drift / np.sqrt(steps[-1]))
    for look, (at, bound) in enumerate(zip(steps, edge, strict=True)):
        walk.step(at)
        found[look] = walk.crossing(bound)
        walk.keep(min(bound, _FAR))
    return found


class _Walk:
    """Brownian motion as far as it has not crossed: its density over nodes.

    Attributes
    ----------
    nodes, mass : where it is, and with which probability, after the last look.
    """

    def __init__(self, drift: float = 0.0) -> None:
        self.nodes, self.mass = np.zeros(1), np.ones(1)
        self._at, self._drift, self._deviation = 0.0, drift, 0.0

    def step(self, at: float) -> None:
        """Go on to an information time."""
        self._deviation, self._moved = float(np.sqrt(at - self._at)), self._drift * (at - self._at)
        self._at = at

    def crossing(self, edge: float) -> float:
        """The chance that this step crosses an edge, in standard errors, to either side."""
        limit = edge * np.sqrt(self._at)
        mean = self.nodes + self._moved
        out = stats.norm.sf((limit - mean) / self._deviation) + stats.norm.cdf((-limit - mean) / self._deviation)
        return float(self.mass @ out)

    def keep(self, edge: float) -> None:
        """Go on with what is inside the edges."""
        limit = edge * np.sqrt(self._at)
        count = int(np.clip(_PER_DEVIATION * 2 * limit / self._deviation, *_NODES))
        at, weight = np.polynomial.legendre.leggauss(count)
        nodes = at * limit
        density = stats.norm.pdf((nodes[:, None] - self.nodes - self._moved) / self._deviation) / self._deviation
        self.nodes, self.mass = nodes, (density @ self.mass) * weight * limit


def _checked(information: npt.ArrayLike, beside: npt.ArrayLike, *, ascending: bool = True) -> tuple[Floats, Floats]:
    steps, other = np.asarray(information, float), np.asarray(beside, float)
    if steps.shape != other.shape or not len(steps):
        raise InputError(f"{len(steps)} looks and {len(other)} figures for them: as many are needed, at least one.")
    if not (np.diff(steps, prepend=0.0) > 0).all():
        raise InputError(f"the information of looks is {steps.tolist()}: each is expected to be above the one before.")
    if ascending and not (np.diff(other, prepend=0.0) >= 0).all():
        raise InputError(f"the error used up is {other.tolist()}: it cannot go down.")
    return steps / steps[-1], other
