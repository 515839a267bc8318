"""The one process of a shop that writes: the inbox, the thread that lets it be folded, and who read of whom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING

from regulars import clock
from regulars.errors import RegularsError, UnavailableError
from regulars.events.inbox import FOLDER, Folded, Inbox, open_store
from regulars.events.inbox.apart import Folding, Place
from regulars.events.inbox.folding import AT_ONCE
from regulars.serve.compiling import compile_all
from regulars.serve.live import LiveShop
from regulars.serve.logs import LOG
from regulars.serve.metrics import Metrics
from regulars.serve.reads import Reads
from regulars.serve.repeated import Repeated
from regulars.serve.serving import Serving

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop

TICK_SECONDS = 0.5
WAITING_SECONDS = 10.0
"""After a fold that failed, so long until it is tried again."""


class Writer(Serving):
    """A server by itself, and the one that writes where there are several processes.

    Attributes
    ----------
    reads : who read of which customer.
    repeated : answers by the key under which they were asked for.
    """

    live: LiveShop | None
    metrics: Metrics

    def __init__(self, shop: Shop, settings: ServeSettings) -> None:
        super().__init__(shop, settings, Metrics())
        self.repeated = Repeated()
        self.reads = Reads(shop.state)
        self._inbox: Inbox | None = None
        self._is_over = Event()
        self._thread: Thread | None = None

    @property
    def inbox(self) -> Inbox:
        """Where events go; UnavailableError while the server starts or stops."""
        self.require_ready()
        if self._inbox is None:
            raise UnavailableError("The server starts. Send again.")
        return self._inbox

    def put(self, bodies: Sequence[bytes]) -> Future[int]:
        """See `Inbox.put`."""
        return self.inbox.put(bodies)

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the inbox, know what it holds, and begin to fold it."""
        settings, name = self.settings, ""
        compile_all()
        if settings.inbox:
            name = self.shop.state.secret("inbox")
        store = open_store(self.shop.folder / FOLDER, settings.inbox, name)
        inbox = self._inbox = Inbox(store, settings.inbox_events, self.committed)
        inbox.delete(self.shop.log.snapshot().folded.get(store.identity, 0))
        self.live = LiveShop(self.shop, inbox, loop)
        self.live.begin()
        place = self._place(name)
        LOG.info(store.promise)
        self._thread = Thread(target=self._work, args=[inbox, place], name="folder", daemon=True)
        self._thread.start()

    def committed(self, number: int) -> None:
        """All calls up to a number are on the disk, and not yet acknowledged; told by the thread that writes."""

    def end(self) -> None:
        """Write what was taken, fold once more, and let go of the inbox."""
        if self.live is not None:
            self.live.close()
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
        if self._inbox is not None:
            self._inbox.close()

    def look(self) -> None:
        """The same, and write down who read of whom."""
        super().look()
        try:
            self.reads.flush(timedelta(days=self.settings.reads_days))
        except Exception as error:  # tried again
            LOG.error("who read of whom could not be written down", exc_info=error)

    def _place(self, name: str) -> Place:
        """What is folded into what; the name is the shop's in Redis."""
        folder, about = self.shop.folder.absolute(), self.shop.config.shop
        return Place(
            log=str(self.shop.log.folder.absolute()),
            inbox=str(folder / FOLDER),
            rejects=str(folder / "rejects"),
            url=self.settings.inbox,
            name=name,
            currency=about.currency,
            timezone=about.timezone,
        )

    def _work(self, inbox: Inbox, place: Place) -> None:
        """Fold when enough wait, or those that do have waited for long; go by what has changed."""
        folding = Folding(place)
        since: float | None = None
        before: tuple[int, float] | None = None
        lost = 0
        while not self._is_over.wait(TICK_SECONDS):
            self.look()
            try:
                waiting = inbox.count()
                if inbox.lost > lost:
                    said = "Redis was started again without events that were acknowledged: they are lost"
                    LOG.error(said, extra={"about": {"events": inbox.lost - lost}})
                    lost = inbox.lost
                    self.metrics.lost.set(lost)
                now = time.monotonic()
                since = (since or now) if waiting else None
                self.metrics.waiting.set(waiting)
                if before is not None:
                    self.metrics.growth.set((waiting - before[0]) / (now - before[1]))
                before = waiting, now
                self.metrics.lag.set(now - since if since else 0)
                if since and (waiting >= AT_ONCE or now - since >= self.settings.fold_seconds):
                    while self._told(inbox, folding.fold(clock.now())) == AT_ONCE:
                        pass
                    folding.compact()
                    since = None
            except Exception as error:
                self._failed(error)
                self._is_over.wait(WAITING_SECONDS)
        self.look()
        folding.close()
        try:
            while inbox.count():  # nobody is answered any more
                self._told(inbox, place.fold(clock.now()))
        except Exception as error:  # what waits is on the disk: the next server folds it
            self._failed(error)

    def _told(self, inbox: Inbox, found: Folded) -> int:
        """Delete from the inbox what the log has now; how many calls that were."""
        inbox.delete(found.through)
        self.metrics.folded.inc(found.added)
        self.metrics.rejected.inc(found.rejected)
        return found.read

    def _failed(self, error: Exception) -> None:
        self.metrics.failures.inc()
        about = {"error": str(error)} if isinstance(error, RegularsError | OSError) else {}
        LOG.error("events could not be put into the log", exc_info=None if about else error, extra={"about": about})
