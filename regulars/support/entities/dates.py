"""The days that a message names, as seen from a day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from regulars.support.order.things import Order

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), 1
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAYS_FROM_TODAY = {
    "today": 0, "yesterday": -1, "tomorrow": 1, "今天": 0, "昨天": -1, "前天": -2, "明天": 1, "后天": 2,
}  # fmt: skip
_DATE = re.compile(
    r"(?P<year>\d{4})[-/.年]\s?(?P<month>\d{1,2})[-/.月]\s?(?P<day>\d{1,2})日?"
    r"|(?P<month_zh>\d{1,2})月(?P<day_zh>\d{1,2})[日号]"
    rf"|\b(?P<name>{_MONTH})\.?\s+(?P<day_after>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<year_after>\d{{4}}))?"
    rf"|\b(?P<day_before>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<name_after>{_MONTH})\b(?:,?\s+(?P<year_last>\d{{4}}))?"
    r"|\b(?P<ago>\d{1,3})\s+days?\s+ago\b|(?P<ago_zh>\d{1,3})\s?天前"
    rf"|(?P<word>\b(?:today|yesterday|tomorrow)\b|今天|昨天|前天|明天|后天)",
    re.IGNORECASE,
)


_LAST = re.compile(
    r"\b(?:last|latest|newest|most recent) (?:order|purchase)\b|上一?[个次笔单]|最[近后新]的?一[个次笔单]",
    re.IGNORECASE,
)


class Day(NamedTuple):
    """A day that a text names, and where."""

    start: int
    end: int
    day: date


def days(text: str, today: date) -> list[Day]:
    """Which days does a text name? Without a year it is the last such day: customers speak of what was.

    >>> [str(one.day) for one in days("ordered on Dec 30th, 5月3日 or 2 days ago", date(2024, 5, 1))]
    ['2023-12-30', '2023-05-03', '2024-04-29']
    """
    found = []
    for match in _DATE.finditer(text):
        day = _day(match, today)
        if day is not None:
            found.append(Day(match.start(), match.end(), day))
    return found


def of_day(orders: Sequence[Order], text: str, today: date) -> list[Order]:
    """The orders that were placed on a day that a text names, or the last of them, if it means that one; else all.

    Which is the last is known only where all have their day.

    >>> from regulars.support.order.things import Address
    >>> about = {"customer_id": "ada", "status": "pending", "address": Address(address1="x"), "lines": ()}
    >>> orders = [Order(order_id=f"#{day}", ordered_on=date(2024, 5, day), **about) for day in (1, 3)]
    >>> [order.order_id for order in of_day(orders, "取消2024年5月3日的订单", date(2024, 6, 1))]
    ['#3']
    >>> [order.order_id for order in of_day(orders, "where is my last order?", date(2024, 6, 1))]
    ['#3']
    """
    named = {one.day for one in days(text, today)}
    dated = [order.ordered_on for order in orders if order.ordered_on is not None]
    if dated and len(dated) == len(orders) and _LAST.search(text):
        named.add(max(dated))
    return [order for order in orders if order.ordered_on in named] or list(orders)


def _day(match: re.Match[str], today: date) -> date | None:
    said = match.groupdict()
    if said["word"]:
        return today + timedelta(days=_DAYS_FROM_TODAY[said["word"].casefold()])
    if said["ago"] or said["ago_zh"]:
        return today - timedelta(days=int(said["ago"] or said["ago_zh"]))
    name = said["name"] or said["name_after"]
    month = _MONTHS[name.casefold()] if name else int(said["month"] or said["month_zh"])
    number = int(said["day"] or said["day_zh"] or said["day_after"] or said["day_before"])
    year = said["year"] or said["year_after"] or said["year_last"]
    try:
        day = date(int(year) if year else today.year, month, number)
        return day if year or day <= today else day.replace(year=today.year - 1)
    except ValueError:
        return None
