"""Products that may be shown to customers, each with the scores of the sources that named it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

BLOCK_CELLS = 1 << 23
"""Scores held at once: 32 MiB."""


@dataclass(frozen=True)
class Top:
    """The best products by one source, for each of some customers.

    Attributes
    ----------
    products : (n, k) numbers, the best first; 0 where the source has no more to name.
    scores : (n, k) falling; -inf where there is no product.
    """

    products: Ints
    scores: Floats

    @classmethod
    def of_scores(cls, scores: Floats, k: int) -> Top:
        """From the scores (n, products + 1) of all; -inf is never named.

        >>> found = Top.of_scores(np.array([[-np.inf, 1, 3, -np.inf]], np.float32), 3)
        >>> found.products.tolist(), found.scores.tolist()
        ([[2, 1, 0]], [[3.0, 1.0, -inf]])
        """
        k = min(k, scores.shape[1])
        some = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(scores, some, 1)
        # Among equals the lower number: the same log gives the same list.
        order = np.lexsort((some, -values), axis=1)
        products = np.take_along_axis(some, order, 1).astype(np.int64)
        values = np.take_along_axis(values, order, 1).astype(np.float32)
        products[values == -np.inf] = 0
        return cls(products, values)

    @classmethod
    def by_block(cls, score: Callable[[slice], Floats], customers: int, products: int, k: int) -> Top:
        """From scores (block, products + 1) of some customers at a time: of all there would be too many."""
        size = max(BLOCK_CELLS // (products + 1), 1)
        k = min(k, products + 1)
        named, values = np.zeros((customers, k), np.int64), np.full((customers, k), -np.inf, np.float32)
        for low in range(0, customers, size):
            part = slice(low, min(low + size, customers))
            found = cls.of_scores(score(part), k)
            named[part], values[part] = found.products, found.scores
        return cls(named, values)

    @classmethod
    def of_sparse(cls, scores: sp.csr_matrix, k: int, allowed: npt.NDArray[np.bool_] | None = None) -> Top:
        """From scores most of which are 0; only those above 0 are named, of products (products + 1,) that may be."""
        scores = scores.tocsr()
        scores.sort_indices()
        values = scores.data.astype(np.float32)
        if allowed is not None:
            values *= allowed[scores.indices]
        return cls(*_best_of_rows(scores.indptr, scores.indices, values, k))


@dataclass(frozen=True)
class Candidates:
    """All that the sources named, each product once a customer.

    Attributes
    ----------
    customer, product : (m,) by customer, then by product.
    starts : (n + 1,) those of customer k are from starts[k] to starts[k + 1].
    scores : (m, s) of each source, NaN where it did not name the product.
    places : (m, s) 1 / its place in the source's list, 0 where it did not.
    """

    customer: Ints
    product: Ints
    starts: Ints
    scores: Floats
    places: Floats

    @classmethod
    def of(cls, tops: Sequence[Top], customers: int) -> Candidates:
        """From what each source names for the same customers.

        >>> one = Top(np.array([[2, 1]]), np.array([[0.9, 0.5]], np.float32))
        >>> other = Top(np.array([[2, 0]]), np.array([[7, -np.inf]], np.float32))
        >>> found = Candidates.of([one, other], 1)
        >>> found.product.tolist(), found.places.tolist()
        ([1, 2], [[0.5, 0.0], [1.0, 1.0]])
        """
        width = max((int(top.products.max(initial=0)) for top in tops), default=0) + 1
        keys, sources, scores, places = [], [], [], []
        for number, top in enumerate(tops):
            is_named = top.products > 0
            row = np.nonzero(is_named)[0]
            keys.append(row * width + top.products[is_named])
            sources.append(np.full(len(row), number))
            scores.append(top.scores[is_named])
            place = np.broadcast_to(1 / np.arange(1, top.products.shape[1] + 1, dtype=np.float32), top.products.shape)
            places.append(place[is_named])
        key, back = np.unique(np.concatenate(keys), return_inverse=True)
        at = back, np.concatenate(sources)
        all_scores = np.full((len(key), len(tops)), np.nan, np.float32)
        all_places = np.zeros((len(key), len(tops)), np.float32)
        all_scores[at], all_places[at] = np.concatenate(scores), np.concatenate(places)
        customer = key // width
        starts = np.searchsorted(customer, np.arange(customers + 1))
        return cls(customer, key % width, starts, all_scores, all_places)

    def where(self, keep: npt.NDArray[np.bool_]) -> Candidates:
        """Only some of them; every customer stays, if with none."""
        starts = np.searchsorted(self.customer[keep], np.arange(len(self.starts)))
        return Candidates(self.customer[keep], self.product[keep], starts, self.scores[keep], self.places[keep])


@numba.njit(cache=True)
def _best_of_rows(starts: Ints, columns: Ints, values: Floats, k: int) -> tuple[Ints, Floats]:
    count = len(starts) - 1
    products = np.zeros((count, k), np.int64)
    scores = np.full((count, k), -np.inf, np.float32)
    for row in range(count):
        low = starts[row]
        part = values[low : starts[row + 1]]
        # Stable, so that of equals the lower number comes first.
        order = np.argsort(-part, kind="mergesort")[:k]
        for place in range(len(order)):
            if part[order[place]] <= 0:
                break
            products[row, place] = columns[low + order[place]]
            scores[row, place] = part[order[place]]
    return products, scores
