"""A profile page on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from regulars.profile.features import FEATURES
from regulars.profile.traits import WINDOW
from regulars.profile.verify import Fact
from regulars.profile.wording import Sentence, Words
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.profile.page import Page

AT_MOST = 5
"""Interests of a kind that are shown; all are in the JSON."""


def rendered(page: Page) -> RenderableType:
    """Sentences, tables, and what is absent with its reason; names as they are, never as markup."""
    title = Text(f"{page.customer_id}, as of {page.as_of:%Y-%m-%d %H:%M} UTC")
    who = Panel(_said(page.said), title=title, title_align="left")
    if page.stage is None:
        return who
    parts = (_changes, _known, _features, _history, _nearest, _missing)
    return Group(who, *(shown for part in parts for shown in part(page)))


def _said(sentences: tuple[Sentence, ...]) -> Table:
    """Each sentence, and beside it what it rests on."""
    table = Table.grid(padding=(0, 2))
    for sentence in sentences:
        evidence = sentence.evidence
        rests_on = ""
        if evidence is not None:
            count = f"{evidence.events:,} event{'s' * (evidence.events != 1)}"
            rests_on = f"{count}, the last {evidence.last:%Y-%m-%d}"
        table.add_row(Text(sentence.text), Text(rests_on, style="dim"))
    return table


def _changes(page: Page) -> Iterator[RenderableType]:
    if page.changes:
        yield Panel(_said(page.changes), title="What changed in the last 30 days", title_align="left")


def _known(page: Page) -> Iterator[RenderableType]:
    known = page.known
    rows: list[tuple[str, str, str, str, str]] = []
    for kind, interests in known.interests.items():
        for each in interests[:AT_MOST]:
            rests = f"{each.orders} orders, {each.occasions} occasions"
            rows.append((kind, each.name, _interval(each), _share(each.confidence), rests))
    level, discounts = known.price_level, known.discounts
    if level is not None:
        between = f"{level.level:.2f} ({level.low:.2f} to {level.high:.2f})"
        rows.append(("price level", "1 is usual", between, _share(level.confidence), f"{level.orders} orders"))
    if discounts is not None:
        rests = f"{discounts.orders} orders"
        rows.append(("below list price", "", _interval(discounts), _share(discounts.confidence), rests))
    if known.sensitivity is not None:
        rows.append(("price sensitivity", known.sensitivity, "", "", ""))
    words = Words(page.language, page.currency)
    for habit, found in known.habits.items():
        name = "no preference" if found.name is None else _habit(words, habit, found.name)
        between = "" if found.name is None else _interval(found)
        rows.append((habit, name, between, _share(found.confidence), f"{found.days} days"))
    if known.next_order is not None:
        order = known.next_order
        between = f"{order.earliest:%Y-%m-%d} to {order.latest:%Y-%m-%d}"
        rows.append(("next order", f"{order.expected:%Y-%m-%d}", between, "80 %", f"{order.pauses} pauses"))
    if known.next_category is not None:
        following = known.next_category
        rows.append(("next category", following.name, _share(following.share), "", f"by {following.by}"))
    if page.quality is not None:
        missing = f"little of: {', '.join(page.quality.missing)}" if page.quality.missing else ""
        rows.append(("data quality", _share(page.quality.known), "", "", missing))
    table = Table("What is known", "", "Share or interval", "Confidence", "Rests on", box=None, header_style="dim")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    yield table
    if page.untold:
        yield Text("What cannot be told yet:", style="dim")
        yield from (Text(f"  {name.replace('_', ' ')}: {why}", style="dim") for name, why in page.untold.items())


def _habit(words: Words, habit: str, name: str) -> str:
    if habit == "hour":
        begin = int(name)
        ends = (begin, (begin + WINDOW["hour"]) % 24)
        return " to ".join(words.shown(Fact(habit, each, "hour")) for each in ends)
    return words.shown(Fact(habit, int(name), "weekday")) if habit == "weekday" else name


def _interval(found: Any) -> str:
    return f"{_share(found.share)} ({_share(found.low)} to {_share(found.high)}; shop {_share(found.of_all)})"


def _share(value: float) -> str:
    return shown(value, "share")


def _features(page: Page) -> Iterator[RenderableType]:
    known = Table("Feature", "Meaning", box=None, header_style="dim")
    known.add_column("Value", justify="right")
    for feature in FEATURES:
        if feature.name in page.features:
            known.add_row(feature.name, feature.meaning, shown(page.features[feature.name], feature.unit))
    yield known


def _history(page: Page) -> Iterator[RenderableType]:
    if not page.history:
        return
    names = [name for name in page.history[-1] if name not in ("as_of", "stage")]
    table = Table("Month's end", "Stage", *names, box=None, header_style="dim")
    for row in page.history:
        values = [f"{row[name]:,.2f}".rstrip("0").rstrip(".") if name in row else "" for name in names]
        table.add_row(row["as_of"][:10], row["stage"], *values)
    yield table


def _nearest(page: Page) -> Iterator[RenderableType]:
    if page.nearest:
        yield Text("Nearest customers:")
    for near in page.nearest:
        yield Text(f"  {near.customer_id} ({near.likeness:.2f} by {near.by}): {'; '.join(near.why)}")


def _missing(page: Page) -> Iterator[RenderableType]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in page.absent.items():
        by_reason.setdefault(reason, []).append(name)
    start = "the log has no "
    lacks = [reason.removeprefix(start) for reason in by_reason if reason.startswith(start)]
    count = sum(len(names) for reason, names in by_reason.items() if reason.startswith(start))
    if lacks:
        yield Text(f"{count} features are absent, since the log has none of these: {', '.join(lacks)}.", style="dim")
    others = [name for reason, names in by_reason.items() if not reason.startswith(start) for name in names]
    if others:
        yield Text(f"Too little is known yet for {', '.join(others)}.", style="dim")
