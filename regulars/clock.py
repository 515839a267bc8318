"""The one place that tells the time, so that a test can hold or move the clock.

Everything else asks `now()`; nothing else calls `datetime.now` or `time.time`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_held: datetime | None = None


def now() -> datetime:
    """The present moment, with its time zone (UTC), to the microsecond."""
    return _held if _held is not None else datetime.now(UTC)


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
