from datetime import UTC, datetime, timedelta, timezone

import pytest

from regulars.errors import NotEnoughError
from regulars.evaluation import Split, cut_offs

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)


def day(n: int) -> datetime:
    return JANUARY + timedelta(days=n)


def test_the_target_window_ends_a_horizon_after_the_as_of_time():
    assert Split(day(0), 7).target_end == day(7)


def test_cut_offs_come_newest_first_and_a_step_apart():
    assert cut_offs(day(0), day(100), horizon_days=30, step_days=10, at_most=3, history_days=20) == [
        day(70),
        day(60),
        day(50),
    ]


@pytest.mark.parametrize(("length", "expected"), [(50, [20]), (59, [29]), (60, [30, 20])])
def test_the_oldest_cut_off_still_has_its_whole_history(length: int, expected: list[int]):
    found = cut_offs(day(0), day(length), horizon_days=30, step_days=10, at_most=9, history_days=20)
    assert found == [day(n) for n in expected]


def test_no_target_window_reaches_past_until():
    until = day(200)
    for cut_off in cut_offs(day(0), until, horizon_days=45, step_days=7, at_most=99, history_days=30):
        assert Split(cut_off, 45).target_end <= until
        assert cut_off - day(0) >= timedelta(days=30)


def test_too_short_a_log_says_how_many_days_are_needed():
    with pytest.raises(NotEnoughError, match=r"50 days of log are needed before 2024-02-19 .* there are 49"):
        cut_offs(day(0), day(49), horizon_days=30, step_days=10, at_most=1, history_days=20)


def test_times_without_a_zone_are_refused():
    naive = datetime(2024, 1, 1)
    with pytest.raises(ValueError, match="without a time zone"):
        Split(naive, 30)
    with pytest.raises(ValueError, match="without a time zone"):
        cut_offs(naive, day(99), horizon_days=9, step_days=9, at_most=1, history_days=9)


@pytest.mark.parametrize("wrong", ["horizon_days", "step_days", "at_most"])
def test_a_length_of_nothing_is_refused(wrong: str):
    lengths = {"horizon_days": 9, "step_days": 9, "at_most": 1, "history_days": 9, wrong: 0}
    with pytest.raises(ValueError, match=f"{wrong} is 0"):
        cut_offs(day(0), day(99), **lengths)


def test_a_zone_other_than_utc_means_the_same_moment():
    shanghai = timezone(timedelta(hours=8))
    assert Split(datetime(2024, 1, 1, 8, tzinfo=shanghai), 1).target_end == day(1)
