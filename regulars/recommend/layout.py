"""How a list is laid out: caps by group, unlike products beside each other, places for what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from regulars.recommend.candidates import Floats, Ints

Allowed = npt.NDArray[np.bool_]


def with_new(found: Ints, wide: Ints, is_new: Allowed, places: int) -> Ints:
    """Lists in which so many places, the last ones, are of new products, as far as there are any.

    Parameters
    ----------
    found, wide : (n, k), (n, m) the lists, and more products in their order; 0 where there is none.
    is_new : (products + 1,)

    Examples
    --------
    >>> is_new = np.array([False, False, False, False, True, True])
    >>> with_new(np.array([[1, 2, 3], [4, 1, 2]]), np.array([[1, 2, 3, 4, 5], [4, 1, 2, 5, 3]]), is_new, 1).tolist()
    [[1, 2, 4], [4, 1, 2]]
    """
    width = len(is_new)
    row = np.arange(len(found))[:, None] * width
    others = np.where(is_new[wide] & (wide > 0) & ~np.isin(row + wide, row + found), wide, 0)
    others = np.take_along_axis(others, np.argsort(others == 0, axis=1, kind="stable"), 1)[:, :places]
    lacking = np.minimum(places - np.minimum(is_new[found].sum(axis=1), places), (others > 0).sum(axis=1))
    # The last products that are not new give way, the very last to the least likely of the new ones.
    gives_way = ~is_new[found]
    from_end = np.cumsum(gives_way[:, ::-1], axis=1)[:, ::-1]
    is_given = gives_way & (from_end <= lacking[:, None])
    which = np.maximum(np.cumsum(is_given, axis=1) - 1, 0)
    given = np.take_along_axis(others, np.minimum(which, others.shape[1] - 1), 1) if others.shape[1] else found
    return np.where(is_given, given, found)


def lifted(products: Ints, lift: Ints) -> Ints:
    """Products in their order, some further up; of two at one place the one that was lifted stands first.

    Parameters
    ----------
    products : (n, m) the best first, 0 where there is none.
    lift : (products + 1,) by how many places.

    Examples
    --------
    >>> lifted(np.array([[1, 2, 3, 4, 0], [4, 3, 1, 2, 0]]), np.array([0, 0, 0, 0, 2])).tolist()
    [[1, 4, 2, 3, 0], [4, 3, 1, 2, 0]]
    """
    if not lift.any():
        return products
    up = lift[products]
    place = np.arange(products.shape[1]) - up - (up > 0) / 2
    return np.take_along_axis(products, np.argsort(place, axis=1, kind="stable"), 1)


@dataclass(frozen=True)
class Caps:
    """How many of a group a list may hold.

    Attributes
    ----------
    group : (c, products + 1) of which group each product is, -1 for none.
    most : (c,)
    """

    group: Ints
    most: Ints

    @classmethod
    def of(cls, caps: Sequence[tuple[Ints, int]] = ()) -> Caps:
        """From the groups, and the most of each, of every kind of group."""
        group = np.stack([group for group, _ in caps]) if caps else np.zeros((0, 0), np.int64)
        return cls(group, np.array([most for _, most in caps], np.int64))


def arranged(products: Ints, k: int, vectors: Floats, caps: Caps, diversity: float = 0.0) -> Ints:
    """The k best of more products: relevant, unlike each other, and no group too often.

    Parameters
    ----------
    products : (n, m) the best first, 0 where there is none; no product twice in a row.
    vectors : (products + 1, d) of length 1 or 0.
    diversity : 0 goes by relevance alone, 1 by unlikeness alone.

    Source
    ------
    Carbonell and Goldstein (1998), The Use of MMR: each next product is the one with the most of
    (1 - diversity) relevance - diversity (likeness to the most alike of those chosen). Relevance is that of a place,
    1 / log2(place + 1).

    Examples
    --------
    Products 1 and 2 are alike; of one group there may be one:

    >>> vectors = np.array([[0, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    >>> arranged(np.array([[1, 2, 3]]), 2, vectors, Caps.of(), diversity=0.5).tolist()
    [[1, 3]]
    >>> arranged(np.array([[1, 2, 3]]), 3, vectors, Caps.of([(np.array([-1, 7, 7, 8]), 1)])).tolist()
    [[1, 3, 0]]
    """
    found: Ints = _arranged(products, k, vectors, caps.group, caps.most, diversity)
    return found


@numba.njit(cache=True, nogil=True)
def _arranged(products: Any, k: int, vectors: Any, group: Any, most: Any, diversity: float) -> Any:
    count, width = products.shape
    found = np.zeros((count, k), np.int64)
    relevance = 1 / np.log2(np.arange(2.0, width + 2))
    for row in range(count):
        alike, is_free = np.zeros(width), products[row] > 0
        for place in range(min(k, width)):
            best, value = -1, -np.inf
            for other in range(width):
                if is_free[other]:
                    worth = (1 - diversity) * relevance[other] - diversity * alike[other]
                    if worth > value:
                        best, value = other, worth
            if best < 0:
                break
            chosen = products[row, best]
            found[row, place] = chosen
            is_free[best] = False
            if diversity:
                for other in range(width):
                    if is_free[other]:
                        likeness = _inner(vectors[products[row, other]], vectors[chosen])
                        alike[other] = likeness if place == 0 else max(alike[other], likeness)
            _bar(products[row], found[row, : place + 1], group, most, is_free)
    return found


@numba.njit(cache=True, nogil=True)
def _bar(products: Any, chosen: Any, group: Any, most: Any, is_free: Any) -> None:
    """Bar what is of a group of which, with the last that was chosen, there is enough."""
    for cap in range(len(most)):
        kind = group[cap, chosen[-1]]
        used = 0
        for product in chosen:
            used += group[cap, product] == kind
        if kind >= 0 and used >= most[cap]:
            for place in range(len(products)):
                is_free[place] &= group[cap, products[place]] != kind


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _inner(one: Any, other: Any) -> Any:
    """Their inner product, in whichever order of the sum is fastest."""
    found = np.float32(0)
    for place in range(len(one)):
        found += one[place] * other[place]
    return found
