"""Of many products an index finds nearly what a comparison with all would, and nothing that may not be shown."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.recommend import neighbours
from regulars.recommend.neighbours import Neighbours


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Three thousand products in forty groups, above a border that is drawn low."""
    monkeypatch.setattr(neighbours, "EXACT_BELOW", 500)
    monkeypatch.setattr(neighbours, "CELLS", 64)
    monkeypatch.setattr(neighbours, "LOOKED_INTO", 16)
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(40, 16))
    found = groups[rng.integers(0, 40, 3001)] + 0.3 * rng.normal(size=(3001, 16))
    found[0] = 0
    return found.astype(np.float32)


def exact(vectors: np.ndarray, asked: np.ndarray, k: int, allowed: np.ndarray) -> np.ndarray:
    scores = asked @ vectors.T
    scores[:, ~allowed] = -np.inf
    return np.argsort(-scores, axis=1)[:, :k]


def test_the_index_finds_nearly_all_of_the_best(vectors: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    allowed = rng.random(3001) < 0.7
    allowed[0] = False
    asked = vectors[rng.integers(1, 3001, 50)] + 0.1 * rng.normal(size=(50, 16)).astype(np.float32)
    found = Neighbours(vectors).top(asked, 30, allowed)
    right = exact(vectors, asked, 30, allowed)
    assert np.mean([np.isin(right[k], found.products[k]).mean() for k in range(50)]) > 0.95
    assert allowed[found.products[found.products > 0]].all()
    assert (np.diff(found.scores, axis=1) <= 0).all()


def test_of_few_that_are_allowed_all_are_compared(vectors: np.ndarray) -> None:
    allowed = np.isin(np.arange(3001), [7, 70, 700])
    asked = vectors[[5, 6]]
    found = Neighbours(vectors).top(asked, 3, allowed)
    assert found.products.tolist() == exact(vectors, asked, 3, allowed).tolist()


@pytest.mark.parametrize("few", [True, False])
def test_who_has_no_vector_is_named_nothing(vectors: np.ndarray, few: bool) -> None:
    allowed = np.arange(3001) > (2900 if few else 0)
    found = Neighbours(vectors).top(np.stack([np.zeros(16, np.float32), vectors[9]]), 4, allowed)
    assert not found.products[0].any()
    assert found.products[1].all()
