"""Drifts put into a simulated log are told; quiet days and festivals are not. On a seed of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars import Shop, clock
from regulars.drift import Change, Daily, Signal, changes, daily, festivals, told, watch
from regulars.engine import Engine
from regulars.simulate import World
from regulars.simulate.drifts import DRIFTS

DAYS, BROKEN = 110, 3
EXPECTED = {
    "prices a hundredfold": "dear", "another currency": "foreign", "a type of event stops": "type",
    "a category is not tracked": "category", "times in a wrong zone": "hours", "every event comes twice": "repeated",
    "bots": "new", "products have new ids": "unseen",
}  # fmt: skip
"""What can be seen within three days in so small a shop, and by what."""


@pytest.fixture(scope="module")
def world() -> World:
    return World("grocery", customers=250, seed=11, days=DAYS)


@pytest.fixture(scope="module")
def events(world) -> pa.Table:
    return pa.concat_tables([world.step() for _ in range(DAYS)])


@pytest.fixture(scope="module")
def counted(world):
    """counted(events): their days."""
    engine, params = Engine(), world.params
    catalogue = engine.table(world.catalogue())

    def count(events: pa.Table) -> Daily:
        return daily(engine, engine.table(events), catalogue, currency=params.currency, timezone=params.timezone)

    return count


@pytest.fixture(scope="module")
def judged(world):
    """judged(days): the signals told on each of the last days, by day."""
    last = world.moment(DAYS).date() - timedelta(days=1)
    known = festivals(date(2024, 1, 1), last)

    def judge(days: Daily, number: int) -> dict[date, set[Signal]]:
        judged = (last - timedelta(days=back) for back in range(number))
        return {day: {change.signal for change in changes(days, known, day)} for day in judged}

    return judge


@pytest.fixture(scope="module")
def quiet(counted, events) -> Daily:
    return counted(events)


def test_thirty_quiet_days_bring_one_alarm_at_most(quiet, judged):
    assert sum(bool(told) for told in judged(quiet, 30).values()) <= 1


@pytest.mark.parametrize("name", EXPECTED)
def test_a_known_drift_is_told_by_what_it_breaks(name, world, events, counted, quiet, judged):
    begin = world.moment(DAYS).date() - timedelta(days=BROKEN)
    drifted = DRIFTS[name](events, world.catalogue(), datetime.combine(begin, time(), UTC))
    before, found = judged(quiet, BROKEN), judged(counted(drifted), BROKEN)
    new = set().union(*(found[day] - before[day] for day in found))
    assert EXPECTED[name] in {signal.kind for signal in new}


def steady(count: list[float], visits: float = 1000.0) -> Daily:
    """Days with so many orders, and as many visits each."""
    whole = np.full(len(count), visits)
    columns = np.stack([whole, np.array(count, float)], 1)
    return Daily(
        date(2024, 3, 1), [Signal("visits"), Signal("type", "order_completed")], columns,
        np.stack([np.ones(len(count)), whole], 1), whole,
    )  # fmt: skip


def test_half_the_orders_are_told_with_what_was_usual():
    days = steady([100.0] * 80 + [50.0])
    (change,) = changes(days, (), date(2024, 5, 20))
    assert change == Change(Signal("type", "order_completed"), date(2024, 5, 20), 1, 50.0, 100.0, 1000.0, change.score)
    assert told(change) == "Events order_completed a visit, on 2024-05-20: 0.05; usual was 0.1."
    assert told(change, "zh") == "每次访问的 order_completed 事件，2024-05-20：0.05；平常为 0.1。"


def test_a_festival_is_not_judged_and_days_after_it_are_not_judged_by_it():
    days = steady([100.0] * 80 + [400.0, 100.0])
    festival = date(2024, 5, 20)
    assert changes(days, (), festival) != []
    assert changes(days, {festival}, festival) == []
    assert changes(days, {festival}, festival + timedelta(days=1)) == []


def test_what_comes_after_a_day_changes_nothing_of_what_is_told_of_it():
    day = date(2024, 5, 20)
    short, long = ([100.0] * 80 + [50.0] + [900.0] * after for after in (0, 9))
    assert changes(steady(short), (), day) == changes(steady(long), (), day)


def test_a_shop_that_always_jumps_is_given_its_jumps():
    jumping = [100.0, 50.0, 150.0, 60.0, 140.0] * 16
    assert changes(steady([*jumping, 50.0]), (), date(2024, 5, 20)) == []


def test_of_a_short_log_nothing_is_told():
    assert changes(steady([100.0] * 50 + [0.0]), (), date(2024, 4, 20)) == []
    assert changes(steady([100.0] * 50), (), date(2025, 1, 1)) == []


def test_the_moving_festivals_are_where_they_were():
    found = festivals(date(2025, 1, 1), date(2025, 12, 31))
    assert {date(2025, 1, 29), date(2025, 11, 28), date(2025, 12, 1)} <= found
    assert date(2025, 11, 29) in found
    assert date(2025, 11, 26) not in found
    assert date(2024, 2, 29) in festivals(date(2023, 1, 1), date(2025, 1, 1), ["02-29"])


def test_a_shop_without_events_or_of_one_day_is_quiet(shop: Shop, record):
    assert watch(shop) == []
    record(shop, {"type": "order_completed", "customer_id": "ada", "product_id": "tea", "time": "2024-05-01T10:00:00Z"})
    assert watch(shop) == []


def test_a_day_is_not_over_because_somebodys_clock_is_ahead(shop: Shop, record):
    first = datetime(2024, 3, 1, 8, tzinfo=UTC)
    rows = [
        {"type": "product_viewed", "customer_id": f"c{who}", "product_id": "tea", "time": moment.isoformat()}
        for day in range(91)
        for who in range(60)
        if (moment := first + timedelta(days=day, minutes=5 * who)) < first + timedelta(days=90, minutes=60)
    ]
    with clock.held_at(first + timedelta(days=90, hours=1)):
        record(shop, *rows, {**rows[0], "time": (first + timedelta(days=90, hours=20)).isoformat()})
        assert watch(shop) == []
    with clock.held_at(first + timedelta(days=91, hours=1)):
        assert {change.signal.kind for change in watch(shop)} >= {"visits"}


def test_what_stops_is_told_by_the_doctor(shop: Shop, record):
    from regulars.doctor import drifts, examine

    first = datetime(2024, 3, 1, 12, tzinfo=UTC)
    rows = [
        {"type": kind, "customer_id": f"c{who}", "product_id": "tea", "time": (first + timedelta(days=day)).isoformat()}
        for day in range(90)
        for who in range(30)
        for kind in ("product_viewed", "order_completed")
        if kind == "product_viewed" or day < 88
    ]
    record(shop, *rows)
    (change,) = watch(shop)
    assert (change.signal, change.day) == (Signal("type", "order_completed"), date(2024, 5, 28))
    (finding,) = drifts([change])
    assert finding in examine(shop)
    assert (finding.level, finding.subject) == ("warning", "events")
    assert [each.level for each in drifts([])] == ["ok"]


def test_a_currency_in_small_letters_is_no_other(counted, events, judged):
    late = pc.greater_equal(events["time"], pa.scalar(pc.max(events["time"]).as_py() - timedelta(days=BROKEN)))
    codes = events["currency"].cast(pa.string())
    small = pc.if_else(late, pc.utf8_lower(codes), codes).cast(events["currency"].type)
    changed = events.set_column(events.column_names.index("currency"), events.schema.field("currency"), small)
    assert not any("foreign" in told for told in judged(counted(changed), BROKEN).values())
