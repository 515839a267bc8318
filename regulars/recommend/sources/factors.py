"""Tastes that many share, found by factorising who had what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import ThreadpoolController

from regulars.recommend.candidates import Floats, Top
from regulars.recommend.neighbours import Neighbours
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
        with _one_thread():  # its own and those of the algebra would wait for each other
            model = AlternatingLeastSquares(
                factors=FACTORS, iterations=ITERATIONS, regularization=REGULARISATION, random_state=0, num_threads=1
            )
            model.fit(had, show_progress=False)
        return cls(np.asarray(model.item_factors, np.float32))

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """By the inner product with each customer's factors, solved for with the products' held."""
        had = past.matrix(HALF_LIFE_DAYS) * CONFIDENCE
        return self._neighbours.top(self._tastes(had), k, allowed)

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self.items)

    def _tastes(self, had: sp.csr_matrix) -> Floats:
        found: Floats = np.asarray(self._solver.recalculate_user(np.arange(had.shape[0]), had), np.float32)
        found[np.diff(had.indptr) == 0] = 0
        return found

    @cached_property
    def _solver(self) -> AlternatingLeastSquares:
        with _one_thread():  # it warns of more, which matter in fitting alone
            found = AlternatingLeastSquares(factors=self.items.shape[1], regularization=REGULARISATION, num_threads=1)
        found.item_factors = self.items
        return found

    def to_arrays(self) -> Arrays:
        """The factors."""
        return {"items": self.items}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Factors:
        """From the factors."""
        return cls(arrays["items"].astype(np.float32))


def _one_thread() -> Any:
    return ThreadpoolController().limit(limits=1, user_api="blas")
