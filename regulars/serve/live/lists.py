"""What lists stand on, in memory: live state, consents, rules, and what was decided at night."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Hashable, Sequence
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from regulars import clock
from regulars.events.convert import AHEAD
from regulars.events.erased import Erased
from regulars.privacy.journal import JOURNAL
from regulars.realtime import Live
from regulars.realtime.model import RealtimeModel
from regulars.serve.live.consents import Consents
from regulars.serve.live.decisions import Decisions
from regulars.serve.live.follower import Followed, Follower, Hears
from regulars.serve.live.part import Part, at_most, decided, every, version
from regulars.serve.live.people import People
from regulars.serve.live.rules import Had, Rules
from regulars.serve.logs import LOG

if TYPE_CHECKING:
    from regulars.shop import Shop

LOOK_SECONDS = 1.0
"""So often it is looked whether something was learned or decided anew."""
RULES_SECONDS = 300.0
"""So often the catalogue is read anew, if it has changed."""
TABLES_SECONDS = 3600.0
"""So often what is known of all customers is computed anew."""
SNAPSHOT_SECONDS = 600.0
NOBODY = Erased("", {})
Found = TypeVar("Found")


class LiveLists:
    """What a process stands on that answers with lists.

    Parameters
    ----------
    loop : whose thread alone touches what changes with events.
    keeps : False for one of several processes, that follows what another one keeps on the disk and sets off.

    Attributes
    ----------
    turn : of the shop's engine, for what reads the log aside.
    model_version : of the live model.
    """

    def __init__(
        self, shop: Shop, inbox: Followed, loop: asyncio.AbstractEventLoop, decisions: Decisions, *, keeps: bool
    ) -> None:
        self.shop, self.decisions, self._loop, self._keeps = shop, decisions, loop, keeps
        self.turn = Lock()
        self.model_version: int | None = None
        self.consents: Consents
        self.had: Had
        self.follower = Follower(shop, inbox, self._made_hears, keeps=keeps)
        self._catalogue = at_most(RULES_SECONDS, lambda: _catalogue(shop))
        self.rules = self._of_log("The catalogue", self._catalogue, lambda: Rules.of(shop, clock.now()))
        self.lists = self._decided("recommend")
        self._model = Part("The live model", version(shop, "realtime"), self._made_model)
        self._foresight = self._of_log(
            "The behaviour model", every(TABLES_SECONDS, version(shop, "behavior")), self._made_foresight
        )
        for part in (self.rules, self.lists, self._model):  # lists are asked for from the first request on
            part.refresh()
        self._is_over = Event()
        self._threads: list[Thread] = []

    def begin(self) -> None:
        """Keep up with what is learned, decided and erased from now on."""
        self._threads = [
            Thread(target=self._renew, args=[parts], name="live", daemon=True) for parts in self._by_pace()
        ]
        self._threads.append(Thread(target=self._keep, name="snapshots", daemon=True))
        for thread in self._threads:
            thread.start()

    @property
    def parts(self) -> list[Part[Any]]:
        """All that is read from the disk."""
        return [part for parts in self._by_pace() for part in parts]

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
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()

    async def _end(self) -> None:
        self.decisions.flush()
        await self.follower.end()

    def _made_hears(self) -> Sequence[Hears]:
        now = clock.now()
        self.consents, self.had = Consents.of(self.shop, now), Had(self.shop, now)
        return self.consents.hear, self.had.hear, *self._others()

    def _others(self) -> Sequence[Hears]:
        """Who else is told of every row, from the first one on; made here, once consents are known."""
        return ()

    def _by_pace(self) -> Sequence[Sequence[Part[Any]]]:
        """What is made aside: what takes long to make holds up nothing that changes often."""
        return (self.lists, self._model), (self.rules, self._foresight)

    def _of_log(self, name: str, key: Callable[[], Hashable], make: Callable[[], Found]) -> Part[Found]:
        return Part(name, key, make, self.turn)

    def _decided(self, name: str) -> Part[People]:
        return Part(f"Decisions of {name}", decided(self.shop, name), lambda: People.decided(self.shop, name))

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
        kept_at, is_over = monotonic(), False
        # A snapshot that another process kept may still know who was erased since.
        seen = self._erasures() if self._keeps else (NOBODY, False)
        while not is_over:
            # Once more at the end: the last snapshot must name nobody who was erased since the last look.
            is_over = self._is_over.wait(LOOK_SECONDS)
            try:
                found = self._erasures()
                if found != seen or (is_over and found[1]):
                    self._forget(found[0])
                    seen = found
                elif not is_over and self._keeps and monotonic() - kept_at >= SNAPSHOT_SECONDS:
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
        self.shop.last.forget()
        for part in self.parts:
            part.age()
        LOG.info("customers were erased: what was known of them is forgotten")


def _catalogue(shop: Shop) -> Hashable:
    return tuple(file.path for file in shop.log.snapshot().tables.get("catalogue", ()))
