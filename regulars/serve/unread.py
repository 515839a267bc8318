"""What is left of a body whose request is answered early: taken off the connection, or the connection is said to end.

A request may be refused by its head alone. If its body was still on the way, the server beneath would drop the
connection after an answer that lets the client believe it may be used again; and a connection that is closed with bytes
in it is reset, by which the answer can be lost on its way.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regulars.serve.calls import BATCH_BYTES

SECONDS = 1.0
"""So long what is left may take to come."""
MOST_BYTES = BATCH_BYTES
"""So much is taken: what the widest route would have read."""
_CLOSE = (b"connection", b"close")


class Unread:
    """Middleware: before an answer starts, the whole body has been taken, or the answer closes the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        length = _length(scope) if scope["type"] == "http" else 0
        if length == 0:
            await self._app(scope, receive, send)
            return
        body = _Body(receive, length)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and not await body.is_taken():
                message["headers"] = [*message.get("headers", ()), _CLOSE]
            await send(message)

        await self._app(scope, body.receive, sending)


class _Body:
    """A body on its way.

    Parameters
    ----------
    length : bytes, as its head says; None if it does not say.
    """

    def __init__(self, receive: Receive, length: int | None) -> None:
        self._receive, self._length = receive, length
        self._is_whole = self._is_asked = False

    async def receive(self) -> Message:
        """The next part."""
        self._is_asked = True
        message = await self._receive()
        self._is_asked = False  # not if it was cancelled: then a part may be lost, and what follows is no whole body
        self._is_whole = not message.get("more_body", False)
        return message

    async def is_taken(self) -> bool:
        """Whether nothing is left, once what comes soon has been thrown away."""
        if self._is_whole:
            return True
        if self._is_asked or (self._length or 0) > MOST_BYTES:
            return False
        size = 0
        try:
            async with asyncio.timeout(SECONDS):
                while not self._is_whole and size <= MOST_BYTES:
                    size += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return False
        return self._is_whole


def _length(scope: Scope) -> int | None:
    """Bytes of the body: 0 if there is none, None if it comes without saying how long it is."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value) if value.isdigit() else MOST_BYTES + 1
    return length
