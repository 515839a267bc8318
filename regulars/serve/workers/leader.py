"""The process that writes, where there are workers: it keeps what they send, and answers what they pass on."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

import orjson

from regulars import storage
from regulars.errors import RegularsError, UnavailableError
from regulars.serve.live.decisions import Who
from regulars.serve.workers.counts import together
from regulars.serve.workers.following import follow
from regulars.serve.workers.frames import Frames, Kind
from regulars.serve.workers.processes import WRITER, name_of
from regulars.serve.workers.shared import Shared
from regulars.serve.workers.sockets import MODE, Sockets
from regulars.serve.workers.telling import told
from regulars.serve.writer import Writer

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop


class Leader(Writer):
    """The same as a server by itself, asked over sockets."""

    def __init__(self, shop: Shop, settings: ServeSettings, shared: Shared, sockets: Sockets) -> None:
        super().__init__(shop, settings)
        self.of_keys = shared.limits(0, settings.requests_per_key)
        self.of_addresses = shared.limits(1, settings.requests_per_address)
        self._shared, self._sockets = shared, sockets
        self._reports: dict[Frames, tuple[int, bytes]] = {}
        self._tasks: Sequence[Future[None]] = ()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """The same, and hear the workers."""
        super().begin(loop)
        if self.live is not None:
            if not self.live.follower.was_kept:  # workers begin by it: none has to read a log that grows meanwhile
                asyncio.run_coroutine_threadsafe(self.live.follower.keep(), loop).result()
            self._shared.commit(self.live.follower.number)
            self._tasks = [
                asyncio.run_coroutine_threadsafe(task, loop)
                for task in (follow(self.live.follower, self._shared), self._listen())
            ]

    def committed(self, number: int) -> None:
        """All processes may know."""
        self._shared.commit(number)

    def end(self) -> None:
        """The same, and hear no worker any more."""
        for task in self._tasks:
            task.cancel()
        super().end()

    def require_all(self) -> None:
        """UnavailableError unless every worker answers too."""
        super().require_all()
        if len(self._reports) < self.settings.workers:
            raise UnavailableError(f"{len(self._reports)} of {self.settings.workers} workers answer. Ask again.")

    def measured(self) -> bytes:
        """What each process has counted."""
        pages = [(WRITER, self.metrics.text()), *self._reports.values()]
        return together({name_of(number): page for number, page in pages})

    async def _listen(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        try:
            storage.remove(self._sockets.calls)  # of a process that was killed
            os.fchmod(listener.fileno(), MODE)  # before it has a name
            listener.bind(str(self._sockets.calls))
        except OSError:
            listener.close()
            raise
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: Frames(self._taken, self._lost), sock=listener
        )
        async with server:
            await server.serve_forever()

    def _taken(self, end: Frames, kind: Kind, number: int, body: bytes) -> None:
        if kind is Kind.PUT:
            self._keep(end, number, body.split(b"\n"))
        elif kind is Kind.NOTE and self.live is not None:
            name, customer, visitor, products = orjson.loads(body)
            self.live.decisions.remember(name, Who(customer, visitor), products)
        elif kind is Kind.REPORT:
            self._reports[end] = number, body

    def _lost(self, end: Frames) -> None:
        self._reports.pop(end, None)

    def _keep(self, end: Frames, number: int, calls: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()

        def answer(done: Future[int]) -> None:
            error = done.exception()
            if error is None:
                end.send(Kind.DONE, number, b"%d" % done.result())
            else:
                said = error if isinstance(error, RegularsError) else UnavailableError(f"The inbox failed: {error!r}")
                end.send(Kind.FAILED, number, told(said))

        try:
            self.inbox.put(calls).add_done_callback(lambda done: loop.call_soon_threadsafe(answer, done))
        except RegularsError as error:
            end.send(Kind.FAILED, number, told(error))
