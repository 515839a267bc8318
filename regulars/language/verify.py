"""Does a text say only what the facts say? Every number, percentage, date, hour and weekday in it is looked up.

Whoever writes the words (a person, a language model) is checked by the same code: a number that is not in the facts is
refused, and so is one in another unit than the fact's. English and Chinese. What is said without a number is not
checked: that a customer is "loyal" is for a person to judge.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from math import isfinite
from typing import NamedTuple

from regulars.language.numerals import Numeral, chinese, english

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Fact(NamedTuple):
    """Something known, which a text may say.

    Attributes
    ----------
    name : what it is.
    value : a number, a day, or words (of a category, a channel).
    unit : "share" (0 to 1), "money", "days", "orders", "date", "hour" (0 to 23), "weekday" (0 is Monday), "text", or
        what else is counted.
    """

    name: str
    value: float | date | str
    unit: str


class Fault(NamedTuple):
    """Something that a text says and the facts don't.

    Attributes
    ----------
    said : as it stands in the text.
    why : what is wrong with it.
    """

    said: str
    why: str


class _Unit(NamedTuple):
    """What a word after a number counts: the units of facts, and how many of those one is."""

    units: tuple[str, ...]
    size: float = 1.0


_UNITS: dict[str, _Unit] = {
    "days?|天": _Unit(("days",)),
    "weeks?|周|个?星期": _Unit(("days",), 7.0),
    "months?|个月": _Unit(("days",), 30.4375),
    "years?|年": _Unit(("days",), 365.25),
    "orders?|purchases?|个?订单|单": _Unit(("orders",)),
    "views?|(?:product )?pages?|个商品页": _Unit(("views",)),
    "pieces?|products?|items?|articles?|件(?:商品)?": _Unit(("pieces", "products", "lines")),
    "devices?|台设备|个设备": _Unit(("devices",)),
    "visits?|次访问": _Unit(("visits",)),
    "customers?|位顾客": _Unit(("customers",)),
    "eur|gbp|usd|cny|euros?|pounds?|dollars?|yuan|元|块|€|£|\\$|¥|英镑|欧元|美元": _Unit(("money",)),
}
_AFTER = [(re.compile(rf"[\s-]*(?:{words})(?![a-z])", re.IGNORECASE), unit) for words, unit in _UNITS.items()]
_MONEY_BEFORE = re.compile(r"(?:[€£$¥]|\b(?:EUR|GBP|USD|CNY))\s*$", re.IGNORECASE)
NOWHERE = "not in the facts"
EPSILON = 1e-9
_MULTIPLES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "万": 1e4, "亿": 1e8}

_MONTH = "|".join(rf"{name}|{name[:3]}\.?" for name in MONTHS)
_DATES = [
    re.compile(r"(?<!\d)(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?:(?P<y>\d{4})年)?(?P<m>\d{1,2})月(?P<d>\d{1,2})[日号]"),
    re.compile(r"(?P<y>\d{4})年(?P<m>\d{1,2})月"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<name>{_MONTH})\b(?:,?\s+(?P<y>\d{{4}}))?", re.IGNORECASE),
    re.compile(
        rf"\b(?P<name>{_MONTH})\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)(?:,?\s+(?P<y>\d{{4}}))?", re.IGNORECASE
    ),
    re.compile(rf"\b(?P<name>{_MONTH})\s+(?P<y>\d{{4}})\b", re.IGNORECASE),
]
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})(?::(\d{2})|\s*([ap])\.?m\b\.?|[点时](?!间))", re.IGNORECASE)
_DAY_NAMES = re.compile(rf"\b({'|'.join(WEEKDAYS)})s?\b|(?:星期|周|礼拜)([一二三四五六日天])", re.IGNORECASE)
_PERCENT = re.compile(
    r"(?P<n>\d+(?:,\d+)*(?:\.\d+)?)\s*(?:%|per\s?cent\b|percent\b)|百分之(?P<p>\d+(?:\.\d+)?)", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_MINUS = re.compile(r"(?:^|[\s(])-$")
_MULTIPLE = re.compile(r"\s?(k|m|thousand|million|万|亿)(?![a-z])", re.IGNORECASE)


def verify(text: str, facts: Iterable[Fact]) -> tuple[Fault, ...]:
    """What a text says that is not in the facts; nothing where all of it is.

    A number may be rounded, never to another: 31.4 may be told as 31, not as 30. Words of the facts (names of
    categories and the like) may hold digits.

    Parameters
    ----------
    text : English, Chinese, or both.
    facts : all that may be said.

    Examples
    --------
    >>> facts = [Fact("orders", 3, "orders"), Fact("recency_days", 20.3, "days"), Fact("discounted", 0.25, "share")]
    >>> verify("Three orders, the last 20 days ago; a quarter below list price.", facts)
    ()
    >>> verify("20 orders, 30 % of them below list price.", facts)
    (Fault(said='20 orders', why='the facts say it of days'), Fault(said='30 %', why='not in the facts'))
    """
    facts = list(facts)
    left = _Left.of(text, facts)
    faults: list[tuple[int, Fault]] = []
    for reader in (_dates, _clocks, _day_names, _percentages, _numbers):
        faults += reader(left, facts)
    return tuple(fault for _, fault in sorted(faults))


def checked(write: Callable[[str], str], told: str, facts: Iterable[Fact], tries: int = 2) -> str | None:
    """What a writer makes of a text, if the facts bear it; None where it does not keep to them.

    Parameters
    ----------
    write : answers a request in words with a text: a language model, say.
    told : the text as it stands, in plain sentences.
    facts : all that may be said. After a first try the writer is told what was wrong with it.

    Examples
    --------
    >>> checked(lambda request: "A regular with 3 orders.", "3 orders.", [Fact("orders", 3, "orders")])
    'A regular with 3 orders.'
    >>> checked(lambda request: "A regular with 4 orders.", "3 orders.", [Fact("orders", 3, "orders")]) is None
    True
    """
    facts = list(facts)
    request = f"{REQUEST}\n\n{told}"
    for _ in range(tries):
        text = write(request)
        faults = verify(text, facts)
        if text.strip() and not faults:
            return text.strip()
        wrong = "; ".join(f'"{fault.said}": {fault.why}' for fault in faults) or "no text"
        request = f"{REQUEST}\nRefused before: {wrong}.\n\n{told}"
    return None


REQUEST = (
    "Write these sentences about a customer as one short paragraph, in their language. Say nothing that they don't "
    "say; every number, date and name must be one of theirs."
)
"""What a writer is asked."""


class _Left:
    """A text, of which what was read is taken out."""

    def __init__(self, text: str) -> None:
        self.whole = self.text = text

    @classmethod
    def of(cls, text: str, facts: list[Fact]) -> _Left:
        # Full-width digits are digits, and no invisible sign parts two of them.
        plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
        left = cls(plain.replace("\N{MINUS SIGN}", "-"))
        names = {unicodedata.normalize("NFKC", str(f.value)) for f in facts if f.unit == "text"}
        # A name that is a number would hide numbers.
        for name in sorted((n for n in names if re.search(r"[^\W\d_]", n)), key=len, reverse=True):
            for found in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", left.text):
                left.take(*found.span())
        return left

    def take(self, start: int, end: int) -> str:
        """A part, which is not read again: in its place stands something that is neither letter nor digit."""
        taken = self.text[start:end]
        self.text = self.text[:start] + "\0" * (end - start) + self.text[end:]
        return taken

    def all(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """All places where a pattern holds, each taken out."""
        for found in list(pattern.finditer(self.text)):
            self.take(*found.span())
            yield found


def _dates(left: _Left, facts: list[Fact]) -> Iterator[tuple[int, Fault]]:
    days = [fact.value for fact in facts if isinstance(fact.value, date)]
    for pattern in _DATES:
        for found in left.all(pattern):
            parts = found.groupdict()
            month = parts.get("m") or next(
                k for k, name in enumerate(MONTHS, 1) if name.startswith(parts["name"].lower().rstrip(".")[:3])
            )
            said = (parts.get("y"), month, parts.get("d"))
            if not any(
                all(part is None or int(part) == own for part, own in zip(said, (d.year, d.month, d.day), strict=True))
                for d in days
            ):
                yield found.start(), Fault(found.group(), NOWHERE)


def _clocks(left: _Left, facts: list[Fact]) -> Iterator[tuple[int, Fault]]:
    hours = {float(fact.value) for fact in facts if fact.unit == "hour" and isinstance(fact.value, int | float)}
    for found in left.all(_CLOCK):
        hour, minute = int(found[1]), int(found[2] or 0)
        if found[3]:
            hour = hour % 12 + 12 * (found[3].lower() == "p")
        if hour + minute / 60 not in hours:
            yield found.start(), Fault(found.group(), NOWHERE)


def _day_names(left: _Left, facts: list[Fact]) -> Iterator[tuple[int, Fault]]:
    days = {int(fact.value) for fact in facts if fact.unit == "weekday" and isinstance(fact.value, int | float)}
    for found in left.all(_DAY_NAMES):
        day = WEEKDAYS.index(found[1].lower()) if found[1] else "一二三四五六日天".index(found[2]) % 7
        if (6 if found[2] == "天" else day) not in days:
            yield found.start(), Fault(found.group(), NOWHERE)


def _percentages(left: _Left, facts: list[Fact]) -> Iterator[tuple[int, Fault]]:
    for found in left.all(_PERCENT):
        digits = (found["n"] or found["p"]).replace(",", "")
        if not _is_share(float(digits) / 100, _step(digits) / 100, facts):
            yield found.start(), Fault(found.group(), NOWHERE)


def _numbers(left: _Left, facts: list[Fact]) -> Iterator[tuple[int, Fault]]:
    for found in left.all(_NUMBER):
        digits, end = found.group().replace(",", ""), found.end()
        multiple = _MULTIPLE.match(left.text, end)
        size = _MULTIPLES[multiple[1].lower()] if multiple else 1.0
        end = multiple.end() if multiple else end
        sign = -1 if _MINUS.search(left.text[: found.start()]) else 1
        numeral = Numeral(found.start(), end, sign * float(digits) * size)
        yield from _counted(left, facts, numeral, _step(digits) * size)
    for numeral in [*english(left.text), *chinese(left.text)]:
        if (divisor := _divisor(left.text, numeral)) is None:
            # Half is a share to the hundredth; other words are whole numbers.
            yield from _counted(left, facts, numeral, 0.01 if numeral.value < 1 else 1.0)
        elif not _is_share(numeral.value / divisor, 0.01, facts):
            yield numeral.start, Fault(left.whole[numeral.start : numeral.end + 1], NOWHERE)


def _divisor(text: str, numeral: Numeral) -> float | None:
    """By how much a Chinese numeral is a share: 百分之十五 (15 %), 八成 (80 %)."""
    if text[: numeral.start].endswith("百分之"):
        return 100.0
    return 10.0 if text[numeral.end : numeral.end + 1] == "成" else None


def _counted(left: _Left, facts: list[Fact], numeral: Numeral, step: float) -> Iterator[tuple[int, Fault]]:
    """A number with what it counts, if a word after it or a sign before it tells that."""
    unit, end = None, numeral.end
    for pattern, each in _AFTER:
        if found := pattern.match(left.text, numeral.end):
            unit, end = each, found.end()
            break
    if unit is None and _MONEY_BEFORE.search(left.text[: numeral.start]):
        unit = _Unit(("money",))
    near = [
        own
        for value, own in _numeric(facts)
        if abs(value / (unit.size if unit and own in unit.units else 1.0) - numeral.value) <= step / 2 + EPSILON
    ]
    said = left.whole[numeral.start : end]
    if not near:
        yield numeral.start, Fault(said, NOWHERE)
    elif unit is not None and not set(near) & set(unit.units):
        yield numeral.start, Fault(said, f"the facts say it of {near[0]}")


def _numeric(facts: Iterable[Fact]) -> list[tuple[float, str]]:
    """The values and units of facts that are numbers, and the years of those that are days."""
    facts = list(facts)
    years = {fact.value.year for fact in facts if isinstance(fact.value, date)}
    # The number of a weekday or an hour counts nothing.
    counts = [fact for fact in facts if fact.unit not in ("weekday", "hour")]
    numbers = [(float(f.value), f.unit) for f in counts if isinstance(f.value, int | float) and isfinite(f.value)]
    return [*numbers, *((float(year), "year") for year in sorted(years))]


def _is_share(value: float, step: float, facts: list[Fact]) -> bool:
    return any(unit == "share" and abs(own - value) <= step / 2 + EPSILON for own, unit in _numeric(facts))


def _step(digits: str) -> float:
    """The last place that digits tell of."""
    decimals = digits.lower().partition("e")[0].partition(".")[2]
    return float(10.0 ** -len(decimals))
