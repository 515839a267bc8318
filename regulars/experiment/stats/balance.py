"""Did each arm get the customers that it was to get?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from regulars.errors import InputError

WEIGHT = 100.0
"""How many customers the first guess of the sequential test weighs: a larger one finds small departures sooner."""


def mismatch(counts: npt.ArrayLike, shares: npt.ArrayLike) -> float:
    """The chance of a split as far from the planned one as this: the chi-square test, for one look.

    Parameters
    ----------
    counts : (k,) customers of each arm.
    shares : (k,) planned, > 0; they need not add up to 1.

    Raises
    ------
    InputError
        If there are fewer than two arms, not as many of both, or a share is not above 0.

    Source
    ------
    Fabijan and others (2019), Diagnosing Sample Ratio Mismatch in Online Controlled Experiments, section 2: 821,588
    and 815,482 of an even split.

    Examples
    --------
    >>> f"{mismatch([821588, 815482], [1, 1]):.1e}"
    '1.8e-06'
    """
    seen, planned = _checked(counts, shares)
    if not seen.sum():
        return 1.0
    return float(stats.chisquare(seen, planned * seen.sum()).pvalue)


def sequential_mismatch(counts: npt.ArrayLike, shares: npt.ArrayLike) -> float:
    """The same, right whenever and however often it is asked.

    Source
    ------
    Lindon and Malek (2022), Anytime-Valid Inference for Multinomial Count Data, section 3: the Dirichlet mixture.

    Examples
    --------
    >>> sequential_mismatch([500, 500], [1, 1]), sequential_mismatch([600, 400], [1, 1]) < 0.001
    (1.0, True)
    """
    seen, planned = _checked(counts, shares)
    guess = WEIGHT * planned
    log_odds = special.gammaln(WEIGHT) - special.gammaln(WEIGHT + seen.sum())
    log_odds += (special.gammaln(guess + seen) - special.gammaln(guess) - seen * np.log(planned)).sum()
    return float(np.exp(-max(log_odds, 0.0)))


def unsteadiness(counts: npt.ArrayLike) -> float:
    """The chance that the split changed as much as this over time by luck; one look.

    Arms whose shares change while a test runs are made of different days: whatever differs between days then looks like
    an effect.

    Parameters
    ----------
    counts : (days, k) customers of each arm; days and arms without any are left out.

    Examples
    --------
    >>> unsteadiness([[50, 50], [50, 50]]), unsteadiness([[90, 10], [50, 50]]) < 0.001
    (1.0, True)
    """
    table = np.asarray(counts, float)
    table = table[table.sum(1) > 0]
    table = table[:, table.sum(0) > 0]
    if min(table.shape) < 2:
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _checked(counts: npt.ArrayLike, shares: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    seen, planned = np.asarray(counts, float), np.asarray(shares, float)
    if len(seen) < 2 or seen.shape != planned.shape or not (planned > 0).all():
        raise InputError(
            f"{len(seen)} arms with shares {planned.tolist()}: two or more are expected, each with a share above 0."
        )
    return seen, planned / planned.sum()
