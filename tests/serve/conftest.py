from __future__ import annotations

import asyncio
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tomlkit

from regulars import Shop
from regulars.serve import app
from regulars.serve.keys import Keys
from regulars.serve.server import listening
from regulars.serve.serving import Serving


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A real server in a thread of this process, so that a test can look inside."""

    def __init__(self, shop: Shop, **settings: Any) -> None:
        self.shop = shop
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        made = app(shop, shop.config.serve.model_copy(update=settings))
        self.serving: Serving = made.state.serving
        self._server = listening(made, "127.0.0.1", self.port)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        self.client = httpx2.Client(base_url=self.url, timeout=30)
        try:  # numba compiles before a server is ready, where no test before has let it
            until(lambda: self.serving.phase == "ready" and self._answers(), 300)
        except AssertionError:
            self.stop()  # its thread would keep the run from ending
            raise

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve()

    def _answers(self) -> bool:
        try:
            return self.client.get("/health").status_code == 200
        except httpx2.TransportError:
            return False

    def post(self, path: str, body: Any = None, **about: Any) -> httpx2.Response:
        """Post JSON."""
        return self.client.post(path, json=body, **about)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(60)
        assert not self._thread.is_alive()
        self.client.close()


def until(is_so: Callable[[], Any], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


Start = Callable[..., Running]


@pytest.fixture
def start_of(intents: Path) -> Iterator[Start]:
    """start_of(shop, **settings): a server of any shop, which knows what the starter set teaches of questions."""
    running: list[Running] = []

    def begin(shop: Shop, **settings: Any) -> Running:
        shutil.copytree(intents, shop.folder / "cache" / "intents", dirs_exist_ok=True)
        running.append(Running(shop, **settings))
        return running[-1]

    yield begin
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, intents: Path) -> Iterator[Running]:
    """A server of an empty shop, for requests that it refuses: all of a module ask the same one."""
    shop = Shop.create(tmp_path_factory.mktemp("refusing") / "shop")
    shutil.copytree(intents, shop.folder / "cache" / "intents")
    server = Running(shop)
    yield server
    server.stop()


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """An empty shop, of whose lists no place is drawn by lot."""
    settings = shop.folder / "shop.toml"
    document: Any = tomlkit.parse(settings.read_text())
    document.setdefault("recommend", tomlkit.table())["explore"] = 0.0
    settings.write_text(tomlkit.dumps(document))
    return Shop.open(shop.folder)


@pytest.fixture
def start(shop: Shop, start_of: Start) -> Start:
    """start(**settings): a server of the empty shop."""
    return partial(start_of, shop)


@pytest.fixture
def server(start: Start) -> Running:
    """A server without keys."""
    return start()


@pytest.fixture
def keys(shop: Shop) -> Keys:
    return Keys(shop.state)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """wait_until(is_so): wait, at most ten seconds, until something is so."""
    return until


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens at."""
    return _free_port()


@pytest.fixture
def seen(shop, record):
    """Who looked at tea looked at the pot as well; who looked at milk at the cup."""
    pairs = {"tea": "pot", "milk": "cup"}
    events = []
    for number in range(30):
        first = list(pairs)[number % 2]
        for place, product in enumerate((first, pairs[first])):
            events.append({
                "type": "product_viewed", "customer_id": f"c{number}", "product_id": product, "title": product.title(),
                "time": f"2024-05-01T{number % 24:02d}:0{place}:00Z",
            })  # fmt: skip
    record(shop, *events)
    return shop


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path):
    """(its address, its folder): another host than the API."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    thread.join()
    server.server_close()
