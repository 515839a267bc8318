"""Calls on their way into the inbox: those that come in the same moment go in together, and are known together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

Put = Callable[[Sequence[bytes]], "Future[int] | asyncio.Future[int]"]


class _Moment(NamedTuple):
    bodies: list[bytes]
    waiting: list[asyncio.Future[None]]


class Arriving:
    """One hand-over to the thread that writes, and one word back from it, for all requests of a turn of the event loop.

    Each such hop between threads costs more than reading a call does.

    Parameters
    ----------
    put : as of `Inbox.put`.
    known : waits until all up to a number is known to whoever asks next.
    """

    def __init__(self, put: Put, known: Callable[[int], Awaitable[None]]) -> None:
        self._put, self._known = put, known
        self._moment: _Moment | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def put(self, bodies: Sequence[bytes]) -> None:
        """Let calls be kept and known.

        Raises
        ------
        RegularsError
            As of `Inbox.put`; then none of them is acknowledged, nor any that came in the same moment.
        """
        loop = asyncio.get_running_loop()
        if self._moment is None:
            self._moment = _Moment([], [])
            task = loop.create_task(self._keep(self._moment))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        done: asyncio.Future[None] = loop.create_future()  # its own: one who hangs up takes nothing from the others
        self._moment.bodies.extend(bodies)
        self._moment.waiting.append(done)
        await done

    async def _keep(self, moment: _Moment) -> None:
        self._moment = None  # a task begins in the next turn: until then it was open
        try:
            await self._known(await asyncio.wrap_future(self._put(moment.bodies)))
        except Exception as error:
            for done in moment.waiting:
                if not done.done():
                    done.set_exception(error)
        else:
            for done in moment.waiting:
                if not done.done():
                    done.set_result(None)
