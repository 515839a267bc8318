"""What a campaign brings is computed where the engine computes, a piece at a time, and says the same."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from regulars import Shop, campaign
from regulars.campaign.answers import answer_names
from regulars.campaign.dataset import features_as_of
from regulars.campaign.model import Anyway, CampaignModel
from regulars.campaign.uplift import Trial, fit

ARMS = ("none", "tea by email")
WIDE = 50
"""So many columns have features, not scores."""


@pytest.fixture
def contacting(tea_shop: Shop, tea_as_of: datetime, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop that writes to twenty customers, by a model of a trial."""
    pairs = tea_shop.customers(tea_as_of)
    names = ("orders", "recency_days", "spend", *answer_names(ARMS))
    features = features_as_of(tea_shop, pairs, tea_shop.tables.of("profile", pairs), names)
    rng = np.random.default_rng(0)
    arm, spend = rng.integers(0, 2, len(features)), rng.random(len(features))
    bought = spend < 0.2 + 0.5 * arm * (features[:, 0] > 2)
    trial = Trial.of(features, arm, bought, kind="binary", arms=ARMS, names=names, costs=[0.0, 0.01], worth=5.0)
    model = CampaignModel(fit(trial, ["linear"]), Anyway.fit(features, spend, names), ARMS[1:], 30)
    monkeypatch.setattr(sys.modules[campaign.decide.__module__], "in_use", lambda shop: model)
    sending = tea_shop.config.sending.model_copy(update={"consent": "not refused"})
    settings = tea_shop.config.campaign.model_copy(update={"contacts": 20})
    return Shop(tea_shop.folder, tea_shop.config.model_copy(update={"sending": sending, "campaign": settings}))


def test_of_many_customers_only_features_of_the_chosen_come_into_memory(
    contacting: Shop, tea_as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = campaign.decide(contacting, tea_as_of)
    assert len(expected["policy"].unique()) == 2
    monkeypatch.setattr("regulars.profile.dataset.MANY", 1)  # as of a shop whose customers do not fit into memory
    collected: list[Any] = []
    to_arrow = contacting.engine.to_arrow

    def noted(expression: Any) -> Any:
        collected.append(to_arrow(expression))
        return collected[-1]

    monkeypatch.setattr(contacting.engine, "to_arrow", noted)
    found = campaign.decide(contacting, tea_as_of)
    assert found.drop_columns("inputs_hash").to_pydict() == expected.drop_columns("inputs_hash").to_pydict()
    wide = [table.num_rows for table in collected if getattr(table, "num_columns", 0) > WIDE]
    assert wide == [found.num_rows]
    assert found.num_rows < contacting.customers(tea_as_of).num_rows
