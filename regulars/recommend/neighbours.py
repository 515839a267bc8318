"""The products whose vectors have the largest inner product with a customer's: exact of few, by an index of many."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import faiss as untyped_faiss
import numpy as np
import numpy.typing as npt

from regulars.recommend.candidates import Floats, Ints, Top

faiss: Any = untyped_faiss  # its hints know the names of C++ alone
EXACT_BELOW = 50_000
"""Up to so many products all inner products are computed."""
CELLS = 2_048
"""The vectors of many are sorted into so many cells by nearness, once; then only some are looked into."""
LEARNED_FROM = 40
"""Vectors a cell, drawn to find the cells."""
LOOKED_INTO = 48
BLOCK = 1_024


class Neighbours:
    """Products by their vectors.

    Parameters
    ----------
    vectors : (products + 1, d); row 0 is of no product.

    Source
    ------
    An inverted file, as FAISS has it: Jégou, Douze and Schmid (2011), Product Quantization for Nearest Neighbor Search,
    section 4; vectors are kept whole, with half the bits.

    Examples
    --------
    >>> found = Neighbours(np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32))
    >>> found.top(np.array([[1, 0.5]], np.float32), 2, np.array([False, True, True, True])).products.tolist()
    [[3, 1]]
    """

    def __init__(self, vectors: Floats) -> None:
        self.vectors = np.ascontiguousarray(vectors, np.float32)

    def top(self, asked: Floats, k: int, allowed: npt.NDArray[np.bool_]) -> Top:
        """The best k products for each of (n, d) vectors; none for one of which all is 0.

        Parameters
        ----------
        allowed : (products + 1,) which may be named. Of few that are, all are compared.
        """
        is_known = np.abs(asked).sum(axis=1) > 0
        if not self.vectors.shape[1] or not is_known.any():
            return Top(np.zeros((len(asked), 1), np.int64), np.full((len(asked), 1), -np.inf, np.float32))
        some = np.flatnonzero(allowed)
        if len(self.vectors) <= EXACT_BELOW:
            return self._exact(asked, k, allowed, is_known)
        if len(some) <= EXACT_BELOW:
            part = Neighbours(np.vstack([self.vectors[:1], self.vectors[some]]))
            found = part._exact(asked, k, np.arange(len(some) + 1) > 0, is_known)
            return Top(np.append(0, some)[found.products], found.scores)
        return self._by_index(asked, k, allowed, is_known)

    def _exact(self, asked: Floats, k: int, allowed: npt.NDArray[np.bool_], is_known: npt.NDArray[np.bool_]) -> Top:
        def score(part: slice) -> Floats:
            scores: Floats = asked[part] @ self.vectors.T
            scores[:, ~allowed] = -np.inf
            scores[~is_known[part]] = -np.inf
            return scores

        return Top.by_block(score, len(asked), len(self.vectors) - 1, k)

    def _by_index(self, asked: Floats, k: int, allowed: npt.NDArray[np.bool_], is_known: npt.NDArray[np.bool_]) -> Top:
        is_named = np.packbits(allowed, bitorder="little")
        chosen = faiss.SearchParametersIVF(nprobe=LOOKED_INTO, sel=faiss.IDSelectorBitmap(is_named))
        scores, products = self._index.search(np.ascontiguousarray(asked, np.float32), k, params=chosen)
        none = (products < 0) | ~is_known[:, None]
        return Top(np.where(none, 0, products), np.where(none, -np.inf, scores).astype(np.float32))

    @cached_property
    def _index(self) -> Any:
        count, dimensions = self.vectors.shape
        rng = np.random.default_rng(0)
        drawn: Ints = rng.choice(count, min(CELLS * LEARNED_FROM, count), replace=False)
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dimensions), dimensions, CELLS, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        index.train(self.vectors[drawn])
        index.add(self.vectors)
        return index
