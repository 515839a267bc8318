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
        if allowed is None:
            allowed = np.ones(scores.shape[1], bool)
        return cls(*_best_of_rows(scores.indptr, scores.indices, scores.data.astype(np.float32), allowed, k))

    @classmethod
    def of_product(cls, asked: sp.csr_matrix, near: sp.csr_matrix, k: int, allowed: npt.NDArray[np.bool_]) -> Top:
        """The same of asked (n, products + 1) @ near (products + 1, products + 1), which is not made."""
        parts = (asked.indptr, asked.indices, asked.data, near.indptr, near.indices, near.data)
        return cls(*_best_of_product(*parts, allowed, k))


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
    def of(cls, tops: Sequence[Top]) -> Candidates:
        """From what each source names for the same customers.

        >>> one = Top(np.array([[2, 1]]), np.array([[0.9, 0.5]], np.float32))
        >>> other = Top(np.array([[2, 0]]), np.array([[7, -np.inf]], np.float32))
        >>> found = Candidates.of([one, other])
        >>> found.product.tolist(), found.places.tolist()
        ([1, 2], [[0.5, 0.0], [1.0, 1.0]])
        """
        widths = [top.products.shape[1] for top in tops]
        source = np.repeat(np.arange(len(tops)), widths)
        place = np.concatenate([1 / np.arange(1, width + 1, dtype=np.float32) for width in widths])
        products = np.hstack([top.products for top in tops])
        scores = np.hstack([top.scores for top in tops])
        return cls(*_merged(products, scores, source, place, len(tops)))

    def where(self, keep: npt.NDArray[np.bool_]) -> Candidates:
        """Only some of them; every customer stays, if with none."""
        starts = np.searchsorted(self.customer[keep], np.arange(len(self.starts)))
        return Candidates(self.customer[keep], self.product[keep], starts, self.scores[keep], self.places[keep])

    def order(self, scores: Floats) -> Ints:
        """(m,) the candidates by customer, those with the highest scores first; of equals the lower number first."""
        return _order(self.starts, scores)


@numba.njit(cache=True, nogil=True)
def _order(starts: Ints, scores: Floats) -> Ints:
    found = np.empty(len(scores), np.int64)
    for row in range(len(starts) - 1):
        low, high = starts[row], starts[row + 1]
        found[low:high] = low + np.argsort(-scores[low:high], kind="mergesort")
    return found


@numba.njit(cache=True, nogil=True)
def _merged(
    products: Ints, scores: Floats, source: Ints, place: Floats, sources: int
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """The attributes of `Candidates`, from (n, w) products and scores, and (w,) source and place of each column."""
    customers, width = products.shape
    starts = np.zeros(customers + 1, np.int64)
    keys = np.empty((customers, width), np.int64)
    counts = np.empty(customers, np.int64)
    for row in range(customers):
        count = 0
        for column in range(width):
            if products[row, column] > 0:
                keys[row, count] = products[row, column] * width + column
                count += 1
        keys[row, :count].sort()
        distinct, last = 0, -1
        for k in range(count):
            distinct += keys[row, k] // width != last
            last = keys[row, k] // width
        counts[row] = count
        starts[row + 1] = starts[row] + distinct
    customer, product = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.int64)
    all_scores = np.full((starts[-1], sources), np.nan, np.float32)
    places = np.zeros((starts[-1], sources), np.float32)
    for row in range(customers):
        at = starts[row] - 1
        last = -1
        for k in range(counts[row]):
            named, column = keys[row, k] // width, keys[row, k] % width
            if named != last:
                at += 1
                last = named
                customer[at], product[at] = row, named
            all_scores[at, source[column]] = scores[row, column]
            places[at, source[column]] = place[column]
    return customer, product, starts, all_scores, places


@numba.njit(cache=True, nogil=True)
def _best(columns: Ints, values: Floats, k: int, products: Ints, scores: Floats) -> None:
    """Write the k columns with the highest values, falling, into rows; of equals the lower column first."""
    k = min(k, len(values))
    if not k:
        return
    limit = np.partition(values, len(values) - k)[len(values) - k]
    above = np.flatnonzero(values > limit)
    equal = np.sort(columns[values == limit])[: k - len(above)]
    some = np.concatenate((columns[above], equal))
    worth = np.concatenate((values[above], np.full(len(equal), limit, values.dtype)))
    by_column = np.argsort(some)
    some, worth = some[by_column], worth[by_column]
    order = np.argsort(-worth, kind="mergesort")
    products[:k], scores[:k] = some[order], worth[order]


@numba.njit(cache=True, nogil=True)
def _best_of_rows(
    starts: Ints, columns: Ints, values: Floats, allowed: npt.NDArray[np.bool_], k: int
) -> tuple[Ints, Floats]:
    count = len(starts) - 1
    products = np.zeros((count, k), np.int64)
    scores = np.full((count, k), -np.inf, np.float32)
    for row in range(count):
        some = columns[starts[row] : starts[row + 1]]
        value = values[starts[row] : starts[row + 1]]
        keep = (value > 0) & allowed[some]
        _best(some[keep].astype(np.int64), value[keep], k, products[row], scores[row])
    return products, scores


@numba.njit(cache=True, nogil=True)
def _best_of_product(
    starts: Ints, items: Ints, weights: Floats, rows: Ints, columns: Ints, values: Floats,
    allowed: npt.NDArray[np.bool_], k: int,
) -> tuple[Ints, Floats]:  # fmt: skip
    """Sums are kept by hashing, for few products are met: the time does not grow with how many there are."""
    count = len(starts) - 1
    products = np.zeros((count, k), np.int64)
    scores = np.full((count, k), -np.inf, np.float32)
    met = np.zeros(count, np.int64)
    for row in range(count):
        for item in items[starts[row] : starts[row + 1]]:
            met[row] += rows[item + 1] - rows[item]
    most = met.max() if count else 0
    size = 1
    while size < 2 * most:
        size *= 2
    keys, sums = np.full(size, -1, np.int64), np.zeros(size, np.float32)
    some, value, slots = np.empty(most, np.int64), np.empty(most, np.float32), np.empty(most, np.int64)
    for row in range(count):
        size = 1
        while size < 2 * met[row]:
            size *= 2
        found = 0
        for at in range(starts[row], starts[row + 1]):
            for near in range(rows[items[at]], rows[items[at] + 1]):
                column = np.int64(columns[near])
                if not allowed[column]:
                    continue
                slot = (column * 2654435761) & (size - 1)
                while keys[slot] != -1 and keys[slot] != column:
                    slot = (slot + 1) & (size - 1)
                if keys[slot] == -1:
                    keys[slot], sums[slot] = column, 0
                    some[found], slots[found] = column, slot
                    found += 1
                sums[slot] += weights[at] * values[near]
        for place in range(found):
            value[place] = sums[slots[place]]
            keys[slots[place]] = -1
        _best(some[:found], value[:found], k, products[row], scores[row])
    return products, scores
