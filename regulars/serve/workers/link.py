"""A worker's end of the link to the writer: calls to be kept, decisions to be remembered, counts to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import orjson

from regulars.errors import OverLimitError, UnavailableError
from regulars.events.inbox.inbox import MOST_BYTES
from regulars.serve.live.decisions import Who
from regulars.serve.workers.frames import Frames, Kind
from regulars.serve.workers.telling import mistaken

AGAIN_SECONDS = 0.1
"""So often a writer is looked for that is away."""
AWAY = "The process that writes is started again. Send again."


class Link:
    """The link; it is made again whenever the writer is.

    Parameters
    ----------
    path : of `Sockets.calls`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end: Frames | None = None
        self._numbers = count(1)
        self._waiting: dict[int, tuple[asyncio.Future[int], int]] = {}
        self._bytes = 0

    @property
    def is_up(self) -> bool:
        """Whether the writer hears."""
        return self._end is not None

    async def keep_up(self) -> None:
        """Make the link, and make it again; until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if self._end is None:
                with suppress(OSError):
                    made = lambda: Frames(self._taken, self._lost)  # noqa: E731
                    _, self._end = await loop.create_unix_connection(made, str(self._path))
            await asyncio.sleep(AGAIN_SECONDS)

    def put(self, bodies: Sequence[bytes]) -> asyncio.Future[int]:
        """Let the writer keep calls; see `Inbox.put`. Whether those were kept that it did not answer is not known.

        Raises
        ------
        UnavailableError
            If the writer is away.
        OverLimitError
            If too much waits for it already.
        """
        if self._end is None:
            raise UnavailableError(AWAY)
        body = b"\n".join(bodies)  # JSON has no line break in a line
        if self._bytes + len(body) > MOST_BYTES:
            raise OverLimitError("Events come faster than the disk takes them. Send again later.", 1)
        self._bytes += len(body)
        number = next(self._numbers)
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[number] = done, len(body)
        self._end.send(Kind.PUT, number, body)
        return done

    def note(self, name: str, who: Who, products: Sequence[str]) -> None:
        """Let the writer know whom a decision is about, for what comes of it. It is told before the decision is."""
        if self._end is not None:
            self._end.send(Kind.NOTE, 0, orjson.dumps([name, *who, products]))

    def report(self, worker: int, counted: bytes) -> None:
        """Tell what this worker has counted."""
        if self._end is not None:
            self._end.send(Kind.REPORT, worker, counted)

    def close(self) -> None:
        """Send what waits, then part."""
        if self._end is not None:
            self._end.close()

    def _taken(self, _: Frames, kind: Kind, number: int, body: bytes) -> None:
        done, size = self._waiting.pop(number)
        self._bytes -= size
        if done.done():  # who asked has gone
            return
        if kind is Kind.DONE:
            done.set_result(int(body))
        else:
            done.set_exception(mistaken(body))

    def _lost(self, _: Frames) -> None:
        self._end = None
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        for done, _size in waiting.values():
            if not done.done():
                done.set_exception(UnavailableError(AWAY))
