"""Contexts as they are given, as a table of numbers: refused in words where they are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError


def as_contexts(given: npt.ArrayLike | Sequence[npt.ArrayLike], count: int, features: int) -> npt.NDArray[np.float64]:
    """(count, features) numbers.

    Raises
    ------
    InputError
        If there is something else than a finite number in it, or not as many as expected.

    Examples
    --------
    >>> as_contexts([[0.5, 1], [2, 0]], 2, 2).shape
    (2, 2)
    >>> as_contexts([["phone", 1]], 1, 2)
    Traceback (most recent call last):
        ...
    regulars.errors.InputError: contexts: numbers are expected, not [['phone', 1]].
    """
    try:
        rows = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"contexts: numbers are expected, not {given!s:.80}.") from None
    if rows.shape != (count, features) or not np.isfinite(rows).all():
        raise InputError(f"contexts of shape {rows.shape}: ({count}, {features}), all finite, is expected.")
    return rows
