"""Candidates, their features and the ranker: what is taken up comes first."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.evaluation import hits, spread
from regulars.recommend.candidates import Candidates, Top
from regulars.recommend.dataset import Outcome
from regulars.recommend.features import NAMES, Products, features
from regulars.recommend.ranker import NEGATIVES, Lesson, Ranker

from .conftest import past_of


def test_the_best_of_many_scores_are_those_of_a_sort() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 9, (20, 40)).astype(np.float32)
    scores[:, 0] = -np.inf
    found = Top.of_scores(scores, 12)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :12]
    assert (np.take_along_axis(scores, expected, 1) == found.scores).all()
    blocks = Top.by_block(lambda part: scores[part], 20, 39, 12)
    assert np.array_equal(blocks.products, found.products)


def test_each_product_is_a_candidate_once_with_all_that_named_it() -> None:
    none = [-np.inf] * 3
    one = Top(np.array([[5, 2, 0], [1, 0, 0], [0] * 3]), np.array([[3, 2, -np.inf], [1, *none[1:]], none], np.float32))
    other = Top(np.array([[2, 7], [0, 0], [0, 0]]), np.array([[0.5, 0.25], none[1:], none[1:]], np.float32))
    found = Candidates.of([one, other])
    assert found.starts.tolist() == [0, 3, 4, 4]
    assert found.product.tolist() == [2, 5, 7, 1]
    assert found.scores[0].tolist() == [2.0, 0.5]
    assert np.isnan(found.scores[1, 1])
    assert found.places.tolist() == [[0.5, 1.0], [1.0, 0.0], [0.0, 0.5], [1.0, 0.0]]
    kept = found.where(found.product != 2)
    assert kept.starts.tolist() == [0, 2, 3, 3]


def test_features_say_what_happened() -> None:
    past = past_of([[(1, 10.0), (1, 30.0), (2, 50.0)], [(2, 5.0)], []], 3, attributes=[0, 0, 1])
    found = Candidates.of([Top(np.array([[1, 3]] * 3), np.ones((3, 2), np.float32))])
    table = features(past, Products.of(past), found)
    assert table.shape == (6, 2 + len(NAMES))
    column = {name: table[:, 2 + number] for number, name in enumerate(NAMES)}
    assert column["times_had"].tolist() == [2, 0, 0, 0, 0, 0]
    assert column["days_since_had"][0] == pytest.approx(10)
    assert np.isnan(column["days_since_had"][1:]).all()
    assert column["interval_share"][0] == pytest.approx(0.5)
    assert column["customer_orders"].tolist() == [3, 3, 1, 1, 0, 0]
    assert column["product_customers"][0] == pytest.approx(np.log(2))
    assert column["customer_days_since_order"][:4] == pytest.approx([10, 10, 5, 5])
    assert column["attribute_share"][[0, 1]] == pytest.approx([1, 0])
    assert column["price_fit"][:4] == pytest.approx(0, abs=1e-6)


def test_nobody_has_done_anything() -> None:
    past = past_of([[], []], 2)
    found = Candidates.of([Top(np.array([[1], [2]]), np.ones((2, 1), np.float32))])
    table = features(past, Products.of(past), found)
    assert (table[:, 2 + NAMES.index("times_had")] == 0).all()


def test_a_ranker_learns_what_is_taken_up_and_is_the_same_once_kept() -> None:
    rng = np.random.default_rng(0)
    customers, each = 80, 30
    table = rng.normal(size=(customers * each, 4)).astype(np.float32)
    table[::each, 2] = 2.0
    taken = table[:, 2] > 1.0
    counts = np.full(customers, each)
    lesson = Lesson(table, taken.astype(np.float32), counts, np.zeros(len(taken), np.int64))
    ranker = Ranker.fit(lesson, ["a", "b", "c", "d"])
    assert lesson.ndcg(ranker.scores(table), 10) > 0.95
    assert lesson.ndcg(-table[:, 2], 10) < 0.3
    again = Ranker.from_bytes(ranker.to_bytes())
    assert np.array_equal(again.scores(table), ranker.scores(table))
    assert np.abs(ranker.contributions(table)).sum(axis=0).argmax() == 2


def test_a_lesson_holds_all_that_was_taken_up_and_some_of_the_rest() -> None:
    products = np.tile(np.arange(1, 301), (2, 1))
    found = Candidates.of([Top(products, np.ones(products.shape, np.float32))])
    taken = (found.customer == 0) & (found.product <= 7)
    lesson = Lesson.of(found, np.arange(600, dtype=np.float32)[:, None], taken.astype(np.float32), seed=0)
    # Of the second customer nothing was named rightly.
    assert lesson.counts.tolist() == [7 + NEGATIVES]
    assert (lesson.value > 0).sum() == 7
    assert len(np.unique(lesson.features)) == 7 + NEGATIVES


def test_measures_of_a_list_of_which_all_is_known() -> None:
    found = hits(np.array([[True, False, True], [False, False, False]]), np.array([2, 5]))
    assert found.recall.tolist() == [1.0, 0.0]
    assert found.mrr.tolist() == [1.0, 0.0]
    assert found.map.tolist() == pytest.approx([(1 + 2 / 3) / 2, 0])
    assert found.ndcg.tolist() == pytest.approx([(1 + 0.5) / (1 + 1 / np.log2(3)), 0])


def test_lists_of_one_product_are_as_uneven_as_can_be() -> None:
    had = np.array([0.0, 2, 2, 2, 2])
    one = spread(np.full((10, 1), 3), had, 4)
    all_ = spread(np.array([[1, 2], [3, 4]]), had, 4)
    assert (one.coverage, one.gini) == (0.25, 0.75)
    assert (all_.coverage, all_.gini, all_.novelty, all_.bias) == (1.0, 0.0, 1.0, 1.0)


def test_who_bought_what() -> None:
    bought = Outcome(np.array([3, 8]), np.array([0, 2, 3]), np.array([1, 4, 2]), np.array([1, 2.5, 4], np.float32))
    customer, product = np.array([0, 0, 1, 1]), np.array([4, 2, 2, 9])
    assert bought.values(customer, product).tolist() == [2.5, 0, 4, 0]


def test_values_become_grades_that_are_worth_as_much_in_the_mean() -> None:
    value = np.array([0, 0, 5, 1, 2, 3, 4, 100], np.float32)
    grade, worth = Lesson(np.zeros((8, 1), np.float32), value, np.array([8]), np.zeros(8, np.int64)).grades()
    assert grade[:2].tolist() == [0, 0]
    assert (np.diff(grade[2:][np.argsort(value[2:])]) >= 0).all()
    assert sum(worth[g] for g in grade) == pytest.approx(float(value.sum()))
    alike, plain = Lesson(
        np.zeros((3, 1), np.float32), np.array([0, 1, 1], np.float32), np.array([3]), np.zeros(3, np.int64)
    ).grades()
    assert alike.tolist() == [0, 1, 1]
    assert plain[:2] == [0, 1]
