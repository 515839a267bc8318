"""What the log has already: identities told apart by their keys, sameness by a hash of their content."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

LOW = np.uint64((1 << 20) - 1)
FEW = 1 << 18


def in_sorted(values: Hashes, ordered: Hashes) -> Mask:
    """Which values are among `ordered` (ascending)?

    >>> in_sorted(np.array([3, 9], np.uint64), np.array([1, 3, 5], np.uint64))
    array([ True, False])
    """
    found = np.zeros(len(values), bool)
    if not len(ordered):
        return found
    if len(ordered) <= FEW:
        # Nearly all values are ruled out by a look into a table over their low bits, which fits
        # the cache; only the rest is searched for.
        table = np.zeros(1 << 20, bool)
        table[ordered & LOW] = True
        rows = np.flatnonzero(table[values & LOW])
    else:
        # Searching in order walks through memory instead of jumping about in it.
        rows = np.argsort(values)
    wanted = values[rows]
    found[rows] = ordered[np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)] == wanted
    return found


def repeated(keys: Hashes) -> Hashes:
    """The keys that stand more than once, each once, ascending.

    >>> repeated(np.array([4, 2, 4, 4], np.uint64))
    array([4], dtype=uint64)
    """
    ordered = np.sort(keys)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def repeats(keys: Hashes, content: Hashes) -> tuple[Mask, Hashes]:
    """Which rows bear a key that an earlier row has, and the content of the first row of each row's key.

    >>> repeats(np.array([1, 1, 2, 1], np.uint64), np.array([10, 10, 20, 11], np.uint64))
    (array([False,  True, False,  True]), array([10, 10, 20, 10], dtype=uint64))
    """
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    earliest = first[group]
    is_repeat: Mask = earliest != np.arange(len(keys))
    return is_repeat, content[earliest]


def concatenate(arrays: list[Hashes]) -> Hashes:
    """All keys of a change in one array."""
    return np.concatenate(arrays) if arrays else np.empty(0, np.uint64)
