"""When a subscription begins and ends: by events of a few customers, each of whom is a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from regulars import Shop
from regulars.churn.subscriptions.spells import KEPT, LAPSED, LEFT, OPEN, spells
from regulars.evaluation import leak_check

START = datetime(2024, 1, 1, tzinfo=UTC)
Tell = Callable[..., list[dict[str, Any]]]
Seen = Callable[..., Shop]


def said(kind: str, customer: str, day: float, **properties: Any) -> dict[str, Any]:
    moment = START + timedelta(days=day)
    return {"type": f"subscription_{kind}", "customer_id": customer, "time": moment, "properties": properties}


@pytest.fixture
def found(seen: Seen) -> Tell:
    """found(day, *events): the spells as of a day, after these events."""
    return lambda day, *events: spells(seen(*events), START + timedelta(days=day)).table.to_pylist()


def monthly(customer: str, times: int, **properties: Any) -> list[dict[str, Any]]:
    return [said("started", customer, 0, **properties)] + [said("renewed", customer, 30 * k) for k in range(1, times)]


def test_a_cancellation_ends_it_on_its_day(found: Tell) -> None:
    (one,) = found(200, *monthly("ada", 4, plan="box", period_days=30), said("cancelled", "ada", 100))
    assert (one["plan"], one["period_days"], one["renewals"], one["days"]) == ("box", 30, 3, 100)
    assert (one["ended_by"], one["ended_at"]) == ("cancelled", START + timedelta(days=100))
    assert (one["cohort"], one["is_start_known"], one["gap_days"]) == ("2024-01", True, None)


def test_who_does_not_pay_again_within_the_grace_has_lapsed_when_the_paid_time_was_over(found: Tell) -> None:
    events = monthly("ada", 3)
    (one,) = found(97.4, *events)
    assert one["ended_by"] is None
    assert one["days"] == 90
    (one,) = found(97.6, *events)
    assert (one["ended_by"], one["days"]) == ("lapsed", 90)


def test_the_period_is_that_of_the_customers_own_renewals(found: Tell) -> None:
    weekly = [said("renewed", "bob", 7 * k) for k in range(1, 4)]
    ada, bob = found(100, *monthly("ada", 4), said("started", "bob", 0), *weekly)
    assert (ada["period_days"], bob["period_days"]) == (30, 7)


def test_who_has_not_renewed_yet_has_the_period_of_the_plan(found: Tell) -> None:
    events = [*monthly("ada", 4, plan="month"), said("started", "bob", 0, plan="year", period_days=365)]
    _, bob, eve = found(100, *events, said("started", "eve", 80, plan="month"))
    assert (bob["period_days"], eve["period_days"]) == (365, 30)
    assert bob["ended_by"] is eve["ended_by"] is None


def test_a_pause_and_a_lapse_begin_a_new_spell_and_the_gap_is_said(seen: Seen) -> None:
    ada = [*monthly("ada", 3), said("paused", "ada", 70), said("resumed", "ada", 100)]
    bob = [*monthly("bob", 3), said("renewed", "bob", 110)]
    both = spells(seen(*ada, *bob), START + timedelta(days=115))
    rows = both.table.to_pylist()
    assert [(row["spell"], row["ended_by"], row["gap_days"]) for row in rows] == [
        (1, "paused", None), (2, None, 30), (1, "lapsed", None), (2, None, 20),
    ]  # fmt: skip
    notes = " ".join(both.notes)
    assert "2 of 4 spells began after a gap" in notes
    assert "1 spells ended in a pause" in notes


def test_a_renewal_after_a_cancellation_is_a_new_spell(found: Tell) -> None:
    first, second = found(130, *monthly("ada", 3), said("cancelled", "ada", 80), said("renewed", "ada", 120))
    assert (first["ended_by"], second["ended_by"]) == ("cancelled", None)
    assert (second["gap_days"], second["is_start_known"], second["renewals"]) == (40, True, 0)


def test_a_cancellation_without_a_start_is_left_out_and_said(seen: Seen) -> None:
    both = spells(seen(said("cancelled", "ada", 10), *monthly("bob", 2)), START + timedelta(days=50))
    assert both.table["customer_id"].to_pylist() == ["bob"]
    assert "1 cancellations are of subscriptions without a start" in " ".join(both.notes)


def test_one_that_began_before_the_log_is_marked(found: Tell) -> None:
    (one,) = found(65, said("renewed", "ada", 0), said("renewed", "ada", 30), said("renewed", "ada", 60))
    assert one["is_start_known"] is False


def test_a_first_payment_told_twice_is_one(found: Tell) -> None:
    (one,) = found(70, *monthly("ada", 3), said("renewed", "ada", 0.01))
    assert one["renewals"] == 2


def test_a_change_of_plan_at_one_moment_ends_one_and_begins_another(found: Tell) -> None:
    events = [*monthly("ada", 3, plan="small"), said("started", "ada", 75, plan="large"), said("cancelled", "ada", 75)]
    small, large = found(80, *events)
    assert (small["plan"], small["ended_by"], small["days"]) == ("small", "cancelled", 75)
    assert (large["plan"], large["ended_by"], large["gap_days"]) == ("large", None, 0)


def test_subscriptions_of_one_customer_are_apart_where_they_are_named(found: Tell) -> None:
    both = [said("started", "ada", 0, subscription_id="tea"), said("started", "ada", 5, subscription_id=12)]
    rows = found(40, *both, said("cancelled", "ada", 20, subscription_id="tea"))
    assert {row["subscription_id"]: row["ended_by"] for row in rows} == {"12": None, "tea": "cancelled"}


def test_where_nothing_is_renewed_nothing_lapses(seen: Seen) -> None:
    one = spells(seen(said("started", "ada", 0, period_days=30)), START + timedelta(days=900))
    assert (one.table["ended_by"].to_pylist(), one.table["days"].to_pylist()) == ([None], [900])
    assert "no renewals" in " ".join(one.notes)


def test_a_shop_without_subscriptions_has_no_spells(seen: Seen) -> None:
    none = spells(seen(), START)
    assert none.table.num_rows == 0
    assert none.notes == ()


def test_each_payment_is_a_period_with_what_came_of_it(seen: Seen) -> None:
    events = [*monthly("ada", 3), said("cancelled", "ada", 70), *monthly("bob", 2), *monthly("eve", 4)]
    periods = spells(seen(*events), START + timedelta(days=100)).periods
    assert periods.number.tolist() == [1, 2, 3, 1, 2, 1, 2, 3, 4]
    assert periods.outcome.tolist() == [KEPT, KEPT, LEFT, KEPT, LAPSED, KEPT, KEPT, KEPT, OPEN]
    assert (np.diff(periods.spell) >= 0).all()


def test_nothing_after_the_moment_is_used(seen: Seen) -> None:
    shop = seen(*monthly("ada", 6), said("cancelled", "ada", 170), *monthly("bob", 3), said("paused", "bob", 80))
    moment = START + timedelta(days=75)
    check = leak_check(lambda events: spells(shop.with_events(events), moment).table, shop.events, moment)
    assert check.passed, check.detail


@pytest.mark.parametrize("days", [1e12, "Infinity"])
def test_a_period_for_life_does_not_lapse(found: Tell, days: float | str) -> None:
    table = found(400, said("started", "ada", 0, period_days=days), *monthly("eve", 3, period_days=30))
    assert [(one["customer_id"], one["ended_by"]) for one in table] == [("ada", None), ("eve", "lapsed")]
    assert table[0]["days"] == 400
