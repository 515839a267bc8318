"""The amounts of money that a message names."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "₹": "INR", "₩": "KRW"}
_NAMES = {
    "dollar": "USD", "dollars": "USD", "usd": "USD", "bucks": "USD", "euro": "EUR", "euros": "EUR", "eur": "EUR",
    "pound": "GBP", "pounds": "GBP", "gbp": "GBP", "yuan": "CNY", "rmb": "CNY", "cny": "CNY", "元": "CNY", "块": "CNY",
    "块钱": "CNY", "人民币": "CNY", "美元": "USD", "欧元": "EUR", "英镑": "GBP",
}  # fmt: skip
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,9}(?:\.\d{1,2})?"
_AMOUNT = re.compile(
    rf"(?P<sign>[$€£¥₹₩])\s?(?P<after>{_NUMBER})|(?<![\w.#])(?P<before>{_NUMBER})\s?"
    rf"(?P<name>{'|'.join(sorted(_NAMES, key=len, reverse=True))})(?![a-z])",
    re.IGNORECASE,
)


class Amount(NamedTuple):
    """Money that a text names, and where."""

    start: int
    end: int
    amount: Decimal
    currency: str


def amounts(text: str) -> list[Amount]:
    """Which amounts of money does a text name?

    >>> [(str(one.amount), one.currency) for one in amounts("$1,250.50 back, or 20 元?")]
    [('1250.50', 'USD'), ('20', 'CNY')]
    """
    return [
        Amount(
            match.start(),
            match.end(),
            Decimal((match["after"] or match["before"]).replace(",", "")),
            _SIGNS[match["sign"]] if match["sign"] else _NAMES[match["name"].casefold()],
        )
        for match in _AMOUNT.finditer(text)
    ]
