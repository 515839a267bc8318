"""The parts of a message that may each ask for something of its own."""

from __future__ import annotations

import re

MOST = 8
"""Parts of a message that are read each for itself."""

# Where one request may end and the next begin.
_BETWEEN = re.compile(
    r"[.!?;。！？；\n]+|[,，]?\s*\b(?:and also|also|and then|besides|by the way|plus|another thing|and)\b"
    r"|[,，]?(?:另外|还有|顺便|同时|然后|以及|并且)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^(?:(?:and|so|but|hi|hello|please|ok)\b[ ,]*)*"
    r"(?:how|what|when|where|who|which|why|can|could|do|does|is|are|will|may)\b"
    r"|吗$|怎么|如何|多少|多久|什么|哪|几[点天个时]|能不能|可不可以|有没有",
    re.IGNORECASE,
)


def parts(message: str) -> list[str]:
    """The clauses of a message that may each ask for something: two words or three Chinese signs are the least.

    >>> parts("Cancel my order and also send me the invoice. Thanks")
    ['Cancel my order', 'send me the invoice']
    >>> parts("我要退货，另外发票怎么开")
    ['我要退货', '发票怎么开']
    """
    found = [part.strip(" ,，") for part in _BETWEEN.split(message)]
    return [part for part in found if len(part.split()) > 1 or len(re.findall(r"[\u3400-\u9fff]", part)) > 2][:MOST]


def asking(message: str) -> list[str]:
    """The parts of a message that ask something, by their words.

    >>> asking("How long may I send it back? And when are you open? Thanks!")
    ['How long may I send it back', 'when are you open']
    >>> asking("取消订单W1000001，另外发票怎么开？")
    ['发票怎么开']
    """
    return [part for part in parts(message) if _ASKS.search(part)]
