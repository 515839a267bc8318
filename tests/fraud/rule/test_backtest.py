"""What a rule would have done to past attempts, judged by what became known of them, and by nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.config import FraudSettings
from regulars.errors import NotEnoughError
from regulars.fraud.rule import Backtest, backtest, vocabulary
from regulars.fraud.rule.backtest import MODEL
from regulars.rules import Rule

MAY = datetime(2024, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DEAR = Rule.of("amount > 220", vocabulary())
PLAIN = FraudSettings(fee=15, loss_share=1, insult_share=0.5, review_minutes=3, review_cost=0.5, reviews_per_day=1)


def tried(
    amounts: list[float], labels: list[int], *, action: Any = "block", rule: Rule = DEAR, **more: Any
) -> Backtest:
    """Attempts of one customer each, eight hours apart."""
    time = pa.array(
        [MAY + timedelta(hours=8 * n) for n in range(len(amounts))], pa.timestamp("us", more.pop("zone", "UTC"))
    )
    columns = {"time": time, "amount": pa.array(amounts), "customer_id": [f"c{n}" for n in range(len(amounts))]}
    if "risk" in more:
        columns["risk"] = pa.array(more.pop("risk"), pa.float64())
    since, until = more.pop("since", MAY), more.pop("until", MAY + 99 * DAY)
    return backtest(
        rule, action, pa.table(columns), np.array(labels, np.int8), since, until, more.pop("settings", PLAIN), **more
    )


def test_hits_are_counted_by_what_is_known_of_them() -> None:
    found = tried([300, 100, 400, 500, 600, 10], [1, 1, 0, -1, 1, 0])
    assert (found.attempts, found.hits, found.frauds, found.honest, found.unknown) == (6, 4, 2, 1, 1)
    assert (found.precision.hits, found.precision.n) == (2, 3)
    assert (found.recall.hits, found.recall.n) == (2, 3)
    assert (found.base.hits, found.base.n) == (3, 5)
    assert (found.money_fraud, found.money_honest, found.money_unknown) == (900, 400, 500)
    assert found.customers_honest == 1
    assert found.gain == 900 + 2 * 15 - 400 * 0.5
    low, high = found.precision.interval
    assert 0 < low < 2 / 3 < high < 1


def test_days_are_those_of_the_shop() -> None:
    found = tried([300] * 4, [-1, 1, 0, -1], zone="Asia/Shanghai").by_day.to_pylist()
    assert [
        (str(row["day"]), row["attempts"], row["hits"], row["frauds"], row["honest"], row["unknown"]) for row in found
    ] == [
        ("2024-05-01", 2, 2, 1, 0, 1),
        ("2024-05-02", 2, 2, 0, 1, 1),
    ]


def test_only_attempts_between_the_two_moments_count() -> None:
    found = tried([300] * 6, [1] * 6, since=MAY + timedelta(hours=8), until=MAY + timedelta(hours=24))
    assert (found.attempts, found.all_frauds) == (2, 2)
    with pytest.raises(NotEnoughError, match="no attempt from 2025"):
        tried([300], [1], since=datetime(2025, 1, 1, tzinfo=UTC), until=datetime(2025, 2, 1, tzinfo=UTC))


def test_what_the_bank_declined_cost_nothing() -> None:
    found = tried([300, 400], [1, 1], declined=np.array([True, False]))
    assert (found.frauds, found.declined, found.money_fraud, found.gain) == (2, 1, 400, 415)


def test_it_is_compared_with_the_model_and_with_other_rules() -> None:
    found = tried(
        [300, 300, 10, 10, 300], [1, 0, 1, 0, -1], risk=[0.1, 0.9, 0.2, 0.3, None], others={"half": np.array([True] * 3 + [False] * 2)}
    )  # fmt: skip
    model, half = found.overlaps
    assert model.name == MODEL  # one a day: the second attempt, and the fourth
    assert (model.both, model.only_this, model.only_other, model.frauds_only_this) == (1, 2, 1, 1)
    assert (half.both, half.only_this, half.only_other, half.frauds_both) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("action", "frauds", "honest", "unknown", "said"),
    [
        ("block", 0, 0, 0, "never true"),
        ("block", 3, 2, 50, "Too little is known to judge it: the outcome of 5 of its 55 hits"),
        ("block", 90, 10, 5, "It pays"),
        ("block", 10, 190, 5, "It does not pay"),
        ("block", 7, 13, 5, "Not sure yet"),
        ("allow", 0, 200, 5, "It pays"),
        ("allow", 100, 100, 5, "It does not pay"),
        ("review", 5, 95, 5, "It pays"),
        ("challenge", 90, 10, 5, "It pays"),
    ],
)
def test_the_verdict_follows_what_is_known_and_what_it_costs(
    action: str, frauds: int, honest: int, unknown: int, said: str
) -> None:
    hits = frauds + honest + unknown
    labels = [1] * frauds + [0] * honest + [-1] * unknown + [0] * (10 + hits)
    found = tried([300.0] * hits + [10.0] * (10 + hits), labels, action=action)
    assert said in found.verdict


def test_a_rule_that_is_always_true_is_warned_of_with_its_share() -> None:
    found = tried([300] * 20, [1] * 20)
    assert found.notes[0] == "It is true of 100.0% of attempts."
    assert found.verdict == "It was true of 100.0% of attempts: it tells nothing apart, and must not act."


def test_more_than_people_can_look_at_is_said() -> None:
    found = tried([300, 10, 300, 300, 10, 300, 300, 10, 10], [-1] * 9, action="review")
    assert "It sends 2 attempts a day to people, who can look at 1 (reviews_per_day under [fraud])." in found.notes


def test_nothing_known_is_said_to_be_unknown() -> None:
    found = tried([300, 300], [-1, -1])
    assert str(found.precision) == str(found.recall) == "unknown"
    assert (found.unknown, found.gain) == (2, 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 500), st.sampled_from([-1, 0, 1]), st.booleans()), min_size=1, max_size=30),
    st.sampled_from(["allow", "block", "review", "challenge"]),
)
def test_counts_agree_with_each_other(rows: list[tuple[float, int, bool]], action: str) -> None:
    found = tried(
        [row[0] for row in rows], [row[1] for row in rows], action=action, declined=np.array([row[2] for row in rows])
    )
    assert found.frauds + found.honest + found.unknown == found.hits <= found.attempts == len(rows)
    for name in ("attempts", "hits", "frauds", "honest", "unknown"):
        assert sum(row[name] for row in found.by_day.to_pylist()) == getattr(found, name)
    for share in (found.precision, found.recall, found.base):
        low, high = share.interval
        assert 0 <= low <= high <= 1
        assert not share.n or low <= share.value <= high
    assert found.verdict
    money = found.money_fraud + found.money_honest + found.money_unknown
    assert money == pytest.approx(sum(amount for amount, _, declined in rows if amount > 220 and not declined))
