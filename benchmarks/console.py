"""The console over a shop of a million customers: how long pages take, what they weigh, and who can use them.

    python -m benchmarks.console                 hours on two cores, most of them for parts that read all customers
    python -m benchmarks.console 200000          another number of customers
    python -m benchmarks.console 1000000 x       keep the shop in the folder x, and use it again

Pages are asked for as a browser does, by an administrator, in a process beside the server. The time to the largest
paint is the browser's own (Chromium, its cache empty), the parts that a page asks for included; what the server takes
for these has a figure of its own. A page of which something is not there within a minute is told by name.
Where others use the machine too, times tell of them as well: what the server computes for a page is told beside. What is
measured is kept at once, the pages before the parts.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import httpx2
import numpy as np

from benchmarks.console_browser import in_browser
from benchmarks.report import Row, save
from regulars import Shop
from regulars.console import rendering
from regulars.console.index import Index
from regulars.console.people import People
from regulars.console.screens import SCREENS
from regulars.console.tables import prepare
from regulars.console.words import say

CUSTOMERS = 1_000_000
PRESET = "fashion"
"""Its million customers leave 53 million events in a year."""
REPEATS = 10
READY_SECONDS = 3_600
"""So long parts may be worked out after the start, before they are measured."""
FIRST = (
    "/home/flow", "/home/alerts", "/segments/count", "/recommendations/lists", "/campaigns/results/effects",
    "/fraud/performance/charts",
)  # fmt: skip
"""Parts that show what the console makes when it starts: until all are there, pages are not alone on the server."""
CLICKED = ("/customer/alike", "/customer/links")
"""Parts that read all customers, and are asked for by a click."""
PART = r"(?:later\(|data-hx-get=\"\{\{ ?|src=\"\{\{ ?)url\(['\"]([^'\"]+)"
EMAIL, PASSWORD = "bench@shop.example", "tea for two at five"


def addresses(customer: str) -> list[str]:
    """Every page and every part of one that needs no name of something else in its path."""
    routes = [route for screen in SCREENS for route in screen.routes if route.method == "GET"]
    paths = [route.path for route in routes if "{" not in route.path]
    paths = [path for path in paths if path not in ("/sign-in", "/welcome") and not path.endswith("export")]
    of_customer = ("/customer", "/recommendations")
    return [f"{path}?id={customer}" if path.startswith(of_customer) else path for path in paths]


def asked_for_by_pages() -> set[str]:
    """The parts: what templates and pictures ask for once their page is there."""
    texts = [path.read_text("utf-8") for path in Path(rendering.__file__).parent.glob("templates/**/*.html")]
    return {name for text in texts for name in re.findall(PART, text)} | {*CLICKED}


def main() -> None:
    """Simulate, serve, prepare, and measure."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS
    case = f"{customers:,} customers, nothing learned"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else temporary) / "shop"
        if not folder.exists():
            command = ["simulate", str(folder), "--customers", str(customers), "--preset", PRESET]
            subprocess.run([sys.executable, "-m", "regulars", *command], check=True)
        shop = Shop.open(folder)
        people = People(prepare(shop.state))
        if EMAIL not in [person.email for person in people.all()]:
            people.join(people.invite("admin", by="benchmark"), EMAIL, "Ada", PASSWORD, "en")
        ada = next(person for person in people.all() if person.email == EMAIL)
        people.change(ada.id, language="en")  # a run that was stopped may have left another
        index, begun = Index(shop), time.perf_counter()
        if index.is_stale:
            index.make(shop, lambda done, total: None)
            made = Row(case, "the list of customers made, seconds", "lower", time.perf_counter() - begun)
            save("console", [made])
        ids = shop.engine.to_arrow(shop.events.filter(shop.events.customer_id.notnull()).customer_id.topk(1))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        command = ["console", "--shop", str(folder), "--no-open", "--port", str(port)]
        server = subprocess.Popen([sys.executable, "-m", "regulars", *command], stdout=subprocess.DEVNULL)
        try:
            base, customer = f"http://127.0.0.1:{port}/console", ids["customer_id"].to_pylist()[0]
            bench(base, server.pid, people, customer, case)
        finally:
            server.terminate()
            server.wait(300)


def bench(base: str, server: int, people: People, customer: str, case: str) -> None:
    """Every page and part, by a client and by a browser, once what the server begins with is there."""
    cookie = _signed_in(base)
    client = httpx2.Client(timeout=600, headers={"cookie": cookie, "accept-encoding": "gzip"})
    begun, found = time.perf_counter(), addresses(customer)
    known = asked_for_by_pages()
    pages = [path for path in found if path.partition("?")[0] not in known]
    parts = [path for path in found if path.partition("?")[0] in known]
    coming = [path for path in found if path.partition("?")[0] in FIRST]
    while coming and time.perf_counter() - begun < READY_SECONDS:
        coming = [path for path in coming if _asked(client, base + path).is_coming]
        time.sleep(1)
    if not coming:
        ready = time.perf_counter() - begun
        save("console", [Row(case, "what is made at the start, seconds until all of it is there", "lower", ready)])
    save("console", _served(client, base, server, pages, case))
    save("console", in_browser(base, people, EMAIL, cookie, pages, case))
    times = [_asked(client, base + path).milliseconds for path in parts]
    rows = [
        Row(case, f"parts that come after their page, server ms p{part}", "lower", float(np.percentile(times, part)))
        for part in (50, 95)
    ]
    save("console", rows)


def _served(client: httpx2.Client, base: str, server: int, pages: list[str], case: str) -> list[Row]:
    """How long each page takes, and how long the server computes for it."""
    taken, computed = [], []
    for path in pages:
        before = _computed(server)
        times = [_asked(client, base + path).milliseconds for _ in range(REPEATS)]
        computed.append((_computed(server) - before) * 1000 / REPEATS)
        taken += times
        print(f"{np.median(times):9.0f} ms, {computed[-1]:6.0f} ms computed  {path}", file=sys.stderr)
    p95 = float(np.percentile(taken, 95))
    return [
        Row(case, "pages, server ms p50", "lower", float(np.median(taken))),
        Row(case, "pages, server ms p95", "lower", p95, {}, {"target": 150}),
        Row(case, "pages, server ms p99", "lower", float(np.percentile(taken, 99))),
        Row(case, "pages, processor ms of the server, the page in the middle", "lower", float(np.median(computed))),
        Row(case, "pages, processor ms of the server, the heaviest page", "lower", max(computed), {}, {"target": 150}),
    ]


def _computed(process: int) -> float:
    """Seconds of a processor that a process has used, as Linux counts them."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _signed_in(base: str) -> str:
    """The cookie of a session, as a header says it: it is for safe connections, so a client would not send it here."""
    for _ in range(3000):
        try:
            page = httpx2.get(f"{base}/sign-in", timeout=60)
            break
        except httpx2.TransportError:
            time.sleep(0.1)
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert token is not None
    cookie = page.headers["set-cookie"].split(";")[0]
    form = {"form_token": token[1], "email": EMAIL, "password": PASSWORD}
    signed = httpx2.post(f"{base}/sign-in", data=form, headers={"cookie": cookie}, timeout=60)
    return str(signed.headers["set-cookie"].split(";")[0])


class Asked(NamedTuple):
    """How long a request took, and whether its answer says that it is still being worked out."""

    milliseconds: float
    is_coming: bool


def _asked(client: httpx2.Client, address: str) -> Asked:
    begun = time.perf_counter()
    text = client.get(address, headers={"hx-request": "true"}).text
    return Asked((time.perf_counter() - begun) * 1000, say("en", "shell.not_yet") in text)


if __name__ == "__main__":
    main()
