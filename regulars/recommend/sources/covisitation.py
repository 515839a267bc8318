"""What others took up who took up the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from regulars.recommend.candidates import Top
from regulars.recommend.past import Past
from regulars.recommend.sources.source import Allowed, Arrays

LEARNED_HALF_LIFE_DAYS = 180.0
ASKED_HALF_LIFE_DAYS = 60.0
NEIGHBOURS = 200
SHRINKAGE = 10.0
"""So much is added to the size of each product, so that two that met once by chance are not taken for alike."""


@dataclass(frozen=True)
class Covisitation:
    """Products near those of the customer's past: near is what the same customers took up.

    Source
    ------
    Cosine of the columns of customers by products with the weights of BM25 left out and shrinkage added; recent
    events count more, in learning and in asking (Ludewig and Jannach, 2018, Evaluation of session-based
    recommendation algorithms, section 3.1, for the decay).

    Attributes
    ----------
    near : (products + 1, products + 1) to each product the most similar others; no product is near itself.
    """

    near: sp.csr_matrix
    name: ClassVar[str] = "covisitation"

    @classmethod
    def fit(cls, past: Past) -> Covisitation:
        """Count who had what, and compare."""
        had = past.matrix(LEARNED_HALF_LIFE_DAYS).sqrt()
        lengths = np.sqrt(np.asarray(had.multiply(had).sum(axis=0)).ravel())
        both = (had.T @ had).tocsr()
        row = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
        both.data /= lengths[row] * lengths[both.indices] + SHRINKAGE
        both.data[row == both.indices] = 0
        best = Top.of_sparse(both, NEIGHBOURS)
        is_named = best.products > 0
        indptr = np.concatenate([[0], np.cumsum(is_named.sum(axis=1))])
        near = sp.csr_matrix((best.scores[is_named], best.products[is_named], indptr), shape=both.shape)
        near.sort_indices()
        return cls(near)

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """The sum over the customer's past, recent events more."""
        asked = past.matrix(ASKED_HALF_LIFE_DAYS).sqrt()
        return Top.of_product(asked, self.near, k, allowed)

    def to_arrays(self) -> Arrays:
        """The matrix."""
        return {"rows": self.near.indptr, "columns": self.near.indices, "values": self.near.data}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Covisitation:
        """From the matrix."""
        count = len(arrays["rows"]) - 1
        parts = arrays["values"], arrays["columns"], arrays["rows"]
        return cls(sp.csr_matrix(parts, shape=(count, count)))
