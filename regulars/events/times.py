"""Cells to moments: the ways that files write a time."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import TIME
from regulars.events.values import Values, to_number, to_text

ISO = (
    r"^(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[T ]+(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?)?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?$"
)
NAIVE = pa.timestamp("us")
PARTS = dict.fromkeys(("%m", "%d", "%H", "%I", "%M"), r"(\d{1,2})") | {
    "%Y": r"(\d{4})",
    "%y": r"(\d{2})",
    "%S": r"([0-5]?\d)",
    "%b": r"([A-Z]{3})",
    "%B": r"([A-Z]{3,9})",
    "%p": r"([AP]M)",
    "%z": r"(Z|[+-]\d{2}:?\d{2})",
    "%%": "%",
}
"""The shape of each directive of a format."""


SKIPPED, TWICE = 1, 2
"""Times on the wall that the clock leapt over, and those that it showed twice."""


class Times(NamedTuple):
    """Times in UTC, which cells are no time, and which stood on a clock that was being changed.

    Attributes
    ----------
    values : (n,) timestamp[us, UTC].
    unreadable : (n,) whether a cell could not be read; None: all could.
    changing : (n,) int8, 0, `SKIPPED` or `TWICE`; None: all 0.
    """

    values: pa.Array
    unreadable: pa.Array | None
    changing: pa.Array | None = None


def to_time(values: pa.Array, time_format: str, timezone: str) -> Times:
    """Times in UTC, in microseconds, and which cells are no time.

    Parameters
    ----------
    time_format : "" for ISO 8601, "unix" or "unix_ms" for seconds or milliseconds since 1970, else
        a strptime format.
    timezone : of times that name none, e.g. "Europe/London". Where the clock is put back, the
        earlier of the two moments is taken; a time that the clock leaps over becomes the moment of the leap.

    Examples
    --------
    >>> to_time(pa.array(["2024-05-01 10:00", "2024-02-31"]), "", "Europe/London").values.to_pylist()[0].isoformat()
    '2024-05-01T09:00:00+00:00'
    """
    if pa.types.is_dictionary(values.type):
        return _by_dictionary(values, to_time(values.dictionary, time_format, timezone))
    if pa.types.is_timestamp(values.type):
        moments = values.cast(pa.timestamp("us", values.type.tz), safe=False)
        if values.type.tz:
            return Times(moments.cast(TIME), None)
        parsed, changing = _local(moments, timezone)
        return Times(parsed, None, changing)
    if pa.types.is_date(values.type):
        return Times(_local(values.cast(NAIVE), timezone)[0], None)
    if time_format in ("unix", "unix_ms"):
        return Times(*_unix(values, 1_000_000 if time_format == "unix" else 1_000))
    texts = to_text(values).values
    parsed, changing = _iso(texts, timezone) if time_format == "" else _by_format(texts, time_format, timezone)
    return Times(parsed, pc.and_(pc.is_valid(texts), pc.is_null(parsed)), changing)


def _by_dictionary(values: pa.Array, distinct: Times) -> Times:
    def spread(mask: pa.Array | None, nothing: object) -> pa.Array | None:
        # An empty cell has no code, and nothing in it that could not be read.
        return None if mask is None else pc.fill_null(mask.take(values.indices), nothing)

    moments, unreadable, changing = distinct
    return Times(moments.take(values.indices), spread(unreadable, False), spread(changing, 0))


def _local(naive: pa.Array, timezone: str) -> tuple[pa.Array, pa.Array | None]:
    """Times on the shop's clock in UTC, and which of them stood on a clock that was being changed."""
    try:
        return pc.assume_timezone(naive, timezone, ambiguous="raise", nonexistent="raise").cast(TIME), None
    except pa.ArrowInvalid:
        pass
    early, late = (
        pc.assume_timezone(naive, timezone, ambiguous=when, nonexistent=when).cast(TIME)
        for when in ("earliest", "latest")
    )
    # What the clock leapt over lies just before the leap or at it; what it showed twice, hours apart.
    apart = pc.subtract(late, early).cast(pa.int64())
    changing = pc.if_else(pc.equal(apart, 0), 0, pc.if_else(pc.less(apart, 1_000_000), SKIPPED, TWICE))
    is_twice = pc.equal(changing, TWICE)
    return pc.if_else(is_twice, early, late), pc.fill_null(changing, 0).cast(pa.int8())


def _unix(values: pa.Array, factor: int) -> Values:
    numbers, unreadable = to_number(values)
    moments = pc.round(pc.multiply(numbers, float(factor)))
    in_range = pc.less(pc.abs(moments), 9e18)
    moments = pc.if_else(in_range, moments, None).cast(pa.int64()).cast(TIME)
    return Values(moments, pc.or_(unreadable, pc.fill_null(pc.invert(in_range), False)))


def _by_format(texts: pa.Array, time_format: str, timezone: str) -> tuple[pa.Array, pa.Array | None]:
    parsed = pc.strptime(texts, format=time_format, unit="us", error_is_null=True)
    # strptime takes 31/02 for 3 March, 24 for the year 24 and second 60 for the next minute: so the
    # text must have the shape of the format, and the moment must fall on the day that is written.
    shape = pc.extract_regex(texts, _shape(time_format))
    is_real = pc.is_valid(shape)
    naive = parsed.cast(NAIVE)
    if "%z" in time_format:
        naive = pc.add(naive, pa.array(_offset_micros(_part(shape, "z")), pa.duration("us")))
    if "%d" in time_format:
        days = pc.if_else(is_real, _part(shape, "d"), None).cast(pa.int64())
        is_real = pc.equal(pc.day(naive), days)
    parsed = pc.if_else(pc.fill_null(is_real, False), parsed, None)
    return (parsed.cast(TIME), None) if "%z" in time_format else _local(parsed, timezone)


def _shape(time_format: str) -> str:
    r"""What a text in this format looks like, with a named group for each part.

    >>> _shape("%d/%m/%y")
    '(?i)^(?P<d>\\d{1,2})/(?P<m>\\d{1,2})/(?P<y>\\d{2})$'
    """
    parts = re.split("(%.)", time_format)
    shaped = (PARTS[part].replace("(", f"(?P<{part[1:]}>") if part in PARTS else re.escape(part) for part in parts)
    shape = "".join(shaped)
    if "%m%d" in time_format or "%d%m" in time_format:
        shape = shape.replace("{1,2}", "{2}")  # side by side, numbers need their zeros: 240021 is no day of 2400
    return f"(?i)^{shape}$"


def _part(parts: pa.Array, name: str) -> pa.Array:
    return pc.coalesce(pc.struct_field(parts, name), "")


def _iso(texts: pa.Array, timezone: str) -> tuple[pa.Array, pa.Array | None]:
    # Arrow's own casts are five times faster than the pattern, and read nearly every real file. The one that
    # the first text calls for comes first: to fail at every text takes a cast ten times as long.
    first = pc.first(texts).as_py() or ""
    casts = (lambda: _local(texts.cast(NAIVE), timezone)), (lambda: (texts.cast(TIME), None))
    for cast in reversed(casts) if re.search(r":.*[Z+-]", first) else casts:
        try:
            return cast()
        except pa.ArrowInvalid:
            pass
    return _iso_by_pattern(texts, timezone)


def _iso_by_pattern(texts: pa.Array, timezone: str) -> tuple[pa.Array, pa.Array | None]:
    parts = pc.extract_regex(texts, ISO)

    def part(name: str) -> npt.NDArray[np.int64]:
        found = pc.struct_field(parts, name)
        digits = pc.if_else(pc.equal(pc.coalesce(found, ""), ""), "0", found)
        return np.asarray(pc.fill_null(digits.cast(pa.int64()), 0))

    year, month, day = part("year"), part("month"), part("day")
    hour, minute, second = part("hour"), part("minute"), part("second")
    months = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    days_in_month = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(int)
    is_real = (month >= 1) & (month <= 12) & (day >= 1) & (day <= days_in_month)
    is_real &= (hour < 24) & (minute < 60) & (second < 60) & np.asarray(pc.is_valid(parts))
    digits = pc.utf8_slice_codeunits(pc.coalesce(pc.struct_field(parts, "fraction"), ""), 0, 6)
    micros = np.asarray(pc.utf8_rpad(digits, 6, "0").cast(pa.int64()))
    seconds = (months.astype("datetime64[D]").astype(np.int64) + day - 1) * 86400 + hour * 3600 + minute * 60
    moments = (seconds + second) * 1_000_000 + micros
    zone = pc.coalesce(pc.struct_field(parts, "zone"), "")
    naive = pa.array(moments, mask=~is_real).cast(NAIVE)
    is_zoned = pc.not_equal(zone, "")
    shift = pa.array(moments - _offset_micros(zone), mask=~is_real).cast(TIME)
    local, changing = _local(pc.if_else(is_zoned, None, naive), timezone)
    return pc.if_else(is_zoned, shift, local), changing


def _offset_micros(zones: pa.Array) -> npt.NDArray[np.int64]:
    """ "+08:00", "-0400", "Z" or "" in microseconds east of Greenwich."""
    shaped = pc.if_else(pc.match_substring_regex(zones, r"^[+-]"), pc.replace_substring(zones, ":", ""), "+0000")
    hours = np.asarray(pc.utf8_slice_codeunits(shaped, 1, 3).cast(pa.int64()))
    minutes = np.asarray(pc.utf8_slice_codeunits(shaped, 3, 5).cast(pa.int64()))
    sign = np.where(np.asarray(pc.starts_with(shaped, "-")), -1, 1)
    east: npt.NDArray[np.int64] = sign * (hours * 60 + minutes) * 60_000_000
    return east
