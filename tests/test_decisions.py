"""Decisions on their way into the log: nothing that an audit asks for may be left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.capability import DECISION
from regulars.decisions import to_events

AS_OF = datetime(2024, 5, 1, tzinfo=UTC)
MADE = datetime(2024, 5, 2, 8, tzinfo=UTC)


def table(**changes: Any) -> pa.Table:
    columns = {
        "customer_id": ["ada", "bob"],
        "action": ["contact", "wait"],
        "policy": ["those at risk"] * 2,
        "propensity": [1.0, 0.25],
        "reasons": [["days since the last order: 75"], []],
        "inputs_hash": ["00ff", "00fe"],
        "disclosure": [None, "chosen by a computer"],
        "rank": [1, 2],
    } | changes
    schema = pa.schema([*DECISION, pa.field("rank", pa.int64())])
    return pa.table({name: pa.array(values, schema.field(name).type) for name, values in columns.items()})


def test_each_decision_is_one_event_with_all_it_rests_on() -> None:
    ada, bob = to_events(table(), "churn", 3, AS_OF, MADE).to_pylist()
    assert (ada["customer_id"], ada["type"], ada["outcome"], ada["propensity"]) == (
        "ada",
        "decision_made",
        "contact",
        1.0,
    )
    assert (ada["time"], ada["received_at"]) == (AS_OF, MADE)
    said = json.loads(bob["properties"])
    assert said["capability"] == "churn"
    assert said["model_version"] == 3
    assert said["disclosure"] == "chosen by a computer"
    assert said["rank"] == 2
    assert json.loads(ada["properties"])["reasons"] == ["days since the last order: 75"]


def test_the_same_decision_has_the_same_id_whenever_it_is_made() -> None:
    first, later = to_events(table(), "churn", 3, AS_OF, MADE), to_events(table(), "churn", 3, AS_OF, AS_OF)
    assert first["event_id"].equals(later["event_id"])


@pytest.mark.parametrize(
    "other",
    [
        to_events(table(), "churn", 4, AS_OF, MADE),
        to_events(table(), "profile", 3, AS_OF, MADE),
        to_events(table(), "churn", 3, MADE, MADE),
        to_events(table(inputs_hash=["a", "b"]), "churn", 3, AS_OF, MADE),
    ],
    ids=["version", "capability", "moment", "inputs"],
)
def test_another_decision_has_another_id(other: pa.Table) -> None:
    same = to_events(table(), "churn", 3, AS_OF, MADE)
    assert not set(same["event_id"].to_pylist()) & set(other["event_id"].to_pylist())


@pytest.mark.parametrize("chance", [0.0, -0.5, 1.5, float("nan")])
def test_a_propensity_that_is_no_chance_is_refused(chance: float) -> None:
    with pytest.raises(ValueError, match="propensity"):
        to_events(table(propensity=[1.0, chance]), "churn", 3, AS_OF, MADE)


@pytest.mark.parametrize("name", [field.name for field in DECISION])
def test_a_missing_column_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"lack the column {name}"):
        to_events(table().drop_columns([name]), "churn", 3, AS_OF, MADE)


@pytest.mark.parametrize("name", [field.name for field in DECISION if not field.nullable])
def test_an_empty_cell_is_named(name: str) -> None:
    values = table()[name].to_pylist()
    with pytest.raises(ValueError, match=f"{name} is empty in 1 rows"):
        to_events(table(**{name: [values[0], None]}), "churn", 3, AS_OF, MADE)


def test_decisions_that_the_log_has_already_are_not_added_again(shop: Shop) -> None:
    first = shop.log.append(to_events(table(), "churn", 3, AS_OF, MADE), "decisions")
    again = shop.log.append(to_events(table(), "churn", 3, AS_OF, AS_OF), "decisions")
    assert (first, again) == (1, 1)
    assert shop.log.read("events").num_rows == 2


def test_no_decisions_are_no_new_version(shop: Shop) -> None:
    assert shop.log.append(to_events(table().slice(0, 0), "churn", 3, AS_OF, MADE), "decisions") == 0
