"""Memory that all processes of a server share: up to where the inbox is on the disk, and how often each has asked."""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from regulars.errors import ConfigError
from regulars.serve.limits import Limits

NUMBER = 8
"""Bytes of the number."""
BUCKET = struct.Struct("=Qdd")
"""A name's hash, its tokens, and when they were counted."""
BUCKETS = 1 << 14
"""Of each table; those used last stay."""
PROBED = 8
"""Places where a name may be."""
TABLES = 2
TABLE_BYTES = (BUCKETS + PROBED) * BUCKET.size
SIZE = NUMBER + TABLES * TABLE_BYTES


class Shared:
    """The memory: of the process that makes it, and of those that it forks.

    Raises
    ------
    ConfigError
        Where the system has no such memory.

    Examples
    --------
    >>> shared = Shared()
    >>> shared.commit(7)
    >>> shared.committed
    7
    >>> ours, theirs = shared.limits(0, per_second=2), shared.limits(0, per_second=2)
    >>> [ours.wait("ada"), theirs.wait("ada"), ours.wait("ada"), theirs.wait("bob")]
    [0, 0, 1, 0]
    """

    def __init__(self) -> None:
        if not hasattr(os, "memfd_create"):
            raise ConfigError("[serve] workers: more than one needs Linux. Leave it at 1 on this system.")
        self._handle = os.memfd_create("regulars")  # a lock of the kernel's is of a file
        os.ftruncate(self._handle, SIZE)
        self.memory = mmap.mmap(self._handle, SIZE)
        # Written as one word: `struct` clears the bytes first, and whoever reads meanwhile would find 0.
        self._committed = memoryview(self.memory)[:NUMBER].cast("Q")

    @property
    def committed(self) -> int:
        """Up to which number all calls are on the disk; written before any of them is acknowledged."""
        return self._committed[0]

    def commit(self, number: int) -> None:
        """Say so."""
        self._committed[0] = number

    def limits(self, table: int, per_second: float) -> Limits:
        """Limits that count over all processes; those with the same table are the same."""
        return _Together(self, NUMBER + table * TABLE_BYTES, per_second)

    @contextmanager
    def held(self, place: int) -> Iterator[None]:
        """Nobody else changes what begins at a place; the kernel lets go of it with the process."""
        fcntl.lockf(self._handle, fcntl.LOCK_EX, 1, place)
        try:
            yield
        finally:
            fcntl.lockf(self._handle, fcntl.LOCK_UN, 1, place)


class _Together(Limits):
    """A table of buckets: a name has one of the places after that of its hash; who comes new takes the oldest."""

    def __init__(self, shared: Shared, start: int, per_second: float) -> None:
        super().__init__(per_second)
        self._shared, self._start = shared, start

    def wait(self, name: object) -> int:
        asked = int.from_bytes(blake2b(repr(name).encode(), digest_size=8).digest()) or 1
        first = self._start + asked % BUCKETS * BUCKET.size
        memory = self._shared.memory
        with self._shared.held(self._start):
            now = time.monotonic()
            places = [first + step * BUCKET.size for step in range(PROBED)]
            found = [(*BUCKET.unpack_from(memory, place), place) for place in places]
            known = next((each for each in found if each[0] == asked), None)
            _, tokens, then, place = known or min(found, key=lambda each: each[2])
            if known is None:
                tokens, then = self._most, now
            tokens = min(self._most, tokens + (now - then) * self._rate)
            is_there = tokens >= 1
            BUCKET.pack_into(memory, place, asked, tokens - is_there, now)
        return 0 if is_there else math.ceil((1 - tokens) / self._rate)
