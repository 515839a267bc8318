"""Does a text say only what an offer's facts say? No invented price, date, number or claim.

Numbers are written in digits: each is looked up in the facts, and a number in words is refused, for what cannot be
looked up cannot be checked. What is said in fields (`{{ coupon.code }}`) comes from the facts and is not looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple


@dataclass(frozen=True)
class Facts:
    """All that a text about an offer may say.

    Attributes
    ----------
    kind : percentage, amount, free_shipping, gift or bundle; "" where there is no offer.
    numbers : unit -> the numbers that may be said in it: "%", "money", "days"; "" for bare ones.
    dates : days that may be named.
    names : texts that may hold numbers of their own: titles of products, the shop's name.
    """

    kind: str = ""
    numbers: Mapping[str, frozenset[Decimal]] = field(default_factory=dict)
    dates: frozenset[date] = frozenset()
    names: tuple[str, ...] = ()


class Fault(NamedTuple):
    """Something that a text says and the facts don't: as it stands there, and what is wrong with it."""

    said: str
    why: str


_FIELD = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = (
    re.compile(r"(?<!\d)(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})(?!\d)日?"),
    re.compile(r"(?<!\d)(?P<m>\d{1,2})月(?P<d>\d{1,2})[日号]"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<name>{_MONTH})\b(?:,?\s+(?P<y>\d{{4}}))?", re.IGNORECASE),
    re.compile(rf"\b(?P<name>{_MONTH})\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y>\d{{4}}))?", re.IGNORECASE),
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_MONEY_BEFORE = re.compile(r"(?:[€£$¥]|\b(?:EUR|GBP|USD|CNY|RMB))\s*$", re.IGNORECASE)
_AFTER = (
    (re.compile(r"\s*(?:%|per\s?cent\b)", re.IGNORECASE), "%"),
    (re.compile(r"\s*折"), "折"),
    (re.compile(r"\s*(?:[€£$¥]|EUR\b|GBP\b|USD\b|CNY\b|RMB\b|euros?\b|pounds?\b|dollars?\b|yuan\b|元|块|英镑|欧元|美元)",
                re.IGNORECASE), "money"),
    (re.compile(r"\s*-?(?:days?\b|天|日)", re.IGNORECASE), "days"),
)  # fmt: skip
_WORDS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|"
    r"eighty|ninety|hundred|thousand|million|half|double|twice|triple|dozen|quarter)\b"
    r"|[零一二三四五六七八九十百千万两半]+(?:折|元|块|天|日|周|个月|年|倍|成|件|小时)|百分之|买一送一|对折",
    re.IGNORECASE,
)
_WEEKDAYS = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:today|tonight|tomorrow|this week(?:end)?)\b"
    r"|(?:星期|周)[一二三四五六日天末]|今天|今晚|明天|本周",
    re.IGNORECASE,
)
CLAIMS: dict[str, str] = {
    r"\b(?:best|cheapest|lowest|no\.? ?1|number one|world'?s|guarantee[ds]?|risk.free|official|exclusive)\b":
        "a claim that no fact carries",
    r"最(?!近|后|新)|第一|国家级|顶级|极致|独家|保证|绝对|唯一|全网":
        "an absolute or a promise: no fact carries it (and the Advertising Law of China, article 9, forbids it)",
    r"\b(?:only|just) (?:a few|\d+) left\b|\b(?:last chance|almost gone|selling (?:out )?fast|hurry|ends? soon)\b"
    r"|\bwhile (?:stocks?|supplies) lasts?\b|最后机会|即将售罄|数量有限|限量|手慢无":
        "scarcity that no fact carries",
    r"\b(?:heal|cure|clinically|proven|doctor|organic|vegan|sustainable|eco.friendly)\w*\b|治愈|疗效|有机|环保":
        "a property that no fact carries",
    r"\bwas\b.{0,20}\bnow\b|原价":
        "a price before that no fact carries",
}  # fmt: skip
"""Patterns of claims, each with why it is refused."""
_OF_KIND: dict[str, tuple[str, str]] = {
    "free_shipping": (r"\bfree (?:shipping|delivery|postage)\b|包邮|免运费|免邮", "free shipping is not in the offer"),
    "gift": (r"\b(?:free )?gifts? (?:for you|with)\b|\bfree gift\b|赠品|免费赠送", "a gift is not in the offer"),
}
_FREE = re.compile(r"\bfree\b|免费", re.IGNORECASE)


def faults(text: str, facts: Facts) -> tuple[Fault, ...]:
    """What a text says that the facts do not carry; nothing where all is carried.

    Parameters
    ----------
    text : English, Chinese or both; a template, or what came of one.

    Examples
    --------
    >>> facts = Facts("percentage", {"%": frozenset({Decimal(10)})}, frozenset({date(2024, 5, 31)}))
    >>> faults("10 % off until 31 May 2024: {{ coupon.code }}", facts), faults("9折，5月31日前有效", facts)
    ((), ())
    >>> [fault.said for fault in faults("The best: twenty percent off, or 15 %, until 3 June, free delivery", facts)]
    ['3 June', '15', 'twenty', 'best', 'free delivery']
    """
    left = unicodedata.normalize("NFKC", _FIELD.sub(" ", text))
    for name in sorted(filter(None, facts.names), key=len, reverse=True):
        left = left.replace(unicodedata.normalize("NFKC", name), " ")
    return tuple(_found(left, facts))


def _found(text: str, facts: Facts) -> Iterator[Fault]:
    for pattern in _DATES:
        for found in pattern.finditer(text):
            if not _is_known(found.groupdict(), facts.dates):
                yield Fault(found.group().strip(), "a date that is not in the facts")
        text = pattern.sub(" ", text)
    for found in _NUMBER.finditer(text):
        fault = _of_number(text, found, facts)
        if fault:
            yield fault
    yield from _all(_WORDS, text, "a number in words cannot be looked up: write it in digits")
    yield from _all(_WEEKDAYS, text, "a day that is not in the facts: name the date by {{ coupon.expires }}")
    yield from _claimed(text, facts)


def _all(pattern: re.Pattern[str], text: str, why: str) -> Iterator[Fault]:
    for found in pattern.finditer(text):
        yield Fault(found.group(), why)


def _claimed(text: str, facts: Facts) -> Iterator[Fault]:
    for words, why in CLAIMS.items():
        yield from _all(re.compile(words, re.IGNORECASE), text, why)
    for kind, (words, why) in _OF_KIND.items():
        pattern = re.compile(words, re.IGNORECASE)
        if kind != facts.kind:
            yield from _all(pattern, text, why)
        text = pattern.sub(" ", text)
    yield from _all(_FREE, text, "nothing is free by the facts")


def _is_known(said: Mapping[str, str | None], dates: frozenset[date]) -> bool:
    name = said.get("name")
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(said.get("m") or 0)
    day, year = int(said.get("d") or 0), said.get("y")
    return any(each.month == month and each.day == day and (not year or each.year == int(year)) for each in dates)


def _of_number(text: str, found: re.Match[str], facts: Facts) -> Fault | None:
    try:
        value = Decimal(re.sub(r",(?=\d{3}(?!\d))", "", found.group()).replace(",", "."))
    except InvalidOperation:
        return Fault(found.group(), "it cannot be read as a number")
    before, after = text[: found.start()], text[found.end() :]
    unit = "money" if _MONEY_BEFORE.search(before) else next((u for p, u in _AFTER if p.match(after)), "")
    if unit == "折":  # 9折, and 95折, is what is left to pay
        share = 100 - value * (10 if value < 10 else 1)
        return None if share in facts.numbers.get("%", ()) else Fault(f"{found.group()}折", "not in the facts")
    if value in facts.numbers.get(unit, ()):
        return None
    elsewhere = [other for other, values in facts.numbers.items() if value in values]
    return Fault(found.group(), f"the facts say it of {elsewhere[0]}" if elsewhere and unit else "not in the facts")
