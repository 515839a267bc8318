"""Fraud on a shop, from the log to the decision."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.clock import micros
from regulars.errors import NotEnoughError
from regulars.evaluation import Split
from regulars.events.schema import TIME
from regulars.fraud import Live
from regulars.fraud.attempts import attempts
from regulars.fraud.dataset import dataset
from regulars.fraud.review import fill, queue
from regulars.fraud.rule import FraudRules, vocabulary
from regulars.fraud.stream import KIND
from tests.conftest import Cli
from tests.fraud.conftest import START, Record, payments


@pytest.fixture
def own(disputed: Path, tmp_path: Path) -> Shop:
    """A copy that a test may change."""
    shutil.copytree(disputed, tmp_path / "own")
    return Shop.open(tmp_path / "own")


def set_(shop: Shop, **values: object) -> Shop:
    path = shop.folder / "shop.toml"
    text = path.read_text()
    for name, value in values.items():
        line = next(line for line in text.splitlines() if line.startswith(f"# {name} ="))
        text = text.replace(line, f"{name} = {json.dumps(value)}")
    path.write_text(text)
    return Shop.open(shop.folder)


def test_the_model_is_better_than_a_forest_and_leaks_nothing(disputed: Path) -> None:
    report = Shop.open(disputed).evaluate("fraud", Split(START + timedelta(days=100), 30))
    assert report.in_use, report.verdict
    assert report.primary_metric.value > 0.8
    assert report.baseline == "isolation forest"
    assert not report.failed_checks


def test_what_is_held_is_fraud_and_says_why_in_words(own: Shop) -> None:
    decided = own.decide("fraud").table
    shown = decided.to_pylist()
    assert {row["action"] for row in shown} <= {"review", "allow"}  # nothing is blocked unless switched on
    frauds = {
        row["event_id"] for row in payments(1) if row["type"] == "payment_attempted" and "new" in row["device_id"]
    }
    held = [row for row in shown if row["action"] == "review"]
    assert np.mean([row["attempt_id"] in frauds for row in held]) > 0.5
    first = held[0]
    assert first["expected_loss"] > 0
    assert any("amount" in reason or "device" in reason for reason in first["reasons"])
    losses = [row["expected_loss"] for row in shown]
    assert losses == sorted(losses, reverse=True)


def test_reasons_are_in_chinese_where_asked_for(own: Shop) -> None:
    decided = set_(own, language="zh").decide("fraud").table
    assert any("\u4e00" <= letter <= "\u9fff" for letter in "".join(decided["reasons"][0].as_py()))


def test_blocking_is_switched_on_by_name_and_then_tells_of_a_person(own: Shop) -> None:
    shown = set_(own, block=True, review_cost=50.0).decide("fraud").table.to_pylist()
    blocked = [row for row in shown if row["action"] == "block"]
    assert blocked
    assert all("person" in row["disclosure"] for row in blocked)


def test_a_rule_wins_over_the_score_and_a_list_over_both(own: Shop, cli: Cli) -> None:
    newest = attempts(own, own.now).table["customer_id"].to_pylist()[-1]
    assert cli("fraud", "rule", "add", "all", "amount > 0", "--action", "challenge", "--shop", own.folder)[0] == 0
    assert cli("fraud", "rule", "live", "all", "--shop", own.folder)[0] == 0
    since = (own.now - timedelta(days=30)).date().isoformat()
    code, out, err = cli("fraud", "list", "add", "allow", "customer", newest, "--since", since, "--shop", own.folder)
    assert code == 0, out + err
    shown = Shop.open(own.folder).decide("fraud").table.to_pylist()
    assert {row["action"] for row in shown} == {"challenge"}
    assert newest not in {row["customer_id"] for row in shown}
    assert shown[0]["reasons"][0] == "rule: all"


def test_a_few_are_let_through_by_chance_and_their_chance_is_logged(own: Shop) -> None:
    settled = set_(own, control_share=0.5, control_amount=1000000.0, days=60)
    shown = settled.decide("fraud").table.to_pylist()
    through = [row for row in shown if row["action"] == "allow"]
    assert 0.2 < len(through) / len(shown) < 0.8
    assert {row["propensity"] for row in shown} == {0.5}


def test_what_is_held_waits_in_the_queue_once(own: Shop) -> None:
    held = [row for row in own.decide("fraud").table.to_pylist() if row["action"] == "review"]
    assert fill(own).attempts == len(held)
    assert fill(own).attempts == 0
    assert sum(case.attempts for case in queue(own.state, 1000)) == len(held)


def test_live_says_what_the_log_says(disputed: Path) -> None:
    """The last attempts, one by one, until the log hears of something else: the same risk as of all at once."""
    shop = Shop.open(disputed)
    found = attempts(shop, shop.now)
    kinds = found.stream.kind
    late = [run for run in _quiet_runs(kinds == KIND["attempt"]) if run[0] > len(kinds) // 2]
    quiet = max(late, key=lambda run: run[1] - run[0])
    live = Live.of(shop, _moment(int(found.stream.time[quiet[0]]))).warm()
    rows = np.arange(*quiet)
    places = np.searchsorted(found.stream.attempts, rows)
    data = dataset(found, "UTC", live.model.base_rate, places, live.model.names)
    expected = live.model.scores(data.rows).risk
    by_id = {row["event_id"]: row for row in payments(1)}
    assert len(rows) > 5
    for place, risk in zip(places.tolist(), expected.tolist(), strict=True):
        row = by_id[found.table["event_id"][place].as_py()]
        said = {name: row[name] for name in ("event_id", "customer_id", "device_id", "ip", "payment_id", "product_id")}
        said |= {"amount": row["unit_price"], "order_id": row["order_id"]}
        decision = live.decide(said, found.table["time"][place].as_py())
        assert decision.risk == pytest.approx(risk, abs=1e-6)


def _quiet_runs(is_attempt: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_attempt.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _moment(micros_: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros_)


def test_a_live_label_raises_what_shares_its_card(disputed: Path) -> None:
    shop = Shop.open(disputed)
    live = Live.of(shop, shop.now)
    said = {"customer_id": "c3", "device_id": "d3", "payment_id": "card3", "amount": 40.0}
    before = live.state.ask(micros(shop.now) + 10**9, {"payment": "card3"})
    for k in range(3):
        live.note("fraud", said | {"event_id": f"n{k}"}, shop.now + timedelta(seconds=k))
    after = live.state.ask(micros(shop.now) + 10**9, {"payment": "card3"})
    assert any(after[name] > before[name] for name in after if "fraud" in name)
    with pytest.raises(ValueError, match='no kind "odd"'):
        live.note("odd", said, shop.now)


@pytest.mark.parametrize("said", [(True, False), (1, 0), ("true", "false")])
def test_a_property_says_live_what_it_says_in_the_log(shop: Shop, record: Record, said: tuple[object, object]) -> None:
    rows = payments(1, 1500)
    frauds = {row["order_id"] for row in rows if row["type"] == "payment_disputed"}
    for row in rows:
        if row["type"] == "payment_attempted":
            row["properties.is_gift"] = said[0] if row["order_id"] in frauds else said[1]
            row["device_id"], row["unit_price"] = "d1", 30.0
    record(shop, *rows)
    learned, _ = shop.learn("fraud")
    shop.models.use("fraud", learned.version)
    live = Live.of(shop, shop.now)
    asked = {"customer_id": "c1", "device_id": "d1", "amount": 30.0}
    gift, none = (live.decide(asked | {"properties.is_gift": value}, shop.now).risk for value in said)
    assert gift > 2 * none


def test_without_labels_the_most_unusual_are_held(shop: Shop, record: Record) -> None:
    quiet = [row for row in payments(2, 1500) if row["type"] == "payment_attempted"]
    record(shop, *quiet)
    learned, report = shop.learn("fraud")
    assert "no probability" in " ".join(report.notes)
    assert report.baseline == "the largest amounts first"
    shop.models.use("fraud", learned.version)
    shown = shop.decide("fraud").table.to_pylist()
    assert shown
    assert all(row["expected_loss"] is None for row in shown)


def test_labels_of_one_class_are_said_to_be(shop: Shop, record: Record) -> None:
    told = [row | {"properties.is_fraud": "0"} for row in payments(3, 800) if row["type"] == "payment_attempted"]
    record(shop, *told)
    _, report = shop.learn("fraud")
    assert "0 of" in report.notes[0]


def test_too_few_attempts_say_how_many_are_needed(shop: Shop, record: Record) -> None:
    record(shop, *payments(4, 40, fraud=0.0))
    with pytest.raises(NotEnoughError, match="at least 50"):
        shop.learn("fraud")


def test_a_horizon_beyond_the_log_is_refused(disputed: Path) -> None:
    with pytest.raises(NotEnoughError, match="an earlier as-of time"):
        Shop.open(disputed).evaluate("fraud", Split(START + timedelta(days=190), 90))


def test_other_capabilities_read_who_is_suspected(disputed: Path) -> None:
    shop = Shop.open(disputed)
    ids = attempts(shop, shop.now).table["customer_id"].unique().to_pylist()[:5]
    asked = pa.table({"customer_id": ids, "as_of": pa.array([shop.now] * len(ids), TIME)})
    found = shop.tables.of("fraud", asked)
    assert found["customer_id"].to_pylist() == ids
    assert min(found["abuse_suspicion"].to_pylist()) >= 0
    assert max(found["abuse_suspicion"].to_pylist()) <= 1
    assert all((field.metadata or {}).get(b"meaning") for field in list(found.schema)[2:])


def test_a_number_sent_as_a_text_says_live_what_it_says_in_the_log(shop: Shop, record: Record) -> None:
    rows = payments(1, 1500)
    frauds = {row["order_id"] for row in rows if row["type"] == "payment_disputed"}
    for place, row in enumerate(rows):
        if row["type"] == "payment_attempted":
            row["properties.items"] = str(place % 5 + (40 if row["order_id"] in frauds else 0))
            row["device_id"], row["unit_price"] = "d1", 30.0
    record(shop, *rows)
    learned, _ = shop.learn("fraud")
    shop.models.use("fraud", learned.version)
    rules = FraudRules(shop)
    rules.add("many", "properties.items > 30", "challenge", vocabulary(attempts(shop, shop.now)))
    rules.live("many")
    live = Live.of(shop, shop.now)
    asked = {"customer_id": "c1", "device_id": "d1", "amount": 30.0}
    found = {said: live.decide(asked | {"properties.items": said}, shop.now) for said in (42, "42", "2", "many", True)}
    assert found["42"].risk > 2 * found["2"].risk
    assert found["42"].risk == pytest.approx(found[42].risk, rel=0.2)
    assert [said for said, decision in found.items() if "many" in decision.rules] == [42, "42"]
