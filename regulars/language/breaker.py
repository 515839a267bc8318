"""After several failures in a row an endpoint is left alone for a while, so that nobody waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from regulars.language.errors import NotSentError


class Breaker:
    """Whether an endpoint is asked. Threads share one.

    Parameters
    ----------
    failures : so many in a row, and it is left alone.
    rest_seconds : for so long; then one call tries, and the others wait for what comes of it.
    seconds : a clock that never goes back.

    Examples
    --------
    >>> clock = [0.0]
    >>> breaker = Breaker(failures=2, rest_seconds=30, seconds=lambda: clock[0])
    >>> for _ in range(2):
    ...     breaker.enter(); breaker.leave(failed=True)
    >>> breaker.enter()
    Traceback (most recent call last):
    regulars.language.errors.NotSentError: The language model failed 2 times in a row; it is asked again in 30 s.
    >>> clock[0] = 30.0
    >>> breaker.enter(); breaker.leave(failed=False); breaker.enter()
    """

    def __init__(
        self, failures: int = 5, rest_seconds: float = 30.0, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._rest, self._seconds = failures, rest_seconds, seconds
        self._lock = threading.Lock()
        self._failed, self._open_until, self._is_trying = 0, 0.0, False

    def enter(self) -> None:
        """Before a call; NotSentError if the endpoint is being left alone."""
        with self._lock:
            if self._failed < self._most:
                return
            left = self._open_until - self._seconds()
            if left > 0 or self._is_trying:
                when = f"it is asked again in {max(left, 1):.0f} s" if left > 0 else "one call is trying it now"
                raise NotSentError(f"The language model failed {self._failed} times in a row; {when}.")
            self._is_trying = True

    def leave(self, *, failed: bool) -> None:
        """After a call."""
        with self._lock:
            self._is_trying = False
            self._failed = self._failed + 1 if failed else 0
            if failed:
                self._open_until = self._seconds() + self._rest
