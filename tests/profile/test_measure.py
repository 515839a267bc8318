"""The shop's measure: that of the moment, never one learned later; and whether dates that were told came true."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from importlib import import_module

from regulars import Shop
from regulars.evaluation import Split
from regulars.profile import measure as measuring
from regulars.profile.evaluate import next_orders_came
from regulars.profile.measure import measure_in_use
from regulars.profile.model import Norms


def test_what_was_learned_is_used_from_then_on_and_not_for_an_earlier_moment(
    tea_shop: Shop, tea_as_of: datetime
) -> None:
    learned = Norms.from_bytes(tea_shop.models.in_use("profile").read("norms.json"))
    assert measure_in_use(tea_shop, tea_as_of) == learned
    early = measure_in_use(tea_shop, tea_as_of - timedelta(days=100))
    assert early.base.counts["shop_days"] < 60 < learned.base.counts["shop_days"]


def test_the_same_moment_is_measured_once(lamp_shop: Shop, lamp_now: datetime, monkeypatch) -> None:
    first = measure_in_use(lamp_shop, lamp_now)
    monkeypatch.setattr(measuring, "measure", None)
    assert measure_in_use(lamp_shop, lamp_now) is first


def test_dates_that_were_told_are_held_against_what_came(lamp_shop: Shop, monkeypatch) -> None:
    split = Split(datetime(2024, 4, 20, tzinfo=UTC), 70)
    # The lamp shop has thirty-odd customers: too few for an honest share.
    assert next_orders_came(lamp_shop, split) == ()
    monkeypatch.setattr(import_module("regulars.profile.evaluate"), "LEAST", 20)
    (said,) = next_orders_came(lamp_shop, split)
    found = re.search(r"Of (\d+) customers .* within 70 days, (\d+) % did so", said)
    assert found is not None
    # Pauses of ten to sixty days, all alike: hardly anybody comes outside of what is told.
    assert int(found[1]) >= 20
    assert int(found[2]) >= 70
