"""The console before an API: its routes, who may use them, and what they stand on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from threading import Lock, Thread
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route as Served
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regulars.console import assets, tables
from regulars.console.approvals import Approvals
from regulars.console.index import Index
from regulars.console.jobs import Jobs
from regulars.console.kept import Kept, NotYetError
from regulars.console.people import People, Person
from regulars.console.readers import Readers
from regulars.console.roles import may
from regulars.console.screen import GROUPS, Route, Screen
from regulars.console.screens import SCREENS
from regulars.console.security import FIELD, HEADER, HEADERS, is_from_here
from regulars.console.sessions import COOKIE, Attempts, Sessions, keep
from regulars.console.visit import ROOT, Visit, url
from regulars.console.words import chosen
from regulars.errors import NotFoundError, RegularsError
from regulars.serve.access import address_of
from regulars.serve.body import SECONDS
from regulars.serve.logs import LOG

if TYPE_CHECKING:
    from regulars.serve import Writer
    from regulars.shop import Shop

FIRST = "the first start"
MOST_BYTES = 1 << 20
"""Of a form; a screen that takes files takes them by `Screen.post` too, up to `MOST_FILE_BYTES`."""
MOST_FILE_BYTES = 1 << 30
SLOWEST = 50_000.0
"""Bytes a second: so slowly a form may come, after the seconds that any body has."""


class Console:
    """What all requests share.

    Attributes
    ----------
    shop : opened apart from the API's, so that a page never waits for a decision's engine.
    index : the customers as lists and searches read them.
    kept : what takes long, worked out in the background for a version of the log.
    """

    def __init__(self, shop: Shop, serving: Writer) -> None:
        self.shop, self.serving = shop, serving
        state = tables.prepare(shop.state)
        self.currency = shop.config.shop.currency
        self.people, self.sessions, self.approvals = People(state), Sessions(state), Approvals(state)
        self.attempts, self.jobs = Attempts(), Jobs(state)
        self.index, self.readers = Index(shop), Readers(shop)
        self.kept = Kept(self.reading)
        self._turn = Lock()
        self._now: tuple[int, datetime] | None = None

    @property
    def now(self) -> datetime:
        """The shop's present (`Shop.now`), looked up anew when the log has grown; NotEnoughError if it is empty."""
        version = self.shop.log.version
        with self._turn:
            if self._now is None or self._now[0] != version:
                with self.reading() as shop:
                    self._now = version, shop.now
            return self._now[1]

    def reading(self) -> AbstractContextManager[Shop]:
        """The shop, for as long as something reads its log or models: nobody waits for another who reads."""
        return self.readers.one()

    def warm(self) -> None:
        """Begin what screens would make somebody wait for: to be called when the console begins to serve."""

        def work() -> None:
            for screen in SCREENS:
                for make in screen.warmed:
                    with suppress(NotYetError, RegularsError):
                        make(self)

        Thread(target=work, name="warm", daemon=True).start()

    def first_link(self, base: str) -> str | None:
        """The address by which the first administrator comes, once; None if there is one already."""
        return first_link(self.people, base)

    def navigation(self, visit: Visit) -> list[tuple[str, list[Screen]]]:
        """The screens for who asks, by group."""
        shown = [screen for screen in SCREENS if screen.group is not None and visit.allows(screen.may)]
        grouped = [(group, [screen for screen in shown if screen.group == group]) for group in GROUPS]
        return [(group, screens) for group, screens in grouped if screens]

    def application(self) -> ASGIApp:
        """The pages, below /console."""
        routes = [
            Served(ROOT + route.path, self._endpoint(screen, route), methods=[route.method])
            for screen in SCREENS
            for route in screen.routes
        ]
        routes += [
            Served(f"{ROOT}/static/{{version}}/{{name:path}}", assets.answer),
            Served(ROOT, lambda _: RedirectResponse(url("/"), 308)),
        ]
        made = Starlette(routes=routes, exception_handlers={HTTPException: self._no_page, NotFoundError: self._no_page})
        return Safe(GZipMiddleware(made, minimum_size=1000))

    def _endpoint(self, screen: Screen, route: Route) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            session = request.cookies.get(COOKIE, "")
            is_new = not session
            session = session or secrets.token_urlsafe(32)
            person, said = await run_in_threadpool(self.sessions.person, session)
            visit = Visit(self, request, session, person, self._language(request, person), screen)
            visit.said = said
            # Of who may not, nothing is read: what takes files takes a gigabyte.
            if route.method == "POST" and may(person.role if person else None, route.may):
                visit.form = await _form(request, MOST_FILE_BYTES if person else MOST_BYTES)
            response = await run_in_threadpool(self._answered, visit, route)
            if is_new and "set-cookie" not in response.headers:
                keep(response, session)
            return response

        return endpoint

    def _answered(self, visit: Visit, route: Route) -> Response:
        role = visit.person.role if visit.person else None
        if not may(role, route.may):
            return self._turned_away(visit)
        if route.method == "POST":
            given = visit.request.headers.get(HEADER) or visit.form.get(FIELD)
            if not is_from_here(visit.request, visit.session, str(given or "")):
                return failed(visit, 403, visit.t("shell.form_is_old"))
        try:
            response = route.handler(visit)
        except NotYetError as error:
            return _not_yet(visit, error)
        except RegularsError as error:
            return failed(visit, 404 if isinstance(error, NotFoundError) else 400, str(error))
        except Exception as error:
            LOG.error("a page failed", exc_info=error, extra={"about": {"route": route.path}})
            return failed(visit, 500, visit.t("shell.mistake"))
        if visit.said and response.status_code == 200 and "hx-request" not in visit.request.headers:
            self.sessions.say(visit.session, [])
        return response

    def _turned_away(self, visit: Visit) -> Response:
        if visit.person is not None:
            return failed(visit, 403, visit.t("shell.not_for_role", role=visit.t(f"roles.{visit.person.role}")))
        there = visit.request.url.path.removeprefix(ROOT)
        to = url("/sign-in", then=there if visit.request.method == "GET" else "")
        if "hx-request" in visit.request.headers:
            return Response(status_code=401, headers={"hx-redirect": to})
        return RedirectResponse(to, 303)

    def _language(self, request: Request, person: Person | None) -> str:
        if person is not None:
            return person.language
        return chosen(request.query_params.get("lang") or request.headers.get("accept-language", ""))

    async def _no_page(self, request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 404)
        person, _ = await run_in_threadpool(self.sessions.person, request.cookies.get(COOKIE, ""))
        visit = Visit(self, request, "", person, self._language(request, person), SCREENS[0])
        key = "shell.no_page" if status == 404 else "shell.not_this_way"
        return await run_in_threadpool(failed, visit, status, visit.t(key))

    def address(self, request: Request) -> str:
        """Where a request comes from."""
        return address_of(request, self.serving)


class Safe:
    """Middleware: safe headers on every answer, and no page kept anywhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *self._own]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, sending)


class Beside:
    """An API and its console in one application: pages below /console, all else as the API answers it.

    Attributes
    ----------
    console : what the pages stand on.
    """

    def __init__(self, api: FastAPI, shop: Shop) -> None:
        self.console = Console(shop, api.state.serving)
        self._api, self._pages = api, self.console.application()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].startswith(ROOT):
            await self._pages(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/":
            await RedirectResponse(url("/"), 307)(scope, receive, send)
        else:
            await self._api(scope, receive, send)


def first_link(people: People, base: str) -> str | None:
    """See `Console.first_link`."""
    return None if people.all() else base + url("/welcome", token=people.invite("admin", by=FIRST))


def failed(visit: Visit, status: int, said: str) -> Response:
    """A page, or the part of one that was asked for, that says what went wrong."""
    is_part = "hx-request" in visit.request.headers
    template = "parts/failed.html" if is_part else "failed.html"
    # htmx puts what fails into its place, too: the person is to read why.
    return visit.page(template, status, said=said)


def _not_yet(visit: Visit, error: NotYetError) -> Response:
    """A page, or a part of one, that comes by itself once it is worked out."""
    if visit.request.method == "POST":
        return failed(visit, 503, visit.t("shell.not_yet"))
    is_part = "hx-request" in visit.request.headers
    response = visit.page("parts/not_yet.html" if is_part else "not_yet.html", seconds=round(error.seconds))
    if not is_part:
        response.headers["refresh"] = "2"
    return response


async def _form(request: Request, most_of_files: int) -> dict[str, object]:
    is_upload = request.headers.get("content-type", "").startswith("multipart/")
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in request.headers:  # in chunks it could be of any length
        raise HTTPException(411)
    if int(length) > (most_of_files if is_upload else MOST_BYTES):
        raise HTTPException(413)
    try:
        async with asyncio.timeout(SECONDS + int(length) / SLOWEST):
            found = await request.form(max_files=10, max_fields=1000)
    except TimeoutError:
        raise HTTPException(408) from None
    return dict(found)
