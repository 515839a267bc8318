"""One value of shop.toml, as a shop writes it by hand: ValueError says what was expected."""

from __future__ import annotations

import re
from datetime import date, time

CHANNELS = ("email", "sms", "push", "wechat")


def action(text: str) -> str:
    """What a campaign may do, and by which channel."""
    what, _, channel = text.rpartition(" by ")
    if not what.strip() or channel not in CHANNELS:
        raise ValueError(f'is no action; write "message by email", with one of {", ".join(CHANNELS)}')
    return text


def floor(text: str) -> str:
    """A share that a group gets at least."""
    if not re.fullmatch(r"\w+ is .+: (0(\.\d+)?|1(\.0+)?)", text):
        raise ValueError('is no floor; write "rfm_cell is champions: 0.05"')
    return text


def time_of_day(text: str) -> str:
    """Of a clock of 24 hours."""
    try:
        time.fromisoformat(text)
    except ValueError:
        raise ValueError('is no time of day; write "09:00"') from None
    return text


def day(text: str) -> str:
    """Of a calendar."""
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError('is no day; write "2024-12-25"') from None
    return text


def day_of_rest(text: str) -> str:
    """A weekday, or a day of the calendar."""
    return text if text in ("mon", "tue", "wed", "thu", "fri", "sat", "sun") else day(text)


def boost(text: str) -> str:
    """How many places up a list some products go."""
    if not re.fullmatch(r"[1-9][0-9]?:.*\S.*", text):
        raise ValueError("is no boost; write \"3: category = 'tea'\", with 1 to 99 places")
    return text


def trigger(text: str) -> str:
    """A name and a rule that sets it off."""
    name, _, rule = text.partition(":")
    if not name.strip() or not rule.strip():
        raise ValueError('is no trigger; write "cart left: added within 1 days and last_seen > 30 minutes"')
    return text


def receiver(url: str) -> str:
    """Where a webhook goes; empty: nowhere."""
    if url and not re.fullmatch(r"https://[^\s/]+(/\S*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?", url):
        raise ValueError("is no address with https; http is for this machine alone")
    return url
