"""Requests that a worker does not answer itself, on their way to the writer and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx2
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from regulars.errors import RegularsError, UnavailableError
from regulars.serve import body as bodies
from regulars.serve.gate import Gate
from regulars.serve.problems import Problem, answer_to
from regulars.serve.serving import Serving
from regulars.serve.workers.link import AWAY
from regulars.serve.workers.shared import Shared

CLIENT = b"x-regulars-client"
"""Whose request it is; what a client itself says so is dropped."""
OF_A_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"date",
    b"server", CLIENT,
}  # fmt: skip
"""Headers of one connection, or that the next server sets itself."""
CONNECT_SECONDS = 5.0


class Passing:
    """An application that passes requests on to the writer, which says of them what there is to say in a log.

    Parameters
    ----------
    path : of `Sockets.requests`.
    serving : of the worker.
    """

    def __init__(self, path: Path, serving: Serving) -> None:
        self._serving = serving
        none = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
        self._transport = httpx2.AsyncHTTPTransport(uds=str(path), limits=none)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: as the writer does; or that it is away, or the body does not come."""
        self._serving.under_way += 1
        try:
            answer = await self._transport.handle_async_request(_request(scope, receive))
        except httpx2.TransportError:
            await self._refuse(UnavailableError(AWAY), scope, receive, send)
        except Problem as problem:
            await self._refuse(problem, scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await _told(answer, send)
        finally:
            self._serving.under_way -= 1

    async def _refuse(self, error: Problem | RegularsError, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await answer_to(error, scope["request_id"])(scope, receive, send)

        await Gate(answer, self._serving)(scope, receive, send)


async def _told(answer: httpx2.Response, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in OF_A_HOP]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    try:
        async for part in cast(httpx2.AsyncByteStream, answer.stream):
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        await answer.aclose()
    await send({"type": "http.response.body", "body": b""})


class Arrived:
    """Middleware of the writer: whose request it was, before the worker passed it on; and nothing is answered by less
    than what was acknowledged before."""

    def __init__(self, app: ASGIApp, serving: Serving, shared: Shared) -> None:
        self._app, self._serving, self._shared = app, serving, shared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            named = [value for name, value in scope["headers"] if name == CLIENT]
            scope["client"] = (named[0].decode("latin-1"), 0) if named else None
            await self._serving.reach(self._shared.committed)
        await self._app(scope, receive, send)


def _request(scope: Scope, receive: Receive) -> httpx2.Request:
    headers = [(name, value) for name, value in scope["headers"] if name not in OF_A_HOP]
    client = scope.get("client")
    headers.append((CLIENT, client[0].encode("latin-1") if client else b""))
    has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return httpx2.Request(
        scope["method"], "http://shop", headers=headers, content=_body(receive) if has_body else None,
        extensions={
            "target": scope["raw_path"] + query,  # as it came: what it means is for the writer to say
            "timeout": {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": None},
        },
    )  # fmt: skip


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """The body. The writer, whose limit is the same, is not heard before all of it is sent."""
    deadline = asyncio.get_running_loop().time() + bodies.SECONDS
    is_whole = False
    while not is_whole:
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise bodies.too_slow() from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        is_whole = not message.get("more_body", False)
        yield message.get("body", b"")
