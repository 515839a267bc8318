"""Calls of one moment go into the inbox together; what fails fails for all of them, and for nobody else."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from regulars.errors import OverLimitError
from regulars.serve.arriving import Arriving


class Inbox:
    """Takes at most so many calls at once, and keeps what it was given together."""

    def __init__(self, most: int = 100) -> None:
        self.groups: list[list[bytes]] = []
        self.known: list[int] = []
        self._most = most

    def put(self, bodies) -> Future[int]:
        if len(bodies) > self._most:
            raise OverLimitError("too many", 1)
        self.groups.append(list(bodies))
        done: Future[int] = Future()
        done.set_result(sum(map(len, self.groups)))
        return done

    async def tell(self, number: int) -> None:
        self.known.append(number)


def test_calls_of_one_moment_go_in_together_and_are_known_once_in_their_order():
    inbox = Inbox()

    async def several():
        arriving = Arriving(inbox.put, inbox.tell)
        await asyncio.gather(arriving.put([b"a"]), arriving.put([b"b", b"c"]))
        await arriving.put([b"d"])

    asyncio.run(several())
    assert inbox.groups == [[b"a", b"b", b"c"], [b"d"]]
    assert inbox.known == [3, 4]


def test_a_moment_that_is_refused_is_acknowledged_to_nobody_and_the_next_is_taken():
    inbox = Inbox(most=2)

    async def several():
        arriving = Arriving(inbox.put, inbox.tell)
        refused = await asyncio.gather(*(arriving.put([b"a"]) for _ in range(3)), return_exceptions=True)
        await arriving.put([b"b"])
        return refused

    assert [type(error) for error in asyncio.run(several())] == [OverLimitError] * 3
    assert inbox.groups == [[b"b"]]


def test_one_who_hangs_up_takes_nothing_from_the_others():
    inbox = Inbox()

    async def several():
        arriving = Arriving(inbox.put, inbox.tell)
        gone, stays = (asyncio.create_task(arriving.put([body])) for body in (b"a", b"b"))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(several())
    assert inbox.groups == [[b"a", b"b"]]
