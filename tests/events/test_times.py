"""Cells to moments: the formats, the calendar and the time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.events.times import SKIPPED, TWICE, _iso_by_pattern, to_time

FORMATS = [
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%y",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%Y年%m月%d日 %H时%M分",
    "%d-%b-%Y %I:%M %p",
    "%b %d %Y %H:%M",
    "%d/%m/%Y %H:%M:%S %z",
]


def moment(cell: object, time_format: str = "", timezone: str = "UTC") -> datetime | str | None:
    """The moment in UTC; "?" where none can be read."""
    values, unreadable, _ = to_time(pa.array([cell]), time_format, timezone)
    return "?" if unreadable is not None and unreadable[0].as_py() else values[0].as_py()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


@pytest.mark.parametrize(
    ("cell", "time_format", "expected"),
    [
        ("2024-05-01", "", "2024-05-01"),
        ("2024-05-01 10", "", "2024-05-01T10:00"),
        ("2024-5-1 9:02", "", "2024-05-01T09:02"),
        ("2024-05-01T10:00:00.123456789", "", "2024-05-01T10:00:00.123456"),
        ("2024-05-01T10:00:00+08:00", "", "2024-05-01T02:00"),
        ("2024-05-01T10:00:00Z", "", "2024-05-01T10:00"),
        ("2024-05-01 10:00:00 -0430", "", "2024-05-01T14:30"),
        ("1714557600", "unix", "2024-05-01T10:00"),
        ("1714557600123", "unix_ms", "2024-05-01T10:00:00.123"),
        ("May 1 2024 10:00", "%b %d %Y %H:%M", "2024-05-01T10:00"),
        ("1-MAY-2024 12:30 AM", "%d-%b-%Y %I:%M %p", "2024-05-01T00:30"),
        ("29/02/2024 00:00", "%d/%m/%Y %H:%M", "2024-02-29"),
        ("1/5/2024 23:30:00 -0400", "%d/%m/%Y %H:%M:%S %z", "2024-05-02T03:30"),
    ],
)
def test_a_time(cell, time_format, expected):
    assert moment(cell, time_format) == at(expected if "T" in expected else f"{expected}T00:00")


@pytest.mark.parametrize(
    ("cell", "time_format"),
    [
        ("2024-02-30", ""),
        ("2024-13-01", ""),
        ("2024-05-01 24:00", ""),
        ("01/05/2024", ""),
        ("yesterday", ""),
        ("31/02/2024 10:00", "%d/%m/%Y %H:%M"),
        ("Feb 30 2024 10:00", "%b %d %Y %H:%M"),
        ("31/04/2024 10:00:00 +0800", "%d/%m/%Y %H:%M:%S %z"),
        ("1/5/24 10:00", "%d/%m/%Y %H:%M"),
        ("1/5/2024 10:00:60", "%d/%m/%Y %H:%M:%S"),
        ("1/5/2024 10:00 or so", "%d/%m/%Y %H:%M"),
        ("2024-05-01", "%d/%m/%Y %H:%M"),
        ("soon", "unix"),
        ("nan", "unix"),
        ("1e14", "unix"),
    ],
)
def test_no_time(cell, time_format):
    assert moment(cell, time_format) == "?"


@pytest.mark.parametrize("cell", ["", "null", None])
def test_nothing_is_nothing_and_not_unreadable(cell):
    assert to_time(pa.array([cell], pa.string()), "%d/%m/%Y", "UTC").values.to_pylist() == [None]
    assert moment(pa.scalar(cell, pa.string()).as_py() or "", "") is None


def test_a_local_time_is_taken_in_its_zone():
    assert moment("2024-07-01 12:00", "", "Europe/London") == at("2024-07-01T11:00")
    assert moment("2024-01-01 12:00", "", "Europe/London") == at("2024-01-01T12:00")
    assert moment("01/07/2024 12:00", "%d/%m/%Y %H:%M", "Asia/Shanghai") == at("2024-07-01T04:00")


def test_where_the_clock_is_put_back_the_earlier_moment_is_taken():
    assert moment("2024-10-27 01:30", "", "Europe/London") == at("2024-10-27T00:30")


def test_a_time_that_the_clock_leaps_over_is_the_moment_of_the_leap():
    assert moment("2024-03-31 01:30", "", "Europe/London") == at("2024-03-31T01:00")


@pytest.mark.parametrize("time_format", ["", "%Y-%m-%d %H:%M"])
def test_times_on_a_clock_that_is_being_changed_are_told_apart(time_format):
    cells = ["2024-03-31 01:30", "2024-03-31 02:00", "2024-10-27 01:00", "2024-10-27 02:00", None, "2024-10-27 01:30"]
    plain = pa.array(cells)
    for column in (plain, plain.dictionary_encode()):
        found = to_time(column, time_format, "Europe/London")
        assert found.changing.to_pylist() == [SKIPPED, 0, TWICE, 0, 0, TWICE]
        assert found.values[5].as_py() == at("2024-10-27T00:30")
    assert to_time(pa.array(["2024-05-01 01:30"]), time_format, "Europe/London").changing is None


def test_a_time_that_names_its_zone_is_on_no_clock_that_changes():
    found = to_time(pa.array(["2024-10-27 01:30+00:00", "2024-10-27 01:30"]), "", "Europe/London")
    assert found.changing.to_pylist() == [0, TWICE]


def test_typed_times_need_no_format():
    assert moment(datetime(2024, 5, 1, 10), "%d", "Asia/Shanghai") == at("2024-05-01T02:00")
    assert moment(datetime(2024, 5, 1, 10, tzinfo=ZoneInfo("Asia/Shanghai"))) == at("2024-05-01T02:00")
    assert moment(date(2024, 5, 1)) == at("2024-05-01T00:00")


moments = st.datetimes(datetime(1970, 1, 2), datetime(2068, 1, 1)).map(lambda m: m.replace(microsecond=0))


@pytest.mark.parametrize("time_format", FORMATS)
@settings(deadline=None)
@given(moment_=moments, shift=st.integers(-720, 720))
def test_what_strftime_writes_is_read_as_strptime_reads_it(time_format, moment_, shift):
    zone = UTC if "%z" not in time_format else timezone(timedelta(minutes=shift))
    text = moment_.replace(tzinfo=zone).strftime(time_format)
    expected = datetime.strptime(text, time_format)  # noqa: DTZ007
    assert moment(text, time_format) == (expected if expected.tzinfo else expected.replace(tzinfo=UTC))


@pytest.mark.parametrize("time_format", FORMATS)
@settings(deadline=None)
@given(day=st.integers(0, 40), month=st.integers(0, 13), year=st.sampled_from(["2023", "2024", "24", "1999"]))
def test_a_date_is_one_exactly_where_strptime_says_so(time_format, day, month, year):
    parts = {"%d": f"{day:02d}", "%m": f"{month:02d}", "%Y": year, "%y": year[-2:], "%b": "Feb", "%z": "+0100"}
    parts |= {"%H": "10", "%I": "10", "%M": "07", "%S": "09", "%p": "PM"}
    text = time_format
    for part, value in parts.items():
        text = text.replace(part, value)
    try:
        expected: datetime | str = datetime.strptime(text, time_format)  # noqa: DTZ007
    except ValueError:
        expected = "?"
    if "%Y" in time_format and len(year) == 2:
        expected = "?"  # Python makes 2400-1-1 of 240011
    if isinstance(expected, datetime) and expected.tzinfo is None:
        expected = expected.replace(tzinfo=UTC)
    assert moment(text, time_format) == expected


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            moments.map(str),
            moments.map(datetime.isoformat),
            st.dates().map(str),
            st.from_regex(r"20[0-3]\d-[01]\d-[0-3]\d [0-2]\d(:[0-6]\d){0,2}", fullmatch=True),
        ),
        min_size=1,
    )
)
def test_arrows_cast_and_the_pattern_agree(cells):
    # Which of the two reads a cell depends on the cells around it.
    for cell in cells:
        alone = to_time(pa.array([cell]), "", "UTC").values.to_pylist()
        assert alone == _iso_by_pattern(pa.array([cell]), "UTC")[0].to_pylist(), cell
    together = to_time(pa.array([*cells, "no time"]), "", "UTC").values.to_pylist()
    assert together[:-1] == [to_time(pa.array([cell]), "", "UTC").values[0].as_py() for cell in cells]


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_an_offset_counts(naive, minutes):
    sign, size = ("-" if minutes < 0 else "+"), abs(minutes)
    text = f"{naive.isoformat()}{sign}{size // 60:02d}:{size % 60:02d}"
    assert moment(text) == naive.replace(tzinfo=UTC) - timedelta(minutes=minutes)
