"""What was learned last is judged without being learned once more, for as long as nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from regulars import Shop
from regulars.churn import training

Record = Callable[..., object]


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moments until which was learned; what is learned is how often that was."""
    moments: list[datetime] = []
    monkeypatch.setattr(training, "train", lambda shop, until, days: moments.append(until) or len(moments))
    return moments


def test_the_same_is_learned_once(with_orders, learned: list[datetime]) -> None:
    shop = Shop.open(with_orders)
    assert [training.trained(shop, shop.now, 30) for _ in range(2)] == [1, 1]


def test_what_has_changed_is_learned_anew(with_orders, record: Record, learned: list[datetime]) -> None:
    shop = Shop.open(with_orders)
    moment = shop.now
    asked = [
        training.trained(shop, moment, 30),
        training.trained(shop, moment, 60),
        training.trained(shop, moment - timedelta(days=1), 60),
    ]
    record(shop, {"type": "product_viewed", "customer_id": "ada", "time": moment.isoformat(), "product_id": "tea"})
    asked.append(training.trained(shop, moment - timedelta(days=1), 60))
    shop.models.save("behavior", {}, {})
    asked.append(training.trained(shop, moment - timedelta(days=1), 60))
    shop.models.use("behavior", 1)
    asked.append(training.trained(shop, moment - timedelta(days=1), 60))
    shop.config = shop.config.model_copy(update={"churn": shop.config.churn.model_copy(update={"cut_offs": 2})})
    asked.append(training.trained(shop, moment - timedelta(days=1), 60))
    assert asked == [1, 2, 3, 4, 5, 6, 7]


def test_as_if_other_things_had_happened_is_learned_anew(with_orders, learned: list[datetime]) -> None:
    shop = Shop.open(with_orders)
    training.trained(shop, shop.now, 30)
    assert training.trained(shop.holding(shop.events), shop.now, 30) == 2
