"""How sure is a share that was counted?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.evaluation.ties import Floats

_Z_95 = 1.959963984540054


def wilson_interval(hits: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Between which shares lies the truth, with 95 %, when `hits` of `n` were seen?

    Stays inside [0, 1] and is never of zero width, so 0 of 10 does not claim to be certain.

    Parameters
    ----------
    hits, n : (k,) float, 0 <= hits <= n, n > 0
        How many had it; how many there were.

    Returns
    -------
    low, high : (k,) float in [0, 1]

    Examples
    --------
    >>> low, high = wilson_interval([0, 5], [10, 10])
    >>> low.round(3), high.round(3)
    (array([0.   , 0.237]), array([0.278, 0.763]))
    """
    hits, n = np.asarray(hits, dtype=np.float64), np.asarray(n, dtype=np.float64)
    share = hits / n
    shrunk = 1 + _Z_95**2 / n
    middle = (share + _Z_95**2 / (2 * n)) / shrunk
    half = _Z_95 / shrunk * np.sqrt(share * (1 - share) / n + _Z_95**2 / (4 * n**2))
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
