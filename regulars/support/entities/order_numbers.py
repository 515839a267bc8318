"""The orders that a message names."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

_LIKE_A_NUMBER = re.compile(r"(?<![\w-])#?[A-Za-z]{0,3}-?\d{5,14}(?![\w-])", re.ASCII)
_NUMBER_SIGN = re.compile(r"#[A-Za-z]{0,3}-?\d{3,14}(?![\w-])", re.ASCII)


class OrderNumber(NamedTuple):
    """An order that a text names, and where."""

    start: int
    end: int
    order_id: str
    is_known: bool


def order_numbers(text: str, known: Collection[str]) -> list[OrderNumber]:
    """Which orders does a text name, in its order?

    Parameters
    ----------
    text : a cleaned message.
    known : the ids of the customer's orders; one is found with or without its number sign and letters.

    Returns
    -------
    Those that are known, and of others what looks like one: "#W" and digits.

    Examples
    --------
    >>> [(one.order_id, one.is_known) for one in order_numbers("cancel w1234567 and #W7654321", ["#W1234567"])]
    [('#W1234567', True), ('#W7654321', False)]
    """
    exact = {_bare(order_id): order_id for order_id in known}
    digits = {re.sub(r"\D", "", order_id): order_id for order_id in known}
    found: dict[int, OrderNumber] = {}
    for pattern in (_NUMBER_SIGN, _LIKE_A_NUMBER):
        for match in pattern.finditer(text):
            bare = _bare(match[0])
            order_id = exact.get(bare) or (digits.get(bare) if bare.isdigit() else None)
            if order_id is not None:
                found[match.start()] = OrderNumber(match.start(), match.end(), order_id, True)
            elif match[0].startswith("#"):
                found.setdefault(match.start(), OrderNumber(match.start(), match.end(), match[0], False))
    return [found[place] for place in sorted(found)]


def _bare(order_id: str) -> str:
    return order_id.lstrip("#").replace("-", "").casefold()
