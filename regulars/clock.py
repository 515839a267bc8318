"""The one place that tells the time, so that a test can hold or move the clock.

Everything else asks `now()`; nothing else calls `datetime.now` or `time.time`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_held: datetime | None = None


def now() -> datetime:
    """The present moment, with its time zone (UTC), to the microsecond."""
    return _held if _held is not None else datetime.now(UTC)


def today(zone: str) -> date:
    """The day that it is now in a time zone: what people there mean by today.

    >>> with held_at(datetime(2024, 4, 30, 20, tzinfo=UTC)):
    ...     str(today("UTC")), str(today("Asia/Shanghai"))
    ('2024-04-30', '2024-05-01')
    """
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def held_at(moment: datetime) -> Iterator[None]:
    """Hold the clock at a moment (in this process), for tests and replays.

    >>> with held_at(datetime(2024, 5, 1, tzinfo=UTC)):
    ...     now().isoformat()
    '2024-05-01T00:00:00+00:00'
    """
    global _held  # noqa: PLW0603
    before, _held = _held, moment
    try:
        yield
    finally:
        _held = before


def micros(moment: datetime) -> int:
    """Microseconds since 1970, as the log counts time.

    >>> micros(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(microseconds: int) -> datetime:
    """The moment of so many microseconds since 1970, in UTC.

    >>> moment_of(86_400_000_000).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    return EPOCH + timedelta(microseconds=int(microseconds))


@cache
def time_zones() -> frozenset[str]:
    """The names of all time zones: to look for them on the disk takes longer than to read all settings.

    >>> "Asia/Shanghai" in time_zones()
    True
    """
    return frozenset(available_timezones())
