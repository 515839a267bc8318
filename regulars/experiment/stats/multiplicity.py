"""Many comparisons at once: what may still be called found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.experiment.stats.moments import Floats


def holm(p_values: npt.ArrayLike) -> Floats:
    """P-values of which each may be read by itself: the chance of one false finding or more stays below the level.

    Parameters
    ----------
    p_values : (m,) in [0, 1].

    Raises
    ------
    InputError
        If one is outside [0, 1].

    Source
    ------
    Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.06, 0.06])
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    found = np.empty(len(p))
    found[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return found


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """P-values adjusted so that of what is found below a level no larger a share is false, on average.

    For independent comparisons, and for those that lean the same way.

    Parameters, errors: see `holm`.

    Source
    ------
    Benjamini and Hochberg (1995), Controlling the False Discovery Rate.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.04, 0.04])
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")[::-1]
    found = np.empty(len(p))
    found[order] = np.minimum(np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1)), 1)
    return found


def e_benjamini_hochberg(e_values: npt.ArrayLike, alpha: float = 0.05) -> npt.NDArray[np.bool_]:
    """What is found by e-values, at whatever time and however they depend on each other.

    Parameters
    ----------
    e_values : (m,) >= 0.
    alpha : the largest share of false ones among what is found, on average.

    Returns
    -------
    (m,) whether each is found.

    Source
    ------
    Wang and Ramdas (2022), False Discovery Rate Control with E-values, section 4.

    Examples
    --------
    >>> e_benjamini_hochberg([100.0, 31.0, 2.0]).tolist()
    [True, True, False]
    """
    e = np.asarray(e_values, float)
    if not (e >= 0).all():
        raise InputError(f"{e[~(e >= 0)][0]} is no e-value: 0 or more is expected.")
    order = np.argsort(-e, kind="stable")
    enough = e[order] * np.arange(1, len(e) + 1) >= len(e) / alpha
    kept = int(np.flatnonzero(enough)[-1]) + 1 if enough.any() else 0
    found = np.zeros(len(e), bool)
    found[order[:kept]] = True
    return found


def _checked(p_values: npt.ArrayLike) -> Floats:
    p = np.asarray(p_values, float)
    is_right = (p >= 0) & (p <= 1)
    if not is_right.all():
        raise InputError(f"{p[~is_right][0]} is no p-value: a number from 0 to 1 is expected.")
    return p
