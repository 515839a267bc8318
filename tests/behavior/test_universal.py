"""What vectors alone tell: the tasks, the small network, the metrics, on data whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from regulars import Shop
from regulars.behavior import probe
from regulars.behavior.dataset import vocabulary_and_content
from regulars.behavior.model import BehaviorModel
from regulars.behavior.outcomes import categories, outcomes_of
from regulars.behavior.probe import Probe
from regulars.behavior.propensity import aurocs, diversity_of, popularity_of
from regulars.behavior.sizes import Settings, size_named
from regulars.behavior.universal import INPUTS, share_of, universal_profile
from regulars.clock import micros
from regulars.errors import NotEnoughError
from regulars.evaluation import auroc_score

MAY = datetime(2024, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def bought(customer: str, product: str, moment: datetime, **about: Any) -> dict[str, Any]:
    return {
        "type": "order_completed", "customer_id": customer, "time": moment.isoformat(), "product_id": product,
        "order_id": f"{customer} {moment}", "unit_price": 4, **about,
    }  # fmt: skip


def pairs_of(*pairs: tuple[str, datetime]) -> pa.Table:
    names, moments = zip(*pairs, strict=True)
    return pa.table({"customer_id": pa.array(names), "as_of": pa.array(moments, pa.timestamp("us", "UTC"))})


def test_outcomes_are_what_was_bought_from_the_moment_on_and_before_the_window_ends(
    shop: Shop, record: Callable[..., Any]
) -> None:
    record(
        shop,
        bought("ada", "pot", MAY - DAY, category="tea"),
        bought("ada", "pot", MAY, category="tea"),
        bought("bob", "cup", MAY + 13 * DAY, category="tea"),
        bought("eve", "sock", MAY + 14 * DAY, category="wool"),
        bought("eve", "sock", MAY + 40 * DAY, category="wool"),
    )
    pairs = pairs_of(("ada", MAY), ("bob", MAY), ("eve", MAY), ("eve", MAY + 30 * DAY))
    found = outcomes_of(shop, pairs, 14, np.array([True, True, True, False]))
    assert found["churn"][:, 0].tolist() == [0, 0, 1, 0]
    # Of what nobody bought in the windows learned from there is no label: socks, and wool.
    assert found["product"].tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]
    assert found["category"].tolist() == [[1], [1], [0], [0]]


def test_without_categories_similar_titles_stand_together(
    shop: Shop, record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.behavior.outcomes.CLUSTERS", 2)
    titles = {"a": "red tea pot", "b": "blue tea pot", "c": "warm wool socks", "d": "wool socks for winter"}
    record(shop, *(bought("ada", product, MAY, title=title) for product, title in titles.items()))
    group = categories(shop, MAY + DAY)
    assert group["a"] == group["b"] != group["c"] == group["d"]


def test_many_weightings_at_once_give_what_one_gives_ties_included() -> None:
    rng = np.random.default_rng(0)
    target = (rng.random(60) < 0.3).astype(float)
    score = rng.integers(0, 9, 60).astype(np.float32)
    weights = rng.integers(0, 3, (5, 60)).astype(float)
    expected = [auroc_score(target, score, weight) for weight in weights]
    assert aurocs(target, score, weights) == pytest.approx(expected)


def test_a_label_that_nobody_drawn_bought_has_no_auroc() -> None:
    found = aurocs(np.array([1.0, 0.0]), np.array([1.0, 0.0], np.float32), np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert found[0] == 1
    assert np.isnan(found[1])


def test_certainty_of_the_most_popular_is_as_popular_as_can_be() -> None:
    popularity = np.arange(12.0)
    best = np.where(popularity >= 2, 50.0, -50.0)[None].astype(np.float32)
    assert popularity_of(best, popularity) == pytest.approx([1.0])
    assert popularity_of(-best, popularity)[0] < 0.02
    assert popularity_of(np.full((1, 12), -50, np.float32), popularity) == pytest.approx([0.0])


def test_diversity_is_of_the_shares_not_of_the_level() -> None:
    low, high = np.full((1, 8), -9, np.float32), np.full((1, 8), 2, np.float32)
    assert diversity_of(low) == pytest.approx(diversity_of(high))
    assert diversity_of(low) == pytest.approx([1.0])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FOLDS": 2, "DECAYS": (0.1,), "EPOCHS": 5}.items():
        monkeypatch.setattr(probe, name, value)


def test_the_small_network_learns_what_no_straight_line_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "FOLDS", 2)
    monkeypatch.setattr(probe, "DECAYS", (0.01,))
    inputs = np.random.default_rng(0).normal(size=(4000, 2)).astype(np.float32)
    targets = (inputs.prod(1, keepdims=True) > 0).astype(np.float32)
    found = Probe.fit(inputs, targets, np.arange(4000)).predict(inputs)
    assert auroc_score(targets[:, 0], found[:, 0]) > 0.9


@pytest.mark.usefixtures("quick")
def test_the_same_rows_give_the_same_network_and_nobody_elses_numbers_move() -> None:
    inputs = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    targets = (inputs[:, :2] > 0).astype(np.float32)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = Probe.fit(inputs, targets, np.arange(200)).predict(inputs)
    assert torch.equal(torch.rand(3), expected)
    assert np.array_equal(first, Probe.fit(inputs, targets, np.arange(200)).predict(inputs))


@pytest.mark.usefixtures("quick")
def test_of_each_row_is_kept_what_a_network_says_that_never_saw_its_customer() -> None:
    rng = np.random.default_rng(0)
    inputs, customers = rng.normal(size=(600, 3)).astype(np.float32), np.arange(600) // 2
    targets = (inputs[:, :1] > 0).astype(np.float32)
    found = Probe.fit(inputs, targets, customers)
    changed = targets.copy()
    changed[customers == 7] = 1 - changed[customers == 7]
    again = Probe.fit(inputs, changed, customers)
    assert found.held_out.shape == targets.shape
    assert auroc_score(targets[:, 0], found.held_out[:, 0]) > 0.9
    # What came of the customer is nothing to the one that judges it; when to stop is decided by all that are held out.
    np.testing.assert_allclose(found.held_out[customers == 7], again.held_out[customers == 7], atol=0.2)


def test_vectors_that_do_not_help_those_held_out_count_nothing() -> None:
    rng = np.random.default_rng(0)
    target = (rng.random((500, 2)) < 0.3).astype(np.float32)
    good = (target + rng.normal(size=target.shape)).astype(np.float32)
    noise = rng.normal(size=target.shape).astype(np.float32) * 5
    assert share_of(target, good, noise) == 0
    other = (target + rng.normal(size=target.shape)).astype(np.float32)
    assert share_of(target, good, other) == 0.5


@pytest.fixture(scope="module")
def untrained(tea_shop: Shop, tea_as_of: datetime) -> BehaviorModel:
    """It has seen nothing, but its vectors are functions of the past all the same."""
    until = tea_as_of - 50 * DAY
    vocabulary, content = vocabulary_and_content(tea_shop, until)
    return BehaviorModel.new(vocabulary, content, Settings(size_named("tiny")), micros(until))


@pytest.mark.usefixtures("quick")
def test_each_task_is_judged_of_each_input(tea_shop: Shop, tea_as_of: datetime, untrained: BehaviorModel) -> None:
    moments = [tea_as_of - days * DAY for days in (0, 15, 30, 45)]
    found = universal_profile(tea_shop, untrained, moments)
    assert found.customers == tea_shop.customers(tea_as_of).num_rows
    assert found.labels == {"churn": 1, "category": 3, "product": 9}
    assert found.shares.keys() == found.labels.keys()
    names = [f"auroc {task}" for task in found.labels] + ["novelty product", "diversity product"]
    assert found.table["metric"].to_pylist() == [f"{name}, {kind}" for name in names for kind in INPUTS]
    for metric in found.metrics:
        assert metric.low <= metric.value <= metric.high
        assert metric.baseline == found[metric.name.rpartition(", ")[0] + ", features"].value
    assert found["auroc churn, features"].value > 0.6
    assert found["auroc churn, features"].difference == 0


def test_a_model_that_saw_what_it_is_judged_by_is_refused(
    tea_shop: Shop, tea_as_of: datetime, untrained: BehaviorModel
) -> None:
    with pytest.raises(ValueError, match="learned from events after 2024-04-07, the earliest moment"):
        universal_profile(tea_shop, untrained, [tea_as_of, tea_as_of - 55 * DAY])


def test_windows_learned_from_end_before_the_moment_that_is_judged(tea_shop: Shop, tea_as_of: datetime) -> None:
    with pytest.raises(ValueError, match="14 days or more before it"):
        universal_profile(tea_shop, None, [tea_as_of, tea_as_of - 13 * DAY])
    with pytest.raises(NotEnoughError, match="not known yet: the log ends on"):
        universal_profile(tea_shop, None, [tea_as_of + 20 * DAY, tea_as_of])
