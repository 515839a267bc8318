"""The HTTP API under load from a second process, on loopback: events in, durable.

`python -m benchmarks.serve` serves an empty shop and sends to it from a process of its own, which does as little as it
can: requests are made beforehand, answers are read by their status alone. Figures of both share the machine's cores.
`python -m benchmarks.serve workers` sends to one process, and to a writer with two workers, in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Row, save
from regulars import Shop

SECONDS = 15.0
WARM_SECONDS = 15.0
"""Long enough for the first fold, whose process starts then, to be over."""
RUDDERSTACK = 1_700.0
"""Requests a second on two cores and 8 GB, RudderStack's administrators' guide."""


def call(number: int) -> dict[str, Any]:
    """A call as analytics.js makes it, about 500 bytes."""
    return {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": f"0c2f8d4e-{number % 50_000:012d}",
        "messageId": f"ajs-next-{time.monotonic_ns():x}-{number:012d}",
        "timestamp": "2024-05-01T10:00:00.000Z",
        "properties": {
            "product_id": f"p{number % 12_000}", "name": "Earl Grey Supreme", "category": "tea", "price": 4.5,
            "currency": "GBP", "url": f"https://shop.example/p/{number % 12_000}",
        },
        "context": {
            "locale": "en-GB", "timezone": "Europe/London", "page": {"path": f"/p/{number % 12_000}", "referrer": ""},
            "library": {"name": "analytics.js", "version": "next-1.70.0"},
        },
    }  # fmt: skip


def request(path: str, body: Any, key: str) -> bytes:
    """A request as bytes."""
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def _send(
    port: int, requests: list[bytes], seconds: float, every: float, first: float
) -> tuple[list[float], int]:
    """Send one after the other on one connection; milliseconds each took, and how many were not answered by 200.

    Parameters
    ----------
    every : seconds between two, and first : until the first; 0 as soon as the one before is answered.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took, errors = [], 0
    end = time.perf_counter() + seconds
    due = time.perf_counter() + first
    for one in requests:
        began = time.perf_counter()
        if began > end:
            break
        if every and due > began:
            await asyncio.sleep(due - began)
        # A wait for a turn that is late counts: else a server that stalls would be asked less, and look fast.
        began = due if every else time.perf_counter()
        due += every
        writer.write(one)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        took.append((time.perf_counter() - began) * 1e3)
        errors += not head.startswith(b"HTTP/1.1 200")
    writer.close()
    return took, errors


async def _load(about: dict[str, Any]) -> dict[str, float]:
    count, size, key = about["connections"], about["size"], about["key"]
    each = about["each"]
    sets = []
    for connection in range(count):
        numbers = range(connection * each * size, (connection + 1) * each * size, size)
        if size == 1:
            sets.append([request("/v1/track", call(number), key) for number in numbers])
        else:
            sets.append(
                [
                    request("/v1/batch", {"batch": [call(n) for n in range(number, number + size)]}, key)
                    for number in numbers
                ]
            )
    print("made", flush=True)
    sys.stdin.readline()
    every = count / about["rate"] if about["rate"] else 0.0
    began = time.perf_counter()
    # Connections take turns: all at once every so often would be a flood, and then nothing.
    found = await asyncio.gather(
        *(_send(about["port"], one, about["seconds"], every, k * every / count) for k, one in enumerate(sets))
    )
    seconds = time.perf_counter() - began
    took = np.concatenate([np.array(times) for times, _ in found])
    return {
        "rate": len(took) * size / seconds,
        "p50": float(np.quantile(took, 0.5)),
        "p99": float(np.quantile(took, 0.99)),
        "errors": float(sum(errors for _, errors in found)),
        "seconds": seconds,
    }


def load(port: int, key: str, **about: Any) -> dict[str, float]:
    """Let another process send."""
    said = json.dumps({"port": port, "key": key, "seconds": SECONDS, "rate": 0, **about})
    sender = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serve", "--load", said],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert sender.stdin is not None
    assert sender.stdout is not None
    assert sender.stdout.readline() == "made\n"
    sender.stdin.write("go\n")
    sender.stdin.flush()
    found: dict[str, float] = json.loads(sender.stdout.readline())
    sender.wait()
    print(about, {name: round(figure, 2) for name, figure in found.items()}, file=sys.stderr)
    return found


def serve(folder: Path, workers: int = 1) -> tuple[subprocess.Popen[bytes], int, str]:
    """A server of a new shop, with a key."""
    Shop.create(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "shop.toml").write_text(f"[serve]\nport = {port}\nrequests_per_key = 1e6\nworkers = {workers}\n")
    made = subprocess.run(
        [sys.executable, "-m", "regulars", "keys", "create", "bench", "--shop", str(folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    with (folder.parent / "server.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "regulars", "serve", "--shop", str(folder)], stderr=log)
    while not _is_ready(port):
        if server.poll() is not None:
            raise RuntimeError(f"The server has ended: {(folder.parent / 'server.log').read_text()[-2000:]}")
        time.sleep(0.1)
    return server, port, made.stdout.strip()


def _is_ready(port: int) -> bool:
    asking = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asking.request("GET", "/ready")
        return asking.getresponse().status == 200
    except OSError:
        return False
    finally:
        asking.close()


def ingest() -> list[Row]:
    """Single events, and batches of a hundred."""
    with tempfile.TemporaryDirectory() as home:
        server, port, key = serve(Path(home) / "shop")
        load(port, key, connections=64, size=1, each=500, seconds=WARM_SECONDS)
        single = load(port, key, connections=128, size=1, each=1500)
        paced = load(port, key, connections=64, size=1, each=1200, rate=1000)
        batches = load(port, key, connections=16, size=100, each=500)
        server.send_signal(signal.SIGTERM)
        server.wait(120)
        in_log = Shop.open(Path(home) / "shop").log.snapshot().rows("events")
        print("in the log", in_log, file=sys.stderr)
    assert not single["errors"] + paced["errors"] + batches["errors"]
    published = {"RudderStack's gateway, two cores": RUDDERSTACK}
    return [
        Row("ingest, single durable events, 128 connections", "events/s", "higher", single["rate"], {}, published),
        Row("ingest, single durable events, 128 connections", "p99 ms", "lower", single["p99"]),
        Row("ingest, single durable events, 1,000/s", "p50 ms", "lower", paced["p50"]),
        Row("ingest, single durable events, 1,000/s", "p99 ms", "lower", paced["p99"]),
        Row("ingest, durable batches of 100, 16 connections", "events/s", "higher", batches["rate"]),
        Row("ingest, durable batches of 100, 16 connections", "p99 ms", "lower", batches["p99"]),
    ]


def workers() -> list[Row]:
    """The same load on one process, and on two workers beside a writer: on two cores, which the sender shares."""
    rows = []
    for name, count in (("one process", 1), ("two workers", 2)):
        with tempfile.TemporaryDirectory() as home:
            server, port, key = serve(Path(home) / "shop", count)
            load(port, key, connections=64, size=1, each=500, seconds=WARM_SECONDS)
            single = load(port, key, connections=128, size=1, each=1500)
            server.send_signal(signal.SIGTERM)
            server.wait(120)
        assert not single["errors"]
        case = f"ingest, single durable events, 128 connections, {name}"
        rows += [
            Row(case, "events/s", "higher", single["rate"]),
            Row(case, "p99 ms", "lower", single["p99"]),
        ]
    return rows


PARTS = {"ingest": ingest, "workers": workers}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", nargs="?", choices=PARTS, default="ingest")
    parser.add_argument("--load")
    asked = parser.parse_args()
    if asked.load:
        print(json.dumps(asyncio.run(_load(json.loads(asked.load)))), flush=True)
    else:
        began = time.perf_counter()
        save("serve", PARTS[asked.part]())
        print(f"in {time.perf_counter() - began:.0f} s", file=sys.stderr)
