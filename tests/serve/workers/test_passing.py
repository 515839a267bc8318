"""What a worker passes on is bounded as what it answers itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from regulars.serve import body as bodies
from regulars.serve.metrics import Answers
from regulars.serve.workers.passing import Passing

SCOPE = {
    "type": "http", "method": "POST", "path": "/v1/price", "raw_path": b"/v1/price", "query_string": b"",
    "headers": [(b"content-length", b"10")], "client": ("127.0.0.1", 1),
}  # fmt: skip


def test_a_body_that_does_not_come_is_waited_for_no_longer_than_by_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr(bodies, "SECONDS", 0.1)
    serving = SimpleNamespace(under_way=0, metrics=Answers(), telemetry=None)
    told = []

    async def never():
        await asyncio.Event().wait()

    async def tell(message):
        told.append(message)

    async def asked():
        async with await asyncio.start_unix_server(lambda reader, writer: None, tmp_path / "requests"):
            passing = Passing(tmp_path / "requests", serving)
            await asyncio.wait_for(passing(dict(SCOPE), never, tell), 10)

    asyncio.run(asked())
    assert told[0]["status"] == 408
    assert b"took more than" in told[1]["body"]
    assert serving.under_way == 0
