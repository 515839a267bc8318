"""Which process of a server is which."""

from __future__ import annotations

WRITER = 0
"""The number of the process that writes; those of workers are above."""


def name_of(number: int) -> str:
    """As the log and the counts name a process.

    >>> name_of(0), name_of(1)
    ('writer', 'worker 1')
    """
    return "writer" if number == WRITER else f"worker {number}"
