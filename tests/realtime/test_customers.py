"""What is known of a customer, event by event, is what plain Python makes of all its events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.clock import micros
from regulars.realtime import customers
from regulars.realtime.customers import NEWEST, code, fresh, known, merge, note
from regulars.realtime.kinds import DAY, GAP, KIND, KINDS

START = datetime(2024, 5, 1, tzinfo=UTC)
PRODUCTS = [f"p{k}" for k in range(40)]


class Said(NamedTuple):
    time: int
    kind: str
    product: str | None
    value: float


said = st.builds(
    lambda minutes, kind, product, value: Said(micros(START + timedelta(minutes=minutes)), kind, product, value),
    st.integers(0, 60 * 24 * 60),
    st.sampled_from(KINDS),
    st.sampled_from([None, *PRODUCTS]),
    st.sampled_from([0.0, 4.5, 30.0]),
)


def of(events: list[Said], first: int = 0) -> Any:
    rows = fresh(1)
    noted(rows, events, first)
    return rows


def noted(rows: Any, events: list[Said], first: int) -> None:
    count = len(events)
    note(
        rows, np.zeros(count, np.int64), np.array([each.time for each in events], np.int64),
        np.array([KIND[each.kind] for each in events], np.int64),
        np.array([code(each.product) for each in events], np.int64), np.array([each.value for each in events], float),
        np.arange(first, first + count),
    )  # fmt: skip


def plain(events: list[Said], moment: datetime) -> dict[str, Any]:
    """The same from all events at once."""
    now = micros(moment)
    times = sorted(each.time for each in events)
    faded = {
        name: sum(2.0 ** ((each.time - now) / (days * DAY)) for each in events if each.kind == kind)
        for name, kind, days in (("views_1d", "product_viewed", 1), ("cart_adds_30d", "product_added", 30))
    }
    newest = times[-NEWEST:]
    session = 0
    if newest and now - newest[-1] <= GAP:
        session = 1
        while session < len(newest) and newest[-session] - newest[-session - 1] <= GAP:
            session += 1
    contacts = sorted({each.time for each in events if each.kind == "message_sent"})[-customers.CONTACTS :]
    return {
        "events": len(events),
        "views": sum(each.kind == "product_viewed" for each in events),
        "spend": sum(each.value for each in events if each.kind == "order_completed"),
        "session_events": session,
        "contacts_7d": sum(now - 7 * DAY < time < now for time in contacts),
        **faded,
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(said, max_size=90), st.integers(0, 90))
def test_a_record_is_what_its_events_say_at_any_moment_in_any_order(events: list[Said], cut: int) -> None:
    known_then = events[:cut]
    moment = START + timedelta(days=61)
    row = of(known_then)[0]
    found = known(row, moment)
    for name, value in plain(known_then, moment).items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-5), name
    assert list(row["times"][: min(len(known_then), NEWEST)]) == sorted(each.time for each in known_then)[-NEWEST:]


@settings(max_examples=40, deadline=None)
@given(st.lists(said, max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_events_that_are_told_again_change_nothing(events: list[Said], first: int, second: int) -> None:
    once = of(events)
    again = fresh(1)
    noted(again, events[:first], 0)
    noted(again, events[min(second, first) :], min(second, first))
    assert once.tobytes() == again.tobytes()


@settings(max_examples=40, deadline=None)
@given(st.lists(said, max_size=60), st.lists(said, max_size=60))
def test_two_records_joined_are_that_of_all_their_events(one: list[Said], other: list[Said]) -> None:
    both = of(one)
    merge(both, of(other), 1000)
    moment = START + timedelta(days=61)
    found, expected = known(both[0], moment), known(of(one + other)[0], moment)
    for name, value in expected.items():
        same = pytest.approx(value, abs=2e-6) if isinstance(value, float) else value
        assert found[name] == same, name


def test_different_products_are_counted_within_a_tenth_or_so() -> None:
    for count in (1, 5, 20, 300, 5000):
        events = [Said(micros(START), "product_viewed", f"product {k % count}", 0.0) for k in range(2 * count)]
        found = known(of(events)[0], START + timedelta(days=1))["products_seen"]
        assert found == pytest.approx(count, rel=0.25, abs=1), count


def test_a_message_at_a_time_counts_for_a_day_and_for_seven() -> None:
    row = of([Said(micros(START), "message_sent", None, 0.0)])[0]
    counts = [
        (
            known(row, START + timedelta(days=days))["contacts_1d"],
            known(row, START + timedelta(days=days))["contacts_7d"],
        )
        for days in (0, 0.5, 2, 8)
    ]
    assert counts == [(0, 0), (1, 1), (0, 1), (0, 0)]
