"""The sockets of a shop, wherever it lies."""

from __future__ import annotations

import asyncio

import httpx2

from regulars.serve.server import listening
from regulars.serve.workers.sockets import Sockets


async def hello(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


def test_a_shop_below_a_long_path_is_asked_as_any_other(tmp_path):
    sockets = Sockets(tmp_path / ("tea" * 40))

    async def asked():
        server = listening(hello, "127.0.0.1", 1, sockets.requests)
        serving = asyncio.create_task(server.serve())
        while not sockets.requests.exists():
            await asyncio.sleep(0.01)
            assert not serving.done(), serving.exception()
        transport = httpx2.AsyncHTTPTransport(uds=str(sockets.requests), retries=5)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop") as client:
            answer = await client.get("/")
        server.stop()
        await serving
        return answer.text, sockets.requests.exists()

    assert asyncio.run(asked()) == ("hello", False)
