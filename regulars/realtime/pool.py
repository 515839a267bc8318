"""Many short lists of numbers that grow, in one array: blocks of 4, 8, 16, ... places, freed ones used again.

Compiled, for each event lengthens a few of a million lists.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
LEAST = 4
CLASSES = 12
"""The largest block has 4 x 2**11 places."""
END = 0
"""Place in `free` of where the unused part of the array begins; the others are heads of chains of freed blocks."""


def empty() -> tuple[Ints, Ints]:
    """The array, and what is free of it."""
    free = np.full(CLASSES + 1, -1, np.int64)
    free[END] = 0
    return np.zeros(1 << 12, np.int64), free


def with_room(pool: Ints, free: Ints, places: int) -> Ints:
    """The array, longer if so many more places would not fit."""
    if free[END] + places <= len(pool):
        return pool
    grown = np.zeros(max(2 * len(pool), int(free[END]) + places), np.int64)
    grown[: len(pool)] = pool
    return grown


@numba.njit(cache=True)
def class_of(size: int) -> int:
    """Which class blocks of a size belong to, from 1."""
    number, places = 1, LEAST
    while places < size:
        places *= 2
        number += 1
    return number


@numba.njit(cache=True)
def taken(pool: Ints, free: Ints, size: int) -> int:
    """Where a block begins that is now in use."""
    number = class_of(size)
    head = free[number]
    if head >= 0:
        free[number] = pool[head]
        return int(head)
    start = free[END]
    free[END] = start + size
    return int(start)


@numba.njit(cache=True)
def released(pool: Ints, free: Ints, start: int, size: int) -> None:
    """Let a block be used by others."""
    number = class_of(size)
    pool[start] = free[number]
    free[number] = start


@numba.njit(cache=True)
def longer(pool: Ints, free: Ints, starts: Ints, sizes: Ints, k: int, most: int) -> None:
    """Give list k a block of twice the places, or its first; its numbers move along."""
    size = sizes[k]
    grown = min(max(LEAST, 2 * size), most)
    start = taken(pool, free, grown)
    for j in range(size):
        pool[start + j] = pool[starts[k] + j]
    if size:
        released(pool, free, starts[k], size)
    starts[k] = start
    sizes[k] = grown
