"""Does a source say what a sentence says? Numbers, days, amounts, addresses, promises and denials, in two languages.

What passes here need not be true; what does not pass is not said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from regulars.language.embedding import embed
from regulars.language.numerals import chinese, english
from regulars.language.verify import MONTHS, WEEKDAYS
from regulars.support.answer.sentences import sentences

NEAR = 0.5
"""Cosine to the nearest sentence of a source, below which a sentence is of something else. Set by hand."""


class Claim(NamedTuple):
    """A number, and what it counts; "" where that is not told."""

    value: float
    unit: str


_UNITS = (
    ("share", r"\s*(?:%|per ?cent\b)"),
    ("money", r"\s*(?:€|£|\$|¥|eur\b|euros?\b|usd\b|gbp\b|pounds?\b|dollars?\b|cny\b|yuan\b|元|块)"),
    ("days", r"[\s-]*(?:working |business |calendar )?days?\b|\s*(?:天|日(?!元)|个?工作日)"),
    ("hours", r"[\s-]*hours?\b|\s*个?小时"),
    ("minutes", r"[\s-]*minutes?\b|\s*分钟"),
    ("weeks", r"[\s-]*weeks?\b|\s*周|\s*个?星期"),
    ("months", r"[\s-]*months?\b|\s*个月"),
    ("years", r"[\s-]*years?\b|\s*年"),
)
_AFTER = [(unit, re.compile(words, re.IGNORECASE)) for unit, words in _UNITS]
_MONEY_BEFORE = re.compile(r"(?:[€£$¥]|\b(?:EUR|GBP|USD|CNY))\s*$", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)")
_ADDRESS = re.compile(
    r"https?://[^\s\]]+|www\.[^\s\]]+|[\w.+-]+@[\w-]+\.[\w.]+|(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}\b|#\w+", re.ASCII
)
_CALENDAR = re.compile(rf"\b(?:{'|'.join((*MONTHS, *WEEKDAYS))})s?\b|(?:周|星期)[一二三四五六日天]|周末", re.IGNORECASE)
_PROMISES = {
    name: re.compile(words, re.IGNORECASE)
    for name, words in {
        "free": r"\bfree\b|no (?:extra )?(?:cost|charge|fee)|at our (?:cost|expense)|\bon us\b|we pay"
        r"|免费|包邮|不收|免手续费|无需付",
        "guarantee": r"guarant|warrant|ensure|promise|保证|保修|承诺|包赔|确保",
        "refund": r"refund|money back|(?:pay|paid) back|money goes back|reimburse"
        r"|退款|全额退|原路退|返还|报销",
        "replacement": r"replac|exchange|换新|换货|可换|免费换|重做|重新发货",
        "compensation": r"compensat|赔|补偿",
        "discount": r"discount|% off|reduc|voucher|coupon|credit|优惠|折|券",
        "at once": r"\btoday|tomorrow|immediate|\bat once|instant|right away|same day"
        r"|立即|立刻|马上|今天|明天|当天|当日",
        "without end": r"\balways|any ?time|unlimited|forever|lifetime|永久|终身|随时|无限",
    }.items()
}
_DENIAL = re.compile(
    r"\b(?:not|no|never|cannot|without|exclud\w*|except|unless|nor|none)\b|n't\b|不(?!仅|但|同)|没|勿|禁|无法|无需|未能|尚未|除外",
    re.IGNORECASE,
)


def unsupported(sentence: str, sources: Sequence[str]) -> str | None:
    """What of a sentence its sources do not say, in few words; None where they bear it.

    Examples
    --------
    >>> sources = ["You may send back unused goods within thirty days. Reduced goods too."]
    >>> unsupported("You can return unused goods within 30 days.", sources) is None
    True
    >>> unsupported("You can return unused goods within 30 weeks.", sources)
    'the number 30 weeks'
    >>> unsupported("You can return unused goods within 30 days for free.", sources)
    'the promise "free"'
    >>> unsupported("You cannot return unused goods.", sources)
    'a denial'
    """
    said, borne = _plain(sentence), "\n".join(map(_plain, sources))
    known = set(claims(borne))
    for claim in claims(said):
        if not any(
            claim.value == own.value and (claim.unit == own.unit or not (claim.unit and own.unit)) for own in known
        ):
            return f"the number {claim.value:g} {claim.unit}".rstrip()
    found = strange(said, borne) or promised(said, borne)
    if found is not None:
        return found
    return _other(said, [each for source in sources for each in sentences(_plain(source))])


def strange(said: str, borne: str) -> str | None:
    """An address or a day of the calendar in a text that another does not have; None where it has all of them.

    >>> strange("Pay at evil.example on Monday.", "Pay at shop.example."), strange("Mondays.", "On a Monday.")
    ('evil.example', None)
    """
    said, borne = _plain(said), _plain(borne)
    for pattern in (_ADDRESS, _CALENDAR):
        there = {found.group().casefold().removesuffix("s") for found in pattern.finditer(borne)}
        for found in pattern.finditer(said):
            if found.group().casefold().removesuffix("s") not in there:
                return found.group()
    return None


def is_denial(text: str) -> bool:
    """Whether it denies anything.

    >>> is_denial("You cannot return it."), is_denial("退货不收费。"), is_denial("You can.")
    (True, True, False)
    """
    return bool(_DENIAL.search(text))


def promised(said: str, borne: str) -> str | None:
    """A promise in a text that another does not have; None where it has all of them.

    >>> promised("We refund it at once.", "You get a refund."), promised("You get a refund.", "A refund is due.")
    ('the promise "at once"', None)
    """
    for name, words in _PROMISES.items():
        if words.search(said) and not words.search(borne):
            return f'the promise "{name}"'
    return None


def _other(said: str, told: list[str]) -> str | None:
    """Whether a sentence is near none of those told, or denies what the nearest says."""
    if not told:
        return "all of it"
    table = embed([said, *told])
    cosines = table[1:] @ table[0]
    if cosines.max() < NEAR:
        return "what it is about"
    # Of sentences about as near, one that agrees is enough.
    nearest = [one for one, cosine in zip(told, cosines, strict=True) if cosine > cosines.max() - 0.1]
    return None if any(is_denial(one) == is_denial(said) for one in nearest) else "a denial"


def claims(text: str) -> Iterator[Claim]:
    """The numbers of a text, in digits and in words.

    >>> list(claims("Within thirty days, from 9:30; 4.90 euros or 3 %."))
    [Claim(value=9.5, unit='clock'), Claim(value=4.9, unit='money'), Claim(value=3.0, unit='share'),
     Claim(value=30.0, unit='days')]
    """
    text = _plain(text)
    for found in _CLOCK.finditer(text):
        yield Claim(int(found[1]) + int(found[2]) / 60, "clock")
    text = _CLOCK.sub(lambda found: "\0" * len(found.group()), text)
    for found in _NUMBER.finditer(text):
        yield _claim(text, found.start(), found.end(), float(found.group().replace(",", "")))
    for numeral in (*english(text), *chinese(text)):
        if text[: numeral.start].endswith("百分之"):
            yield Claim(numeral.value, "share")
        else:
            yield _claim(text, numeral.start, numeral.end, numeral.value)


def _claim(text: str, start: int, end: int, value: float) -> Claim:
    unit = next((unit for unit, pattern in _AFTER if pattern.match(text, end)), "")
    if not unit and _MONEY_BEFORE.search(text[max(0, start - 6) : start]):
        unit = "money"
    return Claim(value, unit)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'")
