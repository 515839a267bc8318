"""What was computed anew of all customers, told to triggers where it has changed: risks of leaving, and segments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from regulars import clock
from regulars.serve.live.follower import Follower
from regulars.serve.live.people import People

PART = 200
"""Customers of whom something is told at a time, between which others are answered."""


class Facts:
    """Tells a follower.

    What is known when the server starts is told as known, and sets nothing off: who was in a segment yesterday did not
    enter it today.

    Parameters
    ----------
    triggers : those of the shop now; without any nobody is told.
    loop : whose thread alone asks the follower.
    """

    def __init__(
        self, triggers: Callable[[], Sequence[str]], follower: Follower, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._triggers = triggers
        self._follower, self._loop = follower, loop
        self._before: dict[str, dict[str, Any]] = {}

    def churn(self, people: People) -> People:
        """Risks of leaving, and what they were before; from another thread than the loop's."""
        return self._told(
            people, "churn_probability", lambda before, now: {"churn_risk": now, "churn_risk_before": before}
        )

    def segments(self, people: People) -> People:
        """In which segment each customer is."""
        return self._told(people, "segment", lambda _, now: {"segments": [] if now is None else [now]})

    def _told(self, people: People, column: str, facts: Callable[[Any, Any], dict[str, Any]]) -> People:
        if not self._triggers():
            return people
        now = dict(zip(people.ids, people.table[column].to_pylist(), strict=True))
        before = self._before.get(column)
        known = before or {}
        changed = {
            customer: facts(known.get(customer), value)
            for customer, value in now.items()
            if value is not None and value != known.get(customer)
        }
        cause = f"{people.name} as of {people.as_of}"
        asyncio.run_coroutine_threadsafe(self._tell(changed, cause, before is not None), self._loop).result()
        self._before[column] = now
        return people

    async def _tell(self, changed: dict[str, dict[str, Any]], cause: str, is_news: bool) -> None:
        moment = clock.now()
        for place, (customer, facts) in enumerate(changed.items()):
            if place % PART == PART - 1:
                await asyncio.sleep(0)
            self._follower.tell(customer, facts, moment, cause, is_news=is_news)
