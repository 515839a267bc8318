"""Who reads the shop: several at once, each with turns of the engine for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regulars.shop import Shop

AT_ONCE = 8
"""Those who come when so many read wait until one is done."""
CLOSING_SECONDS = 5.0
"""So long those who read have to end, once they are told to."""


class Readers:
    """The shop, as often as something reads it at the same time.

    Parameters
    ----------
    shop : whose settings all have, as they are when one begins to read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from regulars import Shop
    >>> readers = Readers(Shop.create(Path(tempfile.mkdtemp()) / "shop"))
    >>> with readers.one() as shop, readers.one() as same:
    ...     shop is same
    True
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        # The one that was given back last is handed out first: it knows the log.
        self._free: LifoQueue[Shop | None] = LifoQueue()
        for _ in range(AT_ONCE):
            self._free.put(None)
        self._held = threading.local()
        self._all: list[Shop] = []

    @property
    def held(self) -> Shop | None:
        """The one that this thread reads by; None if it reads nothing."""
        return getattr(self._held, "shop", None)

    @contextmanager
    def one(self) -> Iterator[Shop]:
        """One for this thread, for as long as it reads; the same again within."""
        if self.held is not None:
            yield self.held
            return
        shop = self._free.get() or self._another()
        shop.config = self._shop.config
        self._held.shop = shop
        try:
            yield shop
        finally:
            self._held.shop = None
            self._free.put(shop)

    def close(self) -> None:
        """Let nobody read any more, and stop what is being read: a process that ends while the engine works aborts."""
        deadline, left = time.monotonic() + CLOSING_SECONDS, AT_ONCE
        while left and time.monotonic() < deadline:
            try:
                self._free.get(timeout=0.05)
                left -= 1
            except Empty:
                for shop in self._all:
                    shop.engine.interrupt()

    def _another(self) -> Shop:
        shop = self._shop.beside()
        self._all.append(shop)
        return shop
