"""What a running server stands on: the inbox, the keys, and the thread that puts events into the log."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Literal

from regulars import clock
from regulars.errors import ConfigError, RegularsError, UnavailableError
from regulars.events.inbox import FOLDER, Folded, Inbox, open_store
from regulars.events.inbox.apart import Folding, Place
from regulars.events.inbox.folding import AT_ONCE
from regulars.serve.arriving import Arriving
from regulars.serve.compiling import compile_all
from regulars.serve.keyring import Keyring
from regulars.serve.keys import Keys
from regulars.serve.limits import Limits
from regulars.serve.live import LiveShop
from regulars.serve.logs import LOG
from regulars.serve.metrics import Metrics
from regulars.serve.reads import Reads
from regulars.serve.repeated import Repeated
from regulars.serve.watched import Watched

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.serve.telemetry import Telemetry
    from regulars.shop import Shop

TICK_SECONDS = 0.5
PATIENCE_SECONDS = 1.0
DRAIN_SECONDS = 10.0
"""So long a server that stops waits for answers that are under way."""
WAITING_SECONDS = 10.0
"""After a fold that failed, so long until it is tried again."""

COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Where OpenTelemetry's is, in the environment."""
CHANGING = ("fold_seconds", "requests_per_key", "requests_per_address", "proxies", "reads_days")
"""Settings of `[serve]` that a running server goes by as soon as they change."""


class Serving:
    """The state of a server, that routes find in `request.app.state.serving`.

    Attributes
    ----------
    phase : starting until the inbox is open, then ready; draining once it stops.
    live : what decisions stand on; None while the server starts.
    arriving : takes events in.
    reads : who read of which customer.
    watched : the shop's settings, that may change.
    repeated : answers by the key under which they were asked for.
    under_way : requests that are not answered yet.
    on_failure : called if it cannot start.
    failure : why it could not.
    """

    def __init__(self, shop: Shop, settings: ServeSettings) -> None:
        self.shop, self.settings = shop, settings
        self.phase: Literal["starting", "ready", "draining"] = "starting"
        self.live: LiveShop | None = None
        self.arriving = Arriving(self._put, self._known)
        self.repeated = Repeated()
        self.under_way = 0
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.metrics = Metrics()
        self.telemetry = _telemetry()
        self.keyring = Keyring(Keys(shop.state))
        self.reads = Reads(shop.state)
        self.watched = Watched(shop)
        self.of_keys = Limits(settings.requests_per_key)
        self.of_addresses = Limits(settings.requests_per_address)
        self._inbox: Inbox | None = None
        self._is_over = Event()
        self._thread: Thread | None = None

    @property
    def inbox(self) -> Inbox:
        """Where events go; UnavailableError while the server starts or stops."""
        if self.phase != "ready" or self._inbox is None:
            raise UnavailableError(f"The server is {self.phase}. Send again.")
        return self._inbox

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the inbox, know what it holds, and begin to fold it; a failure is kept, and told to `on_failure`.

        Parameters
        ----------
        loop : of who answers.
        """
        try:
            settings, name = self.settings, ""
            compile_all()
            if settings.inbox:
                name = self.shop.state.secret("inbox")
            store = open_store(self.shop.folder / FOLDER, settings.inbox, name)
            inbox = self._inbox = Inbox(store, settings.inbox_events)
            inbox.delete(self.shop.log.snapshot().folded.get(store.identity, 0))
            self.live = LiveShop(self.shop, inbox, loop)
            place = self._place(name)
        except Exception as error:
            self.failure = error
            self.on_failure()
            return
        LOG.info(store.promise)
        self._thread = Thread(target=self._work, args=[inbox, place], name="folder", daemon=True)
        self._thread.start()
        self.phase = "ready"

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

    def _put(self, bodies: Sequence[bytes]) -> Future[int]:
        return self.inbox.put(bodies)

    async def _known(self, number: int) -> None:
        """Let what was acknowledged be known to whoever asks next. Where events come faster, the answer waits no longer
        than `PATIENCE_SECONDS`: they are on the disk."""
        if self.live is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.live.follower.reach(number), PATIENCE_SECONDS)

    def close(self) -> None:
        """Answer what is under way, write what was taken, fold once more, and let go of the inbox."""
        self.phase = "draining"
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.under_way and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.live is not None:
            self.live.close()
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
        if self._inbox is not None:
            self._inbox.close()
        if self.telemetry is not None:
            self.telemetry.close()
        LOG.info("stopped")

    def _work(self, inbox: Inbox, place: Place) -> None:
        """Fold when enough wait, or those that do have waited for long; read the keys anew."""
        folding = Folding(place)
        since: float | None = None
        before: tuple[int, float] | None = None
        lost = 0
        while not self._is_over.wait(TICK_SECONDS):
            if self.keyring.is_stale:
                with suppress(RegularsError):  # the database of keys is away: those that are known go on counting
                    self.keyring.refresh()
            self._look()
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
        self._look()
        folding.close()
        try:
            while inbox.count():  # nobody is answered any more
                self._told(inbox, place.fold(clock.now()))
        except Exception as error:  # what waits is on the disk: the next server folds it
            self._failed(error)

    def _look(self) -> None:
        """Go by settings that have changed, and write down who read of whom."""
        try:
            if self.watched.look():
                new = self.shop.config.serve
                self.settings = self.settings.model_copy(update={name: getattr(new, name) for name in CHANGING})
                self.of_keys.change(new.requests_per_key)
                self.of_addresses.change(new.requests_per_address)
                if self.live is not None:
                    self.live.renew()
            self.reads.flush(timedelta(days=self.settings.reads_days))
        except Exception as error:  # tried again
            LOG.error("what changes while a server runs could not be kept up", exc_info=error)

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


def _telemetry() -> Telemetry | None:
    if not os.environ.get(COLLECTOR):
        return None
    try:
        from regulars.serve.telemetry import Telemetry  # noqa: PLC0415  (few have its libraries)
    except ImportError as error:
        raise ConfigError(f"{COLLECTOR} is set, and {error.name} is missing: pip install 'regulars[otel]'") from None
    return Telemetry()
