"""A worker: it answers with lists by its own live state, takes events in, and passes on all else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Event, Thread
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from regulars.errors import UnavailableError
from regulars.events.inbox import FOLDER, Entry, Reader, open_reader
from regulars.serve.app import answering
from regulars.serve.compiling import compile_all
from regulars.serve.direct import DirectRoute
from regulars.serve.live import LiveLists
from regulars.serve.metrics import Answers
from regulars.serve.routes import ingest, operation, recommend
from regulars.serve.serving import Serving
from regulars.serve.workers.decisions import SentDecisions
from regulars.serve.workers.following import follow
from regulars.serve.workers.link import AGAIN_SECONDS, Link
from regulars.serve.workers.passing import Passing
from regulars.serve.workers.shared import Shared
from regulars.serve.workers.sockets import Sockets

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop

TICK_SECONDS = 0.5
REPORT_SECONDS = 1.0
HEALTH = "/health"


class Worker(Serving):
    """The state of a worker.

    Parameters
    ----------
    number : from 1.
    is_first : whether none was there before it: then it waits for the writer, which makes what there is not yet.
    """

    def __init__(
        self, shop: Shop, settings: ServeSettings, number: int, shared: Shared, link: Link, *, is_first: bool
    ) -> None:
        super().__init__(shop, settings, Answers())
        self.of_keys = shared.limits(0, settings.requests_per_key)
        self.of_addresses = shared.limits(1, settings.requests_per_address)
        self.shared = shared
        self._number, self._link, self._is_first = number, link, is_first
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader: Reader | None = None
        self._is_over = Event()
        self._thread = Thread(target=self._look, name="settings", daemon=True)
        self._tasks: list[Future[None]] = []

    def put(self, bodies: Sequence[bytes]) -> asyncio.Future[int]:
        """Let the writer keep calls."""
        self.require_ready()
        return self._link.put(bodies)

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Know what the inbox holds, and follow it."""
        self._loop = loop
        self._tasks.append(asyncio.run_coroutine_threadsafe(self._link.keep_up(), loop))
        compile_all()
        while self._is_first and not self._link.is_up:
            if self.stopping.wait(AGAIN_SECONDS):
                raise UnavailableError("The server stops.")
        name = self.shop.state.secret("inbox") if self.settings.inbox else ""
        self._reader = open_reader(self.shop.folder / FOLDER, self.settings.inbox, name)
        live = LiveLists(self.shop, _Read(self._reader), loop, SentDecisions(self._link), keeps=False)
        live.begin()
        self.live = live
        for task in (follow(live.follower, self.shared), self._report()):
            self._tasks.append(asyncio.run_coroutine_threadsafe(task, loop))
        self._thread.start()

    def end(self) -> None:
        """Send what was decided, and let go of all."""
        self._is_over.set()
        for task in self._tasks:
            task.cancel()
        if self.live is not None:
            self._thread.join()
            self.live.close()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._link.close)
        if self._reader is not None:
            self._reader.close()

    def _look(self) -> None:
        while not self._is_over.wait(TICK_SECONDS):
            self.look()

    async def _report(self) -> None:
        while self.phase != "ready":
            await asyncio.sleep(AGAIN_SECONDS)
        while True:
            self._link.report(self._number, self.metrics.text())
            await asyncio.sleep(REPORT_SECONDS)


class Own:
    """The application of a worker: its own routes, and the writer's.

    A list for who brings an Idempotency-Key is the writer's too: it alone knows all keys.
    """

    def __init__(self, serving: Worker, sockets: Sockets) -> None:
        self._serving = serving
        made = answering(serving, [ingest.routes, recommend.routes, operation.routes])
        self._app: ASGIApp = made
        self._lists = {route.path for route in recommend.routes.routes if isinstance(route, DirectRoute)}
        self._others = {route.path for route in ingest.routes.routes if isinstance(route, DirectRoute)} | {HEALTH}
        self._passing = Passing(sockets.requests, serving)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in self._others:
            await self._app(scope, receive, send)
        elif scope["path"] in self._lists and not any(name == b"idempotency-key" for name, _ in scope["headers"]):
            await self._serving.reach(self._serving.shared.committed)
            await self._app(scope, receive, send)
        else:
            await self._passing(scope, receive, send)


class _Read:
    """The inbox as a worker follows it: on the disk alone."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.identity = reader.identity

    def read(self, after: int, most: int = 10_000) -> list[Entry]:
        """See `Reader.read`."""
        return self._reader.read(after, most)

    def newest(self, after: int) -> list[Entry]:
        """None: `read` has them."""
        return []
