"""What a browser sees of the console: paints, shifts, weight, faults of accessibility, and whom pages ask."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from benchmarks.report import Row

if TYPE_CHECKING:
    from regulars.console.people import People

LANGUAGES = ("en", "zh")
PATIENCE_SECONDS = 60
"""A page of which something is not there by then counts as not whole; what is there is judged all the same."""
LOOKING_MS = 50
AXE = Path(__file__).parent.parent / "tests" / "console" / "vendor" / "axe.min.js"
LCP = """() => new Promise(done => {
    new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
        .observe({type: "largest-contentful-paint", buffered: true});
    setTimeout(() => done(0), 3000);
})"""
MISSING = """() => [
    ...[...document.querySelectorAll(".loading:not(.sample, [data-hx-trigger=revealed])")]
        .map(each => each.dataset.hxGet ?? each.parentElement.id),
    ...[...document.querySelectorAll(".chart-place")].filter(place => !place.querySelector("canvas, svg"))
        .map(place => place.ariaLabel)]"""
"""What is not there yet: addresses of parts, and what charts show."""
CLS = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => list.getEntries().forEach(each => sum += each.hadRecentInput ? 0 : each.value))
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 100);
})"""
SMALL = """() => [...document.querySelectorAll("button, select, input:not([type=hidden]), a.button")].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && (box.width < 18 || box.height < 18);
}).map(each => each.outerHTML.slice(0, 120))"""
JUDGED = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"


class Seen(NamedTuple):
    """A page as a browser saw it.

    Attributes
    ----------
    paint_ms : until the largest thing on it was painted. shift : how far things moved, as CLS counts it.
    kilobytes : over the wire, compressed, with an empty cache.
    missing, faults, small, foreign : what is wrong, each by name.
    """

    paint_ms: float
    shift: float
    kilobytes: float
    has_charts: bool
    missing: list[str]
    faults: list[str]
    small: list[str]
    foreign: list[str]


def in_browser(base: str, people: People, email: str, cookie: str, pages: Sequence[str], case: str) -> list[Row]:
    """Every page in both languages, each with an empty cache; what is wrong is printed with its page."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    name, _, value = cookie.partition("=")
    # A cookie of safe connections alone, as the console's is.
    signed: Any = {"name": name, "value": value, "url": base.replace("http:", "https:"), "secure": True}
    person = next(person for person in people.all() if person.email == email)
    seen = []
    with sync_playwright() as started:
        # The sandbox of Chromium does not start for root.
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        for language in LANGUAGES:
            people.change(person.id, language=language)
            for path in pages:
                context = browser.new_context()
                context.set_default_timeout(PATIENCE_SECONDS * 1000)
                context.add_cookies([signed])
                seen.append(_seen(context, base, path))
                _print(language, path, seen[-1])
                context.close()
        browser.close()
    return _rows(seen, case)


def _seen(context: Any, base: str, path: str) -> Seen:
    page = context.new_page()
    asked: list[str] = []
    sizes: list[float] = []
    page.on("request", lambda request: asked.append(request.url))
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda each: sizes.append(each["encodedDataLength"]))
    page.goto(base + path)
    begun = time.perf_counter()
    # Asked from here: the policy of pages lets no text become code.
    while (missing := page.evaluate(MISSING)) and time.perf_counter() - begun < PATIENCE_SECONDS:
        page.wait_for_timeout(LOOKING_MS)
    paint, shift = page.evaluate(LCP), page.evaluate(CLS)
    kilobytes, small = sum(sizes) / 1000, page.evaluate(SMALL)
    # By the browser's own protocol: the policy of the page lets no script of another in.
    session.send("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
    told = [each for each in page.evaluate(JUDGED)["violations"] if each["impact"] in ("serious", "critical")]
    return Seen(
        paint, shift, kilobytes, any("vega" in each for each in asked), missing,
        [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in told], small,
        [each for each in asked if urlsplit(each).netloc not in (urlsplit(base).netloc, "")],
    )  # fmt: skip


def _print(language: str, path: str, seen: Seen) -> None:
    print(f"{seen.paint_ms:9.0f} ms painted, {seen.kilobytes:4.0f} kB  {language} {path}", file=sys.stderr)
    wrong = {"missing": seen.missing, "axe": seen.faults, "small": seen.small, "foreign": seen.foreign}
    for what, found in wrong.items():
        for each in found:
            print(f"          {what}: {each}", file=sys.stderr)
    if seen.shift > 0.1:
        print(f"          shift: {seen.shift:.2f}", file=sys.stderr)


def _rows(seen: list[Seen], case: str) -> list[Row]:
    paints = [each.paint_ms for each in seen]
    heaviest = {
        kind: max((each.kilobytes for each in seen if each.has_charts is kind), default=0.0) for kind in (True, False)
    }
    return [
        Row(case, "largest contentful paint, ms p50", "lower", float(np.median(paints))),
        Row(case, "largest contentful paint, ms p95", "lower", float(np.percentile(paints, 95)), {}, {"target": 1000}),
        Row(case, "weight of the heaviest page with charts, kB", "lower", heaviest[True], {}, {"target": 400}),
        Row(case, "weight of the heaviest page without, kB", "lower", heaviest[False], {}, {"target": 120}),
        Row(case, f"pages not whole after {PATIENCE_SECONDS} s, both languages", "lower", sum(bool(each.missing) for each in seen), {}, {"target": 0}),
        Row(case, "serious and critical findings of axe, both languages", "lower", sum(len(each.faults) for each in seen), {}, {"target": 0}),
        Row(case, "pages whose layout shifts by more than 0.1", "lower", sum(each.shift > 0.1 for each in seen), {}, {"target": 0}),
        Row(case, "buttons and fields under 18 pixels high or wide", "lower", sum(len(each.small) for each in seen), {}, {"target": 0}),
        Row(case, "requests to foreign hosts", "lower", sum(len(each.foreign) for each in seen), {}, {"target": 0}),
    ]  # fmt: skip
