"""Keeping up with the inbox, asked or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from regulars.serve.logs import LOG

if TYPE_CHECKING:
    from regulars.serve.live.follower import Follower
    from regulars.serve.workers.shared import Shared

FOLLOW_SECONDS = 0.05
AGAIN_SECONDS = 1.0


async def follow(follower: Follower, shared: Shared) -> None:
    """Let all that is on the disk be known soon, though nobody asks; until it is cancelled."""
    while True:
        try:
            await follower.reach(shared.committed)
            await asyncio.sleep(FOLLOW_SECONDS)
        except Exception as error:  # tried again
            LOG.error("the inbox could not be followed", exc_info=error)
            await asyncio.sleep(AGAIN_SECONDS)
