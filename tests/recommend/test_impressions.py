"""What stands first is clicked most: the ranker learns what is liked, not what stood first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest

from regulars import Shop
from regulars.recommend.dataset import lesson
from regulars.recommend.impressions import LEAST_TAKEN, shown_within
from regulars.recommend.past import past_of
from regulars.recommend.ranker import Lesson, Ranker


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

    assert learned(np.zeros_like(place)).argmax() == 0
    assert np.corrcoef(learned(place), liked)[0, 1] > 0.95


@pytest.fixture
def with_lists(own_shop: Shop, tea_as_of: datetime, record: Callable[..., object]) -> Shop:
    """Half of the customers are shown three teas each after the moment, and look at the second one."""
    events = []
    for number in range(2 * LEAST_TAKEN):
        customer, shown_at = f"c{number:03d}", tea_as_of + timedelta(days=1, minutes=number)
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
    clicked = found.is_taken & (found.place == 2)
    # Of lists whose product was clicked two days later only those are there of which another was bought by itself.
    odd = [number for number in range(2 * LEAST_TAKEN) if number % 2]
    assert clicked.sum() >= len(odd)
    assert set(np.unique(found.list, return_counts=True)[1].tolist()) == {3}
    names = np.array(["", *past.vocabulary.products])
    customers = np.array(past.sequences.customers)
    whose = np.array([int(name.removeprefix("c")) for name in customers[found.customer]])
    assert (names[found.product] == np.array([f"tea{k % 9}" for k in whose + found.place - 1])).all()


def test_lists_are_learned_from_beside_orders(with_lists: Shop, own_shop: Shop, tea_as_of: datetime) -> None:
    found = lesson(with_lists, tea_as_of, 30, None)
    assert found is not None
    assert set(np.unique(found.place).tolist()) == {0, 1, 2, 3}
    assert found.counts.sum() == len(found.value) == len(found.features)
    ends = np.cumsum(found.counts)
    lists = found.place > 0
    # In every list something was taken up, and its places stand in order.
    for begin, end in zip(ends - found.counts, ends, strict=True):
        if lists[begin]:
            assert found.place[begin:end].tolist() == [1, 2, 3]
            assert found.value[begin:end].max() > 0


def test_few_lists_are_left_aside(own_shop: Shop, tea_as_of: datetime) -> None:
    assert shown_within(own_shop, past_of(own_shop, tea_as_of), 30) is None
