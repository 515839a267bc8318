"""A day of the shop's clock: from midnight to midnight there, also where the clock is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from regulars.ads.pacing import ClockDay, Pacer, SpendCurve

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
PLAN = np.arange(1.0, 25.0) / 300
SPRING, AUTUMN = date(2024, 3, 31), date(2024, 10, 27)  # at 2:00 to 3:00, and at 3:00 back to 2:00


@pytest.mark.parametrize(
    ("zone", "day", "length", "begin", "hours"),
    [
        ("UTC", SPRING, 24.0, "2024-03-31T00:00", [0, 1, 2, 3]),
        ("Asia/Shanghai", SPRING, 24.0, "2024-03-30T16:00", [0, 1, 2, 3]),
        ("Europe/Berlin", SPRING, 23.0, "2024-03-30T23:00", [0, 1, 3, 4]),
        ("Europe/Berlin", AUTUMN, 25.0, "2024-10-26T22:00", [0, 1, 2, 2]),
        ("America/Havana", date(2024, 3, 10), 23.0, "2024-03-10T05:00", [1, 2, 3, 4]),  # there is no midnight
        ("America/Havana", date(2024, 11, 3), 25.0, "2024-11-03T04:00", [0, 0, 1, 2]),  # there are two
        ("Australia/Lord_Howe", date(2024, 10, 6), 23.5, "2024-10-05T13:30", [0, 1, 2, 3]),
    ],
)
def test_a_day_is_as_long_as_its_clock_says(zone: str, day: date, length: float, begin: str, hours: list[int]) -> None:
    found = ClockDay.on(day, ZoneInfo(zone))
    assert found.begin == datetime.fromisoformat(f"{begin}+00:00")
    assert (found.end - found.begin) / HOUR == length
    assert found.hours[:4].tolist() == hours
    assert found.hours[-1] == 23
    assert found.end == found.after(1).begin
    for at in (found.begin, found.end - timedelta(microseconds=1)):
        assert ClockDay.of(at, ZoneInfo(zone)).begin == found.begin
    assert (found.share(PLAN, found.begin), found.share(PLAN, found.end)) == (0.0, 1.0)
    assert found.hourly(PLAN).sum() == pytest.approx(1.0)


def test_a_plan_leaves_out_the_hour_that_is_not_there_and_has_the_other_twice() -> None:
    spring, autumn = ClockDay.on(SPRING, BERLIN), ClockDay.on(AUTUMN, BERLIN)
    assert spring.hourly(PLAN)[[1, 2, 3]] == pytest.approx(PLAN[[1, 2, 3]] * [1, 0, 1] / (1 - PLAN[2]))
    assert autumn.hourly(PLAN)[[1, 2, 3]] == pytest.approx(PLAN[[1, 2, 3]] * [1, 2, 1] / (1 + PLAN[2]))
    three = autumn.begin + 4 * HOUR
    assert autumn.hour(three) == 3
    assert autumn.share(PLAN, three) == pytest.approx(autumn.hourly(PLAN)[:3].sum())
    assert autumn.hour(autumn.begin + 2.5 * HOUR) == autumn.hour(autumn.begin + 3.5 * HOUR) == 2


@pytest.mark.parametrize(("day", "length"), [(SPRING, 23), (AUTUMN, 25), (date(2024, 5, 1), 24)])
def test_a_budget_lasts_from_midnight_to_midnight_of_the_shop(day: date, length: int) -> None:
    morning = ClockDay.on(day, BERLIN)
    pacer = Pacer(10.0, SpendCurve(), morning.morning)
    pacer.ask("all", 10.0, morning.begin + HOUR)
    pacer.won("all", 10.0, morning.begin + HOUR)
    assert not pacer.ask("none", 1.0, morning.begin + length * HOUR - timedelta(seconds=1)).may_bid
    assert pacer.ask("next", 10.0, morning.begin + length * HOUR).most == 10.0
    assert pacer.start == morning.end
    assert pacer.start.astimezone(BERLIN).hour == 0


def test_what_is_on_offer_is_of_the_hour_of_the_clock() -> None:
    morning = ClockDay.on(AUTUMN, BERLIN)
    pacer = Pacer(10.0, SpendCurve(), morning.morning)
    for number, hours in enumerate((2.5, 3.5, 20.5)):
        # Of one time zone moments are compared by their clock: an hour later it may say the same.
        pacer.ask(str(number), 0.1, (morning.begin + hours * HOUR).astimezone(BERLIN))
    assert np.flatnonzero(pacer.offered).tolist() == [2, 19]
    assert pacer.offered[2] == 2.0
    assert pacer.spent == 0.0
    assert datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN).astimezone(UTC) == morning.begin + 2.5 * HOUR
