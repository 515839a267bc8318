"""Routes that are asked for thousands of times a second: found by their path alone, and answered without detours.

FastAPI looks for dependencies, forms and files at each request, and its router tries one route after the other; both
take longer than a decision. A direct route takes the request as it is; OpenAPI is made of its signature as elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from regulars.errors import RegularsError
from regulars.serve.problems import Problem, answer_to

Handler = Callable[[Request], Awaitable[Response]]


class DirectRoute(APIRoute):
    """A route by POST, without parameters in its path."""

    handler: Handler

    def get_route_handler(self) -> Callable[[Request], Any]:
        """See `APIRoute`: who comes by FastAPI's own way is answered by the same handler."""
        return self.handler


def direct(handler: Handler) -> type[DirectRoute]:
    """A class of routes that are answered by a handler, for `route_class_override`."""
    return type("Direct", (DirectRoute,), {"handler": staticmethod(handler)})


class Direct:
    """Middleware: answers direct routes of an application, and leaves all others to it."""

    def __init__(self, app: ASGIApp, of: FastAPI) -> None:
        self._app, self._of = app, of
        self._routes = {route.path: route for route in of.routes if isinstance(route, DirectRoute)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["app"], scope["route"] = self._of, route
        try:
            answer = await route.handler(Request(scope, receive))
        except (Problem, RegularsError) as error:
            answer = answer_to(error, scope["request_id"])
        await answer(scope, receive, send)
