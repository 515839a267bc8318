"""A call of the inbox as the rows that the log will have of it: one call at a time, in microseconds.

The log reads calls by the thousand (`regulars.events.formats.segment`), which costs the same for one. A test holds both
to the same rows; what the log refuses is left out here too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from regulars.events.formats.segment import CALLS, OF_A_COST, OF_A_PRODUCT, OF_AN_ORDER, type_of

Row = dict[str, Any]

NOTED = b'{"noted":{"'
"""How a decision begins that the server has noted down: it says nothing that the live state learns from."""


@dataclass(frozen=True)
class Reading:
    """How a shop means what calls leave open.

    Attributes
    ----------
    currency : the shop's; money in another is unknown here, until the log knows its rate.
    timezone : of times that name none.
    """

    currency: str
    timezone: str

    def rows(self, body: bytes) -> list[Row]:
        """The lines of a call, by the names of the log; none where it cannot be read.

        >>> call = {"type": "track", "event": "Product Viewed", "userId": "ada", "properties": {"id": 7}}
        >>> body = orjson.dumps(call | {"timestamp": "2024-05-01T12:00:00Z"})
        >>> [(row["type"], row["customer_id"], row["product_id"]) for row in Reading("EUR", "UTC").rows(body)]
        [('product_viewed', 'ada', '7')]
        """
        if body.startswith(NOTED):
            return []
        call = orjson.loads(body)
        name = str(call.get("type") or "track").lower()
        kind = type_of(call["event"]) if name == "track" and call.get("event") else CALLS.get(name)
        if kind is None:
            return []
        said = call.get("properties") or {}
        try:
            about = self._about(call, name, kind)
            return [about | line for line in self._lines(said, kind)]
        except (ValueError, TypeError, AttributeError, OverflowError):
            return []

    def _about(self, call: Mapping[str, Any], name: str, kind: str) -> Row:
        time = datetime.fromisoformat(call["timestamp"])
        said, context = call.get("properties") or {}, call.get("context") or {}
        return {
            "event_id": call.get("messageId"),
            "type": kind,
            "time": time if time.tzinfo else time.replace(tzinfo=ZoneInfo(self.timezone)),
            "received_at": datetime.fromisoformat(call["receivedAt"]) if "receivedAt" in call else None,
            "customer_id": _text(call.get("userId")),
            "anonymous_id": _text(call.get("previousId" if name == "alias" else "anonymousId")),
            "text": "marketing" if kind == "consent_withdrawn" else _text(said.get("review_body")),
            "device_id": _text(context.get("device", {}).get("id")),
            "ip": _text(context.get("ip")),
            "channel": _text(call.get("channel")),
            # What a customer is said to be stands in the log as properties too.
            "properties": (call.get("traits") or said) if name == "identify" else said,
        }

    def _lines(self, said: Mapping[str, Any], kind: str) -> Iterator[Row]:
        listed = said.get("products")
        if isinstance(listed, list) and listed:
            for product in listed:
                yield self._line(product, kind, said, is_product=True)
        else:
            yield self._line(said, kind, said, is_product=kind in OF_A_PRODUCT)

    def _line(self, product: Mapping[str, Any], kind: str, said: Mapping[str, Any], *, is_product: bool) -> Row:
        which = _text(product.get("product_id"))
        if which is None and is_product:
            which = _text(product.get("id"))
        if which is None:
            which = _text(product.get("sku"))
        price = product.get("price") if which is not None else _amount(said, kind)
        quantity = _number(product.get("quantity")) if which is not None else None
        if quantity is None and (which is not None or price is not None):
            quantity = 1.0
        found: Row = {"product_id": which, "unit_price": _number(price), "quantity": quantity}
        if found["unit_price"] is not None and found["unit_price"] < 0:
            raise ValueError("a price is negative")
        if (str(said.get("currency") or "").strip() or self.currency).upper() != self.currency:
            found["unit_price"] = None
        if quantity is not None and quantity < 0:
            if kind not in ("order_completed", "order_refunded"):
                raise ValueError("a quantity is negative")
            found |= {"type": "order_refunded", "quantity": -quantity}
        return found


def _amount(said: Mapping[str, Any], kind: str) -> Any:
    """What an order without products came to, without shipping and tax; or what an ad cost."""
    if kind == OF_A_COST:
        return said.get("cost")
    if kind not in OF_AN_ORDER:
        return None
    for name in ("revenue", "subtotal"):
        if said.get(name) is not None:
            return said[name]
    total = _number(said.get("total"))
    return None if total is None else total - sum(_number(said.get(name)) or 0.0 for name in ("shipping", "tax"))


def _text(value: Any) -> str | None:
    if type(value) is str:  # nearly all are
        return value.strip() or None
    if value is None or isinstance(value, dict | list):
        return None
    return str(value).strip() or None


def _number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a number is none")
    return number
