"""Reading all of a log in a process of its own, while requests are answered."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from regulars.errors import RegularsError, UnavailableError

if TYPE_CHECKING:
    from regulars.shop import Shop

Found = TypeVar("Found")
NICE = 10
"""It gets what nobody else wants of the cores: what it reads is needed within the hour."""
ALONE = Lock()
"""One such process at a time: each has the memory that its reading takes."""


class LogReader(Generic[Found]):
    """Reads something of a shop: the first time here, for then a process would be longer on its way than it saves;
    later in a process of its own, for what reads a whole log keeps those waiting who are answered meanwhile.

    Parameters
    ----------
    read : what can be sent to another process (a function of a module, or `partial` of one), and so can what it gives.
    turn : of the shop's engine; held here alone.
    """

    def __init__(self, shop: Shop, read: Callable[[Shop], Found], turn: AbstractContextManager[object]) -> None:
        self._shop, self._read, self._turn = shop, read, turn
        self._was_read = False

    def __call__(self) -> Found:
        """What is read.

        Raises
        ------
        RegularsError
            As `read` does.
        UnavailableError
            If the process ended before it had read.
        """
        if self._was_read:
            with ALONE:
                return read_apart(self._shop.folder, self._read)
        with self._turn:
            found = self._read(self._shop)
        self._was_read = True
        return found


def read_apart(folder: Path, read: Callable[[Shop], Found]) -> Found:
    """See `LogReader`; of the shop in a folder."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(there, folder.absolute(), read), name="reading", daemon=True)
    process.start()
    there.close()
    try:
        found = here.recv()
    except EOFError:
        process.join()
        raise UnavailableError(f"The process that reads the log ended ({process.exitcode}).") from None
    process.join()
    if isinstance(found, RegularsError):
        raise found
    return cast(Found, found)


def _read(answer: Connection, folder: Path, read: Callable[[Shop], Any]) -> None:
    # Who stops a service stops all of it: who asked waits for this, or is gone, and then nobody takes the answer.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    os.nice(NICE)
    from regulars import Shop  # noqa: PLC0415 (a function that was sent has it already)

    try:
        found = read(Shop.open(folder))
    except RegularsError as error:
        found = error
    with suppress(BrokenPipeError):
        answer.send(found)
