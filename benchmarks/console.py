"""The console over a shop of a million customers: how long pages take, what they weigh, and who can use them.

    python -m benchmarks.console                 about half an hour on two cores, most of it to simulate and prepare
    python -m benchmarks.console 200000          another number of customers
    python -m benchmarks.console 1000000 x       keep the shop in the folder x, and use it again

Pages are asked for as a browser does, by an administrator, in a process beside the server. The time to the largest
paint is the browser's own (Chromium, its cache empty), of the page; parts that come later have a figure of their own.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import numpy as np

from benchmarks.report import Row, save
from regulars import Shop
from regulars.console.index import Index
from regulars.console.people import People
from regulars.console.screens import SCREENS
from regulars.console.tables import prepare

CUSTOMERS = 1_000_000
PRESET = "fashion"
"""Its million customers leave 53 million events in a year."""
REPEATS = 20
PART_REPEATS = 3
READY_SECONDS = 300
"""So long parts may be worked out after the start, before they are measured."""
EMAIL, PASSWORD = "bench@shop.example", "tea for two at five"
AXE = Path(__file__).parent.parent / "tests" / "console" / "vendor" / "axe.min.js"
LCP = """() => new Promise(done => {
    new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
        .observe({type: "largest-contentful-paint", buffered: true});
    setTimeout(() => done(0), 3000);
})"""
WHOLE = """() => !document.querySelector(".loading:not(.sample, [data-hx-trigger=revealed])")
    && [...document.querySelectorAll(".chart-place")].every(place => place.querySelector("canvas, svg"))"""
CLS = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => list.getEntries().forEach(each => sum += each.hadRecentInput ? 0 : each.value))
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 100);
})"""


def addresses(customer: str) -> list[str]:
    """Every page and every part of one that needs no name of something else in its path."""
    routes = [route for screen in SCREENS for route in screen.routes if route.method == "GET"]
    paths = [route.path for route in routes if "{" not in route.path]
    paths = [path for path in paths if path not in ("/sign-in", "/welcome") and not path.endswith("export")]
    of_customer = ("/customer", "/recommendations")
    return [f"{path}?id={customer}" if path.startswith(of_customer) else path for path in paths]


def main() -> None:
    """Simulate, serve, prepare, and measure."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS
    case = f"{customers:,} customers"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else temporary) / "shop"
        if not folder.exists():
            command = ["simulate", str(folder), "--customers", str(customers), "--preset", PRESET]
            subprocess.run([sys.executable, "-m", "regulars", *command], check=True)
        shop = Shop.open(folder)
        people = People(prepare(shop.state))
        if EMAIL not in [person.email for person in people.all()]:
            people.join(people.invite("admin", by="benchmark"), EMAIL, "Ada", PASSWORD, "en")
        index, begun = Index(shop), time.perf_counter()
        if index.is_stale:
            index.make(shop, lambda done, total: None)
        made = Row(case, "the list of customers made, seconds", "lower", time.perf_counter() - begun)
        ids = shop.engine.to_arrow(shop.events.filter(shop.events.customer_id.notnull()).customer_id.topk(1))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        command = ["console", "--shop", str(folder), "--no-open", "--port", str(port)]
        server = subprocess.Popen([sys.executable, "-m", "regulars", *command], stdout=subprocess.DEVNULL)
        try:
            base, customer = f"http://127.0.0.1:{port}/console", ids["customer_id"].to_pylist()[0]
            rows = [*bench(base, people, customer, case), made]
        finally:
            server.terminate()
            server.wait(120)
    save("console", rows)


def bench(base: str, people: People, customer: str, case: str) -> list[Row]:
    """Wait until what the server begins with is there; then every page and part, by a client and by a browser."""
    cookie = _signed_in(base)
    client = httpx2.Client(timeout=600, headers={"cookie": cookie, "accept-encoding": "gzip"})
    found = addresses(customer)
    first = {path: _asked(client, base + path) for path in found}
    # What is no page of its own is asked for by htmx.
    pages = [path for path in found if first[path][2]]
    parts = [path for path in found if not first[path][2]]
    begun = time.perf_counter()
    while any(
        "not_yet" in _asked(client, base + path)[3] for path in parts if time.perf_counter() - begun < READY_SECONDS
    ):
        time.sleep(1)
    ready = time.perf_counter() - begun
    times = {path: [_asked(client, base + path)[0] for _ in range(REPEATS)] for path in pages}
    later = {path: [_asked(client, base + path)[0] for _ in range(PART_REPEATS)] for path in parts}
    for path, each in sorted({**times, **later}.items(), key=lambda item: -float(np.median(item[1]))):
        print(f"{np.median(each):9.0f} ms {max(each):9.0f} max  {path}", file=sys.stderr)
    taken, part_taken = np.concatenate(list(times.values())), np.concatenate(list(later.values()))
    rows = [
        Row(case, "pages, server ms p50", "lower", float(np.median(taken))),
        Row(case, "pages, server ms p95", "lower", float(np.percentile(taken, 95)), {}, {"target": 150}),
        Row(case, "pages, server ms p99", "lower", float(np.percentile(taken, 99))),
        Row(case, "parts that come after their page, server ms p50", "lower", float(np.median(part_taken))),
        Row(case, "parts that come after their page, server ms p95", "lower", float(np.percentile(part_taken, 95))),
        Row(case, "what is made at the start, seconds until all of it is there", "lower", ready),
    ]
    return rows + in_browser(base, people, cookie, pages, case)


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


def _asked(client: httpx2.Client, address: str) -> tuple[float, int, bool, str]:
    """(milliseconds, bytes, whether it is a page, its text)."""
    begun = time.perf_counter()
    answer = client.get(address, headers={"hx-request": "true"})
    return (time.perf_counter() - begun) * 1000, len(answer.content), 'id="main"' in answer.text, answer.text


def in_browser(base: str, people: People, cookie: str, pages: list[str], case: str) -> list[Row]:
    """What a browser sees: paints, shifts, weight, faults of accessibility, and whom it asks."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    paints, shifts, faults, foreign, small = [], [], 0, 0, 0
    weights: dict[bool, list[float]] = {True: [0.0], False: [0.0]}
    name, _, value = cookie.partition("=")
    person = next(person for person in people.all() if person.email == EMAIL)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        for language in ("en", "zh"):
            people.change(person.id, language=language)
            for path in pages:
                context = browser.new_context()
                context.add_cookies(
                    [{"name": name, "value": value, "url": base.replace("http:", "https:"), "secure": True}]
                )
                page, asked, sizes = context.new_page(), [], []
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                session = context.new_cdp_session(page)
                session.send("Network.enable")
                session.on("Network.loadingFinished", lambda each, sizes=sizes: sizes.append(each["encodedDataLength"]))
                page.goto(base + path)
                page.wait_for_function(WHOLE)
                paints.append(page.evaluate(LCP))
                shifts.append(page.evaluate(CLS))
                foreign += sum(urlsplit(each).netloc not in (urlsplit(base).netloc, "") for each in asked)
                weights[any("vega" in each for each in asked)].append(sum(sizes) / 1000)
                faults += _faults(page)
                small += page.evaluate(SMALL)
                context.close()
        browser.close()
    return [
        Row(case, "largest contentful paint, ms p50", "lower", float(np.median(paints))),
        Row(case, "largest contentful paint, ms p95", "lower", float(np.percentile(paints, 95)), {}, {"target": 1000}),
        Row(case, "weight of the heaviest page with charts, kB", "lower", max(weights[True]), {}, {"target": 400}),
        Row(case, "weight of the heaviest page without, kB", "lower", max(weights[False]), {}, {"target": 120}),
        Row(case, "serious and critical findings of axe, both languages", "lower", faults, {}, {"target": 0}),
        Row(case, "pages whose layout shifts by more than 0.1", "lower", sum(each > 0.1 for each in shifts), {}, {"target": 0}),
        Row(case, "buttons and fields under 18 pixels high or wide", "lower", small, {}, {"target": 0}),
        Row(case, "requests to foreign hosts", "lower", foreign, {}, {"target": 0}),
    ]  # fmt: skip


SMALL = """() => [...document.querySelectorAll("button, select, input:not([type=hidden]), a.button")].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && (box.width < 18 || box.height < 18);
}).length"""


def _faults(page: Any) -> int:
    # By the browser's own protocol: the policy of the page lets no script of another in.
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
    told = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    return sum(each["impact"] in ("serious", "critical") for each in told["violations"])


if __name__ == "__main__":
    main()
