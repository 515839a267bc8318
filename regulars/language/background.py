"""One thread in the background that waits for servers, so that a wait can be broken off at any point.

A socket that sends one byte now and then outlives every time-out of a single read. Here the whole wait has one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_process = 0


def loop() -> asyncio.AbstractEventLoop:
    """The event loop of that thread, begun when first asked for; a process that was forked begins its own."""
    global _loop, _process
    with _lock:
        if _loop is None or _process != os.getpid():
            _loop, _process = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="regulars language", daemon=True).start()
        return _loop


def wait(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """What comes of some work; TimeoutError if that takes longer, and the work is broken off.

    >>> wait(asyncio.sleep(0, "done"), seconds=5)
    'done'
    """
    under_way = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), loop())
    try:
        return under_way.result()
    finally:
        # Ctrl-C reaches this thread, not that one.
        under_way.cancel()
