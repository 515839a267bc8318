"""Several processes serve one shop as one would: what one of them acknowledged all of them know, and none loses."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tomlkit
from prometheus_client.parser import text_string_to_metric_families

from regulars import Shop
from regulars.errors import ConfigError, ShopError
from regulars.events.inbox import Inbox, fold, open_store
from regulars.serve import run
from regulars.serve.keys import Keys
from regulars.serve.workers import supervisor

WORKERS = 2
KILLS = 10


COMMAND = """
import sys
sys.argv[1:] = ["serve", "--shop", *sys.argv[1:]]
from regulars.cli import main
"""
UNTAUGHT = """
import regulars.serve.live.shop as live
live.assistant = lambda shop: None  # each writer would learn anew what customers may write
"""


def connected(url: str, **about: Any) -> httpx2.Client:
    """A client that reads no certificates, which takes longer than a request."""
    return httpx2.Client(base_url=url, timeout=30, verify=False, **about)


class Served:
    """`regulars serve` with workers, as it is started by people."""

    def __init__(self, folder: Path, port: int, log: Path, before: str = "") -> None:
        self.folder, self.url, self._log = folder, f"http://127.0.0.1:{port}", log
        with log.open("w") as errors:
            command = [sys.executable, "-c", f"{COMMAND}{before}main()", str(folder), "--port", str(port)]
            self.process = subprocess.Popen(command, stderr=errors)

    def wait_ready(self, seconds: float = 120.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.1)

    def is_ready(self) -> bool:
        with suppress(httpx2.TransportError), connected(self.url) as client:
            return client.get("/ready").status_code == 200
        return False

    def children(self) -> list[int]:
        found: list[int] = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
        return found

    def writer(self) -> int | None:
        """The process that holds the inbox."""
        with suppress(OSError, ValueError):
            return int(json.loads((self.folder / "inbox" / "lock").read_text())["process"])
        return None

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()


def settings(folder: Path, **serve: Any) -> None:
    path = folder / "shop.toml"
    document: Any = tomlkit.parse(path.read_text())
    document.setdefault("recommend", tomlkit.table())["explore"] = 0.0
    document.setdefault("serve", tomlkit.table()).update({"workers": WORKERS, **serve})
    path.write_text(tomlkit.dumps(document))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, record, intents: Path, port_of_module: int) -> Iterator[Served]:
    """Two workers of a shop whose customers look at tea, then at the pot; at milk, then at the cup. An address may ask
    with a wrong key once in minutes."""
    shop = Shop.create(tmp_path_factory.mktemp("workers") / "shop")
    shutil.copytree(intents, shop.folder / "cache" / "intents")
    pairs = {"tea": "pot", "milk": "cup"}
    views = [
        {"type": "product_viewed", "customer_id": f"c{number}", "product_id": product, "title": product.title(),
         "time": f"2024-05-01T{number % 24:02d}:0{place}:00Z"}
        for number in range(30)
        for place, product in enumerate(list(pairs.items())[number % 2])
    ]  # fmt: skip
    record(shop, *views)
    settings(shop.folder, fold_seconds=1.0, requests_per_address=0.001)
    server = Served(shop.folder, port_of_module, shop.folder.parent / "errors.txt")
    server.wait_ready()
    yield server
    children = server.children()
    assert server.stop() == 0
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


@pytest.fixture(scope="module")
def key(served: Served) -> str:
    shop = Shop.open(served.folder)
    _, secret = Keys(shop.state).create("test", ["ingest", "decide", "admin"], who="test")
    return secret


@pytest.fixture(scope="module")
def port_of_module() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def lines(served: Served, key: str) -> Iterator[dict[str, httpx2.Client]]:
    """A connection to each worker: {its name: a client}. The kernel draws which one a connection goes to."""
    found: dict[str, httpx2.Client] = {}
    others = []
    for number in range(200):
        client = connected(served.url, headers={"authorization": f"Bearer {key}"})
        client.get("/health", headers={"x-request-id": f"which-{number}"})
        who = None
        while who is None:  # the log is written ten times a second
            who = next(
                (line["process"] for line in served.lines() if line.get("request_id") == f"which-{number}"), None
            )
            time.sleep(0.02)
        if found.setdefault(who, client) is not client:
            others.append(client)
        if len(found) == WORKERS:
            break
    yield found
    for client in (*found.values(), *others):
        client.close()


@pytest.fixture
def first(lines: dict[str, httpx2.Client]) -> httpx2.Client:
    return lines["worker 1"]


@pytest.fixture
def second(lines: dict[str, httpx2.Client]) -> httpx2.Client:
    return lines["worker 2"]


def view(customer: str, product: str, **about: Any) -> dict[str, Any]:
    return {"userId": customer, "event": "Product Viewed", "properties": {"product_id": product}, **about}


def listed(client: httpx2.Client, customer: str, **headers: str) -> dict[str, Any]:
    answer = client.post("/v1/recommend", json={"customer_id": customer, "k": 1}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_view_that_one_worker_acknowledged_changes_the_next_list_of_every_worker(first, second):
    for number in range(40):
        teller, other = (first, second) if number % 2 else (second, first)
        product, expected = ("tea", "pot") if number % 4 < 2 else ("milk", "cup")
        assert teller.post("/v1/track", json=view(f"new-{number}", product)).status_code == 200
        for client in (other, teller):
            (line,) = listed(client, f"new-{number}")["products"]
            assert (line["product_id"], line["title"]) == (expected, expected.title())
            assert line["reason"].startswith(f"who looked at {product.title()} went on to it")


def test_what_one_worker_decided_has_its_outcome_told_to_another(first, second):
    for teller, other in ((first, second), (second, first)):
        name = listed(teller, "c1")["recommendation_id"]
        told = other.post(f"/v1/decisions/{name}/outcome", json={"outcome": "shown"})
        assert (told.status_code, told.json()["recommendation_id"]) == (200, name)


def test_a_request_that_is_sent_again_to_another_worker_is_decided_once(first, second):
    answers = [listed(client, "c1", **{"idempotency-key": "once"}) for client in (first, second, first)]
    assert len({answer["recommendation_id"] for answer in answers}) == 1


def test_an_objection_told_to_one_worker_binds_the_other_and_the_writer(first, second):
    objection = {"userId": "c3", "event": "Objection Made", "properties": {"purpose": "profiling"}}
    assert first.post("/v1/track", json=objection).status_code == 200
    assert listed(second, "c3")["note"] == "The customer objects to profiling."
    assert second.get("/v1/profile/c3").json()["note"] == "The customer objects to profiling."


def test_what_only_the_writer_answers_every_worker_passes_on(first, second):
    for client in (first, second):
        assert client.get("/v1/profile/c1", params={"language": "zh"}).json()["customer_id"] == "c1"
        missing = client.post("/v1/price", json={"product_id": "tea"})
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
        assert len(missing.headers.get_list("x-request-id")) == 1
        assert client.get("/openapi.json").json()["paths"]["/v1/recommend"]
        assert client.get("/no/such%20place?a=b").status_code == 404


def test_counts_are_told_of_each_process(first, second):
    def counted(name: str, **labels: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(first.get("/metrics").text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    process = sample.labels["process"]
                    found[process] = found.get(process, 0.0) + sample.value
        return found

    def wait_for(told: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not told():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    for client in (first, second):  # a worker that told of this has told of all that tests before asked of it
        assert client.delete("/v1/track").status_code == 405
    wait_for(lambda: counted("regulars_requests_total", method="DELETE").keys() >= {"worker 1", "worker 2"})
    before = counted("regulars_events_received_total")
    assert first.post("/v1/track", json=view("c1", "tea")).status_code == 200
    for _ in range(2):
        assert second.post("/v1/track", json=view("c1", "tea")).status_code == 200
    wait_for(lambda: sum(counted("regulars_events_received_total").values()) >= sum(before.values()) + 3)
    now = counted("regulars_events_received_total")
    assert {name: now[name] - before[name] for name in now} == {"writer": 0, "worker 1": 1, "worker 2": 2}
    assert set(counted("regulars_inbox_events")) == {"writer"}


def test_limits_count_over_all_workers(first, second):
    wrong = {"authorization": "Bearer rgl_wrong"}
    assert first.post("/v1/track", json=view("c1", "tea"), headers=wrong).status_code == 401
    for client in (second, first):
        asked = client.post("/v1/track", json=view("c1", "tea"), headers=wrong)
        assert (asked.status_code, "This address asks too often" in asked.json()["detail"]) == (429, True)
    assert second.get("/v1/profile/c1", headers=wrong).status_code == 429  # by the writer


def test_sockets_are_for_the_user_alone_who_serves(served):
    sockets = [path for path in (served.folder / "serving").iterdir() if path.is_socket()]
    assert {path.name: path.stat().st_mode & 0o777 for path in sockets} == {"calls": 0o600, "requests": 0o600}


def test_a_second_server_of_the_shop_is_refused(served, free_port, monkeypatch):
    monkeypatch.setattr(supervisor, "WAIT_SECONDS", 0.1)
    shop = Shop.open(served.folder)
    with pytest.raises(ShopError, match=r"in use: process .* serving"):
        run(shop, shop.config.serve.model_copy(update={"port": free_port}))
    assert served.is_ready()


def test_live_state_in_redis_and_workers_are_refused(shop):
    settings(shop.folder)
    path = shop.folder / "shop.toml"
    document: Any = tomlkit.parse(path.read_text())
    document.setdefault("realtime", tomlkit.table())["state"] = "redis://127.0.0.1:1/0"
    path.write_text(tomlkit.dumps(document))
    shop = Shop.open(shop.folder)
    with pytest.raises(ConfigError, match="each worker would count every event"):
        run(shop, shop.config.serve)


class Senders:
    """Threads that send calls, and send again what was not answered, as clients do; and one that asks for lists."""

    def __init__(self, url: str, count: int) -> None:
        self.acknowledged: list[str] = []
        self.lists = 0
        self.statuses: set[int] = set()
        self._url, self._is_over = url, threading.Event()
        self._threads = [threading.Thread(target=self._send, args=[sender], daemon=True) for sender in range(count)]
        self._threads.append(threading.Thread(target=self._ask, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender: int) -> None:
        number = 0
        client = connected(self._url)
        while not self._is_over.is_set():
            names = [f"{sender}-{number + place}" for place in range(1 if number % 2 else 20)]
            number += len(names)
            calls = [
                {"type": "track", **view("ada", "tea", messageId=name, timestamp="2024-05-01T10:00:00Z")}
                for name in names
            ]
            while not self._is_over.is_set():
                with suppress(httpx2.TransportError):
                    answer = client.post("/v1/batch", json={"batch": calls})
                    self.statuses.add(answer.status_code)
                    if answer.status_code == 200:
                        self.acknowledged.extend(names)
                        time.sleep(0.05)
                        break
                    if answer.status_code == 503:
                        assert int(answer.headers["retry-after"]) > 0
                client.close()
                client = connected(self._url)
                time.sleep(0.2)
        client.close()

    def _ask(self) -> None:
        while not self._is_over.is_set():
            with suppress(httpx2.TransportError), connected(self._url) as client:
                self.lists += client.post("/v1/recommend", json={"customer_id": "ada"}).status_code == 200
            time.sleep(0.1)


def test_processes_killed_under_load_lose_nothing_that_was_acknowledged_and_nothing_counts_twice(
    shop, free_port, tmp_path
):
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    settings(shop.folder, fold_seconds=0.2)
    server = Served(shop.folder, free_port, tmp_path / "errors.txt", UNTAUGHT)
    server.wait_ready()
    senders = Senders(server.url, 2)
    lists_without_a_writer = 0
    for number in range(KILLS):
        server.wait_ready()
        seen, deadline = len(senders.acknowledged), time.monotonic() + 60
        while len(senders.acknowledged) == seen:
            assert time.monotonic() < deadline, (tmp_path / "errors.txt").read_text()
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        writer = server.writer()
        is_writer = number % 2 == 0
        victims = [child for child in server.children() if (child == writer) == is_writer]
        os.kill(rng.choice(victims), signal.SIGKILL)
        if is_writer:
            before = senders.lists
            while senders.lists == before:
                assert time.monotonic() < deadline + 60, (tmp_path / "errors.txt").read_text()
                time.sleep(0.01)
            lists_without_a_writer += not server.is_ready()
    server.wait_ready()
    senders.stop()
    children = server.children()
    server.process.kill()  # and the last of all: those whom nobody watches over end by themselves
    server.process.wait()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    inbox, rejects = Inbox(open_store(shop.folder / "inbox")), shop.folder / "rejects"
    while fold(inbox, shop.log, currency="EUR", timezone="UTC", received_at=datetime.now(UTC), rejects=rejects):
        pass
    inbox.close()
    table = shop.log.read("events", ["event_id", "type"])
    found = [name for name, kind in zip(*(table[each].to_pylist() for each in ("event_id", "type")), strict=True)
             if kind == "product_viewed"]  # fmt: skip
    print("acknowledged", len(senders.acknowledged), "in the log", len(found), "answers", senders.statuses)
    print("lists", senders.lists, "of which while no writer was there, at least", lists_without_a_writer)
    assert len(senders.acknowledged) > KILLS
    assert lists_without_a_writer > 0
    assert set(senders.acknowledged) - set(found) == set()
    assert len(found) == len(set(found))
    assert senders.statuses <= {200, 503}
    assert not rejects.exists()
