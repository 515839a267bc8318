"""Segment's calls as they come over HTTP: checked, their times set right, as the inbox keeps them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from regulars.events.convert import AHEAD, EARLIEST
from regulars.events.formats.segment import type_of
from regulars.events.schema import NOTED
from regulars.serve.body import DEEPEST, refuse_deep
from regulars.serve.problems import Problem

KINDS = ("track", "identify", "page", "screen", "group", "alias")
MOST_BYTES = 32 << 10
"""Of one call (Segment's limit)."""
BATCH_BYTES = 4 << 20
"""Of a batch: RudderStack's limit, of which Segment's is an eighth."""
BATCH_CALLS = 2_500
LONGEST_ID = 100
"""Letters of a messageId."""

_KEPT = frozenset({
    "anonymousId", "userId", "messageId", "type", "event", "name", "category", "groupId", "previousId", "properties",
    "traits", "context", "channel",
})  # fmt: skip
_SETTLED = frozenset({
    "timestamp", "originalTimestamp", "sentAt", "receivedAt", "integrations", "version", "writeKey", "_metadata",
    "options", "projectId",
})  # fmt: skip
"""What is about the sending alone, or is set anew here. All else that is unknown is kept among the properties."""
_KNOWN = _KEPT | _SETTLED
_IDS = ("userId", "anonymousId", "previousId", "groupId", "messageId")
_NEEDED = {"track": ("event",), "alias": ("previousId", "userId"), "group": ("groupId",)}
_WITH_TRAITS = ("identify", "group")
_OWN = frozenset(NOTED) - {"experiment_viewed"}
"""Whoever sends these would set prices or decide; which arm was seen a page may say."""


class Refused(ValueError):
    """A call that cannot be an event; says why, in what can be written as UTF-8 whatever it repeats of the call."""

    def __init__(self, why: str) -> None:
        super().__init__(why.encode(errors="replace").decode())


@dataclass
class Arrival:
    """What holds for all calls of a request.

    Attributes
    ----------
    received_at : when it came.
    address : where from, for calls that ask for it (`context.direct`).
    sent_at : `sentAt` of the request, by the sender's clock.
    context : of a batch; that of a call is put over it.
    received : `received_at` as JSON says it.
    skew : how far the sender's clock is behind, in whole minutes (Segment: `receivedAt - sentAt`). What is less than
        half a minute is the way through the network as well. And a call that is sent again says the same so, though it
        took another time: the log then knows it.
    latest : no event is later.

    Examples
    --------
    >>> noon = datetime.fromisoformat("2024-05-01T12:00:00Z")
    >>> Arrival(noon, "", noon - timedelta(hours=1, seconds=2)).skew
    datetime.timedelta(seconds=3600)
    """

    received_at: datetime
    address: str
    sent_at: datetime | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    received: str = field(init=False)
    skew: timedelta = field(init=False)
    latest: datetime = field(init=False)

    def __post_init__(self) -> None:
        """What each of a thousand calls asks for is made once."""
        self.received = self.received_at.isoformat()
        behind = self.received_at - (self.sent_at or self.received_at)
        self.skew = timedelta(minutes=round(behind / timedelta(minutes=1)))
        self.latest = self.received_at + AHEAD


def arrival(body: Mapping[str, Any], received_at: datetime, address: str) -> Arrival:
    """What the body of a request says about all of its calls.

    Raises
    ------
    Refused
        If its `sentAt` is no time, or its `context` no object.
    """
    sent = body.get("sentAt")
    context = body.get("context") or {}
    if not isinstance(context, dict):
        raise Refused("context is no object")
    sent_at = _moment("sentAt", sent) if sent is not None else None
    return Arrival(received_at, address, sent_at if sent_at and sent_at.tzinfo else None, context)


def prepared(call: Any, kind: str, arrival: Arrival) -> bytes:
    """A call as the inbox keeps it: JSON with `type`, `messageId`, `timestamp` and `receivedAt`.

    Parameters
    ----------
    kind : of `KINDS`; "" to take it from the call's own `type`.

    Raises
    ------
    Refused
        If it cannot be an event.

    Examples
    --------
    >>> import json
    >>> noon = datetime.fromisoformat("2024-05-01T12:00:00Z")
    >>> kept = prepared({"userId": 7, "event": "Signed Up", "messageId": "m1", "plan": "a"}, "track", Arrival(noon, ""))
    >>> {name: value for name, value in json.loads(kept).items() if name != "receivedAt"}
    {'userId': '7', 'event': 'Signed Up', 'messageId': 'm1', 'properties': {'plan': 'a'}, 'type': 'track',
    'timestamp': '2024-05-01T12:00:00+00:00'}
    """
    if not isinstance(call, dict):
        raise Refused("it is no object")
    kind = kind or str(call.get("type", "")).lower()
    if kind not in KINDS:
        raise Refused(f'type "{kind[:40]}" is none of {", ".join(KINDS)}')
    found = {name: value for name, value in call.items() if name in _KEPT and value is not None}
    for name in _IDS:
        if name in found:
            found[name] = _id(name, found[name])
    _check(found, kind)
    said = "traits" if kind in _WITH_TRAITS else "properties"
    if not call.keys() <= _KNOWN:
        others = {name: value for name, value in call.items() if name not in _KNOWN}
        found[said] = others | found.get(said, {})
    if arrival.context or "context" in found:
        found["context"] = {**arrival.context, **found.get("context", {})}
        if found["context"].get("direct") is True:
            found["context"].setdefault("ip", arrival.address)
    found["type"] = kind
    if "messageId" not in found:
        found["messageId"] = secrets.token_hex(16)
    found["timestamp"] = _time(call, arrival) or arrival.received
    found["receivedAt"] = arrival.received
    return _written(found)


def _id(name: str, value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Refused(f"{name} is neither text nor a number")
    return str(value)


def _check(call: Mapping[str, Any], kind: str) -> None:
    if not (call.get("userId") or call.get("anonymousId")):
        raise Refused("it has neither a userId nor an anonymousId")
    for name in _NEEDED.get(kind, ()):
        if not call.get(name):
            raise Refused(f"{name} is missing")
    if not isinstance(call.get("event", ""), str):
        raise Refused("event is no text")
    if kind == "track" and type_of(call["event"]) in _OWN:
        raise Refused(f'event "{call["event"][:40]}" is noted down by Regulars itself; nobody else can say so')
    if len(call.get("messageId", "")) > LONGEST_ID:
        raise Refused(f"messageId is longer than {LONGEST_ID} letters")
    for name in ("properties", "traits", "context"):
        if not isinstance(call.get(name, {}), dict):
            raise Refused(f"{name} is no object")


def _time(call: Mapping[str, Any], arrival: Arrival) -> str | None:
    name = "timestamp" if call.get("timestamp") is not None else "originalTimestamp"
    given = call.get(name)
    if given is None:
        return None
    moment = _moment(name, given)
    if moment.tzinfo is None:
        return str(given)  # in the shop's time zone, as in a file
    try:
        moment += arrival.skew
    except OverflowError:
        moment = EARLIEST - timedelta(days=1)
    if not EARLIEST <= moment <= arrival.latest:
        raise Refused(f"{name} {str(given)[:40]} is before 1970, or more than a day ahead of the server's clock")
    return moment.isoformat()


def _moment(name: str, given: Any) -> datetime:
    try:
        return datetime.fromisoformat(given)
    except (ValueError, TypeError):
        raise Refused(f"{name} {str(given)[:40]!r} is no time; write it as 2024-05-01T10:30:00Z") from None


def _written(call: Mapping[str, Any]) -> bytes:
    try:
        text = to_json(call)
        if text.count(b"{") + text.count(b"[") > DEEPEST:
            refuse_deep(call)
    except PydanticSerializationError as error:
        deep = f"it is nested deeper than {DEEPEST}"
        half = "it holds half of a surrogate pair, which is no text"
        raise Refused(half if "surrogates" in str(error) else deep) from None
    except Problem:
        raise Refused(f"it is nested deeper than {DEEPEST}") from None
    if len(text) > MOST_BYTES:
        raise Refused(f"it is longer than {MOST_BYTES:,} bytes")
    return text
