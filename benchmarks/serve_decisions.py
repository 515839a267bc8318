"""The HTTP API under load from a second process, on loopback: decisions by the last event.

`python -m benchmarks.serve_decisions` serves a shop of sessions drawn by a chain over its products: who looked at one
goes on to its neighbours; after it VSKNN of the same sessions, behind the same server (`benchmarks.serve_peer`).
`python -m benchmarks.serve_decisions million` serves a million products, `… fraud` payments of a simulated shop.
Each request is asked at its time, whether the one before it was answered or not, and a wait for a turn that comes late
counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

from benchmarks.report import Row, save
from regulars import Shop
from regulars.events.schema import CATALOGUE, EVENTS, TIME
from regulars.experiment import Design, Experiments
from regulars.simulate import World, simulate
from regulars.simulate import load as load_params

SECONDS = 10.0
RATES = (200, 1000)
WARM_SECONDS = 5.0
CUSTOMERS = 20_000
OF_EACH = 15
"""Views, in three sessions: more in so few hours would make one visit of them that has nearly all there is."""
CONNECTIONS = 32
LISTS_OF = 4
"""One of so many mixed requests asks for a list; the others are events."""
PATIENCE_SECONDS = 600.0
"""So long a server may take to be ready, and to settle."""
SETTLED = 0.05
"""Of a core, used by a server that nobody asks."""
SERENADE = 7.0
"""p90 in milliseconds at 1,000 requests a second on two virtual CPUs (Kersbergen et al. 2022, Serenade)."""


def shop_of(folder: Path, products: int, events: int) -> Shop:
    """A shop of so many products, with what customers looked at in the last hours."""
    shop = Shop.create(folder)
    rng = np.random.default_rng(7)
    customer = np.repeat(np.arange(events // 5), 5)
    start = np.repeat((rng.pareto(1.2, events // 5) * products / 50).astype(np.int64) % products, 5)
    product = (start + np.cumsum(rng.integers(0, 3, (events // 5, 5)), axis=1).ravel()) % products
    end = datetime.now(UTC) - timedelta(minutes=40)
    time_of = np.sort(rng.integers(0, 6 * 3600 * 10**6, events)) + int((end.timestamp() - 6 * 3600) * 1e6)
    count = len(customer)
    times = pa.array(time_of[:count], pa.int64()).cast(TIME)
    known = {
        "event_id": [f"e{k}" for k in range(count)], "line": np.zeros(count, np.int32), "time": times,
        "received_at": times, "customer_id": [f"c{k % (events // OF_EACH)}" for k in customer.tolist()],
        "type": pa.repeat("product_viewed", count), "product_id": [f"p{k}" for k in product.tolist()],
    }  # fmt: skip
    table = pa.table([known.get(field.name, pa.nulls(count, field.type)) for field in EVENTS], schema=EVENTS)
    about = {
        "product_id": [f"p{k}" for k in range(products)], "title": [f"Product {k}" for k in range(products)],
        "category": [f"category {k % 50}" for k in range(products)],
        "list_price": pa.array([10.0] * products).cast(CATALOGUE.field("list_price").type),
        "valid_from": pa.repeat(pa.scalar(end - timedelta(days=90), TIME), products),
    }  # fmt: skip
    catalogue = pa.table(
        [about.get(field.name, pa.nulls(products, field.type)) for field in CATALOGUE], schema=CATALOGUE
    )
    shop.log.append(table, "sessions")
    with shop.log.transaction("products") as transaction:
        transaction.add("catalogue", catalogue)
        transaction.commit()
    known_experiments = Experiments(shop.state, who="bench")
    known_experiments.create("spring", Design({"control": 1, "blue": 1}, primary_metric="revenue"))
    known_experiments.start("spring")
    return shop


def request(method: str, path: str, body: Any) -> bytes:
    """A request as bytes."""
    data = b"" if body is None else json.dumps(body).encode()
    return f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data


def requests(what: str, count: int, seed: int = 3, customers: int = CUSTOMERS) -> list[bytes]:
    """Requests made beforehand; "mixed" are lists, and three times as many events."""
    rng = np.random.default_rng(seed)
    some = rng.integers(0, customers, count).tolist()
    if what == "mixed":
        return [_mixed(place, each, seed) for place, each in enumerate(some)]
    if what == "profile":
        return [request("GET", f"/v1/profile/c{each}", None) for each in some]
    made = {
        "recommend": lambda each: ("/v1/recommend", {"customer_id": f"c{each}", "k": 10}),
        "assign": lambda each: ("/v1/experiment/assign", {"experiment": "spring", "customer_id": f"c{each}"}),
        "price": lambda each: ("/v1/price", {"product_id": f"p{each % 12_000}", "customer_id": f"c{each}"}),
        "fraud": lambda each: ("/v1/fraud/score", {"customer_id": f"c{each}", "amount": 10.0 + each % 90}),
    }[what]
    return [request("POST", *made(each)) for each in some]


def _mixed(place: int, customer: int, seed: int) -> bytes:
    if place % LISTS_OF == 0:
        return request("POST", "/v1/recommend", {"customer_id": f"c{customer}", "k": 10})
    event = {"event": "Product Viewed", "userId": f"c{customer}", "messageId": f"m{seed}-{place}"}
    return request(
        "POST", "/v1/track", {**event, "properties": {"product_id": f"p{(7 * customer + place % 5) % 12_000}"}}
    )


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one: bytes) -> tuple[bool, bytes]:
    """Send a request and read its answer: whether it is good, and its body."""
    writer.write(one)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    body = await reader.readexactly(length)
    return head.startswith(b"http/1.1 2"), body


async def _paced(about: dict[str, Any]) -> dict[str, float]:
    rate, seconds = about["rate"], about["seconds"]
    made = requests(about["what"], int(rate * seconds), about.get("seed", 3), about.get("customers", CUSTOMERS))
    every = 1 / rate
    free: asyncio.Queue[Any] = asyncio.Queue()
    for _ in range(about.get("connections", CONNECTIONS)):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", about["port"]))
    took = np.zeros(len(made))
    errors = 0
    began = time.perf_counter()

    async def ask(place: int, pair: Any) -> None:
        nonlocal errors
        is_good, _ = await answered(pair[0], pair[1], made[place])
        took[place] = (time.perf_counter() - began - place * every) * 1e3
        errors += not is_good
        free.put_nowait(pair)

    under_way = set()
    for place in range(len(made)):
        late = began + place * every - time.perf_counter()
        if late > 0:
            await asyncio.sleep(late)
        task = asyncio.create_task(ask(place, await free.get()))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    total = time.perf_counter() - began
    found = dict(zip(("p50", "p90", "p99"), np.quantile(took, [0.5, 0.9, 0.99]).tolist(), strict=True))
    if about["what"] == "mixed":
        is_list = np.arange(len(took)) % LISTS_OF == 0
        found |= {"lists": float(np.quantile(took[is_list], 0.99)), "events": float(np.quantile(took[~is_list], 0.99))}
    return {**found, "errors": float(errors), "rate": len(took) / total}


async def _changed(about: dict[str, Any]) -> dict[str, float]:
    """From sending an event to the list that it changed: one after the other."""
    pair = await asyncio.open_connection("127.0.0.1", about["port"])
    took, unchanged = [], 0
    for number in range(about["count"]):
        who, product = f"new{number}", 7 * number % 500
        event = {"type": "track", "event": "Product Viewed", "userId": who, "properties": {"product_id": f"p{product}"}}
        ask = {"customer_id": who, "k": 10}
        began = time.perf_counter()
        await answered(*pair, request("POST", "/v1/track", event))
        _, body = await answered(*pair, request("POST", "/v1/recommend", ask))
        took.append((time.perf_counter() - began) * 1e3)
        unchanged += b"looked at" not in body
    return {
        **dict(zip(("p50", "p99"), np.quantile(took, [0.5, 0.99]).tolist(), strict=True)),
        "errors": float(unchanged),
    }


def load(port: int, what: str, **about: Any) -> dict[str, float]:
    """Let another process ask."""
    said = json.dumps({"port": port, "what": what, "seconds": SECONDS, **about})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serve_decisions", "--load", said], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    print(what, about, {name: round(figure, 2) for name, figure in found.items()}, file=sys.stderr)
    return found


class Served:
    """A server of a shop, in a process of its own.

    Parameters
    ----------
    peer : whether VSKNN is to answer.
    """

    def __init__(self, shop: Shop, *, peer: bool = False) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        (shop.folder / "shop.toml").write_text(f"[serve]\nport = {self.port}\nrequests_per_key = 1e6\n")
        ours = ["regulars", "serve", "--shop", str(shop.folder)]
        theirs = ["benchmarks.serve_peer", str(shop.folder), str(self.port)]
        self._log = shop.folder.parent / "server.log"
        with self._log.open("wb") as log:
            self._server = subprocess.Popen([sys.executable, "-m", *(theirs if peer else ours)], stderr=log)
        began = time.perf_counter()
        first = request("POST", "/v1/recommend", {"customer_id": "c1", "k": 10})
        while not self._is_good(first if peer else request("GET", "/ready", None)):
            self._go_on(began, "is not ready")
            time.sleep(0.2)
        self.seconds = time.perf_counter() - began

    def settle(self) -> None:
        """Wait until all is made that is made aside: until the server has little to do."""
        began, before, used = time.perf_counter(), self.cpu_seconds, 1.0
        while used > SETTLED:
            self._go_on(began, "does not settle")
            time.sleep(2)
            used, before = (self.cpu_seconds - before) / 2, self.cpu_seconds

    def _go_on(self, began: float, what: str) -> None:
        """Wait no longer for a server that has ended, or that takes longer than any should."""
        if self._server.poll() is None and time.perf_counter() - began < PATIENCE_SECONDS:
            return
        self._server.kill()
        raise RuntimeError(f"The server {what}. It said last: {self._log.read_text()[-2000:]}")

    def _is_good(self, one: bytes) -> bool:
        async def ask() -> bool:
            pair = await asyncio.open_connection("127.0.0.1", self.port)
            return (await answered(*pair, one))[0]

        try:
            return asyncio.run(ask())
        except OSError:
            return False

    @property
    def cpu_seconds(self) -> float:
        """What the server has used so far."""
        used = psutil.Process(self._server.pid).cpu_times()
        return float(used.user + used.system)

    @property
    def memory(self) -> tuple[int, int]:
        """Bytes that the server has to itself, and those that its other processes have, such as the one that folds."""
        server = psutil.Process(self._server.pid)
        own, *others = (int(each.memory_full_info().uss) for each in (server, *server.children(recursive=True)))
        return own, sum(others)

    def stop(self) -> None:
        """Let it end."""
        self._server.send_signal(signal.SIGTERM)
        self._server.wait(120)


def decisions(products: int, events: int) -> list[Row]:
    """One shop. The server's CPU is told besides: where others share the cores, times hang on what they do."""
    with tempfile.TemporaryDirectory() as home:
        shop = shop_of(Path(home) / "shop", products, events)
        served = Served(shop)
        rows = [Row(f"start, {events:,} events in the log", "seconds to ready", "lower", served.seconds)]
        served.settle()
        load(served.port, "recommend", rate=200, seconds=WARM_SECONDS)
        asked_for = {}
        for rate in RATES:
            name = f"recommend, {products:,} products, {rate:,} requests/s asked"
            before = served.cpu_seconds
            found = load(served.port, "recommend", rate=rate)
            used = (served.cpu_seconds - before) * 1e3 / (rate * SECONDS)
            asked_for[name] = rate, found
            rows += [
                Row(name, "errors", "lower", found["errors"]),
                Row(name, "CPU ms of the server a request", "lower", used),
                _busy(name),
            ]
        changed = load(served.port, "changed", count=500)
        assert not changed["errors"]
        rows += [Row("an event to the list that it changed", f"{q} ms", "lower", changed[q]) for q in ("p50", "p99")]
        for what in ("profile", "assign", "price"):
            found = load(served.port, what, rate=200)
            rows.append(Row(f"{what}, 200 requests/s", "p99 ms", "lower", found["p99"]))
            rows.append(Row(f"{what}, 200 requests/s", "errors", "lower", found["errors"]))
        served.stop()
        peer = Served(shop, peer=True)
        load(peer.port, "recommend", rate=200, seconds=WARM_SECONDS)
        for name, (rate, ours) in asked_for.items():
            theirs = load(peer.port, "recommend", rate=rate)
            published = {"Serenade at 1,000/s, two virtual CPUs": SERENADE}
            rows += [
                Row(name, metric, better, ours[key], {"VSKNN, the same server": theirs[key]},
                    published if key == "p90" else {})
                for metric, better, key in (
                    ("answered/s", "higher", "rate"), ("p50 ms", "lower", "p50"), ("p90 ms", "lower", "p90"),
                    ("p99 ms", "lower", "p99"),
                )
            ]  # fmt: skip
        peer.stop()
    return rows


def million() -> list[Row]:
    """A million products."""
    with tempfile.TemporaryDirectory() as home:
        events = 3_000_000
        served = Served(shop_of(Path(home) / "shop", 1_000_000, events))
        served.settle()
        customers = events // OF_EACH
        load(served.port, "recommend", rate=200, seconds=WARM_SECONDS, customers=customers)
        rows = []
        for rate in RATES:
            found = load(served.port, "recommend", rate=rate, customers=customers)
            name = f"recommend, 1,000,000 products, {rate:,} requests/s asked"
            rows += [Row(name, f"{q} ms", "lower", found[q]) for q in ("p50", "p90", "p99")]
            rows += [Row(name, "errors", "lower", found["errors"]), _busy(name)]
        served.stop()
    return rows


def fraud() -> list[Row]:
    """Payments of a shop that knows fraud."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "shop"
        simulate(folder, World(load_params("gifts"), customers=2_000, seed=5, days=180))
        shop = Shop.open(folder)
        learned, _ = shop.learn("fraud")
        shop.models.use("fraud", learned.version)
        served = Served(shop)
        served.settle()
        load(served.port, "fraud", rate=200, seconds=WARM_SECONDS)
        found = load(served.port, "fraud", rate=200)
        served.stop()
    name = "fraud score, 200 requests/s"
    return [*(Row(name, f"{q} ms", "lower", found[q]) for q in ("p50", "p99")),
            Row(name, "errors", "lower", found["errors"]), _busy(name)]  # fmt: skip


def _busy(name: str) -> Row:
    return Row(name, "processes running or waiting on the machine", "lower", os.getloadavg()[0])


PARTS = {"decisions": lambda: decisions(12_000, 300_000), "million": million, "fraud": fraud}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", nargs="?", choices=PARTS, default="decisions")
    parser.add_argument("--load")
    asked = parser.parse_args()
    if asked.load:
        about = json.loads(asked.load)
        print(json.dumps(asyncio.run((_changed if about["what"] == "changed" else _paced)(about))), flush=True)
    else:
        began = time.perf_counter()
        save("serve", PARTS[asked.part]())
        print(f"in {time.perf_counter() - began:.0f} s", file=sys.stderr)
