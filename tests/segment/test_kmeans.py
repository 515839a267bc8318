"""k-means, beside plain code and scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from regulars.segment.kmeans import k_means, nearest


def test_the_nearest_centre_is_that_of_plain_code() -> None:
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(300, 4)), rng.normal(size=(5, 4))
    distance = ((points[:, None] - centres) ** 2).sum(axis=2)
    label, first, second = nearest(points, centres)
    assert np.array_equal(label, distance.argmin(axis=1))
    assert np.allclose(first, np.sort(distance, axis=1)[:, 0])
    assert np.allclose(second, np.sort(distance, axis=1)[:, 1])


def test_the_loss_is_about_that_of_scikit_learn() -> None:
    points = np.random.default_rng(1).normal(size=(500, 3))
    found = k_means(points, 6, np.ones(500), np.random.default_rng(0), starts=10)
    theirs = KMeans(6, n_init=10, random_state=0).fit(points)
    assert found.loss < theirs.inertia_ * 1.02


def test_a_weight_counts_as_so_many_points() -> None:
    points = np.array([[0.0], [1.0], [10.0]])
    found = k_means(points, 2, np.array([3.0, 1.0, 1.0]), np.random.default_rng(0), starts=5)
    assert sorted(found.centres[:, 0].tolist()) == [0.25, 10.0]


def test_points_all_alike_are_no_trouble() -> None:
    found = k_means(np.ones((10, 2)), 3, np.ones(10), np.random.default_rng(0))
    assert found.loss == 0
    assert np.isfinite(found.centres).all()
