"""What a process that reads files may take; each limit ends that process and nothing else."""

from __future__ import annotations

import resource

MEMORY_BYTES = 2 << 30
"""Pieces of any honest text or Parquet file take a tenth of it; a workbook may take most."""

SECONDS = 60
"""For one piece of a file (some MiB), or for opening one: honest ones take less than a second, the largest
workbooks half a minute. Of processor time in the process itself; who waits for it allows as much again."""

OPEN_FILES = 64

BYTES_AT_ONCE = 1 << 30
"""Of an answer: a longer one comes from a process that is no longer itself."""


def set_limits(memory_bytes: int) -> None:
    """Limit this process, for good: memory, open files; and it can write no file and leaves no core."""
    for kind, most in (
        # Not the address space: allocators and threads reserve far more of that than they use.
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))


def renew_seconds(seconds: int) -> None:
    """From now on this process may use so many more seconds of processor time, then it is ended.

    Who started it waits no longer than that either; but if that one is gone, nobody else ends it.
    """
    spent = resource.getrusage(resource.RUSAGE_SELF)
    until = int(spent.ru_utime + spent.ru_stime) + seconds + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (until if hard == resource.RLIM_INFINITY else min(until, hard), hard))
