"""The calendar of the daily turn: days of rest, the day of the letter, and days that were missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from regulars.shop import Shop

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Calendar:
    """What is done on which day, where the shop is.

    Attributes
    ----------
    rest : weekdays ("sun") and days ("2026-12-25") on which nothing is decided or sent.
    letter : the weekday on which the letter is written; "" for none.

    Examples
    --------
    >>> from datetime import UTC
    >>> shop = Calendar(ZoneInfo("Europe/London"), ("sun", "2026-12-25"), "mon")
    >>> shop.is_rest(datetime(2026, 12, 25, 9, tzinfo=UTC)), shop.is_rest(datetime(2026, 12, 28, 9, tzinfo=UTC))
    (True, False)
    >>> shop.has_letter(datetime(2026, 12, 28, 9, tzinfo=UTC))
    True
    """

    zone: ZoneInfo
    rest: tuple[str, ...]
    letter: str

    @classmethod
    def of(cls, shop: Shop) -> Calendar:
        """That of a shop's settings."""
        settings = shop.config.lifecycle
        return cls(ZoneInfo(shop.config.shop.timezone), settings.rest, settings.letter_on)

    def is_rest(self, moment: datetime) -> bool:
        """Whether nothing is decided or sent on the day of a moment."""
        day = moment.astimezone(self.zone)
        return WEEKDAYS[day.weekday()] in self.rest or f"{day:%Y-%m-%d}" in self.rest

    def has_letter(self, moment: datetime) -> bool:
        """Whether the letter is written on the day of a moment."""
        return WEEKDAYS[moment.astimezone(self.zone).weekday()] == self.letter


def missed(before: Iterable[str], day: str) -> list[str]:
    """The days between the newest turn before a day, and that day, on which there was none.

    >>> missed(["2026-11-20", "2026-11-23"], "2026-11-26")
    ['2026-11-24', '2026-11-25']
    >>> missed([], "2026-11-26")
    []
    """
    earlier = [each for each in before if each < day]
    if not earlier:
        return []
    last, count = date.fromisoformat(max(earlier)), (date.fromisoformat(day) - date.fromisoformat(max(earlier))).days
    return [f"{last + timedelta(days=k):%Y-%m-%d}" for k in range(1, count)]
