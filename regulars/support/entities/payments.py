"""The payment methods that a message names, of those that the customer has."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from regulars.support.order.things import PaymentMethod

_KINDS: dict[str, tuple[str, ...]] = {
    r"gift\s?-?\s?cards?|store credit|礼品卡|储值卡": ("gift_card",),
    r"pay\s?-?\s?pal(?: account)?|贝宝": ("paypal",),
    r"credit\s?-?\s?cards?|debit cards?|信用卡|银行卡": ("credit_card", "debit_card"),
    r"ali\s?-?\s?pay|支付宝": ("alipay",),
    r"we\s?-?\s?chat(?: pay)?|微信(?:支付)?": ("wechat", "wechat_pay"),
}
_BRANDS = re.compile(
    r"\b(visa|master\s?card|amex|american express|discover|unionpay)\b|(银联)", re.IGNORECASE | re.ASCII
)
_ENDING = re.compile(
    r"(?:ending(?: in| with)?|last (?:four|4)(?: digits)?(?: are| is)?|尾号(?:是|为)?)\s*:?\s*(\d{4})", re.IGNORECASE
)
_ORIGINAL = re.compile(
    r"\b(?:original|same|initial)\s+(?:payment|way|method|card|account)(?:\s+method)?|"
    r"\b(?:how|way|method|card|account)\s+(?:that\s+)?I\s+(?:paid|used)|原(?:来的)?(?:支付|付款)(?:方式|账户|渠道)?|原路",
    re.IGNORECASE | re.ASCII,
)
_OTHER_ID = re.compile(r"\b(?:gift_card|paypal|credit_card|debit_card)_\w+", re.IGNORECASE | re.ASCII)


class PaymentNamed(NamedTuple):
    """A payment method that a text names, and where.

    `ids` are those of the customer's that it may be; with `is_original` it is what the order was paid with. Of none of
    the customer's `ids` is empty, and `text` says what was written.
    """

    start: int
    end: int
    ids: tuple[str, ...]
    is_original: bool
    text: str


def payments(text: str, known: Collection[PaymentMethod]) -> list[PaymentNamed]:
    """Which payment methods does a text name?

    Parameters
    ----------
    text : a cleaned message.
    known : what the customer has.

    Examples
    --------
    >>> card = PaymentMethod(id="credit_card_1", source="credit_card", brand="visa", last_four="9212")
    >>> gift = PaymentMethod(id="gift_card_2", source="gift_card")
    >>> [one.ids for one in payments("half to my Visa, half to the gift card", [card, gift])]
    [('credit_card_1',), ('gift_card_2',)]
    >>> payments("to the original payment method", [card])[0].is_original
    True
    """
    found: list[PaymentNamed] = []

    def add(start: int, end: int, ids: list[str], *, is_original: bool = False) -> None:
        # What was found first is said most exactly: an id before a brand, a brand before "card".
        if all(end <= one.start or start >= one.end for one in found):
            found.append(PaymentNamed(start, end, tuple(ids), is_original, text[start:end]))

    for way in known:
        for match in re.finditer(rf"(?<!\w){re.escape(way.id)}(?!\w)", text, re.IGNORECASE | re.ASCII):
            add(match.start(), match.end(), [way.id])
    for match in _OTHER_ID.finditer(text):
        add(match.start(), match.end(), [])
    for match in _ORIGINAL.finditer(text):
        add(match.start(), match.end(), [], is_original=True)
    for match in _ENDING.finditer(text):
        add(match.start(), match.end(), [way.id for way in known if way.last_four == match[1]])
    for match in _BRANDS.finditer(text):
        brand = re.sub(r"\s", "", match[0].casefold()).replace("银联", "unionpay").replace("americanexpress", "amex")
        add(match.start(), match.end(), [way.id for way in known if way.brand.casefold().replace(" ", "") == brand])
    for pattern, sources in _KINDS.items():
        for match in re.finditer(pattern, text, re.IGNORECASE | re.ASCII):
            add(match.start(), match.end(), [way.id for way in known if way.source in sources])
    return sorted(found)
