"""Decisions of a worker, on their way to the writer: it remembers them, and keeps them for the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from regulars.errors import RegularsError
from regulars.serve.live.decisions import Decisions, Who
from regulars.serve.logs import LOG
from regulars.serve.workers.link import Link

AGAIN_SECONDS = 1.0
MOST = 20_000
"""So many decisions wait for a writer that is away."""


class SentDecisions(Decisions):
    """The same to whoever decides. What the writer could not keep is sent again: its id says that it is the same."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._link = link

    def remember(self, name: str, who: Who, products: Sequence[str]) -> None:
        """Let the writer know."""
        self._link.note(name, who, products)

    def flush(self) -> None:
        """Send what was gathered."""
        some, self._gathered = self._gathered, []
        if not some:
            return
        try:
            self._link.put(some).add_done_callback(partial(self._told, some))
        except RegularsError:
            self._again(some)

    def _told(self, some: list[bytes], done: asyncio.Future[int]) -> None:
        if done.exception() is not None:
            self._again(some)

    def _again(self, some: list[bytes]) -> None:
        waiting = some + self._gathered
        self._gathered = waiting[-MOST:]
        if len(waiting) > MOST:
            LOG.error(f"{len(waiting) - MOST} decisions were not noted: the process that writes is away")
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.flush)
