"""A profile page on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from regulars.language.verify import Fact
from regulars.profile.features import FEATURES
from regulars.profile.rhythm import LEVEL
from regulars.profile.traits import WINDOW
from regulars.profile.wording import Sentence, Words
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.profile.page import Page

AT_MOST = 5
"""Interests of a kind that are shown; all are in the JSON."""


def rendered(page: Page) -> RenderableType:
    """Sentences, tables, and what is absent with its reason; names as they are, never as markup."""
    title = page.label("{who}, as of {when} UTC", who=page.customer_id, when=f"{page.as_of:%Y-%m-%d %H:%M}")
    who = Panel(_said(page, page.said), title=Text(title), title_align="left")
    if page.stage is None:
        return who
    parts = (_changes, _known, _features, _history, _nearest, _missing)
    return Group(who, *(shown for part in parts for shown in part(page)))


def _said(page: Page, sentences: tuple[Sentence, ...]) -> Table:
    """Each sentence, and beside it what it rests on."""
    table = Table.grid(padding=(0, 2))
    for sentence in sentences:
        evidence = sentence.evidence
        rests_on = ""
        if evidence is not None:
            about = "{events} event, {last}" if evidence.events == 1 else "{events} events, the last {last}"
            rests_on = page.label(about, events=f"{evidence.events:,}", last=f"{evidence.last:%Y-%m-%d}")
        table.add_row(Text(sentence.text), Text(rests_on, style="dim"))
    return table


def _changes(page: Page) -> Iterator[RenderableType]:
    if page.changes:
        title = page.label("What changed in the last 30 days")
        yield Panel(_said(page, page.changes), title=title, title_align="left")


def _known(page: Page) -> Iterator[RenderableType]:
    label = page.label
    heads = ("What is known", "", "Share or interval", "Confidence", "Rests on")
    table = Table(*(label(head) for head in heads), box=None, header_style="dim")
    for what, *cells in _rows(page):
        table.add_row(Text(label(what)), *(Text(cell) for cell in cells))
    yield table
    if page.untold:
        yield Text(label("What cannot be told yet:"), style="dim")
        for name, why in page.untold.items():
            yield Text(f"  {label(name.replace('_', ' '))}: {why}", style="dim")


def _rows(page: Page) -> Iterator[tuple[str, str, str, str, str]]:
    """What it is, its value, its interval, how sure it is, and what it rests on."""
    known, label = page.known, page.label
    for kind, interests in known.interests.items():
        for each in interests[:AT_MOST]:
            rests = label("{orders} orders, {occasions} occasions", **each._asdict())
            yield kind, each.name, _interval(page, each), _share(each.confidence), rests
    level, discounts = known.price_level, known.discounts
    if level is not None:
        between = f"{level.level:.2f} ({level.low:.2f}–{level.high:.2f})"
        rests = label("{orders} orders", orders=level.orders)
        yield "price level", label("1 is usual"), between, _share(level.confidence), rests
    if discounts is not None:
        rests = label("{orders} orders", orders=discounts.orders)
        yield "discount affinity", "", _interval(page, discounts), _share(discounts.confidence), rests
    if known.sensitivity is not None:
        yield "price sensitivity", label(known.sensitivity), "", "", ""
    words = Words(page.language, page.currency)
    for habit, found in known.habits.items():
        name = label("no preference") if found.name is None else _habit(words, habit, found.name)
        between = "" if found.name is None else _interval(page, found)
        rests = label("{days} days", days=found.days)
        yield f"preferred {habit}", name, between, _share(found.confidence), rests
    if known.next_order is not None:
        order = known.next_order
        between = f"{order.earliest:%Y-%m-%d} – {order.latest:%Y-%m-%d}"
        rests = label("{pauses} pauses", pauses=order.pauses)
        yield "next order", f"{order.expected:%Y-%m-%d}", between, _share(LEVEL), rests
    if known.next_category is not None:
        following = known.next_category
        yield "next category", following.name, _share(following.share), "", label(following.by)
    if page.quality is not None:
        missing = ", ".join(label(part) for part in page.quality.missing)
        lacks = label("little of: {missing}", missing=missing) if missing else ""
        yield "data quality", _share(page.quality.known), "", "", lacks


def _habit(words: Words, habit: str, name: str) -> str:
    if habit == "hour":
        begin = int(name)
        ends = (begin, (begin + WINDOW["hour"]) % 24)
        return "–".join(words.shown(Fact(habit, each, "hour")) for each in ends)
    return words.shown(Fact(habit, int(name), "weekday")) if habit == "weekday" else name


def _interval(page: Page, found: Any) -> str:
    shares = {name: _share(getattr(found, name)) for name in ("share", "low", "high", "of_all")}
    return page.label("{share} ({low}–{high}; shop {of_all})", **shares)


def _share(value: float) -> str:
    return shown(value, "share")


def _features(page: Page) -> Iterator[RenderableType]:
    known = Table(page.label("Feature"), page.label("Meaning"), box=None, header_style="dim")
    known.add_column(page.label("Value"), justify="right")
    for feature in FEATURES:
        if feature.name in page.features:
            known.add_row(feature.name, feature.meaning, shown(page.features[feature.name], feature.unit))
    yield known


def _history(page: Page) -> Iterator[RenderableType]:
    if not page.history:
        return
    names = [name for name in page.history[-1] if name not in ("as_of", "stage")]
    table = Table(page.label("Month's end"), page.label("Stage"), *names, box=None, header_style="dim")
    for row in page.history:
        values = [f"{row[name]:,.2f}".rstrip("0").rstrip(".") if name in row else "" for name in names]
        table.add_row(row["as_of"][:10], page.label(row["stage"]), *values)
    yield table


def _nearest(page: Page) -> Iterator[RenderableType]:
    if page.nearest:
        yield Text(page.label("Nearest customers:"))
    for near in page.nearest:
        yield Text(f"  {near.customer_id} ({near.likeness:.2f}, {page.label(near.by)}): {'; '.join(near.why)}")


def _missing(page: Page) -> Iterator[RenderableType]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in page.absent.items():
        by_reason.setdefault(reason, []).append(name)
    start = "the log has no "
    lacks = [reason.removeprefix(start) for reason in by_reason if reason.startswith(start)]
    count = sum(len(names) for reason, names in by_reason.items() if reason.startswith(start))
    if lacks:
        about = "{count} features are absent, since the log has none of these: {lacks}."
        yield Text(page.label(about, count=count, lacks=", ".join(lacks)), style="dim")
    others = [name for reason, names in by_reason.items() if not reason.startswith(start) for name in names]
    if others:
        yield Text(page.label("Too little is known yet for {names}.", names=", ".join(others)), style="dim")
