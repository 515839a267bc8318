"""What waits for the process that writes has a bound, as it has where one process does all."""

from __future__ import annotations

import asyncio

import pytest

from regulars.errors import OverLimitError, UnavailableError
from regulars.events.inbox.inbox import MOST_BYTES
from regulars.serve.workers.frames import Frames, Kind
from regulars.serve.workers.link import Link


def test_a_worker_takes_no_more_than_the_writer_can_be_told(tmp_path):
    heard: list[tuple[Frames, int]] = []

    async def kept() -> list[int]:
        loop = asyncio.get_running_loop()
        writer = await loop.create_unix_server(
            lambda: Frames(lambda end, kind, number, body: heard.append((end, number)), lambda _: None), tmp_path / "s"
        )
        link = Link(tmp_path / "s")
        with pytest.raises(UnavailableError):
            link.put([b"{}"])
        keeping_up = asyncio.create_task(link.keep_up())
        while not link.is_up:
            await asyncio.sleep(0.01)
        large = bytes(MOST_BYTES // 2)
        asked = [link.put([large]), link.put([large])]
        with pytest.raises(OverLimitError, match="faster than the disk"):
            link.put([b"{}"])
        while len(heard) < 2:
            await asyncio.sleep(0.01)
        end, number = heard[0]
        end.send(Kind.DONE, number, b"7")
        found = [await asked[0]]
        asked.append(link.put([large]))  # there is room again
        keeping_up.cancel()
        link.close()
        writer.close()
        for each in asked[1:]:
            with pytest.raises(UnavailableError):
                await each
        return found

    assert asyncio.run(kept()) == [7]
