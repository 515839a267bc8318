"""What a question names: days, numbers, amounts, categories, brands, channels; and the question with fillers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from regulars.language.ask.templates import FILLERS
from regulars.language.numerals import chinese, english
from regulars.language.search.words import words

DAYS = {
    "day": 1, "天": 1, "日": 1, "week": 7, "周": 7, "星期": 7, "礼拜": 7, "month": 30, "月": 30, "quarter": 90,
    "季度": 90, "year": 365, "年": 365,
}  # fmt: skip
_UNIT = "days?|weeks?|months?|quarters?|years?|天|日|周|个?星期|个?礼拜|个?月|个?季度|年"
_SPAN = re.compile(rf"(?P<n>\d+)\s*-?(?P<unit>{_UNIT})(?![a-z])", re.IGNORECASE)
_BARE_SPAN = re.compile(
    r"\b(?:last|past|this)\s+(?P<unit>day|week|month|quarter|year)\b"
    r"|(?:上|这|本|近|过去)一?个?(?P<zh>周|星期|月|季度|年)",
    re.IGNORECASE,
)
_AMOUNT = r"\d[\d,]*(?:\.\d+)?"
_MONEY = re.compile(
    rf"[€£$¥]\s*(?P<a>{_AMOUNT})"
    rf"|(?P<b>{_AMOUNT})\s*(?:[€£$¥元块]|eur|gbp|usd|cny|euros?|pounds?|dollars?|yuan)"
    rf"|(?:spen[dt]|paid|worth|above|消费|花|金额)\D{{0,14}}?(?P<c>{_AMOUNT})(?![\d.,]|\s*(?:times|orders|次|单|天|个))",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\d.])\d{1,4}(?![\d.])")
_BY = re.compile(
    r"\b(?:(?:per|each|every|by)\s+(?P<a>day|week|month|year)|(?P<b>dai|week|month|year)ly)\b|[每按]个?(?P<c>[天日周月年])",
    re.IGNORECASE,
)
_PERIODS = {"dai": "day", "天": "day", "日": "day", "周": "week", "月": "month", "年": "year"}
_HELD = {slot: chr(0xE000 + place) for place, slot in enumerate((*FILLERS, "by", "天"))}
"""Signs that no text holds: what is found is kept out of the way by them, until all is found."""


class Named(NamedTuple):
    """What a question names.

    Attributes
    ----------
    slots : of `FILLERS`, each with its value.
    text : the question, with the fillers in place of the values.
    period : day, week, month or year, if it asks for each; else "".
    """

    slots: dict[str, str]
    text: str
    period: str = ""


def named(question: str, values: Mapping[str, Sequence[str]]) -> Named:
    """What a question names.

    Parameters
    ----------
    values : field -> the values it has; those of category, brand and channel are looked for.

    Examples
    --------
    >>> named("who bought Lamps in the last two weeks?", {"category": ["Lamps", "Tea"]})
    Named(slots={'category': 'Lamps', 'days': '14'}, text='who bought tea in the last 90 days?', period='')
    """
    text, slots = _in_digits(question), {}
    for name, slot in (("category", "category"), ("category", "other"), ("brand", "brand"), ("channel", "channel")):
        if found := _value(text, values.get(name, ())):
            slots[slot] = found.value.replace("'", "''")
            text = text[: found.start] + _HELD[slot] + text[found.end :]
    # "each month" is no span of time.
    kept = [found.group() for found in _BY.finditer(text)]
    by = _BY.search(text)
    unit = by[by.lastgroup or "a"].lower() if by else ""
    text = _BY.sub(_HELD["by"], text)
    if span := _SPAN.search(text):
        slots["days"] = str(int(span["n"]) * DAYS[span["unit"].lower().removesuffix("s").removeprefix("个")])
        text = f"{text[: span.start()]}{_HELD['days' if span.group().isascii() else '天']}{text[span.end() :]}"
    elif bare := _BARE_SPAN.search(text):
        slots["days"] = str(DAYS[(bare["unit"] or bare["zh"]).lower()])
        held = f"最近{_HELD['天']}" if bare["zh"] else f"last {_HELD['days']}"
        text = f"{text[: bare.start()]}{held}{text[bare.end() :]}"
    if money := _MONEY.search(text):
        which = money.lastgroup or "a"
        slots["money"] = money[which].replace(",", "")
        text = text[: money.start(which)] + _HELD["money"] + text[money.end(which) :]
    elif number := _NUMBER.search(text):
        slots["number"] = number.group()
        text = text[: number.start()] + _HELD["number"] + text[number.end() :]
    for slot, held in _HELD.items():
        text = text.replace(held, {"by": held, "天": "90天"}.get(slot) or FILLERS[slot])
    for each in kept:
        text = text.replace(_HELD["by"], each, 1)
    return Named(slots, text, _PERIODS.get(unit, unit))


def _in_digits(question: str) -> str:
    """Numbers in words as digits: but "one" and "once" stay, which rather tell what kind of question it is."""
    found = [each for each in (*english(question), *chinese(question)) if each.value >= 2 and each.value % 1 == 0]
    for each in sorted(found, key=lambda numeral: -numeral.start):
        question = f"{question[: each.start]}{int(each.value)}{question[each.end :]}"
    return question


class _Value(NamedTuple):
    start: int
    end: int
    value: str


def _value(text: str, values: Sequence[str]) -> _Value | None:
    """The first value that a text names, the longest of those at one place."""
    found = []
    for value in filter(str.strip, values):
        place = re.search(rf"(?<![a-z]){re.escape(value)}(?![a-z])", text, re.IGNORECASE) or _stemmed(text, value)
        if place:
            found.append(_Value(*place.span(), value))
    return min(found, key=lambda each: (each.start, -each.end), default=None)


def _stemmed(text: str, value: str) -> re.Match[str] | None:
    """A word of the text whose stem is that of a value of one word: lamp for Lamps."""
    key = words(value)
    if len(key) != 1:
        return None
    return next((word for word in re.finditer(r"[^\W\d_]+", text) if words(word.group()) == key), None)
