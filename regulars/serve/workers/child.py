"""What a process of a server does: the writer, or a worker. It lives no longer than the supervisor does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop

from regulars import storage
from regulars.config import ServeSettings
from regulars.serve.app import answering
from regulars.serve.server import answer, prepare
from regulars.serve.workers.leader import Leader
from regulars.serve.workers.link import Link
from regulars.serve.workers.passing import Arrived
from regulars.serve.workers.processes import WRITER, name_of
from regulars.serve.workers.shared import Shared
from regulars.serve.workers.sockets import Sockets
from regulars.serve.workers.worker import Own, Worker
from regulars.shop import Shop


@dataclass(frozen=True)
class Order:
    """What a process is to do.

    Attributes
    ----------
    number : which process of the server it is.
    life : a handle that can be read from once the supervisor wants it to end, or has ended itself.
    is_first : whether none was there before it.
    """

    number: int
    folder: Path
    settings: ServeSettings
    shared: Shared
    life: int
    is_first: bool

    def serve(self, on_ready: Callable[[], None]) -> None:
        """Do it, until it is to end.

        Raises
        ------
        RegularsError
            Why it could not begin.
        """
        prepare(name_of(self.number))
        shop, sockets = Shop.open(self.folder), Sockets(self.folder)
        if self.number == WRITER:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who stops a service stops all of it, and this one goes last
            uvloop.run(self._lead(shop, sockets, on_ready))
        else:
            uvloop.run(self._work(shop, sockets, on_ready))

    async def _lead(self, shop: Shop, sockets: Sockets, on_ready: Callable[[], None]) -> None:
        leader = Leader(shop, self.settings, self.shared, sockets)
        leader.on_ready = on_ready
        storage.remove(sockets.requests)  # of a process that was killed
        made = Arrived(answering(leader), leader, self.shared)
        await answer(made, leader, self.settings, path=sockets.requests, signals=(), wait=self._wait)

    async def _work(self, shop: Shop, sockets: Sockets, on_ready: Callable[[], None]) -> None:
        link = Link(sockets.calls)
        worker = Worker(shop, self.settings, self.number, self.shared, link, is_first=self.is_first)
        worker.on_ready = on_ready
        if not self.is_first:  # others answer meanwhile
            await asyncio.to_thread(worker.open, asyncio.get_running_loop())
            if worker.failure is not None:
                raise worker.failure
        await answer(Own(worker, sockets), worker, self.settings, signals=(signal.SIGTERM,), wait=self._wait)

    def _wait(self) -> None:
        os.read(self.life, 1)
