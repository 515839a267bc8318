"""Hours on the shop's wall, against those that Python's zoneinfo gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.engine import Engine
from regulars.events.schema import TIME
from regulars.profile.local_time import changes, local_seconds

FIRST, LAST = datetime(2023, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
ZONES = ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "Asia/Kolkata"]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(memory="1GB", threads=1)


def walls(engine: Engine, zone: str, *moments: datetime) -> list[datetime]:
    """What the clock on the wall shows."""
    table = engine.table(pa.table({"place": range(len(moments)), "time": pa.array(moments, TIME)}))
    found = table.select("place", wall=local_seconds(table.time, zone, FIRST, LAST)).order_by("place")
    return [datetime.fromtimestamp(row["wall"], UTC) for row in engine.to_arrow(found).to_pylist()]


@pytest.mark.parametrize(
    ("utc", "wall"),
    [
        ("2024-03-31T00:59:59", "2024-03-31T00:59:59"),
        ("2024-03-31T01:00:00", "2024-03-31T02:00:00"),
        ("2024-10-27T00:59:59", "2024-10-27T01:59:59"),
        ("2024-10-27T01:00:00", "2024-10-27T01:00:00"),
    ],
)
def test_london_leaps_in_march_and_falls_back_in_october(engine: Engine, utc: str, wall: str) -> None:
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert walls(engine, "Europe/London", moment) == [datetime.fromisoformat(wall).replace(tzinfo=UTC)]


def test_a_zone_that_changes_nothing_has_one_offset() -> None:
    assert changes("Asia/Shanghai", FIRST, LAST) == [(FIRST, 8 * 3600)]


def test_a_shop_of_one_moment_has_the_offset_of_that_moment() -> None:
    moment = datetime(2024, 7, 1, tzinfo=UTC)
    assert changes("Europe/London", moment, moment) == [(moment, 3600)]


def test_a_zone_may_change_by_half_an_hour() -> None:
    assert [east for _, east in changes("Australia/Lord_Howe", FIRST, FIRST + timedelta(days=200))] == [39_600, 37_800]


@settings(max_examples=15, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    moments=st.lists(st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)), min_size=1, max_size=30),
)
def test_every_moment_is_that_of_zoneinfo(engine: Engine, zone: str, moments: list[datetime]) -> None:
    aware = [moment.replace(tzinfo=UTC, microsecond=0) for moment in moments]
    expected = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC) for moment in aware]
    assert walls(engine, zone, *aware) == expected


def test_no_time_is_no_wall_clock(engine: Engine) -> None:
    empty = ibis.null("timestamp('UTC')")
    table = engine.table(pa.table({"one": [1]})).select(wall=local_seconds(empty, "Europe/London", FIRST, LAST))
    assert engine.to_arrow(table)["wall"].to_pylist() == [None]
