"""Decisions that are made now, on their way into the log: by the inbox, each with its chance and its reasons."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import orjson

from regulars.decisions import TYPE
from regulars.errors import RegularsError
from regulars.serve.drawing import drawn
from regulars.serve.logs import LOG

GATHER_SECONDS = 0.05
KEPT = 100_000
"""So many decisions are remembered, for what comes of them."""


class Who(NamedTuple):
    """A customer, or a visitor who is not known."""

    customer_id: str | None
    anonymous_id: str | None

    @property
    def id(self) -> str:
        """By which the live state knows it."""
        return self.customer_id or self.anonymous_id or ""


@dataclass(frozen=True)
class Decision:
    """What was decided, as `regulars.capability.DECISION` has it.

    Attributes
    ----------
    inputs : what it was decided by; the log has a hash of it.
    own : what else is to be known of it.
    """

    id: str
    capability: str
    who: Who
    action: str
    policy: str
    propensity: float
    reasons: Sequence[str]
    inputs: Any
    model_version: int | None
    own: Mapping[str, Any]
    disclosure: str | None = None


def new_id() -> str:
    """The id of a decision: 96 random bits, so that nobody guesses another's."""
    return drawn(12)


class Keeper(Protocol):
    """Where calls are kept."""

    def put(self, bodies: Sequence[bytes]) -> Future[int] | asyncio.Future[int]:
        """See `Inbox.put`."""


class Decisions:
    """Writes decisions down, and knows the last ones."""

    def __init__(self, inbox: Keeper) -> None:
        self._inbox = inbox
        self._gathered: list[bytes] = []
        self._known: OrderedDict[str, tuple[Who, tuple[str, ...]]] = OrderedDict()

    def note(self, decision: Decision, moment: datetime, products: Sequence[str] = ()) -> None:
        """Let a decision come into the log. Nobody waits for it: those of a moment go into the inbox together, for one
        sync costs more than ten decisions. What cannot be kept is told in the server's log."""
        self.remember(decision.id, decision.who, products)
        hashed = hashlib.blake2b(orjson.dumps(decision.inputs, default=str), digest_size=8).hexdigest()
        said = {
            "capability": decision.capability, "model_version": decision.model_version, "action": decision.action,
            "policy": decision.policy, "reasons": decision.reasons, "inputs_hash": hashed,
            "disclosure": decision.disclosure, **decision.own,
        }  # fmt: skip
        self._gather(_call(TYPE, decision.who, moment, said, decision.id, decision.propensity, decision.action))

    def jot(
        self, kind: str, who: Who, moment: datetime, said: Mapping[str, Any], name: str, outcome: str, *,
        campaign: str, channel: str,
    ) -> None:  # fmt: skip
        """Let another event of the shop's own come into the log likewise."""
        self._gather(_call(kind, who, moment, said, name, outcome=outcome, campaign=campaign, channel=channel))

    def _gather(self, call: bytes) -> None:
        if not self._gathered:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self.flush)
        self._gathered.append(call)

    def remember(self, name: str, who: Who, products: Sequence[str]) -> None:
        """Know whom a decision is about, and its products, for what comes of it."""
        self._known[name] = who, tuple(products)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)

    def flush(self) -> None:
        """Put what was gathered into the inbox."""
        some, self._gathered = self._gathered, []
        if not some:
            return
        try:
            self._inbox.put(some).add_done_callback(_told)
        except RegularsError as error:
            LOG.error(f"{len(some)} decisions were not noted: {error}")

    def put(
        self, kind: str, who: Who, moment: datetime, said: Mapping[str, Any], name: str,
        propensity: float | None = None, session_id: str | None = None, *, campaign: str | None = None,
        channel: str | None = None,
    ) -> Future[int] | asyncio.Future[int]:  # fmt: skip
        """Put an event of the shop's own into the inbox; its number, once it is on the disk."""
        call = _call(
            kind, who, moment, said, name, propensity, session_id=session_id, campaign=campaign, channel=channel
        )
        return self._inbox.put([call])

    def of(self, name: str) -> tuple[Who, tuple[str, ...]] | None:
        """Whom a decision was about, and its products; None if it is not remembered."""
        return self._known.get(name)


def _call(
    kind: str, who: Who, moment: datetime, said: Mapping[str, Any], name: str, propensity: float | None = None,
    outcome: str | None = None, session_id: str | None = None, campaign: str | None = None, channel: str | None = None,
) -> bytes:  # fmt: skip
    time = moment.isoformat()
    noted = {"propensity": propensity, "outcome": outcome}
    return orjson.dumps({
        "noted": {name: value for name, value in noted.items() if value is not None},
        "type": "track", "event": kind, "messageId": name, "userId": who.customer_id, "anonymousId": who.anonymous_id,
        "timestamp": time, "receivedAt": time, "channel": channel,
        "context": {"sessionId": session_id, "campaign": {"name": campaign}}, "properties": said,
    })  # fmt: skip


def _told(done: Future[int] | asyncio.Future[int]) -> None:
    if (error := done.exception()) is not None:
        LOG.error(f"decisions were not noted: {error}")
