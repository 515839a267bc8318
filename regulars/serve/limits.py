"""How often somebody may ask: a bucket of tokens each, filled at an even rate."""

from __future__ import annotations

import math
import time
from collections import OrderedDict

REMEMBERED = 10_000
"""So many buckets are kept, those used last: who was away for long has a full one anyway."""


class Limits:
    """A bucket for each name; it holds what comes in a second.

    Parameters
    ----------
    per_second : > 0.

    Examples
    --------
    >>> limits = Limits(2)
    >>> [limits.wait("ada"), limits.wait("ada"), limits.wait("ada"), limits.wait("bob")]
    [0, 0, 1, 0]
    """

    def __init__(self, per_second: float) -> None:
        self._rate, self._most = per_second, max(per_second, 1.0)
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def change(self, per_second: float) -> None:
        """Another rate from now on; what is in the buckets stays."""
        self._rate, self._most = per_second, max(per_second, 1.0)

    def wait(self, name: object) -> int:
        """Take a token: 0, or after how many whole seconds to try again if there is none."""
        now = time.monotonic()
        tokens, then = self._buckets.pop(name, (self._most, now))
        tokens = min(self._most, tokens + (now - then) * self._rate)
        is_there = tokens >= 1
        self._buckets[name] = (tokens - is_there, now)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return 0 if is_there else math.ceil((1 - tokens) / self._rate)
