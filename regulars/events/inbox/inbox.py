"""Many callers, one sync: what came while the disk was busy is written by the next commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import islice
from threading import Condition, Thread
from typing import NamedTuple, TypeVar

from regulars.errors import OverLimitError, RegularsError, UnavailableError
from regulars.events.inbox.store import Entry, Store

Found = TypeVar("Found")

NEWEST = 4_000
"""So many of the last events stay in memory, for whoever follows them closely."""
AT_ONCE = 2_000
"""Events in one commit: above it a sync is a small part of the time, and callers would only wait longer."""
MOST_BYTES = 64 << 20
"""Of events that are in memory, not yet on the disk."""


class _Asked(NamedTuple):
    bodies: Sequence[bytes]
    size: int
    done: Future[int]


class Inbox:
    """Takes events from any thread, and is told when they are on the disk.

    Parameters
    ----------
    store : closed with the inbox.
    most : so many events may wait; more are refused.
    committed : told, by the thread that writes, up to which number all is on the disk, before it is acknowledged.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from regulars.events.inbox import open_store
    >>> inbox = Inbox(open_store(Path(tempfile.mkdtemp())))
    >>> inbox.put([b'{"type": "track"}', b'{"type": "page"}']).result()
    2
    >>> inbox.read(after=1)
    [Entry(sequence=2, body=b'{"type": "page"}')]
    >>> inbox.close()
    """

    def __init__(
        self, store: Store, most: int = 1_000_000, committed: Callable[[int], None] = lambda number: None
    ) -> None:
        self._store, self._most, self._committed = store, most, committed
        self._asked: deque[_Asked] = deque()
        self._tasks: deque[Callable[[], None]] = deque()
        self._newest: deque[Entry] = deque(maxlen=NEWEST)
        self._bytes = 0
        self._is_closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._write, name="inbox", daemon=True)
        self._thread.start()

    @property
    def identity(self) -> str:
        """Of the store."""
        return self._store.identity

    @property
    def promise(self) -> str:
        """What an acknowledgement is worth here, in a sentence."""
        return self._store.promise

    @property
    def lost(self) -> int:
        """Of the store."""
        return self._store.lost

    def put(self, bodies: Sequence[bytes]) -> Future[int]:
        """Keep calls, each as JSON: all of them or none; the number of the last, once they are on the disk.

        Raises
        ------
        OverLimitError
            At once, if too much is in memory already. By the future, if too many events wait.
        DiskFullError, UnavailableError
            By the future, as of `Store.append`; UnavailableError at once where the inbox is closed.
        """
        asked = _Asked(bodies, sum(map(len, bodies)), Future())
        asked.done.set_running_or_notify_cancel()  # who waits may go: what is written is told to nobody then
        with self._changed:
            if self._is_closed:
                raise UnavailableError("The inbox is closed: the server stops. Send again.")
            if self._bytes + asked.size > MOST_BYTES:
                raise OverLimitError("Events come faster than the disk takes them. Send again later.", 1)
            self._bytes += asked.size
            self._asked.append(asked)
            self._changed.notify()
        return asked.done

    def read(self, after: int, most: int = 10_000) -> list[Entry]:
        """See `Reader.read`."""
        return self._store.read(after, most)

    def newest(self, after: int) -> list[Entry]:
        """The events with numbers above one, in their order, as far as memory has all of them; without a look at the
        disk. Empty where it has not: `read` has them."""
        with self._changed:
            if not self._newest or not self._newest[0].sequence <= after + 1 <= self._newest[-1].sequence:
                return []
            return list(islice(self._newest, after + 1 - self._newest[0].sequence, None))

    def count(self) -> int:
        """How many events wait to be in the log."""
        return self._in_turn(self._store.count).result()

    def deleted(self) -> int:
        """Up to which number they are in the log, and gone from here."""
        return self._store.deleted()

    def delete(self, through: int) -> None:
        """See `Store.delete`; a part at a time, and what is put meanwhile is written between two."""
        while self._in_turn(lambda: self._store.delete(through)).result() < through:
            pass

    def scrub(self) -> None:
        """See `Store.scrub`; the last events are forgotten by memory, too."""
        self._in_turn(self._store.scrub).result()
        with self._changed:
            self._newest.clear()

    def close(self) -> None:
        """Write what was asked for, then let go of the store."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        self._store.close()

    def _in_turn(self, work: Callable[[], Found]) -> Future[Found]:
        """Let the writing thread do something, between two commits: only it may use the store's connection."""
        done: Future[Found] = Future()

        def task() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        with self._changed:
            if self._is_closed:
                raise UnavailableError("The inbox is closed: the server stops.")
            self._tasks.append(task)
            self._changed.notify()
        return done

    def _write(self) -> None:
        while True:
            with self._changed:
                while not (self._asked or self._tasks or self._is_closed):
                    self._changed.wait()
                if not (self._asked or self._tasks):
                    return
                group = self._group()
                tasks = [self._tasks.popleft() for _ in range(len(self._tasks))]
            if group:
                self._commit(group)
                with self._changed:
                    self._bytes -= sum(asked.size for asked in group)
            for task in tasks:
                task()

    def _group(self) -> list[_Asked]:
        group: list[_Asked] = []
        count = 0
        while self._asked and (not group or count + len(self._asked[0].bodies) <= AT_ONCE):
            group.append(self._asked.popleft())
            count += len(group[-1].bodies)
        return group

    def _commit(self, group: list[_Asked]) -> None:
        bodies = [body for asked in group for body in asked.bodies]
        try:
            if self._store.count() + len(bodies) > self._most:
                raise OverLimitError(
                    f"{self._most:,} events wait to be put into the log already. Send again later.", 30
                )
            numbers = self._store.append(bodies)
        except Exception as error:
            said = error if isinstance(error, RegularsError) else UnavailableError(f"The inbox failed: {error!r}")
            for asked in group:
                asked.done.set_exception(said)
            return
        self._remember(numbers, bodies)
        self._committed(numbers[-1])
        place = 0
        for asked in group:
            place += len(asked.bodies)
            asked.done.set_result(numbers[place - 1])

    def _remember(self, numbers: Sequence[int], bodies: Sequence[bytes]) -> None:
        with self._changed:
            # Where others write too (Redis) there are gaps, and what is between them memory does not have.
            if self._newest and numbers[0] != self._newest[-1].sequence + 1:
                self._newest.clear()
            if numbers[-1] - numbers[0] == len(numbers) - 1:
                self._newest.extend(map(Entry, numbers, bodies))
