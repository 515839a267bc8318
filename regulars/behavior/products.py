"""A vector for each product: one of its own, and one made from what is known of it, so that new ones have a place."""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from regulars.behavior.vocabulary import NOTHING, Content, Ints

WHOLE_BELOW = 60_000
"""Up to so many products all vectors are made at each step; of more, only those that are needed."""


class Products(nn.Module):
    """Vectors of products.

    Parameters
    ----------
    content : what is known of each; row 0 is of no product.
    counts : (n + 1,) in how many events each was met; what was never met has no vector of its own, but what its content
        makes.
    """

    def __init__(self, content: Content, counts: Ints, dimensions: int) -> None:
        super().__init__()
        self.count = len(counts)
        self.is_whole = self.count <= WHOLE_BELOW
        self.free = nn.Embedding(self.count, dimensions, sparse=not self.is_whole)
        nn.init.normal_(self.free.weight, std=0.02)
        is_own = (counts > 0) | (np.arange(self.count) == NOTHING)
        self.register_buffer("is_own", torch.from_numpy(is_own.astype(np.float32))[:, None], persistent=False)
        self.attributes = nn.Parameter(torch.randn(content.attributes.shape[1], dimensions) * 0.02)
        self.texts = nn.Linear(content.texts.shape[1], dimensions, bias=False) if content.texts.shape[1] else None
        if self.texts is not None:
            nn.init.normal_(self.texts.weight, std=0.02)
        self._content = content
        self.register_buffer("meaning", torch.from_numpy(content.texts), persistent=False)
        self._all = _Mean(content.attributes) if self.is_whole and content.attributes.shape[1] else None

    def forward(self, numbers: Tensor | None = None) -> Tensor:
        """(k, D) vectors of products by their numbers (k,), of all by default; 0 of no product."""
        is_own, meaning = cast(Tensor, self.is_own), cast(Tensor, self.meaning)
        free = self.free.weight if numbers is None else self.free(numbers)
        found = free * (is_own if numbers is None else is_own[numbers])
        if self.attributes.shape[0]:
            mean = self._all
            if mean is None or numbers is not None:
                rows = slice(None) if numbers is None else numbers.cpu().numpy()
                mean = _Mean(self._content.attributes[rows])
            found = found + _Average.apply(self.attributes, mean)  # type: ignore[no-untyped-call]
        if self.texts is not None:
            found = found + self.texts(meaning if numbers is None else meaning[numbers])
        return cast(Tensor, found)


class _Mean:
    """A sparse matrix and its transpose: an EmbeddingBag over a catalogue takes ten times as long, on a CPU."""

    def __init__(self, matrix: sp.csr_matrix) -> None:
        self.forward, self.backward = _tensor(matrix), _tensor(matrix.T.tocsr())

    def to(self, device: torch.device) -> _Mean:
        """On the device where the vectors are."""
        if self.forward.device != device:
            self.forward, self.backward = self.forward.to(device), self.backward.to(device)
        return self


class _Average(torch.autograd.Function):
    """In float32 whatever is around it: numbers of half the bits cannot be multiplied with a sparse matrix."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, mean: _Mean) -> Tensor:
        ctx.mean = mean.to(vectors.device)
        with torch.autocast(vectors.device.type, enabled=False):
            return cast(Tensor, torch.sparse.mm(mean.forward, vectors.float()))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        with torch.autocast(grads[0].device.type, enabled=False):
            return torch.sparse.mm(ctx.mean.backward, grads[0].float()), None


def _tensor(matrix: sp.csr_matrix) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
            check_invariants=False,
        )
