"""What stands first is clicked most: the ranker learns what is liked, not what stood first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from regulars import Shop
from regulars.behavior.sequences import DAY
from regulars.recommend.dataset import lesson
from regulars.recommend.features import SHRINKAGE, Products
from regulars.recommend.impressions import LEAST_TAKEN, first_fifth, shown_within
from regulars.recommend.model import RecommendModel
from regulars.recommend.past import past_of, shrunk
from regulars.recommend.ranker import Lesson, Ranker
from regulars.recommend.training import train

LISTS = 2 * LEAST_TAKEN + 200


def test_a_product_is_not_liked_for_having_stood_first() -> None:
    rng = np.random.default_rng(0)
    liked = np.array([0.25, 0.3, 0.3, 0.35, 0.4, 0.6])
    looked_at = np.array([1, 0.6, 0.4, 0.3, 0.22, 0.18])
    # The shop shows what is liked least first, but for three of ten lists, which are in any order.
    order = np.tile(np.arange(6), (6000, 1))
    mixed = rng.random(6000) < 0.3
    order[mixed] = np.argsort(rng.random((int(mixed.sum()), 6)), axis=1)
    taken = rng.random(order.shape) < liked[order] * looked_at
    some = taken.any(axis=1)
    order, taken = order[some], taken[some]
    features = np.eye(6, dtype=np.float32)
    place = np.tile(np.arange(1, 7), len(order))

    def learned(places: np.ndarray) -> np.ndarray:
        counts = np.full(len(order), 6)
        shown = Lesson(features[order.ravel()], taken.ravel().astype(np.float32), counts, places)
        return Ranker.fit(shown, [f"product {k}" for k in range(6)]).scores(features)

    assert learned(np.ones_like(place)).argmax() == 0
    # What is learned is the chance of a line that stands first.
    assert np.corrcoef(learned(place), liked)[0, 1] > 0.95
    assert np.abs(learned(place) - liked).max() < 0.25


def test_what_is_worth_more_stands_higher_at_the_same_chance(with_lists: Shop, tea_as_of: datetime) -> None:
    path = with_lists.folder / "shop.toml"
    path.write_text(path.read_text().replace("# aim_clicks = 0.0", "aim_clicks = 0.5"))
    trained = train(Shop.open(with_lists.folder), tea_as_of + timedelta(days=30))
    model, past = trained.model, trained.past
    assert model.ranker.knows_chances
    ranked = model.rank(past.of(np.arange(5)), Products.of(past), trained.head)
    chances = model.ranker.scores(ranked.features)
    assert ((chances > 0) & (chances < 1)).all()
    assert np.allclose(ranked.scores, chances * model.worth[ranked.candidates.product])
    assert np.allclose(model.worth, 1.5)  # an order counts 1, a click .5 beside it
    again = RecommendModel.from_files(model.to_files()).rank(past.of(np.arange(5)), Products.of(past), trained.head)
    assert np.array_equal(again.scores, ranked.scores)


@pytest.fixture
def with_lists(own_shop: Shop, tea_as_of: datetime, record: Callable[..., object]) -> Shop:
    """Customers are shown three teas each after the moment, and in every second list look at the second one."""
    events = []
    for number in range(LISTS):
        customer, shown_at = f"c{number % 200:03d}", tea_as_of + timedelta(days=1 + 2 * (number // 200), minutes=number)
        seen = {"customer_id": customer, "event_id": f"list-{number}", "time": shown_at.isoformat()}
        for line in range(3):
            product = f"tea{(number + line) % 9}"
            events.append({**seen, "type": "product_list_viewed", "line": line, "product_id": product})
        late = timedelta(minutes=5) if number % 2 else timedelta(days=2)
        click = {"type": "product_clicked", "customer_id": customer, "event_id": f"click-{number}", "line": 0}
        events.append({**click, "time": (shown_at + late).isoformat(), "product_id": f"tea{(number + 1) % 9}"})
    record(own_shop, *events)
    return Shop.open(own_shop.folder)


def test_what_was_taken_from_a_list_is_what_was_clicked_soon_after(with_lists: Shop, tea_as_of: datetime) -> None:
    past = past_of(with_lists, tea_as_of)
    found = shown_within(with_lists, past, 30)
    assert found is not None
    assert set(np.unique(found.list, return_counts=True)[1].tolist()) == {3}
    second = found.place == 2
    # What was clicked two days later was not taken up from the list.
    assert found.is_clicked[second].mean() == pytest.approx(0.5, abs=0.1)
    assert found.is_clicked[~second].mean() < 0.2
    assert found.is_ordered.mean() < 0.2


def test_where_lists_are_logged_they_are_learned_from(with_lists: Shop, own_shop: Shop, tea_as_of: datetime) -> None:
    found = lesson(with_lists, tea_as_of, 30, None)
    assert found is not None
    assert found.is_shown
    assert found.counts.tolist() == [3] * len(found.counts)
    assert found.place.tolist() == [1, 2, 3] * len(found.counts)
    # By default orders count alone.
    shown = shown_within(with_lists, past_of(with_lists, tea_as_of), 30)
    assert shown is not None
    assert found.value.sum() == shown.is_ordered.sum()


def test_what_was_ordered_after_it_was_shown_is_counted(with_lists: Shop, tea_as_of: datetime) -> None:
    """Lists are counted as of a moment, by a search; here by a loop."""
    past = past_of(with_lists, tea_as_of + timedelta(days=10))
    events = past.with_product
    bought = {}
    for customer, product, moment in zip(
        events.customer[events.is_bought], events.product[events.is_bought], events.time[events.is_bought], strict=True
    ):
        bought.setdefault((customer, product), []).append(moment)
    taken, shown = np.zeros(past.products + 1), np.zeros(past.products + 1)
    for customer, product, moment in zip(*past.lines, strict=True):
        shown[product] += 1
        taken[product] += any(0 <= each - moment <= DAY for each in bought.get((customer, product), []))
    assert shown.sum() > 1_000
    assert taken.sum() > 0
    assert np.allclose(Products.of(past).taken_share, shrunk(taken, shown, SHRINKAGE))


def test_few_lists_are_left_aside(own_shop: Shop, tea_as_of: datetime) -> None:
    assert shown_within(own_shop, past_of(own_shop, tea_as_of), 30) is None


def test_an_order_learned_from_lists_is_judged_by_lists(with_lists: Shop, tea_as_of: datetime) -> None:
    shop = with_lists
    trained = train(shop, tea_as_of + timedelta(days=30))
    past = trained.past
    shown = shown_within(shop, past_of(shop, tea_as_of), 30)
    assert shown is not None
    whole = past_of(shop, tea_as_of)
    ours, theirs = first_fifth(shown, 1.0, trained.model, None, replace(whole, worth=past.worth))
    assert len(ours) == len(theirs) == len(np.unique(shown.customer[shown.is_clicked | shown.is_ordered]))
    for shares in (ours, theirs):
        assert ((shares >= 0) & (shares <= 1)).all()
    # Of nine teas at most two are in the first fifth: by chance less than a third of what is taken up.
    assert ours.mean() > 0.25
