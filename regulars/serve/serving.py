"""What every process that answers requests stands on: settings, keys, limits, counts, and the shop in memory."""

from __future__ import annotations

import asyncio
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Literal

from regulars.errors import ConfigError, RegularsError, UnavailableError
from regulars.serve.arriving import Arriving
from regulars.serve.keyring import Keyring
from regulars.serve.keys import Keys
from regulars.serve.limits import Limits
from regulars.serve.live import LiveLists
from regulars.serve.logs import LOG
from regulars.serve.metrics import Answers
from regulars.serve.watched import Watched

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.serve.telemetry import Telemetry
    from regulars.shop import Shop

PATIENCE_SECONDS = 1.0
DRAIN_SECONDS = 10.0
"""So long a server that stops waits for answers that are under way."""

COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Where OpenTelemetry's is, in the environment."""
CHANGING = ("fold_seconds", "requests_per_key", "requests_per_address", "proxies", "reads_days")
"""Settings of `[serve]` that a running server goes by as soon as they change."""


class Serving(ABC):
    """The state of a process that answers, that routes find in `request.app.state.serving`.

    Attributes
    ----------
    phase : starting until all is known that was acknowledged before, then ready; draining once it stops.
    live : what decisions stand on; None while it starts.
    arriving : takes events in.
    watched : the shop's settings, that may change.
    under_way : requests that are not answered yet.
    stopping : set once this process is told to stop.
    on_ready, on_failure : called once it answers, or if it cannot start.
    failure : why it could not.
    """

    def __init__(self, shop: Shop, settings: ServeSettings, metrics: Answers) -> None:
        self.shop, self.settings = shop, settings
        self.phase: Literal["starting", "ready", "draining"] = "starting"
        self.live: LiveLists | None = None
        self.arriving = Arriving(self.put, self.reach)
        self.under_way = 0
        self.stopping = Event()
        self.failure: Exception | None = None
        self.on_ready: Callable[[], None] = lambda: None
        self.on_failure: Callable[[], None] = lambda: None
        self.metrics = metrics
        self.telemetry = _telemetry()
        self.keyring = Keyring(Keys(shop.state))
        self.watched = Watched(shop)
        self.of_keys = Limits(settings.requests_per_key)
        self.of_addresses = Limits(settings.requests_per_address)

    @abstractmethod
    def put(self, bodies: Sequence[bytes]) -> Future[int] | asyncio.Future[int]:
        """Keep calls; the number of the last, once they are on the disk: see `Inbox.put`."""

    @abstractmethod
    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Know all that is to be known before anybody is answered; not in the thread of the loop."""

    @abstractmethod
    def end(self) -> None:
        """Let go of all; nobody asks any more."""

    def require_ready(self) -> None:
        """UnavailableError while this process starts or stops."""
        if self.phase != "ready":
            raise UnavailableError(f"The server is {self.phase}. Send again.")

    def require_all(self) -> None:
        """The same of all processes that serve the shop here."""
        self.require_ready()

    def measured(self) -> bytes:
        """What all processes that serve the shop here have counted, as Prometheus reads it."""
        return self.metrics.text()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin, and be ready; a failure is kept, and told to `on_failure`.

        Parameters
        ----------
        loop : of who answers.
        """
        try:
            self.begin(loop)
        except Exception as error:
            self.failure = error
            self.on_failure()
        else:
            self.phase = "ready"
            self.on_ready()

    def close(self) -> None:
        """Answer what is under way, then let go of all."""
        self.phase = "draining"
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.under_way and time.monotonic() < deadline:
            time.sleep(0.01)
        self.end()
        if self.telemetry is not None:
            self.telemetry.close()
        LOG.info("stopped")

    def look(self) -> None:
        """Go by keys and settings that have changed."""
        try:
            if self.keyring.is_stale:
                with suppress(RegularsError):  # the database of keys is away: those that are known go on counting
                    self.keyring.refresh()
            if self.watched.look():
                new = self.shop.config.serve
                self.settings = self.settings.model_copy(update={name: getattr(new, name) for name in CHANGING})
                self.of_keys.change(new.requests_per_key)
                self.of_addresses.change(new.requests_per_address)
                if self.live is not None:
                    self.live.renew()
        except Exception as error:  # tried again
            LOG.error("what changes while a server runs could not be kept up", exc_info=error)

    async def reach(self, number: int) -> None:
        """Let all calls up to a number be known to whoever asks next. Where events come faster, an answer waits no
        longer than `PATIENCE_SECONDS`, and not for an inbox that does not answer: they are where they are kept."""
        if self.live is not None and self.live.follower.number < number:
            with suppress(TimeoutError, UnavailableError):
                await asyncio.wait_for(self.live.follower.reach(number), PATIENCE_SECONDS)


def _telemetry() -> Telemetry | None:
    if not os.environ.get(COLLECTOR):
        return None
    try:
        from regulars.serve.telemetry import Telemetry  # noqa: PLC0415  (few have its libraries)
    except ImportError as error:
        raise ConfigError(f"{COLLECTOR} is set, and {error.name} is missing: pip install 'regulars[otel]'") from None
    return Telemetry()
