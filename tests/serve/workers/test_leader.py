"""What the process that writes lays ready for workers."""

from __future__ import annotations

import asyncio

from regulars.realtime import Live
from regulars.serve.workers.leader import Leader
from regulars.serve.workers.shared import Shared
from regulars.serve.workers.sockets import Sockets


def test_the_live_state_is_kept_before_workers_are_heard(shop):
    async def begun():
        leader = Leader(shop, shop.config.serve, Shared(), Sockets(shop.folder))
        await asyncio.to_thread(leader.begin, asyncio.get_running_loop())
        try:
            return Live.restored(shop, shop.folder / "realtime" / "state")
        finally:
            await asyncio.to_thread(leader.end)

    assert asyncio.run(begun()) is not None
