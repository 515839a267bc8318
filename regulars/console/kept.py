"""What takes long: made in the background for a version of the log, kept, and shown until a newer one is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from regulars.shop import Shop

Made = TypeVar("Made")

PATIENCE_SECONDS = 0.4
"""So long a page waits for what is not there yet, before it shows an older one, or says that it comes."""
AT_ONCE = 2
"""Pieces of work. More would only take the cores from each other, and memory from the machine."""
RESTS = 20
"""What took a second is made anew after twenty at the earliest, so that a log which grows every minute does not keep
the machine busy with figures that hardly change."""


class NotYetError(Exception):
    """It is being worked out, since so many seconds: the page asks again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"being worked out, for {seconds:.0f} s")
        self.seconds = seconds


class _Of(NamedTuple):
    """What something was made of: its key, and the version of the log."""

    key: Hashable
    version: Hashable


class _Made(NamedTuple):
    of: _Of
    value: Any
    seconds: float
    at: float


class _Making(NamedTuple):
    of: _Of
    future: Future[Any]
    since: float


class Kept:
    """The newest of each name, in memory.

    Parameters
    ----------
    reading : hands out a shop to read by.
    patience : seconds; see `PATIENCE_SECONDS`.

    Examples
    --------
    >>> from contextlib import nullcontext
    >>> kept = Kept(nullcontext, patience=60)
    >>> kept.of("orders", 1, lambda shop: "made"), kept.of("orders", 1, lambda shop: "made again")
    ('made', 'made')
    """

    def __init__(self, reading: Callable[[], AbstractContextManager[Shop]], patience: float = PATIENCE_SECONDS) -> None:
        self.patience = patience
        self._reading = reading
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for _ in range(AT_ONCE):
            # Daemons: whoever stops the console does not wait until a million customers are counted.
            Thread(target=self._labour, name="kept", daemon=True).start()
        self._turn = Lock()
        self._made: dict[str, _Made] = {}
        self._making: dict[str, _Making] = {}

    def of(self, name: str, version: Hashable, make: Callable[[Shop], Made], *, key: Hashable = None) -> Made:
        """What was made under a name of this version of the log; an older one while a new one is being made.

        Whoever asks must not hold a shop that `make` needs: it is given one of its own.

        Parameters
        ----------
        key : what it depends on besides the log: of another one nothing older is shown.

        Raises
        ------
        NotYetError
            If there is none yet: it is being made, and asking again finds it.
        Exception
            What making it raised; who asks again has it tried again.
        """
        wanted = _Of(key, version)
        with self._turn:
            made, making = self._made.get(name), self._making.get(name)
            if made is not None and (made.of == wanted or (made.of.key == key and self._rests(made))):
                value: Made = made.value
                return value
            if making is None or making.of.key != key or (making.of != wanted and making.future.done()):
                making = self._making[name] = _Making(wanted, Future(), time.monotonic())
                self._work.put(partial(self._make, name, making, make))
        wait([making.future], self.patience)
        if making.future.done():
            with self._turn:
                if self._making.get(name) is making:
                    del self._making[name]
            found: Made = making.future.result()
            return found
        if made is not None and made.of.key == key:
            older: Made = made.value
            return older
        raise NotYetError(time.monotonic() - making.since)

    def forget(self) -> None:
        """Let go of all that was made: who is erased is in none of what comes after."""
        with self._turn:
            self._made.clear()

    def _rests(self, made: _Made) -> bool:
        is_long = made.seconds > self.patience
        return is_long and time.monotonic() - made.at < RESTS * made.seconds

    def _labour(self) -> None:
        while True:
            self._work.get()()

    def _make(self, name: str, making: _Making, make: Callable[[Shop], Any]) -> None:
        begun = time.monotonic()
        try:
            with self._reading() as shop:
                value = make(shop)
        except BaseException as error:  # told to whoever asks
            making.future.set_exception(error)
            return
        now = time.monotonic()
        with self._turn:
            self._made[name] = _Made(making.of, value, now - begun, now)
        making.future.set_result(value)
