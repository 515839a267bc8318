"""Products like those of the customer's past, by what is said of them: names also those that nobody ever bought."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

from regulars.recommend.candidates import Floats, Top
from regulars.recommend.neighbours import Neighbours
from regulars.recommend.past import Past
from regulars.recommend.sources.source import Allowed, Arrays

HALF_LIFE_DAYS = 60.0
EXACT_BELOW = 2_000
DIMENSIONS = 128
"""To which the words, categories and brands of products are condensed, beside the meaning of their texts."""


@dataclass(frozen=True)
class Nearest:
    """Nearness by attributes and by the meaning of texts.

    Attributes
    ----------
    vectors : (products + 1, d) of length 1, or 0 where nothing is known.
    """

    vectors: Floats
    name: ClassVar[str] = "content"

    @classmethod
    def fit(cls, past: Past) -> Nearest:
        """Condense what is known of the products (latent semantic analysis beside a sentence encoder)."""
        parts = []
        attributes = past.content.attributes
        if attributes.shape[1]:
            parts.append(normalize(_condensed(TfidfTransformer().fit_transform(attributes))))
        texts = past.content.condensed().texts
        if texts.shape[1]:
            parts.append(normalize(texts))
        if not parts:
            return cls(np.zeros((past.products + 1, 0), np.float32))
        return cls(normalize(np.hstack(parts)).astype(np.float32))

    def top(self, past: Past, k: int, allowed: Allowed) -> Top:
        """By the nearness to the mean of the customer's past, recent events more."""
        tastes = np.asarray(past.matrix(HALF_LIFE_DAYS) @ self.vectors, np.float32)
        tastes /= np.maximum(np.linalg.norm(tastes, axis=1, keepdims=True), 1e-9)
        return self._neighbours.top(tastes, k, allowed)

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self.vectors)

    def to_arrays(self) -> Arrays:
        """The vectors."""
        return {"vectors": self.vectors}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Nearest:
        """From the vectors."""
        return cls(arrays["vectors"].astype(np.float32))


def _condensed(weighted: sp.csr_matrix) -> npt.NDArray[np.floating[Any]]:
    """(n, up to 128) by the directions in which rows differ most; of few columns exact, of many by random projections.

    Where all columns are alike, as those of categories without any word, random projections need not converge.
    """
    columns = weighted.shape[1]
    if columns <= DIMENSIONS:
        return np.asarray(weighted.toarray())
    if columns <= EXACT_BELOW:
        wide = weighted.astype(np.float64)
        directions = np.linalg.eigh((wide.T @ wide).toarray())[1][:, ::-1][:, :DIMENSIONS]
        return np.asarray(weighted @ directions.astype(np.float32))
    count = min(DIMENSIONS, weighted.shape[0] - 1)
    return np.asarray(TruncatedSVD(count, random_state=0).fit_transform(weighted)) if count else weighted.toarray()
