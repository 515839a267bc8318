"""The shop as it is now, in memory: all that decisions stand on, lists among them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from regulars import clock
from regulars.ads.permitted import PURPOSES
from regulars.events.erased import Erased
from regulars.events.inbox import Inbox
from regulars.fraud.live import Live as FraudLive
from regulars.language.search import Index, Passage
from regulars.recommend.live import Recommender
from regulars.serve.live.advertising import Advertising
from regulars.serve.live.apart import LogReader
from regulars.serve.live.decisions import Decisions
from regulars.serve.live.experiments import Assignment
from regulars.serve.live.facts import Facts
from regulars.serve.live.follower import Hears
from regulars.serve.live.lists import TABLES_SECONDS, LiveLists
from regulars.serve.live.part import Part, decided, every, version
from regulars.serve.live.people import People
from regulars.serve.live.quotes import Quotes
from regulars.serve.live.reading import Row
from regulars.serve.live.telling import Telling
from regulars.support import assistant

if TYPE_CHECKING:
    from regulars.shop import Shop

FRAUD = {
    "sign_in": "sign_in", "signed_up": "signed_up", "coupon_applied": "coupon", "order_refunded": "refunded",
    "product_reviewed": "reviewed",
}  # fmt: skip
"""Events that bear on fraud, as its live state names them."""
Found = TypeVar("Found")


class LiveShop(LiveLists):
    """What decision routes stand on.

    Parameters
    ----------
    loop : whose thread alone touches what changes with events.
    """

    quotes: Quotes
    advertising: Advertising
    fraud: Part[FraudLive]

    def __init__(self, shop: Shop, inbox: Inbox, loop: asyncio.AbstractEventLoop) -> None:
        self._inbox = inbox
        super().__init__(shop, inbox, loop, Decisions(inbox), keeps=True)
        of_both = decided(shop, "campaign"), decided(shop, "lifecycle")
        self.campaign = Part(
            "Decisions of campaign", lambda: tuple(key() for key in of_both), lambda: People.contacts(shop)
        )
        facts = Facts(lambda: shop.config.realtime.triggers, self.follower, loop)
        self.churn, self.segments = self._known("churn", facts.churn), self._known("segment", facts.segments)
        self.profiles = self._known("profile", lambda people: people)
        self.similar = self._of_log(
            "Likeness", version(shop, "recommend"), lambda: Recommender.open(shop, shop.now).warm()
        )
        self.search = Part("The search", lambda: self.rules.makings, self._made_search)
        learned = version(shop, "support")
        self.chat = Part("Support", lambda: (learned(), self.rules.makings), lambda: assistant(shop))
        self.ads = Part("Ads", self.advertising.key, self.advertising.made)
        experiments = Assignment(shop, self.turn)
        self.experiments = Part("Experiments", experiments.key, experiments.made)
        self.prices = Part("Prices", every(TABLES_SECONDS, self.quotes.key), self.quotes.read)
        self.list_prices = self._of_log("List prices", self._catalogue, self.quotes.reprice)
        self._telling = Telling(shop, self.follower, self.consents, loop)

    def begin(self) -> None:
        """The same, and tell what follows from events."""
        super().begin()
        self._telling.begin()

    def read_aside(self, read: Callable[[Shop], Found]) -> Found:
        """Let something read the shop's log or state, one after the other: not for the thread of the event loop."""
        with self.turn:
            return read(self.shop)

    async def _end(self) -> None:
        await asyncio.to_thread(self._telling.close)
        await super()._end()

    def _others(self) -> Sequence[Hears]:
        shop = self.shop
        self.quotes = Quotes(shop, self._inbox, self.decisions, self.consents, self._loop, self.turn)
        self.fraud = self._of_log("Fraud", version(shop, "fraud"), lambda: FraudLive.of(shop, shop.now).warm())
        self.advertising = Advertising(
            shop, self._inbox, self.decisions, self._forbids_ads, lambda: self.live.aliases, self._loop
        )
        return self.quotes.hear, self._hear, self.advertising.hear

    def _by_pace(self) -> Sequence[Sequence[Part[Any]]]:
        quick = (self.lists, self.campaign, self._model, self.experiments, self.ads)
        slow = (
            self.rules, self.profiles, self.churn, self.segments, self.fraud, self.similar, self._foresight,
        )  # fmt: skip
        return quick, slow, (self.prices, self.list_prices), (self.search, self.chat)

    def _known(self, name: str, tell: Callable[[People], People]) -> Part[People]:
        key = every(TABLES_SECONDS, version(self.shop, name))
        read = LogReader(self.shop, partial(People.described, name=name), self.turn)
        return Part(name.capitalize(), key, lambda: tell(read()))

    def _made_search(self) -> Index:
        index = Index.of(self.shop.config.language, self.shop.folder / "cache" / "products.parquet", self.shop.state)
        rules = self.rules.get()
        rows = rules.shelf.table.select(["product_id", "title", "category", "brand", "text"]).to_pylist()
        index.update(
            Passage(row["product_id"], " ".join(filter(None, [row["category"], row["brand"], row["text"]])),
                    row["title"] or row["product_id"], "product")
            for row in rows
        )  # fmt: skip
        return index

    def _forbids_ads(self, asked: str) -> bool:
        customer = self.live.aliases.get(asked, asked)
        return any(self.consents.forbids(customer, purpose) for purpose in PURPOSES)

    def _hear(self, rows: Sequence[Row], aliases: Mapping[str, str]) -> None:
        """What bears on fraud, beside the attempts that are asked about."""
        fraud = self.fraud.peek()
        if fraud is None:
            return
        for row in rows:
            kind = FRAUD.get(row["type"])
            if kind is not None:
                failed = kind == "sign_in" and row["properties"].get("outcome") in ("failed", "failure")
                fraud.note("sign_in_failed" if failed else kind, row, clock.now())

    def _forget(self, erased: Erased) -> None:
        super()._forget(erased)

        async def let_go() -> None:
            self.advertising.forget(erased)
            self.quotes.forget(erased)

        asyncio.run_coroutine_threadsafe(let_go(), self._loop).result()
        self._inbox.scrub()
