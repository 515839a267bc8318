"""How long: `60 days`, `2 weeks`, `12 小时`."""

from __future__ import annotations

from datetime import timedelta

DAY = timedelta(days=1)
UNITS: dict[str, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": DAY,
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
"""A month is thirty days and a year 365, so that a duration is as long whenever it is asked."""

WORDS: dict[str, timedelta] = {
    **UNITS,
    **{f"{name}s": unit for name, unit in UNITS.items()},
    **{"分钟": UNITS["minute"], "小时": UNITS["hour"], "天": DAY, "日": DAY, "周": UNITS["week"]},
    **{"星期": UNITS["week"], "个月": UNITS["month"], "月": UNITS["month"], "年": UNITS["year"]},
}
COUNTED: dict[str, timedelta] = {"days": DAY, "seconds": timedelta(seconds=1)}
"""Units of numbers that can be compared with a duration."""
LONGEST = timedelta(days=36_500)


def duration(count: float, unit: str) -> timedelta | None:
    """So many of a unit of `WORDS`; None if that is longer than a shop has been (`LONGEST`).

    >>> duration(2, "weeks"), duration(1.5, "天"), duration(1e9, "years")
    (datetime.timedelta(days=14), datetime.timedelta(days=1, seconds=43200), None)
    """
    unit_seconds = WORDS[unit].total_seconds()
    seconds = count * unit_seconds
    return timedelta(seconds=seconds) if seconds <= LONGEST.total_seconds() else None
