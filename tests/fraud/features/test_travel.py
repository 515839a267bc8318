"""How far and how fast since a customer's last attempt: the same for a log, for a plain loop and live."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.fraud.attempts import Attempts, Facts
from regulars.fraud.features.own import SECOND, distance_km
from regulars.fraud.features.travel import LastPlaces, Place, travelled
from regulars.fraud.stream import KIND, Stream

HOUR = 3600 * SECOND
PARIS, LONDON = (48.86, 2.35), (51.51, -0.13)


def attempts_of(customer: list[int], time: list[int], north: list[float], east: list[float]) -> Attempts:
    count = len(customer)
    moments = np.array(time, np.int64)
    codes = {"customer": np.array(customer, np.int32)}
    names = {"customer": pa.array([f"c{number}" for number in range(10)])}
    kind = np.full(count, KIND["attempt"], np.int8)
    stream = Stream(moments, kind, np.ones(count), np.arange(count), codes, names)
    nothing = pa.nulls(count, pa.string())
    unknown = np.full(count, np.nan)
    places = np.array([north, east, unknown, unknown], float).reshape(4, count)
    signed_up, no = np.full(count, -1), np.zeros(count, bool)
    facts = Facts(moments, np.ones(count), signed_up, nothing, nothing, nothing, no, places, {})
    return Attempts(stream, pa.table({}), facts, ~no, np.zeros(count, np.int8))


def test_a_card_in_paris_and_an_hour_later_in_london_travels_343_km_an_hour() -> None:
    found = attempts_of([0, 1, 0], [0, 5, HOUR], [PARIS[0], 0.0, LONDON[0]], [PARIS[1], 0.0, LONDON[1]])
    columns = travelled(found, np.arange(3))
    assert np.isnan(columns["last_place_km"][:2]).all()
    assert round(float(columns["last_place_km"][2])) == 343
    assert round(float(columns["last_place_kmh"][2])) == 343


def test_attempts_of_one_moment_do_not_know_of_each_other() -> None:
    columns = travelled(attempts_of([0, 0], [7, 7], [1.0, 50.0], [1.0, 50.0]), np.arange(2))
    assert np.isnan(columns["last_place_km"]).all()


def test_where_no_attempt_has_a_place_there_is_no_column() -> None:
    assert travelled(attempts_of([0, 0], [0, 1], [math.nan] * 2, [math.nan] * 2), np.arange(2)) == {}


a_row = st.tuples(
    st.integers(-1, 2), st.integers(0, 5), st.sampled_from([48.0, -89.0, 400.0, math.nan]), st.floats(-180, 180)
)


def equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-3) or (math.isnan(one) and math.isnan(other))


@given(st.lists(a_row, min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_the_log_a_plain_loop_and_live_say_the_same(rows: list[tuple[int, int, float, float]]) -> None:
    rows.sort(key=lambda each: each[1])
    customer, hours, north, east = (list(each) for each in zip(*rows, strict=True))
    columns = travelled(attempts_of(customer, [hour * HOUR for hour in hours], north, east), np.arange(len(rows)))
    last = LastPlaces()
    for number, (who, hour, one, other) in enumerate(rows):
        theirs = [row for row in rows[:number] if row[0] == who >= 0 and row[1] < hour and abs(row[2]) <= 90]
        expected = math.nan
        if theirs:
            expected = float(distance_km(*np.array([[one], [other], [theirs[-1][2]], [theirs[-1][3]]]))[0])
        named = None if who < 0 else f"c{who}"
        live = last.ask(named, Place(hour * HOUR, one, other))["last_place_km"]
        last.add(named, Place(hour * HOUR, one, other))
        assert equal(live, expected)
        assert equal(float(columns.get("last_place_km", np.full(len(rows), np.nan))[number]), live)
