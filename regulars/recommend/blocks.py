"""Work for many customers, some at a time: memory stays flat, and every core has something to do."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

BLOCK = 2_000
"""Customers whose candidates are in memory at once, on each core."""

Given = TypeVar("Given")
Made = TypeVar("Made")


def blocks(count: int) -> list[range]:
    """So many numbers, in blocks."""
    return [range(low, min(low + BLOCK, count)) for low in range(0, count, BLOCK)]


def in_threads(work: Callable[[Given], Made], given: Sequence[Given]) -> Iterator[Made]:
    """What work makes of each thing given, in that order.

    The first is made alone, for it makes what is kept for all. Then no more is begun than there are cores, and one
    more: what is made waits for whoever takes it.

    Examples
    --------
    >>> list(in_threads(sum, blocks(5_000)))
    [1999000, 5999000, 4499500]
    """
    if given:
        yield work(given[0])
    cores = os.cpu_count() or 1
    begun: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        try:
            for each in given[1:]:
                begun.append(pool.submit(work, each))
                if len(begun) > cores:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
