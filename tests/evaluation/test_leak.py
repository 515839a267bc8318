from datetime import UTC, datetime, timedelta
from decimal import Decimal

import ibis
import numpy as np
import pyarrow as pa
import pytest

from regulars.evaluation import leak_check, scramble
from regulars.events.schema import EVENTS, TYPES

AS_OF = datetime(2024, 5, 1, tzinfo=UTC)


def event(n: int, time: datetime, **values) -> dict:
    return {
        "event_id": f"e{n}",
        "line": 0,
        "time": time,
        "received_at": time,
        "customer_id": ["ada", "bob"][n % 2],
        "type": "order_completed",
        "product_id": "tea",
        "quantity": float(n),
        "unit_price": Decimal("2.5000"),
        **values,
    }


def log_of(*events: dict) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(list(events), schema=EVENTS))


@pytest.fixture
def events() -> ibis.Table:
    """Two events a day for ten days either side of the as-of time, one of them at it exactly."""
    return log_of(*(event(n, AS_OF + timedelta(hours=12 * (n - 20))) for n in range(40)))


def rows(table: ibis.Table) -> list[dict]:
    return sorted(table.to_pyarrow().to_pylist(), key=lambda row: (row["time"], row["event_id"]))


def spend(events: ibis.Table) -> pa.Table:
    """Honest: events before the as-of time only."""
    past = events.filter(events.time < ibis.literal(AS_OF, type=events.time.type()))
    return past.group_by("customer_id").agg(orders=past.count(), items=past.quantity.mean()).to_pyarrow()


def test_the_past_is_untouched(events):
    before = [row for row in rows(events) if row["time"] < AS_OF]
    assert [row for row in rows(scramble(events, AS_OF)) if row["time"] < AS_OF] == before


def test_the_schema_is_that_of_the_log(events):
    assert scramble(events, AS_OF).schema() == events.schema()


def test_no_column_of_a_later_event_is_as_it_was():
    full = {
        field.name: (7 if pa.types.is_integer(field.type) else 0.5 if pa.types.is_floating(field.type) else "text")
        for field in EVENTS
    } | {"unit_price": Decimal("2.5"), "properties": "{}", "type": "product_viewed"}
    full |= {"time": AS_OF, "received_at": AS_OF}
    empty = event(1, AS_OF, customer_id=None, product_id=None, quantity=None, unit_price=None)
    for original in (full, empty):
        for changed in rows(scramble(log_of(original), AS_OF)):
            assert changed["time"] >= AS_OF
            assert [name for name in EVENTS.names if changed[name] == original.get(name)] == []


@pytest.mark.parametrize("kind", [*TYPES, "a kind of our own"])
def test_every_kind_of_event_becomes_another_known_kind(kind: str):
    changed = {row["type"] for row in rows(scramble(log_of(event(1, AS_OF, type=kind)), AS_OF))}
    assert kind not in changed
    assert changed <= TYPES.keys()


def test_there_are_other_numbers_of_events_customers_and_times(events):
    scrambled = scramble(events, AS_OF)
    for summary in (lambda t: t.count(), lambda t: t.customer_id.nunique(), lambda t: t.time.max()):
        assert summary(events).to_pyarrow() != summary(scrambled).to_pyarrow()


def test_scrambling_is_deterministic(events):
    assert rows(scramble(events, AS_OF)) == rows(scramble(events, AS_OF))


def test_a_subset_of_the_columns_is_enough(events):
    assert scramble(events.select("time", "customer_id"), AS_OF).count().to_pyarrow().as_py() == 60


def test_an_as_of_time_without_a_zone_is_refused(events):
    with pytest.raises(ValueError, match="without a time zone"):
        scramble(events, datetime(2024, 5, 1))


def test_a_column_that_cannot_be_changed_is_named(events):
    with pytest.raises(TypeError, match='"vector" is of type array'):
        scramble(events.mutate(vector=ibis.array([1.0])), AS_OF)


def test_honest_code_passes(events):
    check = leak_check(spend, events, AS_OF)
    assert check.passed, check.detail


def test_a_leaky_column_is_named(events):
    def leaky(events: ibis.Table) -> pa.Table:
        past = events.filter(events.time < ibis.literal(AS_OF, type=events.time.type()))
        known = past.group_by("customer_id").agg(orders=past.count())
        ever = events.group_by("customer_id").agg(last_seen=events.time.max())
        return known.left_join(ever, "customer_id").drop("customer_id_right").to_pyarrow()

    check = leak_check(leaky, events, AS_OF)
    assert not check.passed
    assert check.detail.startswith('Column "last_seen" changed')


def test_one_event_too_many_at_the_as_of_time_itself_is_caught(events):
    def off_by_one(events: ibis.Table) -> pa.Table:
        known = events.filter(events.time <= ibis.literal(AS_OF, type=events.time.type()))
        return known.agg(items=known.quantity.sum()).to_pyarrow()

    assert leak_check(off_by_one, events, AS_OF).detail.startswith('Column "items"')


def test_customers_of_the_future_are_caught(events):
    def everybody(events: ibis.Table) -> pa.Table:
        return events.select("customer_id").distinct().to_pyarrow()

    assert "rows became" in leak_check(everybody, events, AS_OF).detail


def test_columns_named_after_the_future_are_caught(events):
    def pivoted(events: ibis.Table) -> pa.Table:
        customers = events.customer_id.to_pyarrow().unique().to_pylist()
        return pa.table({f"is {name}": [1] for name in sorted(customers)})

    assert "is not ada" in leak_check(pivoted, events, AS_OF).detail


def test_row_order_missing_numbers_and_vectors_are_compared_as_values(events):
    turn = iter([1, -1])

    def with_vectors(events: ibis.Table) -> pa.Table:
        table = pa.table(
            {
                "customer_id": ["ada", "bob"],
                "gap_days": [np.nan, None],
                "vector": pa.array([[1.0, np.nan], [2.0, 3.0]], pa.list_(pa.float32(), 2)),
            }
        )
        return table.take(list(range(2))[:: next(turn)])

    check = leak_check(with_vectors, events, AS_OF)
    assert check.passed, check.detail


def test_a_leak_into_a_vector_is_caught(events):
    def with_vectors(events: ibis.Table) -> pa.Table:
        n = float(events.count().to_pyarrow().as_py())
        return pa.table({"customer_id": ["ada"], "vector": [[1.0, n]]})

    assert leak_check(with_vectors, events, AS_OF).detail.startswith('Column "vector"')


def test_a_log_without_a_future_proves_nothing(events):
    check = leak_check(spend, events, AS_OF + timedelta(days=99))
    assert not check.passed
    assert check.detail.startswith("Not tried")
