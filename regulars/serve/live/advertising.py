"""The desk that bids for ads: made of the newest decisions and the shop's creatives, told of all ads that are shown."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from regulars import clock
from regulars.ads.bought import bought, nothing_bought
from regulars.ads.creatives import FILE, Creatives, creatives_of
from regulars.ads.delivery.bought import ENDED
from regulars.ads.lift import BID, GHOST, SENT
from regulars.ads.live import Decided, Told, desk
from regulars.ads.openrtb import Notices
from regulars.ads.openrtb.desk import Desk, Met, Placed, shown_name
from regulars.errors import NotFoundError
from regulars.events.erased import Erased
from regulars.events.inbox import Inbox
from regulars.serve.drawing import drawn
from regulars.serve.live.decisions import Decisions, Who
from regulars.serve.live.part import decided
from regulars.serve.live.reading import Reading, Row

if TYPE_CHECKING:
    from regulars.shop import Shop

AT_ONCE = 2_000
"""Calls that are read at a time."""
SHOWN, CLICKED = "ad_shown", "ad_clicked"
CHANNEL = "display"
"""In the log, of ads that were won here."""


class Ended(NamedTuple):
    """A line of an order, or of what went back."""

    customer: str
    product: str | None
    kind: str
    at: datetime


class Advertising:
    """Makes the desk, and keeps what it wins. The desk is touched by the thread of the event loop alone.

    Parameters
    ----------
    forbids : whether a customer has forbidden ads. aliases : whose the ids of visitors turned out to be.
    loop : whose thread bids.
    """

    def __init__(
        self, shop: Shop, inbox: Inbox, decisions: Decisions, forbids: Callable[[str], bool],
        aliases: Callable[[], Mapping[str, str]], loop: asyncio.AbstractEventLoop,
    ) -> None:  # fmt: skip
        self._shop, self._inbox, self._decisions = shop, inbox, decisions
        self._forbids, self._aliases, self._loop = forbids, aliases, loop
        self._reading = Reading(shop.config.shop.currency, shop.config.shop.timezone)
        # Of this process alone, as the bids are that wait for their notices.
        self._secret = drawn(16).encode()
        self._bought = nothing_bought(shop)
        self._creatives: Creatives | None = None
        self._desk: Desk | None = None

    def key(self) -> Hashable:
        """The newest decisions, and the file of creatives."""
        path = self._shop.folder / FILE
        return decided(self._shop, "ads")(), path.stat().st_mtime_ns if path.is_file() else None

    def made(self) -> Desk:
        """With new decisions the desk goes on, with its budgets: only its values are new."""
        made, before = creatives_of(self._shop), self._desk
        if before is not None and made == self._creatives:
            before.valuer = Decided(self._shop.tables.read("ads", "decisions"), before.exposures, self._forbids)
            return before
        found = self._opened(made) if before is None else self._changed(made, before)
        self._creatives, self._desk = made, found
        return found

    def notices(self) -> Notices | None:
        """Where bids ask to be told what came of them."""
        address = self._shop.config.ads.address
        return Notices(address, self._token) if address else None

    def require(self, bid_id: str, token: str) -> None:
        """NotFoundError if a notice is not of who was sent the bid."""
        if not hmac.compare_digest(self._token(bid_id).encode(), token.encode()):
            raise NotFoundError("No such bid waits for a notice here.")

    def url_of(self, creative_id: str) -> str:
        """Where a click on a creative leads; NotFoundError if there is none."""
        for one in self._creatives.creatives if self._creatives else ():
            if one.creative_id == creative_id and one.url:
                return one.url
        raise NotFoundError("No creative of that name leads anywhere.")

    def hear(self, rows: Sequence[Row], aliases: Mapping[str, str]) -> None:
        """Ads of any channel count for caps and gaps, and what is bought is not advertised, from the next bid on."""
        for row in rows:
            who = row.get("customer_id") or row.get("anonymous_id")
            if not who:
                continue
            who = aliases.get(who, who)
            if row["type"] == SHOWN and self._desk is not None:
                self._desk.exposures.add(who, "", row["time"], row["event_id"] or "")
            elif row["type"] in ENDED:
                self._bought.add(who, row["product_id"], row["type"], row["time"])

    def forget(self, erased: Erased) -> None:
        """Let go of who was erased."""
        self._bought.forget(erased.among(self._bought.customers))
        if self._desk is not None:
            self._desk.forget(erased.among(self._desk.known()))

    async def won(self, bid_id: str, price: float | None, *, by_exchange: bool = False) -> bool:
        """A bid won: kept before it is acknowledged. False if it is not known, or was told before.

        Parameters
        ----------
        price : for one impression; None for what was bid.
        by_exchange : no winner pays more than its bid; over the open net nobody is believed who says so.
        """
        made, now = self._made(), clock.now()
        placed = made.waiting(bid_id, now)
        if placed is None:
            return False
        if by_exchange and price is not None:
            price = min(price, placed.bid)
        cost = placed.bid if price is None else price
        # What a desk that begins anew learns creatives from.
        seen = [round(each, 4) for each in placed.pick.context]
        await self._keep(SHOWN, placed, now, shown_name(bid_id), {"cost": cost, "context": seen})
        return made.won(bid_id, price, now)

    async def clicked(self, bid_id: str) -> bool:
        """What was won was clicked: kept likewise."""
        made, now = self._made(), clock.now()
        placed = made.unclicked(bid_id, now)
        if placed is None:
            return False
        await self._keep(CLICKED, placed, now, f"{bid_id}-clicked", {})
        return made.seen(bid_id, clicked=True, at=now)

    def lost(self, bid_id: str, least: float | None) -> bool:
        """A bid lost, to one of at least so much where it is told."""
        return self._made().lost(bid_id, clock.now(), rival=least)

    def _token(self, bid_id: str) -> str:
        return hmac.new(self._secret, bid_id.encode(errors="surrogatepass"), "sha256").hexdigest()[:32]

    def _made(self) -> Desk:
        if self._desk is None:
            raise NotFoundError("Nothing is bid for yet, so no bid is known.")
        return self._desk

    async def _keep(self, kind: str, placed: Placed, now: datetime, name: str, said: Mapping[str, Any]) -> None:
        if placed.customer is None:
            return  # the log is of customers; the budget in memory has it
        said = {"creative_id": placed.pick.creative.creative_id, **said}
        done = self._decisions.put(
            kind, Who(placed.customer, None), now, said, name, placed.pick.propensity,
            campaign=placed.campaign.name, channel=CHANNEL,
        )  # fmt: skip
        await asyncio.wrap_future(done)

    def _met(self, met: Met) -> None:
        """Whom a bid was for, or would have been: lift compares these. Of what is sent, `ad_shown` tells the rest."""
        self._decisions.jot(
            BID, Who(met.customer, None), met.at, {"creative_id": met.creative.creative_id, "bid": met.bid},
            f"{met.bid_id}-bid", GHOST if met.is_ghost else SENT, campaign=met.campaign, channel=CHANNEL,
        )  # fmt: skip

    def _opened(self, made: Creatives) -> Desk:
        while True:  # until no fold came between, for what is in the log and what waits for it must be of one moment
            folded = self._folded()
            try:
                waiting = list(self._untold(folded))
                found = self._of(made, [one for one in waiting if isinstance(one, Told)])
            except NotFoundError:
                if folded == self._folded():
                    raise
                continue
            if folded == self._folded():
                known = nothing_bought(self._shop)
                for one in waiting:
                    if isinstance(one, Ended):
                        known.add(*one)
                self._on_loop(partial(self._bought.update, known))
                return found

    def _folded(self) -> int:
        return self._shop.log.snapshot().folded.get(self._inbox.identity, 0)

    def _changed(self, made: Creatives, before: Desk) -> Desk:
        found = self._of(made, (), before)
        self._on_loop(lambda: found.go_on_from(before, clock.now()))
        return found

    def _on_loop(self, do: Callable[[], object]) -> None:
        """Let the thread that bids do something."""

        async def done() -> None:
            do()

        asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    def _of(self, made: Creatives, also: Sequence[Told], before: Desk | None = None) -> Desk:
        now = clock.now()
        known = bought(self._shop, now, {one.product_id for one in made.creatives})
        self._on_loop(partial(self._bought.update, known))
        return desk(
            self._shop, made.creatives, made.advertiser, now, forbids=self._forbids, places=made.places, also=also,
            exposures=None if before is None else before.exposures, bought=self._bought, tell=self._met,
        )  # fmt: skip

    def _untold(self, number: int) -> Iterator[Told | Ended]:
        """The ads and orders of calls that are not in the log yet, its own and those that the shop told of."""
        aliases = self._aliases()
        while entries := self._inbox.read(number, AT_ONCE):
            number = entries[-1].sequence
            for entry in entries:
                call = orjson.loads(entry.body)
                call.pop("noted", None)
                for row in self._reading.rows(orjson.dumps(call)):
                    who = row["customer_id"] or row["anonymous_id"]
                    if not who:
                        continue
                    who = aliases.get(who, who)
                    if row["type"] == SHOWN:
                        campaign = ((call.get("context") or {}).get("campaign") or {}).get("name") or ""
                        cost = float(row["unit_price"] or 0.0)
                        yield Told(row["event_id"] or str(entry.sequence), who, str(campaign), row["time"], cost)
                    elif row["type"] in ENDED:
                        yield Ended(who, row["product_id"], row["type"], row["time"])
