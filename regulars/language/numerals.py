"""Numbers that are written as words, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Numeral(NamedTuple):
    """A number in a text, and where it stands."""

    start: int
    end: int
    value: float


_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_LARGE = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_WORDS = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)},
}
_OTHER = {"once": 1, "twice": 2, "thrice": 3, "double": 2, "triple": 3, "dozen": 12, "half": 0.5, "quarter": 0.25}
_ANY = "|".join(sorted((*_WORDS, *_LARGE), key=len, reverse=True))
_ENGLISH = re.compile(rf"\b(?:(?:{_ANY})(?:[\s-]+(?:and\s+)?(?:{_ANY}))*|{'|'.join(_OTHER)})s?\b", re.IGNORECASE)
_NOT_COUNTED = re.compile(r"\b(?:no|this|that|each|any|every|another|the|which)\s+$", re.IGNORECASE)

_DIGITS = {**{sign: k for k, sign in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_DIGITS |= {sign: k for k, sign in enumerate("壹贰叁肆伍陆柒捌玖", start=1)}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
_SIGNS = "".join((*_DIGITS, *_UNITS, *_MYRIADS))
COUNTED = "个件次天日周月年单元块位种款成折倍点时条份名笔"
"""Signs after which a numeral is a number; elsewhere most are parts of words."""
_CHINESE = re.compile(rf"[{_SIGNS}]+")
_LATEST = re.compile("[上下每这那第同某近唯]$")
"""Before 一: "the last time", not "one time"."""


def english(text: str) -> Iterator[Numeral]:
    """The numbers written in English words; "one" alone only where it counts something.

    >>> [numeral.value for numeral in english("Twenty-one days, one hundred and five orders, no one, twice.")]
    [21.0, 105.0, 2.0]
    """
    for found in _ENGLISH.finditer(text):
        words = re.findall(r"[a-z]+", found.group().lower())
        if words == ["one"] and (
            _NOT_COUNTED.search(text[: found.start()]) or not re.match(r"\s+[a-z]+", text[found.end() :])
        ):
            continue
        if words == ["one"] and re.match(r"\s+of\b", text[found.end() :], re.IGNORECASE):
            continue
        yield Numeral(found.start(), found.end(), _english_value(words))


def _english_value(words: list[str]) -> float:
    if len(words) == 1 and words[0].removesuffix("s") in _OTHER:
        return float(_OTHER[words[0].removesuffix("s")])
    total, part = 0, 0
    for word in words:
        if word in _LARGE or word.removesuffix("s") in _LARGE:
            size = _LARGE[word.removesuffix("s")]
            part = max(part, 1) * size
            if size > 100:
                total, part = total + part, 0
        else:
            part += _WORDS.get(word, _WORDS.get(word.removesuffix("s"), 0))
    return float(total + part)


def chinese(text: str) -> Iterator[Numeral]:
    """The numbers written in Chinese signs; one sign alone only before what can be counted.

    >>> [numeral.value for numeral in chinese("二十一天，一百零五个订单，最近一次，一直，三千两百万")]
    [21.0, 105.0, 32000000.0]
    """
    for found in _CHINESE.finditer(text):
        signs, after = found.group(), text[found.end() : found.end() + 1]
        if len(signs) == 1 and (after not in COUNTED or not after):
            continue
        if signs == "一" and (_LATEST.search(text[: found.start()]) or after == "个"):
            continue
        yield Numeral(found.start(), found.end(), _chinese_value(signs))


def _chinese_value(signs: str) -> float:
    if not any(sign in _UNITS or sign in _MYRIADS for sign in signs):
        return float("".join(str(_DIGITS[sign]) for sign in signs))
    total, section, digit = 0, 0, 0
    for sign in signs:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _UNITS:
            section += (digit or 1) * _UNITS[sign]
            digit = 0
        else:
            total = (total + max(section + digit, 1)) * _MYRIADS[sign]
            section = digit = 0
    return float(total + section + digit)
