"""The address that a message names: as fields, in one line, or in Chinese."""

from __future__ import annotations

import re
from typing import NamedTuple

from regulars.support.order.things import Address

_FIELDS = tuple(Address.model_fields)
_FIELD = re.compile(rf"['\"]?\b({'|'.join(_FIELDS)})\b['\"]?\s*[:=]\s*['\"]?([^'\"{{}};]*?)['\"]?(?=\s*[,}};]|$)")
_STREET = (
    r"\d{1,6}[A-Za-z]?\s+(?:(?!(?:the|on|of|in|to|for|my|an?|and|with)\s)[A-Za-z0-9.'\-]+\s+){0,5}?"
    r"(?:street|st|avenue|ave|road|rd|drive|dr|lane|ln|boulevard|blvd|court|"
    r"ct|place|pl|way|circle|terrace|square|parkway|highway|trail)\b\.?"
)
_UNIT = r"(?:suite|apt|apartment|unit|floor|ste|room|#)\.?\s*[\w-]+"
_LINE = re.compile(
    rf"(?P<address1>(?i:{_STREET}))"
    rf"(?:,?\s+(?P<address2>(?i:{_UNIT})))?"
    r"(?:,?\s+(?:in\s+)?(?P<city>[A-Z][A-Za-z.'\-]*(?:\s+[A-Z][A-Za-z.'\-]*){0,3}))?"
    r"(?:,?\s+(?P<state>[A-Z]{2}))?(?![A-Za-z])"
    r"(?:,?\s+(?P<country_before>USA|US|United States))?"
    r"(?:,?\s+(?P<zip>\d{5}(?:-\d{4})?))?"
    r"(?:,?\s+(?P<country>USA|US|United States))?"
)
# No part of a place's name: words before it that ask to send there, or that say that it is one.
_NAME = r"(?:(?![到往至去给是为在用寄送发改换把请单址家])(?!(?<=[改换变写])成)[\u3400-\u9fff]){2,8}?"
_CHINESE = re.compile(
    rf"(?P<state>{_NAME}(?:省|自治区))?(?P<city>{_NAME}(?:市|自治州|盟))"
    r"(?P<address1>[\u3400-\u9fff\d\w\-号弄室栋单元楼层]{4,80})(?:[,,\s]*(?:邮编)?:?\s*(?P<zip>\d{6}))?"
)


class Found(NamedTuple):
    """An address that a text names, and where."""

    start: int
    end: int
    address: Address


def addresses(text: str) -> list[Found]:
    """Which addresses does a text name?

    Parameters
    ----------
    text : a cleaned message.

    Examples
    --------
    >>> [one.address.shown() for one in addresses("ship it to 1 Elm Street, Suite 5, Austin, TX 78762 please")]
    ['1 Elm Street, Suite 5, Austin, TX, 78762']
    >>> addresses("{'address1': '1 Elm Street', 'city': 'Austin', 'state': 'TX', 'zip': '78762'}")[0].address.city
    'Austin'
    >>> addresses("请改成上海市浦东新区世纪大道100号,邮编200120")[0].address.shown()
    '浦东新区世纪大道100号, 上海市, 200120'
    """
    found = _as_fields(text)
    taken = [(one.start, one.end) for one in found]
    for match in [*_LINE.finditer(text), *_CHINESE.finditer(text)]:
        if all(match.end() <= start or match.start() >= end for start, end in taken):
            said = {name: value for name, value in match.groupdict().items() if value}
            country = said.pop("country_before", "") or said.pop("country", "")
            about = {name: value.strip(" ,") for name, value in said.items() if name in _FIELDS}
            found.append(Found(match.start(), match.end(), Address(**about, country=country)))
    return sorted(found)


def _as_fields(text: str) -> list[Found]:
    """Written as a table of fields: an address begins with its first line, and has each field once."""
    found: list[Found] = []
    start, end, about = 0, 0, dict[str, str]()
    for match in _FIELD.finditer(text):
        if about and (match[1] in about or match.start() - end > 30):
            found += _made(start, end, about)
            about = {}
        start = start if about else match.start()
        about[match[1]] = match[2].strip()
        end = match.end()
    return found + _made(start, end, about)


def _made(start: int, end: int, about: dict[str, str]) -> list[Found]:
    return [Found(start, end, Address(**about))] if "address1" in about else []
