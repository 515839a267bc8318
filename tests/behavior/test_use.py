"""Asking the model of a shop: of nobody, and of many products."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.behavior import hazard, model_as_of, next_products, vectors
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import DAY
from regulars.behavior.use import surprise_of
from regulars.behavior.vocabulary import Content
from regulars.events.schema import TIME
from tests.behavior.conftest import mini, timed


def test_of_nobody_there_is_an_answer_without_rows(
    own_tea_shop: Shop, tea_as_of: datetime, keep_behavior_model: Callable[..., None]
) -> None:
    nobody = pa.table({"customer_id": pa.array([], pa.string()), "as_of": pa.array([], TIME)})
    keep_behavior_model(own_tea_shop, tea_as_of - timedelta(days=30))
    for model in (None, model_as_of(own_tea_shop, tea_as_of).model):
        assert next_products(own_tea_shop, nobody, k=3, model=model).num_rows == 0
        found = hazard(own_tea_shop, nobody, model)
        assert found.num_rows == 0
        assert found.column_names[2:] == ["return_7d", "return_30d", "return_90d", "spend_30d"]
    assert vectors(own_tea_shop, nobody).shape[0] == 0


def test_surprise_of_many_products_is_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences, vocabulary = timed([20, 5])
    model = BehaviorModel.new(vocabulary, Content.none(6), mini(), 11_000 * DAY)
    whole = surprise_of(model, sequences)["product_surprise"]
    monkeypatch.setattr(sys.modules["regulars.behavior.use"], "SCORES", 21)
    np.testing.assert_allclose(surprise_of(model, sequences)["product_surprise"], whole, rtol=1e-5)
