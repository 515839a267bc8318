"""Clusters that are there are found; where there are none, none are made up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from regulars.segment.choice import choose, fit, ks_for
from regulars.segment.partition import METHODS
from regulars.segment.stability import FITTERS, figures, rand_index, shuffled, table_of

Floats = npt.NDArray[np.float64]


def blobs(seed: int = 0, apart: float = 7.0, count: int = 180) -> tuple[Floats, npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 3, count)
    return rng.normal(size=(count, 5)) + apart * np.eye(3, 5)[which], which


def no_clusters(kind: str, count: int = 300) -> Floats:
    rng = np.random.default_rng(1)
    if kind == "independent":
        return rng.normal(size=(count, 6))
    if kind == "skewed":
        return rng.lognormal(size=(count, 6))
    return rng.normal(size=(count, 6)) @ rng.normal(size=(6, 6))


def test_clusters_that_are_there_are_found() -> None:
    values, which = blobs()
    choice = choose({"made up": values}, {"made up": True})
    assert choice.best.stands
    assert choice.best.figures.k == 3
    space, partition = fit(values, choice.best.method, 3, scaled=True)
    assert rand_index(table_of(which, partition.assign(space.points(values)))) > 0.95


@pytest.mark.parametrize("kind", ["independent", "skewed", "correlated"])
def test_data_without_clusters_have_none(kind: str) -> None:
    choice = choose({"made up": no_clusters(kind)}, {"made up": True}, ["k-means"])
    assert not any(candidate.stands for candidate in choice.candidates)


def test_shuffled_columns_take_clusters_away() -> None:
    values = shuffled(blobs()[0], np.random.default_rng(0))
    assert not choose({"made up": values}, {"made up": True}, ["k-means"]).best.stands


def test_the_space_that_holds_the_clusters_is_chosen() -> None:
    values, _ = blobs()
    noise = np.random.default_rng(2).normal(size=values.shape)
    choice = choose({"noise": noise, "real": values}, {"noise": True, "real": True}, ["k-means"])
    assert choice.way == ("real", "k-means", 3)


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_gives_a_new_customer_what_it_gave_in_the_fit(method: str) -> None:
    values, _ = blobs()
    space, partition = fit(values, method, 3, scaled=True)
    whole = partition.assign(space.points(values))
    assert whole.max() == 2
    assert all(partition.assign(space.points(values[[k]]))[0] == whole[k] for k in range(0, 180, 13))


@pytest.mark.parametrize("method", list(METHODS))
def test_far_blobs_are_firm_by_every_method(method: str) -> None:
    values, _ = blobs(apart=12.0)
    found = figures(values, FITTERS[method], [3], 4, np.random.default_rng(0))[3]
    assert found.stability.mean() > 0.97
    assert found.jaccard.mean(axis=0).min() > 0.97
    assert found.silhouette > 0.6


def test_the_same_rows_give_the_same_choice() -> None:
    values, _ = blobs()
    one, other = (choose({"made up": values}, {"made up": True}, ["k-means"]) for _ in range(2))
    assert [candidate.stability for candidate in one.candidates] == [
        candidate.stability for candidate in other.candidates
    ]


def test_few_customers_are_not_parted_into_many() -> None:
    assert list(ks_for(50)) == [2]
    assert list(ks_for(100)) == [2, 3, 4, 5]
    assert max(ks_for(10**6)) == 12
