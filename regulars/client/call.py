"""The calls of Segment's API, typed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict

from regulars import clock

Properties = Mapping[str, Any]


class Call(TypedDict, total=False):
    """One call, by the names that it has in JSON."""

    type: Literal["track", "identify", "page", "screen", "group", "alias"]
    messageId: str
    timestamp: str
    userId: str
    anonymousId: str
    previousId: str
    groupId: str
    event: str
    name: str
    properties: Properties
    traits: Properties


def _call(customer_id: str | None, anonymous_id: str | None, at: datetime | None) -> Call:
    if not (customer_id or anonymous_id):
        raise ValueError("a call needs a customer_id or an anonymous_id")
    at = at or clock.now()
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone; UTC is expected")
    # Made here and not by the server: what is sent again has the same id, and counts once.
    call = Call(messageId=secrets.token_hex(16), timestamp=at.isoformat())
    if customer_id:
        call["userId"] = customer_id
    if anonymous_id:
        call["anonymousId"] = anonymous_id
    return call


class Calls:
    """What a customer can be said to have done. Each returns the call, which is sent with the next batch.

    All take `customer_id`, `anonymous_id` or both, and `at`, the moment, with its time zone (default: now); they raise
    ValueError without an id, or for a moment without a time zone.

    Examples
    --------
    >>> calls = Calls()
    >>> calls.track("ada", "Product Viewed", {"product_id": "tea"})["event"]
    'Product Viewed'
    >>> len(calls.waiting)
    1
    """

    def __init__(self) -> None:
        self.waiting: list[Call] = []

    def track(
        self,
        customer_id: str | None,
        event: str,
        properties: Properties | None = None,
        *,
        anonymous_id: str | None = None,
        at: datetime | None = None,
    ) -> Call:
        """An event, such as Product Viewed or Order Completed."""
        call = _call(customer_id, anonymous_id, at)
        return self._add(call | Call(type="track", event=event, properties=properties or {}))

    def identify(
        self,
        customer_id: str,
        traits: Properties | None = None,
        *,
        anonymous_id: str | None = None,
        at: datetime | None = None,
    ) -> Call:
        """What is known of a customer; and that what was anonymous is this customer."""
        return self._add(_call(customer_id, anonymous_id, at) | Call(type="identify", traits=traits or {}))

    def page(
        self,
        customer_id: str | None,
        name: str,
        properties: Properties | None = None,
        *,
        anonymous_id: str | None = None,
        at: datetime | None = None,
    ) -> Call:
        """A page that was seen."""
        call = _call(customer_id, anonymous_id, at)
        return self._add(call | Call(type="page", name=name, properties=properties or {}))

    def group(
        self, customer_id: str, group_id: str, traits: Properties | None = None, *, at: datetime | None = None
    ) -> Call:
        """That a customer belongs to a group."""
        return self._add(_call(customer_id, None, at) | Call(type="group", groupId=group_id, traits=traits or {}))

    def alias(self, previous_id: str, customer_id: str, *, at: datetime | None = None) -> Call:
        """That one id is another from now on."""
        return self._add(_call(customer_id, None, at) | Call(type="alias", previousId=previous_id))

    def _add(self, call: Call) -> Call:
        self.waiting.append(call)
        return call
