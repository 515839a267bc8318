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

    def room(self, chosen: Ints, products: Ints) -> Allowed:
        """(n, m) whether each of some products may stand in a list (n, k) beside those chosen, 0 for none.

        >>> Caps.of([(np.array([-1, 7, 7, 8]), 1)]).room(np.array([[1, 0]]), np.array([[2, 3]])).tolist()
        [[False, True]]
        """
        found: Allowed = _room(chosen, products, self.group, self.most)
        return found


def arranged(
    products: Ints,
    k: int,
    vectors: Floats,
    caps: Caps,
    diversity: float = 0.0,
    *,
    pinned: int = 0,
    is_new: Allowed | None = None,
    fresh: int = 0,
) -> Ints:
    """The k best of more products: relevant, unlike each other, no group too often, and some of them new.

    Parameters
    ----------
    products : (n, m) the best first, 0 where there is none; no product twice in a row.
    vectors : (products + 1, d) of length 1 or 0.
    diversity : 0 goes by relevance alone, 1 by unlikeness alone.
    pinned : so many stand first whatever else holds; of their groups there is room for fewer others.
    is_new : (products + 1,); fresh : so many places, the last ones, are of new products, as far as there are any.

    Source
    ------
    Carbonell and Goldstein (1998), The Use of MMR: each next product is the one with the most of
    (1 - diversity) relevance - diversity (likeness to the most alike of those chosen). Relevance is that of a place,
    1 / log2(place + 1).

    Examples
    --------
    Products 1 and 2 are alike; of one group there may be one; 3 is new:

    >>> vectors = np.array([[0, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    >>> arranged(np.array([[1, 2, 3]]), 2, vectors, Caps.of(), diversity=0.5).tolist()
    [[1, 3]]
    >>> arranged(np.array([[1, 2, 3]]), 3, vectors, Caps.of([(np.array([-1, 7, 7, 8]), 1)])).tolist()
    [[1, 3, 0]]
    >>> arranged(np.array([[1, 2, 3]]), 2, vectors, Caps.of(), is_new=np.arange(4) == 3, fresh=1).tolist()
    [[1, 3]]
    """
    if is_new is None:
        is_new = np.zeros(len(vectors), bool)
    found: Ints = _arranged(products, k, vectors, caps.group, caps.most, diversity, pinned, is_new, fresh)
    return found


@numba.njit(cache=True, nogil=True)
def _arranged(
    products: Any, k: int, vectors: Any, group: Any, most: Any, diversity: float, pinned: int, is_new: Any, fresh: int
) -> Any:
    count, width = products.shape
    found = np.zeros((count, k), np.int64)
    relevance = 1 / np.log2(np.arange(2.0, width + 2))
    for row in range(count):
        alike, is_free, lacking = np.zeros(width), products[row] > 0, fresh
        for place in range(min(k, width)):
            new = 0
            if lacking > 0:
                for other in range(width):
                    new += is_free[other] and is_new[products[row, other]]
            kept = min(lacking, new)
            best, value = -1, -np.inf
            for other in range(width):
                if is_free[other] and (k - place > kept or is_new[products[row, other]]):
                    worth = (1 - diversity) * relevance[other] - diversity * alike[other]
                    if worth > value:
                        best, value = other, worth
            if place < pinned:
                best = place
            if best < 0:
                break
            chosen = products[row, best]
            found[row, place] = chosen
            is_free[best] = False
            lacking -= is_new[chosen]
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


@numba.njit(cache=True, nogil=True)
def has_room(product: Any, chosen: Any, group: Any, most: Any) -> Any:
    """Whether no group of a product has its most among those chosen, 0 for none."""
    for cap in range(len(most)):
        kind, used = group[cap, product], 0
        for other in chosen:
            used += group[cap, other] == kind
        if kind >= 0 and used >= most[cap]:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _room(chosen: Any, products: Any, group: Any, most: Any) -> Any:
    found = np.ones(products.shape, np.bool_)
    if len(most):
        for row in range(len(products)):
            for place in range(products.shape[1]):
                found[row, place] = has_room(products[row, place], chosen[row], group, most)
    return found
