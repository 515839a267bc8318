"""Starts the writer and the workers, puts others in the place of those that end, and ends all in turn."""

from __future__ import annotations

import gc
import logging
import os
import select
import selectors
import signal
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regulars import storage
from regulars.errors import ConfigError, RegularsError, UnavailableError
from regulars.serve import logs
from regulars.serve.logs import LOG
from regulars.serve.server import refuse_taken
from regulars.serve.workers.child import Order
from regulars.serve.workers.processes import WRITER, name_of
from regulars.serve.workers.shared import Shared
from regulars.serve.workers.sockets import FOLDER
from regulars.serve.workers.telling import mistaken, told

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop

WAIT_SECONDS = 10.0
"""So long a server that starts waits for the one before it to let go."""
AGAIN_SECONDS = 2.0
"""After which a process is started again that ended before it answered."""
DRAIN_SECONDS = 12.0
STOPPING_SECONDS = 25.0
"""From the signal on: what workers have under way may take the first, all of it the second."""
READY = b"ready"
MOST_SAID = 1 << 16
"""Bytes of what a process says of itself: one line."""
HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def supervise(shop: Shop, settings: ServeSettings) -> None:
    """Serve by a writer and `settings.workers` workers until SIGTERM or SIGINT.

    They are forked: so one that takes the place of another has all modules at once, and shares their memory. This
    process has no thread of its own, and no connection to a database, when it does that.

    Raises
    ------
    ConfigError
        Where the live state lies in Redis, or the system is not Linux.
    ShopError
        If another server listens at the address, or serves the shop.
    RegularsError
        Why a process could not start, before all have answered once; later its start is tried again.
    """
    if shop.config.realtime.state:
        raise ConfigError(
            "[serve] workers and [realtime] state: each worker would count every event in the same Redis. Leave state "
            "empty, so that each has the live state in its memory; or workers at 1."
        )
    folder = storage.make_folder(shop.folder / FOLDER)
    with storage.lock(folder / "lock", "serving", wait_seconds=WAIT_SECONDS):
        refuse_taken(settings.host, settings.port)
        shop.state.close()
        logs.begin("supervisor", together=False)
        _Supervisor(shop.folder, settings, _Signals()).run()


@dataclass(eq=False)
class _Child:
    """A process.

    Attributes
    ----------
    life : a handle; when it is closed, the process is to end.
    said : a handle of what it says of itself; it is at its end when the process has ended.
    has_answered : whether it was ready once.
    """

    number: int
    pid: int
    life: int
    said: int
    has_answered: bool = False


class _Supervisor:
    def __init__(self, folder: Path, settings: ServeSettings, signals: _Signals) -> None:
        self._folder, self._settings, self._signals = folder, settings, signals
        self._children: dict[int, _Child] = {}
        self._shared = Shared()
        self._due: list[tuple[float, int]] = []
        self._was_up = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(signals.heard, selectors.EVENT_READ)

    def run(self) -> None:
        """Until a signal says so."""
        gc.freeze()  # what is there stays, and stays shared
        try:
            for number in range(self._settings.workers + 1):
                self._start(number)
            while self._goes_on():
                pass
        finally:
            self._stop()
            self._selector.close()

    def _goes_on(self) -> bool:
        """Wait for news, and do what they ask for; False once all is to end."""
        wait = max(min(self._due)[0] - time.monotonic(), 0) if self._due else None
        for key, _ in self._selector.select(wait):
            if key.data is not None:
                self._hear(key.data)
            elif not self._signalled(os.read(self._signals.heard, 64)):
                return False
        now = time.monotonic()
        ripe = [number for moment, number in self._due if moment <= now]
        self._due = [(moment, number) for moment, number in self._due if moment > now]
        for number in ripe:
            self._start(number)
        return True

    def _signalled(self, numbers: bytes) -> bool:
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            return False
        for child in self._children.values():
            if child.has_answered:  # before, it would end by it
                os.kill(child.pid, signal.SIGHUP)
        return True

    def _hear(self, child: _Child) -> None:
        said = os.read(child.said, MOST_SAID)
        if not said:
            self._ended(child)
        for line in said.splitlines():
            if line == READY:
                child.has_answered = True
                answering = [each for each in self._children.values() if each.has_answered]
                self._was_up = self._was_up or len(answering) == self._settings.workers + 1
            elif not self._was_up:
                raise mistaken(line)
            else:
                about = {"about": name_of(child.number), "error": str(mistaken(line))}
                LOG.error("a process could not start", extra={"about": about})

    def _ended(self, child: _Child) -> None:
        code = self._let_go(child)
        about = {"about": name_of(child.number), "code": code}
        LOG.error("a process ended; another one takes its place", extra={"about": about})
        if child.has_answered:
            self._start(child.number)
        else:
            self._due.append((time.monotonic() + AGAIN_SECONDS, child.number))

    def _let_go(self, child: _Child) -> int:
        del self._children[child.number]
        self._selector.unregister(child.said)
        os.close(child.said)
        os.close(child.life)
        return os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])

    def _start(self, number: int) -> None:
        life, kept = os.pipe()
        heard, said = os.pipe()
        # What comes to a child before it has signals of its own would be told to us, and be lost to it.
        unheld = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        try:
            pid = os.fork()
            if pid == 0:
                os.close(kept)
                os.close(heard)
                order = Order(number, self._folder, self._settings, self._shared, life, not self._was_up)
                self._be(order, said, unheld)
        except OSError as error:  # no memory, or too many processes
            for handle in (kept, heard):
                os.close(handle)
            self._not_started(number, error)
            return
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, unheld)
            os.close(life)
            os.close(said)
        child = self._children[number] = _Child(number, pid, kept, heard)
        self._selector.register(heard, selectors.EVENT_READ, child)

    def _not_started(self, number: int, why: OSError) -> None:
        if not self._was_up:
            raise UnavailableError(f"The machine has no room for {name_of(number)}: {why}.") from None
        about = {"about": name_of(number), "error": str(why)}
        LOG.error("a process could not start", extra={"about": about})
        self._due.append((time.monotonic() + AGAIN_SECONDS, number))

    def _be(self, order: Order, said: int, unheld: set[int]) -> None:
        """Be a child, to its end."""
        code = 1
        try:
            os.setpgid(0, 0)  # Ctrl-C is for the supervisor, that ends all in turn
            self._signals.forget()
            signal.pthread_sigmask(signal.SIG_SETMASK, unheld)
            self._selector.close()
            for sibling in self._children.values():  # none may hold another's life: that one would outlive us
                os.close(sibling.life)
                os.close(sibling.said)
            order.serve(lambda: _say(said, READY))
            code = 0
        except RegularsError as error:
            _say(said, told(error))
        except BaseException:
            traceback.print_exc()
        finally:
            logging.shutdown()
            os._exit(code)

    def _stop(self) -> None:
        """The workers first, so that what they have taken is written; then the writer, that folds it."""
        began = time.monotonic()
        workers = [child for number, child in self._children.items() if number != WRITER]
        for child in workers:
            os.kill(child.pid, signal.SIGTERM)
        self._end(workers, began + DRAIN_SECONDS)
        if (writer := self._children.get(WRITER)) is not None:
            _say(writer.life, b"end")
            self._end([writer], began + STOPPING_SECONDS)
        LOG.info("stopped")

    def _end(self, some: Sequence[_Child], deadline: float) -> None:
        for child in some:
            while select.select([child.said], [], [], max(deadline - time.monotonic(), 0))[0]:
                if not os.read(child.said, MOST_SAID):  # its end; what it says before nobody asks for any more
                    break
            else:
                os.kill(child.pid, signal.SIGKILL)  # what was acknowledged is on the disk
            self._let_go(child)


class _Signals:
    """Signals as bytes, each its number, that can be read from a handle.

    Attributes
    ----------
    heard : the handle.
    """

    def __init__(self) -> None:
        self.heard, self._written = os.pipe()
        os.set_blocking(self._written, False)
        for number in HEARD:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._written)

    def forget(self) -> None:
        """Let them do what they do."""
        signal.set_wakeup_fd(-1)
        for number in HEARD:
            signal.signal(number, signal.SIG_DFL)
        os.close(self.heard)
        os.close(self._written)


def _say(handle: int, said: bytes) -> None:
    with suppress(BrokenPipeError):
        os.write(handle, said + b"\n")
