"""Neighbours of sessions, on tables that change with each event, are those of the published method on plain lists."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.realtime import sessions
from regulars.realtime.asked import reciprocal, walk
from regulars.realtime.kinds import GAP, MINUTE
from regulars.realtime.learner import Learner, Lessons
from regulars.realtime.model import tried
from regulars.realtime.neighbours import NEAREST, STEPS, Scratch, neighbours
from regulars.realtime.sessions import HOURLY, LONGEST, RECENT, Tables

START = 1_700_000_000_000_000
PRODUCTS = 12


def learned(clicks: list[tuple[int, int, int]], products: int = PRODUCTS) -> Tables:
    """Tables of clicks (customer, product, minutes since the one before)."""
    customer = np.array([click[0] for click in clicks], np.int64)
    product = np.array([click[1] for click in clicks], np.int64)
    time = START + np.cumsum(np.array([click[2] for click in clicks], np.int64)) * MINUTE
    tables = sessions.empty(START)
    tables = sessions.with_room(tables, 10 + int(customer.max(initial=0)), products + 1, len(clicks))
    sessions.learn(tables, customer, product, time, np.ones(len(clicks)))
    return tables


def plain_visits(clicks: list[tuple[int, int, int]]) -> list[list[int]]:
    """Products of each visit, each once, the last clicked last; visits in the order in which they began."""
    visits: list[list[int]] = []
    under_way: dict[int, tuple[int, int]] = {}
    now = 0
    for customer, product, minutes in clicks:
        now += minutes * MINUTE
        if customer not in under_way or now - under_way[customer][1] > GAP:
            under_way[customer] = len(visits), now
            visits.append([])
        at = under_way[customer][0]
        under_way[customer] = at, now
        visits[at] = [each for each in visits[at] if each != product] + [product]
    return visits


def plain(visits: list[list[int]], items: list[int]) -> dict[int, float]:
    alike: dict[int, float] = defaultdict(float)
    for place, product in enumerate(items, 1):
        for number, visit in enumerate(visits):
            if product in visit:
                alike[number] += place / len(items)
    nearest = sorted(alike, key=lambda number: (-alike[number], -number))[:NEAREST]
    score: dict[int, float] = defaultdict(float)
    for number in nearest:
        newest = max(place for place, product in enumerate(items) if product in visits[number])
        step = len(items) - 1 - newest
        for product in visits[number]:
            if step < STEPS:
                had = sum(product in visit for visit in visits)
                score[product] += alike[number] * (1 - 0.1 * step) * max(math.log(max(len(visits), 2) / had), 1e-3)
    return dict(score)


clicks = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, PRODUCTS), st.sampled_from([0, 1, 5, 31])), min_size=1, max_size=120
)


@settings(max_examples=60, deadline=None)
@given(clicks, st.lists(st.integers(1, PRODUCTS), min_size=1, max_size=12, unique=True))
def test_scores_are_those_of_the_published_method(log: list[tuple[int, int, int]], items: list[int]) -> None:
    tables = learned(log)
    found = neighbours(tables, Scratch.of(tables), np.array(items, np.int64))
    expected = plain(plain_visits(log), items)
    assert dict(zip(found.product.tolist(), found.score.tolist(), strict=True)) == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(clicks)
def test_event_by_event_is_the_same_as_all_at_once(log: list[tuple[int, int, int]]) -> None:
    whole = learned(log)
    tables = sessions.empty(START)
    time = START
    for customer, product, minutes in log:
        time += minutes * MINUTE
        tables = sessions.with_room(tables, 16, PRODUCTS + 1, 1)
        sessions.learn(tables, *(np.array([each], np.int64) for each in (customer, product, time)), np.ones(1))
    for name in Tables._fields:
        one, other = getattr(whole, name), getattr(tables, name)
        used = slice(0, int(whole.free[0])) if name == "pool" else slice(0, min(len(one), len(other)))
        assert np.array_equal(one[used], other[used]), name


def test_only_the_newest_visits_of_a_product_are_kept() -> None:
    log = [(customer, 1, 31) for customer in range(RECENT + 40)]
    tables = learned(log)
    kept = tables.pool[tables.postings[1] : tables.postings[1] + RECENT]
    assert sorted(kept.tolist()) == list(range(40, RECENT + 40))


def test_of_a_long_visit_the_last_products_are_kept() -> None:
    log = [(0, product, 0) for product in range(1, LONGEST + 11)]
    tables = learned(log, LONGEST + 10)
    kept = tables.pool[tables.items[0] : tables.items[0] + int(tables.item_count[0])]
    assert kept.tolist() == list(range(11, LONGEST + 11))


def test_what_follows_counts_half_after_half_a_year() -> None:
    log = [(0, 1, 0), (0, 2, 1), (1, 1, 180 * 24 * 60), (1, 3, 1)]
    tables = learned(log)
    following = dict(zip(tables.follower[1].tolist(), tables.following[1].tolist(), strict=True))
    assert following[3] / following[2] == pytest.approx(2.0, rel=1e-3)


def test_what_one_customer_teaches_within_an_hour_is_bounded() -> None:
    log = [(0, 1 + k % 2, 0) for k in range(20_000)]
    log[1::7] = [(k, 3, 0) for k in range(1, len(log[1::7]) + 1)]
    tables = learned(log)
    assert tables.following[1].max() < 2 * HOURLY * HOURLY
    assert tables.steady[1] <= 1 + HOURLY


def test_the_most_wanted_stand_in_order() -> None:
    rng = np.random.default_rng(0)
    log = [(int(rng.integers(400)), int(min(rng.zipf(1.5), PRODUCTS)), int(rng.integers(3))) for _ in range(5000)]
    tables = learned(log)
    for top, weights in ((tables.top_hot, tables.hot), (tables.top_steady, tables.steady)):
        wanted = [product for product in range(1, PRODUCTS + 1) if weights[product] > 0]
        assert top[top > 0].tolist() == sorted(wanted, key=lambda product: -weights[product])


def test_what_came_directly_after_is_counted_apart() -> None:
    tables = learned([(1, 1, 0), (1, 2, 1), (1, 3, 1), (2, 1, 60), (2, 2, 1)])
    counted = dict(zip(tables.follower[1].tolist(), tables.next[1].tolist(), strict=True))
    assert (round(counted[2]), counted[3]) == (2, 0.0)


def test_what_is_chosen_is_never_worse_than_a_source_alone_where_it_was_chosen() -> None:
    lines, rng = np.arange(2000) % 40, np.random.default_rng(0)
    whose = np.arange(2000) // 40
    product = np.where(rng.random(2000) < 0.3, rng.integers(1, 41, 2000), lines + 1)
    time = START + np.arange(2000) * MINUTE
    learner = Learner()
    learner._names, learner.products = [str(k) for k in range(50)], [None, *(str(k) for k in range(1, 41))]
    blends = tried()
    found = walk(learner, Lessons(whose, product, time, np.ones(2000)), blends)
    by_blend = reciprocal(found.places).mean(axis=1)
    alone = [k for k, blend in enumerate(blends) if (blend.weights > 1e-3).sum() == 1]
    assert len(alone) == 3
    assert by_blend[found.best()] >= by_blend[alone].max() > 0.2
