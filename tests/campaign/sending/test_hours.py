"""Clocks of customers: zones, quiet hours, and best hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import Shop
from regulars.campaign.sending.hours import BestHours, best_hours, in_utc, local, local_day, next_at, quiet_until, zones
from regulars.clock import micros, moment_of
from regulars.customers import customers_as_of
from tests.campaign.conftest import NOON, at

ZONES = ["UTC", "Europe/London", "America/New_York", "Asia/Shanghai", "Asia/Kathmandu", "Australia/Lord_Howe"]
moments = st.datetimes(datetime(2023, 1, 1), datetime(2025, 12, 31), timezones=st.just(UTC))


@given(moments, st.sampled_from(ZONES))
def test_wall_clocks_are_those_of_zoneinfo(moment: datetime, zone: str) -> None:
    wall = local(np.array([micros(moment)]), np.array([zone]))
    assert moment_of(int(wall[0])).replace(tzinfo=None) == moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@given(moments, st.sampled_from(ZONES), st.integers(0, 23), st.integers(0, 23))
def test_quiet_hours_end_outside_of_quiet_hours(moment: datetime, zone: str, start: int, end: int) -> None:
    now = np.array([micros(moment)])
    then = quiet_until(now, np.array([zone]), start, end)
    assert timedelta() <= moment_of(int(then[0])) - moment <= timedelta(hours=25)
    assert quiet_until(then, np.array([zone]), start, end) == then


@given(moments, st.sampled_from(ZONES), st.integers(0, 1439), st.one_of(st.none(), st.integers(0, 6)))
def test_the_next_time_of_day_is_ahead_and_on_that_day(
    moment: datetime, zone: str, minute: int, weekday: int | None
) -> None:
    found = moment_of(int(next_at(np.array([micros(moment)]), np.array([zone]), minute, weekday)[0]))
    assert moment <= found <= moment + timedelta(days=8)
    wall = found.astimezone(ZoneInfo(zone))
    # A clock that is put forward skips an hour: then it is the hour after.
    assert (wall.hour * 60 + wall.minute - minute) % 1440 <= 60
    assert weekday is None or wall.weekday() == weekday or wall.hour < 2


def test_an_hour_that_a_clock_skips_is_the_one_after() -> None:
    before = micros(datetime(2024, 3, 31, tzinfo=UTC))
    assert moment_of(int(next_at(np.array([before]), np.array(["Europe/London"]), 90)[0])) == datetime(
        2024, 3, 31, 1, 30, tzinfo=UTC
    )
    assert in_utc(local(np.array([before]), np.array(["Europe/London"])), np.array(["Europe/London"])) == before


def test_days_are_those_of_the_customers_calendar() -> None:
    late = np.full(2, micros(datetime(2024, 5, 1, 20, tzinfo=UTC)))
    days = local_day(late, np.array(["Asia/Shanghai", "America/New_York"]))
    assert days[0] - days[1] == 1


def test_a_zone_is_the_one_said_or_the_countrys_or_the_shops(mailing: Shop) -> None:
    known = customers_as_of(mailing, NOON)
    found = dict(zip(known["customer_id"].to_pylist(), zones(known, "Europe/Paris").tolist(), strict=True))
    assert found == {"ada": "Europe/London", "bob": "America/New_York", "eve": "Europe/London", "mei": "Asia/Shanghai"}


def test_best_hours_are_learned_with_shrinkage(mailing: Shop, record: Callable[..., Any]) -> None:
    opens = []
    for day in range(1, 31):
        opens.append(
            {"type": "message_opened", "customer_id": "ada", "time": at(NOON.replace(hour=18) - timedelta(days=day))}
        )
        opens.append(
            {"type": "message_opened", "customer_id": "mei", "time": at(NOON.replace(hour=1) - timedelta(days=day))}
        )
    opens.append({"type": "message_opened", "customer_id": "bob", "time": at(NOON.replace(hour=1) - timedelta(days=1))})
    record(mailing, *opens)
    known = customers_as_of(mailing, NOON)
    found = best_hours(mailing, NOON, known, zones(known, "UTC"))
    ada, mei, bob, eve = found.hours(["ada", "mei", "bob", "eve"], 21, 8).tolist()
    assert (ada, mei) == (19, 9)  # London is an hour ahead in May, Shanghai eight
    assert bob in (9, 19)  # one open in the evening is no habit; 21:00 in New York is quiet besides
    assert eve == bob


@pytest.mark.parametrize("hour", [8, 20])
def test_without_opens_no_hour_is_quiet(mailing: Shop, hour: int) -> None:
    known = customers_as_of(mailing, NOON)
    found = best_hours(mailing, NOON, known, zones(known, "UTC"))
    assert 8 <= found.hours(["ada"], 21, 8)[0] < 21


@pytest.mark.parametrize(
    ("hour", "minute", "start", "end", "then"),
    [
        (20, 59, 21, 8, "01T20:59"), (21, 0, 21, 8, "02T08:00"), (7, 59, 21, 8, "01T08:00"), (8, 0, 21, 8, "01T08:00"),
        (0, 0, 21, 8, "01T08:00"), (12, 59, 13, 15, "01T12:59"), (13, 0, 13, 15, "01T15:00"),
        (14, 59, 13, 15, "01T15:00"), (15, 0, 13, 15, "01T15:00"), (3, 0, 9, 9, "01T03:00"),
    ],
)  # fmt: skip
def test_quiet_hours_begin_and_end_to_the_minute(hour: int, minute: int, start: int, end: int, then: str) -> None:
    moment = micros(datetime(2024, 5, 1, hour, minute, tzinfo=UTC))
    found = quiet_until(np.array([moment]), np.array(["UTC"]), start, end)
    assert f"{moment_of(int(found[0])):%dT%H:%M}" == then


@pytest.mark.parametrize(
    ("minute_of_day", "weekday", "then"),
    [
        (600, None, "01T10:00"), (599, None, "02T09:59"), (601, None, "01T10:01"), (600, 2, "01T10:00"),
        (600, 3, "02T10:00"), (600, 1, "07T10:00"), (599, 2, "08T09:59"),
    ],
)  # fmt: skip
def test_the_next_time_of_day_is_this_one_if_it_is_now(minute_of_day: int, weekday: int | None, then: str) -> None:
    wednesday = micros(datetime(2024, 5, 1, 10, tzinfo=UTC))
    found = next_at(np.array([wednesday]), np.array(["UTC"]), minute_of_day, weekday)
    assert f"{moment_of(int(found[0])):%dT%H:%M}" == then


def test_of_an_hour_that_comes_twice_it_is_the_first() -> None:
    wall = micros(datetime(2024, 10, 27, 1, 30, tzinfo=UTC))
    found = in_utc(np.array([wall]), np.array(["Europe/London"]))
    assert moment_of(int(found[0])) == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_best_hours_keep_out_of_quiet_ones_by_day_and_by_night() -> None:
    usual = np.linspace(0.0, 1.0, 24)
    found = BestHours(usual / usual.sum(), {})
    assert [found.hours(["ada"], *quiet)[0] for quiet in ((21, 8), (20, 24), (9, 9), (22, 0))] == [20, 19, 23, 21]
