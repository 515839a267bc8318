"""Hours and weekdays where the shop is, by arithmetic that any engine does fast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ibis

DAY = 86_400


def changes(zone: str, first: datetime, last: datetime) -> list[tuple[datetime, int]]:
    """When a zone's clock was changed, and its seconds east of Greenwich from then on.

    The first is at `first` itself.

    >>> [(t.isoformat(), s) for t, s in changes("Europe/London", datetime(2011, 1, 1, tzinfo=UTC),
    ...                                         datetime(2011, 12, 1, tzinfo=UTC))]
    [('2011-01-01T00:00:00+00:00', 0), ('2011-03-27T01:00:00+00:00', 3600), ('2011-10-30T01:00:00+00:00', 0)]
    """

    def offset(moment: datetime) -> int:
        shift = moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
        return int(shift.total_seconds())

    found = [(first, offset(first))]
    moment = first
    while moment < last:
        following = moment + timedelta(days=1)
        if offset(following) != offset(moment):
            low, high = moment, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(middle) == offset(moment) else (low, middle)
            found.append((high.replace(microsecond=0), offset(following)))
        moment = following
    return found


def local_seconds(time: Any, zone: str, first: datetime, last: datetime) -> Any:
    """Seconds since 1970 on the clock of the shop's wall, for times between `first` and `last`."""
    seconds = time.epoch_seconds()
    steps = changes(zone, first, last)
    offset: Any = ibis.literal(steps[0][1])
    for moment, east in steps[1:]:
        offset = ibis.ifelse(time >= ibis.literal(moment.astimezone(UTC)), east, offset)
    return seconds + offset
