"""Measures of lists, against what is counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.evaluation import diversity, hits, serendipity, spread


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 8))
def test_measures_lie_between_nothing_and_all(seed: int, customers: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    named = rng.random((customers, k)) < 0.4
    taken = named.sum(axis=1) + rng.integers(0 if named.any(axis=1).all() else 1, 3, customers)
    found = hits(named, taken)
    for each in found:
        assert ((each >= 0) & (each <= 1 + 1e-12)).all()
    # The best list there can be has all of it in front.
    best = np.arange(k) < np.minimum(taken, k)[:, None]
    assert np.allclose(hits(best, taken).ndcg, 1)
    assert np.allclose(hits(best, taken).map, 1)


def test_diversity_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(9, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[0] = 0
    lists = np.array([[1, 2, 3], [4, 5, 0], [6, 0, 0]])
    pairs = [(1, 2), (1, 3), (2, 3), (4, 5)]
    assert diversity(lists, vectors) == pytest.approx(np.mean([1 - vectors[a] @ vectors[b] for a, b in pairs]))
    assert np.isnan(diversity(np.array([[1, 0]]), vectors))


def test_what_anybody_would_name_is_no_surprise() -> None:
    lists, taken = np.array([[1, 2], [3, 0]]), np.array([[True, True], [True, False]])
    assert serendipity(taken, lists, np.array([[1, 2], [3, 4]])) == 0
    assert serendipity(taken, lists, np.array([[5, 6], [1, 2]])) == 1
    assert serendipity(~taken & (lists > 0), lists, np.array([[5, 6], [1, 2]])) == 0


def test_lists_of_one_product_are_as_uneven_as_can_be() -> None:
    customers_of = np.array([0.0, 8, 4, 2, 1])
    same, every = spread(np.ones((8, 1), int), customers_of, 8), spread(np.array([[1, 2, 3, 4]]), customers_of, 8)
    assert same.coverage == 0.25
    assert same.gini > every.gini == 0
    assert same.novelty == 0 < every.novelty
    assert same.bias > every.bias
