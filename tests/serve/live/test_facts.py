"""What is computed anew of all customers is told where it changed, and at the start as no news."""

from __future__ import annotations

import asyncio
import threading

import pyarrow as pa
import pytest

from regulars.serve.live.facts import Facts
from regulars.serve.live.people import People


class Follower:
    def __init__(self) -> None:
        self.told: list[tuple[str, dict, bool]] = []

    def tell(self, customer, facts, moment, cause, *, is_news):
        self.told.append((customer, facts, is_news))


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def risks(**of_each: float | None) -> People:
    return People(pa.table({"customer_id": list(of_each), "churn_probability": list(of_each.values())}), "churn")


def places(**of_each: str | None) -> People:
    return People(pa.table({"customer_id": list(of_each), "segment": list(of_each.values())}), "segment")


def test_a_risk_is_told_with_the_one_before_where_it_changed(loop):
    follower = Follower()
    facts = Facts(lambda: ["leaving: churn_risk >= 0.5"], follower, loop)
    facts.churn(risks(ada=0.1, bob=0.2, cy=None))
    assert follower.told == [
        ("ada", {"churn_risk": 0.1, "churn_risk_before": None}, False),
        ("bob", {"churn_risk": 0.2, "churn_risk_before": None}, False),
    ]
    follower.told.clear()
    facts.churn(risks(ada=0.6, bob=0.2, cy=0.3))
    assert follower.told == [
        ("ada", {"churn_risk": 0.6, "churn_risk_before": 0.1}, True),
        ("cy", {"churn_risk": 0.3, "churn_risk_before": None}, True),
    ]


def test_a_segment_is_told_when_a_customer_enters_it(loop):
    follower = Follower()
    facts = Facts(lambda: ['best: segments contains "champions"'], follower, loop)
    facts.segments(places(ada="new"))
    facts.segments(places(ada="champions"))
    assert follower.told[1:] == [("ada", {"segments": ["champions"]}, True)]


def test_without_triggers_nobody_is_told(loop):
    follower = Follower()
    Facts(lambda: [], follower, loop).churn(risks(ada=0.1))
    assert follower.told == []
