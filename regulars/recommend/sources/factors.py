"""Tastes that many share, found by factorising who had what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from regulars.recommend.candidates import Floats, Top
from regulars.recommend.past import Past
from regulars.recommend.sources.source import Allowed, Arrays

HALF_LIFE_DAYS = 180.0
FACTORS = 64
ITERATIONS = 12
REGULARISATION = 5.0
CONFIDENCE = 20.0


@dataclass(frozen=True)
class Factors:
    """Implicit alternating least squares; a customer's taste is worked out from the past at hand, new or not.

    Source
    ------
    Hu, Koren and Volinsky (2008), Collaborative Filtering for Implicit Feedback Datasets, by the library implicit.

    Attributes
    ----------
    items : (products + 1, f) the factors of products.
    """

    items: Floats
    name: ClassVar[str] = "factors"

    @classmethod
    def fit(cls, past: Past) -> Factors:
        """Factorise."""
        had = past.matrix(HALF_LIFE_DAYS) * CONFIDENCE
        with threadpool_limits(1, "blas"):  # its own threads and those of the algebra would wait for each other
            model = AlternatingLeastSquares(
                factors=FACTORS, iterations=ITERATIONS, regularization=REGULARISATION, random_state=0, num_threads=1
            )
            model.fit(had, show_progress=False)
        return cls(np.asarray(model.item_factors, np.float32))

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """By the inner product with each customer's factors, solved for with the products' held."""
        had = past.matrix(HALF_LIFE_DAYS) * CONFIDENCE
        tastes = self._tastes(had)
        is_known = np.diff(had.indptr) > 0

        def score(part: slice) -> Floats:
            scores: Floats = tastes[part] @ self.items.T
            scores[:, ~allowed] = -np.inf
            scores[~is_known[part]] = -np.inf
            return scores

        return Top.by_block(score, had.shape[0], past.products, k)

    def _tastes(self, had: sp.csr_matrix) -> Floats:
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(factors=self.items.shape[1], regularization=REGULARISATION, num_threads=1)
            model.item_factors = self.items
            model._YtY = None
            users = np.arange(had.shape[0])
            found: Floats = np.asarray(model.recalculate_user(users, had), np.float32)
        return found

    def to_arrays(self) -> Arrays:
        """The factors."""
        return {"items": self.items}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Factors:
        """From the factors."""
        return cls(arrays["items"].astype(np.float32))
