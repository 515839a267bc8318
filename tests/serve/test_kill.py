"""What was acknowledged is in the log once, whatever is killed when."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest

from regulars.events.inbox import Inbox, fold, open_store

KILLS = int(os.environ.get("REGULARS_SERVER_KILLS", "20"))
SENDERS = 4

# One process imports the package; each line asks it for a child that serves.
ZYGOTE = """
import os, sys
from pathlib import Path
from regulars import Shop
from regulars.serve import run
import duckdb, pyarrow.dataset, regulars.events.inbox.folding
import regulars.serve.live.shop as live, regulars.serve.writer as writer
writer.TICK_SECONDS = 0.02
live.assistant = lambda shop: None  # each server would learn anew what customers may write
for line in sys.stdin:
    folder, port = line.split("\\t")
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)  # what a server may print is no answer to the test
        shop = Shop.open(folder)
        run(shop, shop.config.serve.model_copy(update={"port": int(port), "fold_seconds": 0.05}))
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("done", flush=True)
"""


class Zygote:
    def __init__(self, errors: Path) -> None:
        self._errors = errors.open("w")
        self._child: int | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-c", ZYGOTE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
        )  # fmt: skip

    def serve(self, folder: Path, port: int) -> int:
        self._process.stdin.write(f"{folder}\t{port}\n")
        self._process.stdin.flush()
        self._child = int(self._process.stdout.readline())
        return self._child

    def end(self, child: int, number: int) -> None:
        os.kill(child, number)
        assert self._process.stdout.readline() == "done\n"
        self._child = None

    def close(self) -> None:
        if self._child is not None:  # the test failed: what it left must not hold up the others
            os.kill(self._child, signal.SIGKILL)
        self._process.stdin.close()
        self._process.wait(60)
        self._errors.close()


@pytest.fixture
def zygote(tmp_path: Path):
    found = Zygote(tmp_path / "errors.txt")
    yield found
    found.close()


def test_a_server_killed_under_load_loses_nothing_that_it_acknowledged_and_counts_nothing_twice(
    shop, zygote, free_port, tmp_path
):
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    url = f"http://127.0.0.1:{free_port}"
    acknowledged: list[str] = []
    is_over = threading.Event()

    def send(sender: int) -> None:
        """Calls and batches; what was not answered is sent again, as clients do."""
        client, number = httpx2.Client(base_url=url, timeout=5), 0
        while not is_over.is_set():
            count = 1 if number % 2 else 20
            names = [f"{sender}-{number + place}" for place in range(count)]
            number += count
            calls = [
                {"type": "track", "event": "Product Viewed", "userId": "ada", "messageId": name,
                 "timestamp": "2024-05-01T10:00:00Z"}
                for name in names
            ]  # fmt: skip
            path, body = ("/v1/batch", {"batch": calls}) if count > 1 else ("/v1/track", calls[0])
            while not is_over.is_set():
                try:
                    if client.post(path, json=body).status_code == 200:
                        acknowledged.extend(names)
                        break
                except httpx2.TransportError:
                    pass
                time.sleep(0.01)
        client.close()

    senders = [threading.Thread(target=send, args=[sender], daemon=True) for sender in range(SENDERS)]
    child = zygote.serve(shop.folder, free_port)
    for sender in senders:
        sender.start()
    for number in range(KILLS):
        if number % 10 == 0:  # some kills must fall on folds, however busy the machine is
            before, deadline = shop.log.version, time.monotonic() + 60
            while shop.log.version == before and time.monotonic() < deadline:
                time.sleep(0.02)
        seen, deadline = len(acknowledged), time.monotonic() + 120
        while len(acknowledged) == seen:
            assert time.monotonic() < deadline, (tmp_path / "errors.txt").read_text()
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.8))
        zygote.end(child, signal.SIGKILL)
        child = zygote.serve(shop.folder, free_port)
    time.sleep(0.5)
    is_over.set()
    for sender in senders:
        sender.join()
    zygote.end(child, signal.SIGTERM)

    inbox = Inbox(open_store(shop.folder / "inbox"))
    rest = shop.folder / "rejects"
    while fold(inbox, shop.log, currency="EUR", timezone="UTC", received_at=_now(), rejects=rest):
        pass
    inbox.close()
    found = shop.log.read("events", ["event_id"])["event_id"].to_pylist()
    print("acknowledged", len(acknowledged), "in the log", len(found), "versions", shop.log.version)
    assert len(acknowledged) > KILLS
    assert shop.log.version > 1  # some kills fell on folds
    assert set(acknowledged) - set(found) == set()
    assert len(found) == len(set(found))
    assert not rest.exists(), [json.dumps(path.read_text()[:500]) for path in rest.iterdir()]


def _now():
    from regulars import clock

    return clock.now()
