"""Calls of an endpoint: none while it is left alone or over a day's caps, tried again where it was down, and paid."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from regulars.language.breaker import Breaker
from regulars.language.errors import DownError, LanguageError
from regulars.language.spending import Spending

T = TypeVar("T")


@dataclass
class Bill:
    """What a call costs, in tokens: at first as much as it may, in the end what it did."""

    tokens_in: int
    tokens_out: int


@dataclass
class Calls:
    """Of one endpoint. Threads may share one.

    Attributes
    ----------
    spending : counts what they cost; None for what costs nothing.
    sleep : waits between two tries.
    """

    spending: Spending | None = None
    breaker: Breaker = field(default_factory=Breaker)
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def one(self, bill: Bill) -> Iterator[None]:
        """One call, made inside; what stands on the bill after it is what it cost.

        Raises
        ------
        NotSentError
            If the endpoint is being left alone, or the call may pass a cap.
        """
        self.breaker.enter()
        try:
            held = self.spending.hold(bill.tokens_in, bill.tokens_out) if self.spending else None
        except BaseException:
            self.breaker.leave(failed=False)
            raise
        failure: LanguageError | None = None
        try:
            yield
        except LanguageError as error:
            failure = error
            raise
        finally:
            self.breaker.leave(failed=failure is not None)
            if self.spending and held:
                # What never came may have been written to its end, and is paid then; what was not reached is not.
                cost = (bill.tokens_in, bill.tokens_out) if failure is None else held[1:]
                self.spending.settle(held, *((0, 0) if failure and not failure.may_cost else cost))

    def tried(self, send: Callable[[Bill, float], T], bill: Bill, end: float, tries: int) -> T:
        """What a call brings, which is made again after a while if the endpoint was down.

        Parameters
        ----------
        send : makes the call in so many seconds, and writes on the bill what it cost.
        bill : what it may cost at most.
        end : of `time.monotonic`; no try is begun after it.
        """
        for tried in range(1, tries + 1):
            own = Bill(bill.tokens_in, bill.tokens_out)
            try:
                with self.one(own):
                    return send(own, max(end - time.monotonic(), 0.001))
            except DownError as error:
                # A random part of a wait that doubles: callers that failed together must not come back together.
                wait = max(random.random() * 0.5 * 2**tried, error.wait_seconds)
                if tried == tries or time.monotonic() + wait >= end:
                    raise
            self.sleep(wait)
        raise AssertionError("at least one try is made")
