"""The shop as it is now, in memory: the live state, what each customer allows, the rules, and what was learned."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Hashable, Mapping, Sequence
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from regulars import clock
from regulars.ads.creatives import FILE, Creatives, creatives_of
from regulars.ads.live import Decided, desk
from regulars.ads.openrtb.desk import Desk
from regulars.ads.permitted import PURPOSES
from regulars.events.convert import AHEAD
from regulars.events.erased import Erased
from regulars.events.inbox import Inbox
from regulars.fraud.live import Live as FraudLive
from regulars.language.search import Index, Passage
from regulars.privacy.journal import JOURNAL
from regulars.realtime import Live
from regulars.realtime.model import RealtimeModel
from regulars.recommend.live import Recommender
from regulars.serve.live.consents import Consents
from regulars.serve.live.decisions import Decisions
from regulars.serve.live.experiments import Assignment
from regulars.serve.live.facts import Facts
from regulars.serve.live.follower import Follower
from regulars.serve.live.part import Part, at_most, decided, every, version
from regulars.serve.live.people import People
from regulars.serve.live.quotes import Quotes
from regulars.serve.live.reading import Row
from regulars.serve.live.rules import Had, Rules
from regulars.serve.live.telling import Telling
from regulars.serve.logs import LOG
from regulars.support import assistant

if TYPE_CHECKING:
    from regulars.shop import Shop

LOOK_SECONDS = 1.0
"""So often it is looked whether something was learned or decided anew."""
RULES_SECONDS = 300.0
"""So often the catalogue is read anew, if it has changed."""
TABLES_SECONDS = 3600.0
"""So often what is known of all customers is computed anew."""
SNAPSHOT_SECONDS = 600.0
FRAUD = {
    "sign_in": "sign_in", "signed_up": "signed_up", "coupon_applied": "coupon", "order_refunded": "refunded",
    "product_reviewed": "reviewed",
}  # fmt: skip
"""Events that bear on fraud, as its live state names them."""
NOBODY = Erased("", {})
Found = TypeVar("Found")


class LiveShop:
    """What decision routes stand on.

    Parameters
    ----------
    loop : whose thread alone touches what changes with events.

    Attributes
    ----------
    turn : of the shop's engine, for what reads the log aside.
    model_version : of the live model.
    """

    def __init__(self, shop: Shop, inbox: Inbox, loop: asyncio.AbstractEventLoop) -> None:
        self.shop, self._inbox, self._loop = shop, inbox, loop
        self.turn = Lock()
        self.model_version: int | None = None
        self._creatives: Creatives | None = None
        self.decisions = Decisions(inbox)
        now = clock.now()
        self.consents, self.had = Consents.of(shop, now), Had(shop, now)
        self.quotes = Quotes(shop, inbox, self.decisions, self.consents, loop)
        self.fraud = self._of_log("Fraud", version(shop, "fraud"), lambda: FraudLive.of(shop, shop.now).warm())
        self.follower = Follower(shop, inbox, [self.consents.hear, self.had.hear, self.quotes.hear, self._hear])
        catalogue = at_most(RULES_SECONDS, self._catalogue)
        self.rules = self._of_log("The catalogue", catalogue, lambda: Rules.of(shop, clock.now()))
        self.lists, self.campaign = self._decided("recommend"), self._decided("campaign")
        facts = Facts(lambda: shop.config.realtime.triggers, self.follower, loop)
        self.churn, self.segments = self._known("churn", facts.churn), self._known("segment", facts.segments)
        self.profiles = self._known("profile", lambda people: people)
        self.similar = self._of_log(
            "Likeness", version(shop, "recommend"), lambda: Recommender.open(shop, shop.now).warm()
        )
        self.search = Part("The search", catalogue, self._made_search)
        self.chat = Part("Support", version(shop, "support"), lambda: assistant(shop))
        self.ads = Part("Ads", self._of_ads, self._made_desk)
        experiments = Assignment(shop, self.turn)
        self.experiments = Part("Experiments", experiments.key, experiments.made)
        self.prices = self._of_log("Prices", every(RULES_SECONDS, self.quotes.key), self.quotes.read)
        self._foresight = self._of_log(
            "The behaviour model", every(TABLES_SECONDS, version(shop, "behavior")), self._made_foresight
        )
        self._model = Part("The live model", version(shop, "realtime"), self._made_model)
        quick: tuple[Part[Any], ...] = (self.lists, self.campaign, self._model, self.experiments, self.ads)
        slow: tuple[Part[Any], ...] = (
            self.rules, self.chat, self.search, self.profiles, self.churn, self.segments, self.fraud,
            self.similar, self._foresight,
        )  # fmt: skip
        self.parts = (*quick, *slow, self.prices)
        for part in (self.rules, self.lists, self._model):  # lists are asked for from the first request on
            part.refresh()
        self._is_over = Event()
        # What takes long to make holds up nothing that changes often.
        self._threads = [
            Thread(target=self._renew, args=[parts], name="live", daemon=True)
            for parts in (quick, slow, (self.prices,))
        ]
        self._threads.append(Thread(target=self._keep, name="snapshots", daemon=True))
        for thread in self._threads:
            thread.start()
        self._telling = Telling(shop, self.follower, self.consents, loop)
        self._telling.begin()

    @property
    def live(self) -> Live:
        """What the last event has changed."""
        return self.follower.live

    def nightly(self, customer: str) -> tuple[Sequence[str], Sequence[str]]:
        """The products of the list that was decided for a customer, and why each; none without one."""
        lists = self.lists.peek()
        if lists is None or customer not in lists:
            return (), ()
        found = lists.of(customer)
        return found["products"], found["reasons"]

    def read_aside(self, read: Callable[[Shop], Found]) -> Found:
        """Let something read the shop's log or state, one after the other: not for the thread of the event loop."""
        with self.turn:
            return read(self.shop)

    def renew(self) -> None:
        """The shop's settings have changed: triggers go by them at once, all else by the next look."""
        settings = self.shop.config.realtime
        asyncio.run_coroutine_threadsafe(self.follower.renew(settings.triggers), self._loop).result()
        for part in self.parts:
            part.age()

    def close(self) -> None:
        """Keep the state on the disk; nobody asks any more."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self._telling.close()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()

    async def _end(self) -> None:
        self.decisions.flush()
        await self.follower.end()

    def _known(self, name: str, tell: Callable[[People], People]) -> Part[People]:
        key = every(TABLES_SECONDS, version(self.shop, name))
        return self._of_log(name.capitalize(), key, lambda: tell(People.described(self.shop, name)))

    def _of_log(self, name: str, key: Callable[[], Hashable], make: Callable[[], Found]) -> Part[Found]:
        return Part(name, key, make, self.turn)

    def _decided(self, name: str) -> Part[People]:
        return Part(f"Decisions of {name}", decided(self.shop, name), lambda: People.decided(self.shop, name))

    def _catalogue(self) -> Hashable:
        return tuple(file.path for file in self.shop.log.snapshot().tables.get("catalogue", ()))

    def _made_model(self) -> RealtimeModel:
        number = self.shop.models.version_in_use("realtime")
        model = RealtimeModel() if number is None else RealtimeModel.of(self.shop.models.get("realtime", number))
        self.model_version = number
        self._loop.call_soon_threadsafe(setattr, self.live, "model", model)
        return model

    def _made_foresight(self) -> None:
        """The behaviour model over the histories of the log; what that has not yet, the follower tells it."""
        follower, made, folded, is_known = self.follower, None, 0, False
        while not is_known and not self._is_over.is_set():
            if self.shop.models.version_in_use("behavior") is not None:
                from regulars.realtime.foresight import Foresight  # noqa: PLC0415 without one, none waits for torch

                asyncio.run_coroutine_threadsafe(follower.remember(), self._loop).result()
                while True:  # until no fold came between, for both must be of one version of the log
                    folded, events = follower.folded(), self.shop.events
                    if folded == follower.folded():
                        break
                made = Foresight.of(self.shop.with_events(events), clock.now() + AHEAD)
            is_known = asyncio.run_coroutine_threadsafe(follower.foresee(made, folded), self._loop).result()

    def _made_search(self) -> Index:
        index = Index.of(self.shop.config.language, self.shop.folder / "cache" / "search.parquet")
        rules = self.rules.get()
        rows = rules.shelf.table.select(["product_id", "title", "category", "brand", "text"]).to_pylist()
        index.update(
            Passage(row["product_id"], " ".join(filter(None, [row["category"], row["brand"], row["text"]])),
                    row["title"] or row["product_id"], "product")
            for row in rows
        )  # fmt: skip
        return index

    def _of_ads(self) -> Hashable:
        path = self.shop.folder / FILE
        return decided(self.shop, "ads")(), path.stat().st_mtime_ns if path.is_file() else None

    def _made_desk(self) -> Desk:
        """With new decisions the desk goes on, with its budgets: only its values are new."""
        made, before = creatives_of(self.shop), self.ads.peek()
        if before is not None and made == self._creatives:
            before.valuer = Decided(self.shop.tables.read("ads", "decisions"), before.exposures, self._forbids_ads)
            return before
        self._creatives = made
        return desk(
            self.shop, made.creatives, made.advertiser, clock.now(), forbids=self._forbids_ads, places=made.places,
            before=before,
        )  # fmt: skip

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

    def _renew(self, parts: Sequence[Part[Any]]) -> None:
        while not self._is_over.is_set():
            for part in parts:
                try:
                    if part.refresh():
                        # What was made stays for long: the collector need not walk over it again and again, while
                        # nobody is answered.
                        gc.freeze()
                except Exception as error:  # what was there before stays
                    LOG.error("a part of what decisions stand on could not be made", exc_info=error)
                if self._is_over.is_set():
                    return
            self._is_over.wait(LOOK_SECONDS)

    def _keep(self) -> None:
        kept_at, seen, is_over = monotonic(), self._erasures(), False
        while not is_over:
            # Once more at the end: the last snapshot must name nobody who was erased since the last look.
            is_over = self._is_over.wait(LOOK_SECONDS)
            try:
                found = self._erasures()
                if found != seen or (is_over and found[1]):
                    self._forget(found[0])
                    seen = found
                elif not is_over and monotonic() - kept_at >= SNAPSHOT_SECONDS:
                    asyncio.run_coroutine_threadsafe(self.follower.keep(), self._loop).result()
                    kept_at = monotonic()
            except Exception as error:  # tried again
                LOG.error("what is known could not be kept on the disk, or let go of", exc_info=error)

    def _erasures(self) -> tuple[Erased, bool]:
        """Who was erased, and whether it goes on: what was read of the log meanwhile may still have been theirs."""
        is_under_way = (self.shop.folder / JOURNAL).exists()
        found = Erased.read(self.shop.log.folder)
        return (found if found.until else NOBODY), is_under_way

    def _forget(self, erased: Erased) -> None:
        """Let go of who was erased: at once what came by events, and by the next look what was read of the disk."""

        async def let_go() -> None:
            self.consents.forget(erased)
            await self.follower.forget(erased)

        asyncio.run_coroutine_threadsafe(let_go(), self._loop).result()
        for part in self.parts:
            part.age()
        self._inbox.scrub()
        LOG.info("customers were erased: what was known of them is forgotten")
