"""Who is shown no ad: who objected, is no known adult, complained, is suspected of fraud, has
ordered lately, or has what is advertised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Flags = npt.NDArray[np.bool_]

REASONS = {
    "objected": "objected to ads or profiling, or took consent back",
    "minor": "is not of age: no profiling for ads",
    "complained": "complained lately",
    "fraud": "is suspected of fraud",
    "bought": "ordered lately",
    "has": "bought what is advertised already",
}
"""In the order in which they are told: what the law forbids comes first."""


def excluded(count: int, flags: Mapping[str, npt.ArrayLike]) -> tuple[Flags, list[str | None]]:
    """Who must not be shown an ad, and the first reason why.

    Parameters
    ----------
    count : customers.
    flags : by name of a reason, (count,) truth values; what is not known of a customer must be said as True for
        "objected" and "minor", where the law asks for the strictest.

    Returns
    -------
    (count,) truth values, and (count,) reasons, None for who may be shown.

    Examples
    --------
    >>> excluded(3, {"bought": [True, False, True], "objected": [True, False, False]})[1]
    ['objected to ads or profiling, or took consent back', None, 'ordered lately']
    """
    unknown = [name for name in flags if name not in REASONS]
    if unknown:
        raise InputError(f"there is no exclusion {', '.join(unknown)}. There are: {', '.join(REASONS)}.")
    why: list[str | None] = [None] * count
    found = np.zeros(count, bool)
    for name, said in REASONS.items():
        if name not in flags:
            continue
        flag = np.asarray(flags[name], bool)
        if flag.shape != (count,):
            raise InputError(f"{name} has the shape {flag.shape}: ({count},), one for each customer, is expected.")
        for place in np.flatnonzero(flag & ~found).tolist():
            why[place] = said
        found |= flag
    return found, why


def all_of(customers: Sequence[str], ids: npt.ArrayLike) -> Flags:
    """(n,) which customers are among some ids.

    >>> all_of(["ada", "bob"], ["bob"]).tolist()
    [False, True]
    """
    return np.isin(np.asarray(customers, object).astype(str), np.asarray(ids, object).astype(str))
