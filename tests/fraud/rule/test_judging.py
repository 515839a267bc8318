"""Rules and lists mean the same of all attempts of a log and of one that comes in live."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.fraud.attempts import Attempts, attempts
from regulars.fraud.features.batch import features
from regulars.fraud.features.own import own
from regulars.fraud.rule import Asked, Index, Lists, Standing, judge, judge_row, row_of, table_of, vocabulary
from regulars.rules import Rule

MAY = datetime(2024, 5, 1, tzinfo=UTC)
WORDS = vocabulary()
ZONE = "Asia/Shanghai"


def payments() -> list[dict[str, Any]]:
    """Of three customers, some by the same device; what each says of itself differs."""
    events = []
    for number in range(12):
        said = {
            "email": f"C{number % 3}@Tea.example",
            "phone": "+44 (20) 7946",
            "shippingAddress": "1, High St.",
            "country": ("GB", "FR")[number % 2],
            "distance_km": str(number * 10),
            "signed_up_at": "2024-04-30T00:00:00",
        }
        events.append({
            "type": "payment_attempted", "customer_id": f"c{number % 3}", "device_id": f"d{number % 2}",
            "ip": f"10.0.{number % 4}.{number}", "payment_id": f"p{number}", "order_id": f"o{number}",
            "time": (MAY + timedelta(hours=5 * number)).isoformat(), "quantity": 1, "unit_price": 10.0 * number,
            **{f"properties.{name}": value for name, value in said.items() if number != 5 or name != "email"},
        })  # fmt: skip
    return events


@pytest.fixture
def paid(once: Callable[..., Path], record: Callable[..., Any], tmp_path: Path) -> Shop:
    made = once("fraud_judged_shop", lambda place: record(Shop.create(place), *payments()))
    return Shop.open(shutil.copytree(made, tmp_path / "shop"))


def rule(text: str, words: Any = WORDS) -> Rule:
    return Rule.of(text, words)


TEXTS = [
    "amount > 50",
    "hour < 8",
    "weekday = 4",
    "device_attempts_1d >= 2",
    "amount_over_customer_mean_90d > 1.5",
    "customer_device_since_first_attempt is null",
    "customer_since_last_attempt < 16 hours",
    "email contains '@tea'",
    "email_domain = 'tea.example' and email is not null",
    "ip_range = '10.0.1.0/24'",
    "address = '1 high st'",
    "phone contains '7946'",
    "account_age > 2 days",
    "not has_coupon",
    "time >= '2024-05-02'",
    "listed_block",
    "listed_reason contains 'bots'",
    "risk > 0.5",
    "risk is null or risk < 0.5",
    "merchant_attempts_1h > 0",
    "properties.distance_km > 55",
    "properties.country = 'FR' and order_id != 'o3'",
    "email_length > 1 and ip_private = 1",
    "`property:country_fraud_share` > 0",
    "type = 'payment_attempted' and payment_id starts with 'p1'",
]


def test_a_table_and_single_rows_are_judged_alike(paid: Shop) -> None:
    lists = Lists(paid)
    lists.add(Asked("block", "ip", "10.0.1.0/24", "bots", since=MAY + timedelta(hours=7)))
    lists.add(Asked("allow", "email", "c2@tea.example", since=MAY))
    lists.add(Asked("watch", "address", "1 High St.", since=MAY + timedelta(hours=30)))
    found, index = attempts(paid, paid.now), lists.index()
    words = vocabulary(found)
    actions = ["allow", "block", "challenge", "review"]
    rules = [
        Standing(text, actions[number % 4], rule(text, words), number % 3 != 0)  # type: ignore[arg-type]
        for number, text in enumerate(TEXTS)
    ]
    names = set().union(*(each.rule.columns for each in rules))
    risk = np.linspace(0, 1, len(found))
    risk[3] = np.nan
    table = judge(rules, table_of(found, names, index, ZONE, base_rate=0.01, risk=risk))
    assert [row["action"] for row in table.to_pylist()].count(None) == 0
    hits = {hit for row in table.to_pylist() for hit in row["hits"] + row["shadow"]}
    assert hits == set(TEXTS) - {"merchant_attempts_1h > 0", "`property:country_fraud_share` > 0"}
    assert table.to_pylist() == [judged_alone(found, place, rules, index, risk[place]) for place in range(len(found))]


def judged_alone(found: Attempts, place: int, rules: list[Standing], index: Index, risk: float) -> dict[str, Any]:
    said = found.table.slice(place, 1).to_pylist()[0]
    properties = {"properties.country": ("GB", "FR")[place % 2], "properties.distance_km": float(place * 10)}
    email = None if place == 5 else f"C{place % 3}@Tea.example"
    texts = {"email": email, "phone": "+44 (20) 7946", "address": "1, High St."}
    about = {**said, **properties, **texts, "has_coupon": False, "signed_up": datetime(2024, 4, 30, tzinfo=UTC)}
    asked = found.stream.attempts[[place]]
    made = features(found.stream, asked, base_rate=0.01) | own(found.facts.take(np.array([place])), "Asia/Shanghai")
    known = {name: float(values[0]) for name, values in made.items()}
    row = row_of(about, said["time"], known, index, ZONE, risk=None if np.isnan(risk) else float(risk))
    action, hits, shadow = judge_row(rules, row)
    return {"action": action, "hits": list(hits), "shadow": list(shadow)}


def test_what_is_asked_of_some_attempts_is_what_they_have_among_all(paid: Shop) -> None:
    found, index = attempts(paid, paid.now), Lists(paid).index()
    names = {"device_attempts_1d", "customer_fraud_share", "hour", "email", "device_id", "account_age", "listed_block"}
    whole = table_of(found, names, index, ZONE, base_rate=0.01)
    places = np.array([2, 7, 11])
    some = table_of(found, names, index, ZONE, base_rate=0.01, places=places)
    assert some.to_pylist() == whole.take(places).to_pylist()


@pytest.mark.parametrize(
    ("actions", "wins"),
    [("allow block challenge review", "allow"), ("review block", "block"), ("review challenge", "challenge")],
)
def test_the_first_action_wins_whatever_the_order_of_rules(actions: str, wins: str) -> None:
    rules = [Standing(action, action, rule("amount > 1")) for action in actions.split()]  # type: ignore[arg-type]
    table = pa.table({"amount": [2.0, 0.0]})
    for these in (rules, rules[::-1]):
        assert judge(these, table)["action"].to_pylist() == [wins, None]
        assert judge_row(these, {"amount": 2.0}).action == wins
    shadow = [each._replace(is_live=False) for each in rules]
    assert judge(shadow, table).to_pylist()[0] == {"action": None, "hits": [], "shadow": actions.split()}


def test_a_column_that_is_not_there_is_unknown() -> None:
    rules = [Standing("sure", "block", rule("risk > 0.9 or email is null and time < '2024-05-01'"))]
    assert judge(rules, pa.table({"amount": [1.0]}))["action"].to_pylist() == [None]
    assert judge_row(rules, {"amount": 1.0}).action is None


def test_no_rules_and_no_attempts_are_no_trouble() -> None:
    assert judge([], pa.table({"amount": [1.0, 2.0]})).to_pylist() == [{"action": None, "hits": [], "shadow": []}] * 2
    assert (
        judge([Standing("a", "block", rule("amount > 1"))], pa.table({"amount": pa.array([], pa.float64())})).num_rows
        == 0
    )


AMOUNTS = st.none() | st.floats(allow_nan=True, width=32) | st.sampled_from([0.0, 1.0, 220.0])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=8),
    st.lists(st.tuples(st.sampled_from(["allow", "block", "review"]), st.booleans()), max_size=4),
)
def test_rows_drawn_at_random_are_judged_alike(rows: list[tuple[Any, Any]], drawn: list[tuple[Any, bool]]) -> None:
    texts = ["amount > 1", "not risk <= 1", "amount / risk >= 1", "amount is null or risk = 220"]
    rules = [Standing(f"r{n}", action, rule(texts[n]), is_live) for n, (action, is_live) in enumerate(drawn)]
    table = pa.table(
        {
            "amount": pa.array([row[0] for row in rows], pa.float32()),
            "risk": pa.array([row[1] for row in rows], pa.float32()),
        }
    )
    alone = [judge_row(rules, row) for row in table.to_pylist()]
    wanted = [{"action": each.action, "hits": list(each.hits), "shadow": list(each.shadow)} for each in alone]
    assert judge(rules, table).to_pylist() == wanted
