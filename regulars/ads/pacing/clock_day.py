"""A day as the shop's clock has it: 23 or 25 hours long where the clock is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HOURS = 24
HOUR = timedelta(hours=1)


class ClockDay:
    """From one morning to the next.

    Parameters
    ----------
    morning : when it begins, with the time zone on whose clock the next one is.

    Attributes
    ----------
    begin, end : the same moments in UTC: two of one time zone are compared by their clock, which goes back in autumn.
    hours : (n,) int, which hour of the clock each hour since the morning is: one is missing, or there twice, where the
        clock is changed.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> spring = ClockDay.on(date(2024, 3, 31), ZoneInfo("Europe/Berlin"))
    >>> spring.begin.isoformat(), (spring.end - spring.begin) / HOUR, spring.hours[:4].tolist()
    ('2024-03-30T23:00:00+00:00', 23.0, [0, 1, 3, 4])
    """

    def __init__(self, morning: datetime) -> None:
        self.morning = morning
        self.begin, self.end = morning.astimezone(UTC), (morning + timedelta(days=1)).astimezone(UTC)
        shown = [
            (self.begin + number * HOUR).astimezone(morning.tzinfo).replace(tzinfo=None) - morning.replace(tzinfo=None)
            for number in range(-((self.begin - self.end) // HOUR))
        ]
        self.hours: npt.NDArray[np.int64] = np.clip([each // HOUR for each in shown], 0, HOURS - 1)

    @classmethod
    def on(cls, day: date, zone: tzinfo) -> ClockDay:
        """A date in a time zone."""
        return cls(datetime.combine(day, time(), zone))

    @classmethod
    def of(cls, moment: datetime, zone: tzinfo) -> ClockDay:
        """The day of a time zone in which a moment is."""
        return cls.on(moment.astimezone(zone).date(), zone)

    def after(self, days: int) -> ClockDay:
        """So many days later, or earlier where they are below 0."""
        return ClockDay(self.morning + timedelta(days=days))

    def hour(self, at: datetime) -> int:
        """Which hour of the clock a moment of the day is in, 0 to 23."""
        return int(self.hours[(at - self.begin) // HOUR])

    def share(self, plan: Floats, at: datetime) -> float:
        """What of a plan is due by a moment: 0 in the morning, 1 at the end of the day.

        Parameters
        ----------
        plan : (24,) for each hour of the clock.
        """
        due = np.append(0.0, np.cumsum(plan[self.hours] * np.diff(self._ends)))
        return float(np.interp((at - self.begin) / HOUR, self._ends, due / due[-1]))

    def hourly(self, plan: Floats) -> Floats:
        """(24,) shares of a plan for each hour of the clock, as long as each is on this day; they add to 1."""
        found = plan * np.bincount(self.hours, np.diff(self._ends), HOURS)
        shares: Floats = found / found.sum()
        return shares

    @property
    def _ends(self) -> Floats:
        """(n + 1,) hours since the morning; the last may be half a one, where clocks are set by half an hour."""
        found: Floats = np.minimum(np.arange(len(self.hours) + 1), (self.end - self.begin) / HOUR)
        return found
