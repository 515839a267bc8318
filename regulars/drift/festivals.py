"""Days on which customers behave otherwise, known beforehand: no alarm is raised by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

YEARLY = (
    "01-01", "02-14", "05-01", "06-18", "07-04", "10-01", "10-02", "10-03", "11-11", "12-12", "12-24", "12-25", "12-26",
    "12-31",
)  # fmt: skip
"""New Year, Valentine's Day, Labour Day, 618, Independence Day, Golden Week, Singles' Day, Double Twelve, Christmas."""

LUNAR_NEW_YEAR = {
    2020: "01-25", 2021: "02-12", 2022: "02-01", 2023: "01-22", 2024: "02-10", 2025: "01-29", 2026: "02-17",
    2027: "02-06", 2028: "01-26", 2029: "02-13", 2030: "02-03", 2031: "01-23", 2032: "02-11", 2033: "01-31",
    2034: "02-19", 2035: "02-08",
}  # fmt: skip
"""The first day of the Chinese year; with its eve and the six days after it a week is spent at home."""

THURSDAY = 3


def festivals(first: date, last: date, own: Sequence[str] = ()) -> set[date]:
    """The festivals between two days, both included.

    Parameters
    ----------
    own : a shop's further ones, "MM-DD" each year or "YYYY-MM-DD" once.

    Examples
    --------
    >>> found = festivals(date(2024, 11, 1), date(2024, 12, 10), ["12-06", "2024-11-05"])
    >>> [f"{day:%m-%d}" for day in sorted(found)]
    ['11-05', '11-11', '11-28', '11-29', '11-30', '12-01', '12-02', '12-06']
    """
    found = {date.fromisoformat(day) for day in own if len(day) > len("MM-DD")}
    yearly = [*YEARLY, *(day for day in own if len(day) == len("MM-DD"))]
    for year in range(first.year, last.year + 1):
        # 29 February is a day of leap years alone.
        found |= {date(year, *map(int, day.split("-"))) for day in yearly if day != "02-29" or _is_leap(year)}
        found |= {*_thanksgiving(year), *_lunar_new_year(year)}
    return {day for day in found if first <= day <= last}


def _thanksgiving(year: int) -> Iterator[date]:
    """From the fourth Thursday of November to Cyber Monday, Black Friday among them."""
    begin = date(year, 11, 1)
    begin += timedelta(days=(THURSDAY - begin.weekday()) % 7 + 21)
    yield from (begin + timedelta(days=days) for days in range(5))


def _lunar_new_year(year: int) -> Iterator[date]:
    if year in LUNAR_NEW_YEAR:
        begin = date.fromisoformat(f"{year}-{LUNAR_NEW_YEAR[year]}")
        yield from (begin + timedelta(days=days) for days in range(-1, 7))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
