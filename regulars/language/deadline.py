"""Until when all that is done for one question must be done, whoever waits for what in it.

Each wait has a limit of its own. One after the other they would add up: who is to be answered in twenty seconds would
wait so long for a model, and as long for the shop's system.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_end: ContextVar[float | None] = ContextVar("end", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done inside has so many seconds in all; less, if it stands inside another that has less left."""
    before, end = _end.get(), time.monotonic() + seconds
    token = _end.set(end if before is None else min(before, end))
    try:
        yield
    finally:
        _end.reset(token)


def left(seconds: float) -> float:
    """How long may be waited for something that may take so many seconds by itself; 0 where no time is left.

    >>> with within(60):
    ...     left(5), left(600) <= 60
    (5, True)
    >>> left(600)
    600
    """
    end = _end.get()
    return seconds if end is None else min(seconds, max(end - time.monotonic(), 0.0))
