"""When people are there, and how long a customer will wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS_AHEAD = 60


@dataclass(frozen=True)
class Hours:
    """When people answer.

    Parameters
    ----------
    zone : the time zone of the times.
    days : of the week, Monday is 0.
    opens, closes : the first and the last moment of a day; closes is later than opens.
    holidays : days on which nobody is there.
    people : so many answer at once.
    minutes_each : how long one conversation takes one of them.
    """

    zone: str = "UTC"
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: time = time(9)
    closes: time = time(17)
    holidays: frozenset[date] = frozenset()
    people: int = 1
    minutes_each: float = 8.0

    def is_open(self, moment: datetime) -> bool:
        """Whether somebody is there.

        >>> from datetime import UTC
        >>> Hours().is_open(datetime(2024, 5, 1, 9, tzinfo=UTC)), Hours().is_open(datetime(2024, 5, 4, 9, tzinfo=UTC))
        (True, False)
        """
        local = moment.astimezone(ZoneInfo(self.zone))
        return self._works(local.date()) and self.opens <= local.time() < self.closes

    def next_opening(self, moment: datetime) -> datetime | None:
        """When somebody is there again; the moment itself while somebody is, None if not within 60 days."""
        if self.is_open(moment):
            return moment
        local = moment.astimezone(ZoneInfo(self.zone))
        for ahead in range(DAYS_AHEAD):
            day = local.date() + timedelta(days=ahead)
            opening = datetime.combine(day, self.opens, ZoneInfo(self.zone))
            if self._works(day) and opening > moment:
                return opening
        return None

    def wait_minutes(self, moment: datetime, before: int, took: Sequence[float] = ()) -> float | None:
        """How long until it is somebody's turn, from now; None if nobody comes within 60 days.

        Parameters
        ----------
        before : how many wait already.
        took : minutes that the last conversations took; where there are none `minutes_each` counts.

        >>> from datetime import UTC
        >>> Hours(people=2).wait_minutes(datetime(2024, 5, 1, 10, tzinfo=UTC), before=3)
        16.0
        """
        opening = self.next_opening(moment)
        if opening is None:
            return None
        each = sum(took) / len(took) if took else self.minutes_each
        closed = max((opening - moment).total_seconds() / 60, 0.0)
        return closed + (before // max(self.people, 1) + 1) * each

    def _works(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.holidays
