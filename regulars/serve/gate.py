"""Around every request: an id, safe headers, a line in the log, and a count. The log names no person and no address."""

from __future__ import annotations

import re
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regulars.serve.drawing import drawn
from regulars.serve.logs import LOG
from regulars.serve.problems import mistake
from regulars.serve.serving import Serving

SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"strict-transport-security", b"max-age=31536000"),
]
PREFLIGHT = [
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding"),
    (b"access-control-max-age", b"600"),
]
_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
_INGEST = "/v1/"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_OTHER = "_OTHER"
"""How OpenTelemetry names a method that is none of HTTP's: each name is counted by itself for ever, and strangers could
make up any."""


class Gate:
    """Middleware."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app, self._serving = app, serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if given and _ID.fullmatch(given) else drawn(8)
        scope["request_id"] = request_id
        own = [*SAFE, (b"x-request-id", request_id.encode()), *self._of_pages(scope, headers)]
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        self._serving.under_way += 1
        try:
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await sending({"type": "http.response.start", "status": 204, "headers": PREFLIGHT})
                await sending({"type": "http.response.body", "body": b""})
            else:
                await self._app(scope, receive, sending)
        except Exception as error:
            LOG.error("a request failed", exc_info=error, extra={"about": {"request_id": request_id}})
            if not status:
                await mistake(request_id)(scope, receive, sending)
        finally:
            self._serving.under_way -= 1
            self._told(scope, headers, status, time.perf_counter() - began)

    def _of_pages(self, scope: Scope, headers: MutableMapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Let pages send events, those that some key is for."""
        origin = headers.get(b"origin")
        if origin is None or not scope["path"].startswith(_INGEST):
            return []
        if origin.decode("latin-1") not in self._serving.keyring.origins:
            return [(b"vary", b"origin")]
        return [(b"vary", b"origin"), (b"access-control-allow-origin", origin)]

    def _told(self, scope: Scope, headers: MutableMapping[bytes, bytes], status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        name = getattr(route, "path", "none")  # never the path itself: it may name a customer
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        self._serving.metrics.answered(method, name, status, seconds)
        if self._serving.telemetry is not None:
            self._serving.telemetry.answered(method, name, status, seconds, scope["request_id"], headers)
        about = {
            "request_id": scope["request_id"],
            "method": method,
            "route": name,
            "status": status,
            "milliseconds": round(seconds * 1e3, 1),
            "key": scope.get("key", ""),
        }
        LOG.info("answered", extra={"about": about})
