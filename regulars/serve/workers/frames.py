"""What goes over the link between a worker and the writer: a kind, a number by which answers are told, and bytes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import cast

HEAD = struct.Struct("!BQI")


class Kind(IntEnum):
    """What a frame says.

    PUT, DONE, FAILED : calls, a line each, are to be kept; the number of the last, on the disk; or why not.
    NOTE : of a decision, its id, whom it is about, and its products.
    REPORT : what a worker has counted; the first says that it answers.
    """

    PUT = 1
    DONE = 2
    FAILED = 3
    NOTE = 4
    REPORT = 5


class Frames(asyncio.Protocol):
    """One end of a link. All is done in the thread of the event loop, and in the order in which it came.

    Parameters
    ----------
    taken : given the end, and kind, number and body of each frame.
    lost : told that the other end is away.
    """

    def __init__(self, taken: Callable[[Frames, Kind, int, bytes], None], lost: Callable[[Frames], None]) -> None:
        self._taken, self._lost = taken, lost
        self._came = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._came += data
        start = 0
        while len(self._came) - start >= HEAD.size:
            kind, number, length = HEAD.unpack_from(self._came, start)
            end = start + HEAD.size + length
            if len(self._came) < end:
                break
            self._taken(self, Kind(kind), number, bytes(self._came[start + HEAD.size : end]))
            start = end
        del self._came[:start]

    def send(self, kind: Kind, number: int, body: bytes) -> None:
        """Send a frame; where nobody is at the other end, nothing."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines([HEAD.pack(kind, number, len(body)), body])

    def close(self) -> None:
        """Send what waits, then part."""
        if self._transport is not None:
            self._transport.close()
