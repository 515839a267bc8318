"""Time splits as values: learn from what was known before a moment, judge by what came after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from regulars.errors import NotEnoughError


@dataclass(frozen=True)
class Split:
    """One moment to predict from, and how far ahead.

    Features use events with time < `as_of`; the target uses those in [as_of, target_end).

    Parameters
    ----------
    as_of : datetime, with its time zone
        The moment of prediction.
    horizon_days : int, >= 1
        Length of the target window.

    Raises
    ------
    ValueError
        If `as_of` has no time zone, or the horizon is under one day.

    Examples
    --------
    >>> from datetime import UTC
    >>> Split(datetime(2024, 5, 1, tzinfo=UTC), 30).target_end.date().isoformat()
    '2024-05-31'
    """

    as_of: datetime
    horizon_days: int

    def __post_init__(self) -> None:
        _require_zone("as_of", self.as_of)
        _require_days("horizon_days", self.horizon_days, at_least=1)

    @property
    def target_end(self) -> datetime:
        """The first moment after the target window."""
        return self.as_of + timedelta(days=self.horizon_days)


def cut_offs(
    first: datetime,
    until: datetime,
    *,
    horizon_days: int,
    step_days: int,
    at_most: int,
    history_days: int,
) -> list[datetime]:
    """At which moments can a model be trained, when nothing at or after `until` may be used?

    A cut-off T needs its whole target window [T, T + horizon) before `until`, and `history_days`
    of log before T. The newest is exactly `until - horizon`; the others lie `step_days` apart.

    Parameters
    ----------
    first : datetime, with its time zone
        When the log begins.
    until : datetime, with its time zone
        The end of what may be used; for an evaluation, its as-of time.
    horizon_days, step_days, at_most : int, >= 1
        Length of the target window; distance between cut-offs; how many to give.
    history_days : int, >= 0
        Days of log that must lie before each cut-off.

    Returns
    -------
    list of datetime, newest first, 1 to `at_most` of them

    Raises
    ------
    ValueError
        If a time has no time zone, or a number is below its range.
    NotEnoughError
        If not even one cut-off fits; the message says how many days are needed.

    Examples
    --------
    >>> from datetime import UTC
    >>> january, june = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
    >>> found = cut_offs(january, june, horizon_days=30, step_days=30, at_most=5, history_days=60)
    >>> [t.date().isoformat() for t in found]
    ['2024-05-02', '2024-04-02', '2024-03-03']
    """
    _require_zone("first", first)
    _require_zone("until", until)
    _require_days("horizon_days", horizon_days, at_least=1)
    _require_days("step_days", step_days, at_least=1)
    _require_days("history_days", history_days, at_least=0)
    if at_most < 1:
        raise ValueError(f"at_most is {at_most}; at least 1 is expected")
    newest = until - timedelta(days=horizon_days)
    oldest = first + timedelta(days=history_days)
    if newest < oldest:
        raise NotEnoughError(
            f"{history_days + horizon_days} days of log are needed before {until:%Y-%m-%d} "
            f"({history_days} to learn from, then {horizon_days} to see what happened); there are "
            f"{max((until - first).days, 0)}, from {first:%Y-%m-%d}. Import more history, "
            f"or choose a later time."
        )
    fitting = (newest - oldest) // timedelta(days=step_days) + 1
    return [newest - timedelta(days=step_days) * k for k in range(min(fitting, at_most))]


def _require_zone(name: str, moment: datetime) -> None:
    if moment.utcoffset() is None:
        raise ValueError(f"{name} is {moment.isoformat()}, without a time zone; UTC is expected")


def _require_days(name: str, days: int, *, at_least: int) -> None:
    if days < at_least:
        raise ValueError(f"{name} is {days}; at least {at_least} is expected")
