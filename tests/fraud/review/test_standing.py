"""How the queue stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from regulars import clock
from regulars.config import FraudSettings
from regulars.fraud.review import claim, forecast, give_verdict, open_cases, standing, undo
from regulars.state import State
from tests.fraud.review.conftest import ALONE, AS_OF, BLIND, held

NOON = datetime(2024, 5, 2, 12, tzinfo=UTC)


def row(name: str, **other: object) -> dict[str, object]:
    return {"attempt_id": name, "customer_id": name, **other}


def judge(state: State, *, who: str, verdict: str, at: datetime) -> int:
    with clock.held_at(at):
        number = claim(state, who)
        assert number is not None
        give_verdict(state, number, who, verdict)
    return number


def test_an_empty_queue_has_nothing(local: State) -> None:
    found = standing(local)
    assert (found.open, found.claimed, found.oldest, found.forecast.waiting) == (0, 0, None, 0)
    assert found.by_reviewer.num_rows == found.by_reason.num_rows == 0
    assert found.forecast.days_until_empty == 0
    assert found.overturned.judged == 0


def test_what_waits_is_counted_by_age(state: State) -> None:
    for hours in (0, 30, 100):
        with clock.held_at(NOON - timedelta(hours=hours)):
            open_cases(state, held(row(f"a{hours}"), row(f"b{hours}")), AS_OF, ALONE)
    with clock.held_at(NOON):
        claim(state, "mei")
        found = standing(state)
    assert (found.open, found.claimed, found.second) == (5, 1, 0)
    assert found.oldest == NOON - timedelta(hours=100)
    assert dict(zip(found.by_age["age"].to_pylist(), found.by_age["cases"].to_pylist(), strict=True)) == {
        "under 4 hours": 2, "4 to 24 hours": 0, "1 to 3 days": 2, "3 to 7 days": 2, "over 7 days": 0,
    }  # fmt: skip
    assert sum(found.by_age["expected_loss"].to_pylist()) == 60


def test_throughput_is_by_day_and_reviewer(state: State) -> None:
    with clock.held_at(NOON):
        open_cases(state, held(*(row(f"a{k}") for k in range(4)), row("x", customer_id="a3")), AS_OF, ALONE)
    for who, verdict, days in (("mei", "fraud", 0), ("mei", "honest", 0), ("bob", "honest", 0), ("mei", "honest", 1)):
        judge(state, who=who, verdict=verdict, at=NOON + timedelta(days=days))
    found = [tuple(each.values()) for each in standing(state).by_reviewer.to_pylist()]
    first, second = NOON.date(), NOON.date() + timedelta(days=1)
    assert [each[:3] for each in found] == [(first, "bob", 1), (first, "mei", 2), (second, "mei", 1)]
    assert sum(each[3] for each in found) == 5


def test_precision_is_by_reason_rule_and_score(state: State) -> None:
    rows = [
        row("a", reasons=["new device", "一环"], risk=0.95, policy="rule: ring", expected_loss=90.0),
        row("b", reasons=["new device"], risk=0.95, policy="expected loss", expected_loss=80.0),
        row("c", reasons=["new device"], risk=0.3, policy="expected loss", expected_loss=70.0),
        row("d", risk=1.0, expected_loss=60.0),
    ]
    open_cases(state, held(*rows), AS_OF, ALONE)
    for verdict in ("fraud", "honest", "honest"):
        judge(state, who="mei", verdict=verdict, at=NOON)
    found = standing(state)
    assert [tuple(each.values())[:3] for each in found.by_reason.to_pylist()] == [("new device", 3, 1), ("一环", 1, 1)]
    assert found.by_policy["precision"].to_pylist() == [0.0, 1.0]
    assert [tuple(each.values())[:3] for each in found.by_risk.to_pylist()] == [
        ("0.25 to 0.50", 1, 0), ("0.90 to 1.00", 2, 1)
    ]  # fmt: skip
    for each in found.by_reason.to_pylist():
        assert 0 <= each["low"] <= each["precision"] <= each["high"] <= 1


def test_what_did_not_last_is_counted(state: State) -> None:
    open_cases(state, held(row("a", expected_loss=90.0), row("b"), row("c", expected_loss=5.0)), AS_OF, BLIND)
    for who, verdict in (("mei", "fraud"), ("mei", "fraud"), ("mei", "honest"), ("bob", "honest"), ("bob", "fraud")):
        judge(state, who=who, verdict=verdict, at=NOON)
    found = standing(state)
    assert (found.open, found.second) == (2, 1)
    assert standing(state).overturned[:2] == (3, 0)  # a second look in dispute is not settled yet
    judge(state, who="cyd", verdict="honest", at=NOON)
    assert standing(state).overturned[:2] == (3, 1)
    undo(state, 2, "mei")
    assert standing(state).overturned[:2] == (2, 1)


def test_the_forecast_says_whether_reviewers_keep_up(local: State) -> None:
    for days in range(7):
        with clock.held_at(NOON + timedelta(days=days)):
            open_cases(local, held(*(row(f"{days}-{k}") for k in range(20))), AS_OF, ALONE)
    with clock.held_at(NOON + timedelta(days=6, hours=12)):
        slow = standing(local, FraudSettings(reviews_per_day=10)).forecast
        quick = standing(local, FraudSettings(reviews_per_day=60)).forecast
    assert slow.waiting == 140
    assert slow.arrivals_per_day == pytest.approx(140 / 6.5)
    assert slow.low < slow.arrivals_per_day < slow.high
    assert slow.in_7_days == pytest.approx(140 + 7 * (140 / 6.5 - 10))
    assert (slow.days_until_empty, quick.in_7_days) == (None, 0)
    assert quick.days_until_empty == pytest.approx(140 / (60 - 140 / 6.5))


def test_a_rate_of_nothing_seen_is_not_certainly_nothing() -> None:
    found = forecast(waiting=0, arrived=0, days=7, reviews_per_day=10)
    assert found.low == 0
    assert found.high == pytest.approx(3.689 / 7, abs=1e-3)


def test_a_day_is_the_shops(state: State) -> None:
    open_cases(state, held(row("a")), AS_OF, ALONE)
    judge(state, who="mei", verdict="fraud", at=NOON + timedelta(hours=8))
    days = [standing(state, zone=zone).by_reviewer["day"].to_pylist() for zone in ("UTC", "Asia/Shanghai")]
    assert days == [[NOON.date()], [NOON.date() + timedelta(days=1)]]
