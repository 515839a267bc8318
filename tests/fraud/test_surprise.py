"""The behaviour model's surprise before an attempt, as of the attempt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest

from regulars import Shop, behavior
from regulars.clock import moment_of
from regulars.fraud.attempts import attempts
from regulars.fraud.surprise import COLUMN, WITHIN, surprised
from regulars.fraud.training import in_use

DAY = timedelta(days=1)


def test_it_is_the_mean_surprise_of_the_hour_before_and_unknown_of_what_the_model_learned_from(
    own_tea_shop: Shop, tea_as_of: datetime, keep_behavior_model: Callable[..., None]
) -> None:
    until = tea_as_of - 90 * DAY
    keep_behavior_model(own_tea_shop, until)
    found = surprised(own_tea_shop, attempts(own_tea_shop, tea_as_of))
    assert found.surprise is not None
    values, time = found.surprise.values, found.facts.time
    assert np.isnan(values[[moment_of(int(each)) <= until for each in time]]).all()
    rows = np.flatnonzero(np.isfinite(values))
    assert len(rows) > 100
    ids = found.table["customer_id"].to_pylist()
    for row in rows[:: len(rows) // 10]:
        moment = moment_of(int(time[row]))
        events = behavior.surprise(own_tea_shop, [ids[row]], moment).to_pylist()
        inside = [
            each["surprise"]
            for each in events
            if each["time"] >= moment - timedelta(microseconds=WITHIN) and each["surprise"] is not None
        ]
        assert values[row] == pytest.approx(np.mean(inside), rel=1e-4)


def test_a_shop_without_a_behaviour_model_has_no_such_column(own_tea_shop: Shop, tea_as_of: datetime) -> None:
    assert surprised(own_tea_shop, attempts(own_tea_shop, tea_as_of)).surprise is None


def test_the_model_keeps_whose_surprise_it_learned_with_and_nothing_leaks(
    own_tea_shop: Shop, tea_as_of: datetime, keep_behavior_model: Callable[..., None]
) -> None:
    keep_behavior_model(own_tea_shop, tea_as_of - 98 * DAY)
    kept, report = own_tea_shop.learn("fraud", tea_as_of)
    own_tea_shop.models.use("fraud", kept.version)
    model, _ = in_use(own_tea_shop)
    assert COLUMN in model.names
    assert model.source == (1, False)
    assert not report.failed_checks
    keep_behavior_model(own_tea_shop, tea_as_of - 80 * DAY, seed=1)
    assert own_tea_shop.decide("fraud", tea_as_of).table.num_rows > 0  # still by the first model
