"""The desk that tells prices: from what was read of the log aside, and from what came since."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING

import orjson

from regulars import clock
from regulars.errors import UnavailableError
from regulars.events.erased import Erased
from regulars.events.inbox import Inbox
from regulars.pricing.facts import AHEAD, QUOTED, Asking, Facts, Shown
from regulars.pricing.law import Quote
from regulars.pricing.law.table import OWN
from regulars.pricing.money import to_coins
from regulars.pricing.products import MINIMUMS, PriceLog
from regulars.pricing.quoting import Desk, name_of
from regulars.pricing.rules import PURPOSES
from regulars.serve.live.apart import LogReader
from regulars.serve.live.consents import Consents
from regulars.serve.live.decisions import Decisions, Who
from regulars.serve.live.reading import Row

if TYPE_CHECKING:
    from regulars.shop import Shop

FOLDS = ("events received", "compaction")
"""What the server itself does to the log: it brings nothing that was not heard of."""
AT_ONCE = 2_000
"""Calls that are read at a time."""
NAMED = f'"event":"{QUOTED}"'.encode()


class Quotes:
    """Tells prices. Its desk is touched by the thread of the event loop alone; `read` and `reprice` are for another.

    Parameters
    ----------
    loop : whose thread tells prices. turn : of the shop's engine.
    """

    def __init__(
        self, shop: Shop, inbox: Inbox, decisions: Decisions, consents: Consents, loop: asyncio.AbstractEventLoop,
        turn: AbstractContextManager[object],
    ) -> None:  # fmt: skip
        self._shop, self._inbox, self._decisions, self._consents = shop, inbox, decisions, consents
        self._loop, self._turn = loop, turn
        self._read = LogReader(shop, read_facts, turn)
        self._desk: Desk | None = None
        self._seen = self._version = shop.log.version
        self._waiting = list(self._told_before())

    def key(self) -> Hashable:
        """The last version of the log that somebody else wrote (prices, decisions, an import), and the shop's files."""
        newest = self._shop.log.version
        if newest > self._seen:
            since = takewhile(lambda commit: commit.version > self._seen, self._shop.log.history())
            others = (commit.version for commit in since if commit.operation not in FOLDS)
            self._version, self._seen = next(others, self._version), newest
        files = (self._shop.folder / name for name in (MINIMUMS, OWN))
        return self._version, tuple(path.stat().st_mtime_ns if path.is_file() else None for path in files)

    def read(self) -> Facts:
        """What the log says of all customers by now; prices are told from it on.

        New list prices count before all else is read, which may take long in a large shop.
        """
        with self._turn:
            self.reprice()
        facts = self._read()
        self._loop.call_soon_threadsafe(self._stand_on, facts)
        return facts

    def reprice(self) -> None:
        """Read list prices alone, and tell prices by them from now on."""
        if self._desk is not None:
            prices = PriceLog.read(self._shop, clock.now(), AHEAD)
            self._loop.call_soon_threadsafe(self._desk.reprice, prices)

    def hear(self, rows: Sequence[Row], aliases: Mapping[str, str]) -> None:
        """Rows of events, and whose the ids of visitors are."""
        if self._desk is not None:
            self._desk.hear(rows, aliases)

    def forget(self, erased: Erased) -> None:
        """Let go of customers who were erased."""
        gone = set(erased.among({told[0].customer_id or "" for told in self._waiting}))
        self._waiting = [told for told in self._waiting if told[0].customer_id not in gone]
        if self._desk is not None:
            self._desk.forget(erased)

    async def quote(self, product_id: str, customer_id: str | None, session_id: str | None, quantity: int) -> Quote:
        """A price, once it is on the disk that it was told.

        Raises
        ------
        UnavailableError
            While what the log says is read for the first time.
        """
        if self._desk is None:
            raise UnavailableError("Prices: the server is reading them. Ask again.")
        # An objection of a moment ago may wait in the inbox still; it counts.
        objects = customer_id is not None and any(self._consents.forbids(customer_id, each) for each in PURPOSES)
        made = self._desk.quote(
            product_id, customer_id, clock.now(), session_id=session_id, quantity=quantity, objects=objects
        )
        said = {**made.to_dict(), "quantity": quantity}
        name, who = name_of(made, session_id, quantity), Who(customer_id, None)
        done = self._decisions.put(QUOTED, who, made.at, said, name, made.propensity, session_id)
        await asyncio.wrap_future(done)
        return made

    def _stand_on(self, facts: Facts) -> None:
        if self._desk is not None:
            self._desk.renew(facts)
            return
        self._desk = Desk(self._shop, facts)
        for told in self._waiting:
            self._desk.note(*told)
        self._waiting.clear()

    def _told_before(self) -> Iterator[tuple[Asking, Shown, datetime]]:
        """What a server before this one told and did not bring into the log: who asked, the price, when it was made."""
        number = self._shop.log.snapshot().folded.get(self._inbox.identity, 0)
        currency = self._shop.config.shop.currency
        while entries := self._inbox.read(number, AT_ONCE):
            number = entries[-1].sequence
            for entry in entries:
                call = orjson.loads(entry.body) if NAMED in entry.body else {}
                if call.get("event") != QUOTED:
                    continue
                said, session = call["properties"], call["context"]["sessionId"]
                if call["userId"] is None and session is None:
                    continue
                (coins,) = to_coins([said["price"]], currency).tolist()
                asking = Asking.of(said["product_id"], call["userId"], session, said["quantity"])
                made_at = datetime.fromisoformat(said.get("held_since") or call["timestamp"])
                yield asking, Shown(session, coins, said["personalised"]), made_at


def read_facts(shop: Shop) -> Facts:
    """Of all customers by now."""
    return Facts.read(shop, clock.now())
