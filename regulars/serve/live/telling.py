"""What follows from events, on its way out: triggers that were set off, and what customers and support said."""

from __future__ import annotations

import asyncio
from threading import Event, Thread
from typing import TYPE_CHECKING

from regulars import clock
from regulars.realtime import Fired, fired
from regulars.serve.live.consents import Consents
from regulars.serve.live.follower import Follower
from regulars.serve.logs import LOG
from regulars.support import record

if TYPE_CHECKING:
    from regulars.shop import Shop

TELL_SECONDS = 1.0
PURPOSE = "profiling"


class Telling:
    """A thread that asks every second what was set off, keeps it in the state, and tells the log and the webhook.

    What was not kept when the server died is set off again, under the same key, by the events that the live state is
    given after its snapshot.

    Parameters
    ----------
    consents : of whoever forbids profiling nothing is told: a trigger says what somebody did.
    loop : whose thread alone asks the follower.
    """

    def __init__(self, shop: Shop, follower: Follower, consents: Consents, loop: asyncio.AbstractEventLoop) -> None:
        self._shop, self._follower, self._consents, self._loop = shop, follower, consents, loop
        self._kept: list[Fired] = []
        self._why = ""  # the webhook takes nothing, as far as it was said
        self._is_over = Event()
        self._thread = Thread(target=self._work, name="telling", daemon=True)

    def begin(self) -> None:
        """Let it run."""
        self._thread.start()

    def close(self) -> None:
        """Tell what is left."""
        self._is_over.set()
        self._thread.join()

    def _work(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._is_over.wait(TELL_SECONDS)
            try:
                self._tell()
            except Exception as error:  # it is tried again a second later, or by the next server
                LOG.error("what was set off could not be told", exc_info=error)

    def _tell(self) -> None:
        asked = asyncio.run_coroutine_threadsafe(self._follower.set_off(clock.now()), self._loop)
        new, position = asked.result()
        self._kept += [one for one in new if not self._consents.forbids(one.customer_id, PURPOSE)]
        if self._kept:
            fired.keep(self._shop.state, self._kept, position)
            self._kept.clear()
        if self._shop.config.realtime.triggers:
            fired.to_log(self._shop)
            self._say(fired.post(self._shop).why)
        record.deliver(self._shop.state, self._shop)

    def _say(self, why: str) -> None:
        if why != self._why:
            LOG.warning("triggers wait for the webhook: %s", why) if why else LOG.info(
                "the webhook takes triggers again"
            )
        self._why = why
