"""Segments: rules with a live count, clusters that were learned, who moved between them, and two compared."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
from starlette.responses import Response

from regulars import segment
from regulars.console.charts import chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.spoken import spoken
from regulars.console.visit import Visit
from regulars.errors import InputError
from regulars.rules import RuleError
from regulars.segment.migration import NONE, OUTSIDE
from regulars.segment.plots import migration_plot
from regulars.segment.rfm import CELLS
from regulars.segment.rule import Count, Counter, Segments, Suggestion, Words, members, overlap, suggest

if TYPE_CHECKING:
    from regulars.console.app import Console
    from regulars.segment.rule import Segment
    from regulars.shop import Shop

screen = Screen("segments", group="customers")

COLUMNS = (
    Column("name"),
    Column("rule", is_sorted=False),
    Column("note", is_wide=True),
    Column("version", "number", is_wide=True),
    Column("created", "date", is_wide=True),
)
CHANGING = only("growth", "risk")
MOST_OFFERS = 24
SPANS = (4, 13, 26)
BY = ("segment", "rfm")


class Told(NamedTuple):
    """What is said of a rule that is being typed: how many it means, or what is wrong with it; and what fits next."""

    counted: Count | None
    problem: str
    offers: list[tuple[str, Suggestion]]


@screen.get("/segments", may=ALL)
def index(visit: Visit) -> Response:
    """The segments that are rules."""
    saved = Segments(visit.shop)
    rows = [vars(saved.get(name)) for name in saved.rules()]
    wanted = visit.asked("q").strip().casefold()
    rows = [row for row in rows if wanted in f"{row['name']} {row['rule']} {row['note']}".casefold()]
    return visit.page("segments/index.html", found=Listing.of(visit, COLUMNS, ("q",)).of_rows(rows))


@screen.get("/segments/edit", may=ALL)
def edit(visit: Visit) -> Response:
    """A rule, with its count and what fits next; a new one, or the newest of a name."""
    name = visit.asked("name")
    before: list[Segment] = Segments(visit.shop).history(name) if name else []
    rule = visit.asked("rule") or (before[0].rule if before else "")
    note = before[0].note if before else ""
    return visit.page(
        "segments/edit.html", name=name, rule=rule, note=note, before=before, may_change=CHANGING, now=visit.console.now
    )


@screen.get("/segments/count", may=ALL)
def count(visit: Visit) -> Response:
    """How many customers a rule means, asked for as it is typed; and what fits at its end."""
    rule = visit.asked("rule")
    told = _told(counter(visit.console), rule)
    return visit.page("segments/count.html", told=told, rule=rule)


@screen.get("/segments/one", may=ALL)
def one(visit: Visit) -> Response:
    """A segment: its rule, who is in it, and the versions before."""
    history = Segments(visit.shop).history(visit.asked("name"))
    return visit.page("segments/one.html", history=history, may_change=CHANGING)


@screen.get("/segments/members", may=ALL)
def who(visit: Visit) -> Response:
    """Who is in a segment: how many, and the first of them."""
    rule = Segments(visit.shop).get(visit.asked("name")).rule
    with visit.console.reading() as shop:
        found = members(shop, rule, visit.console.now)
    rows = found.table.slice(0, 50).to_pylist()
    return visit.page("segments/members.html", found=found, rows=rows)


@screen.post("/segments/save", may=CHANGING)
def save(visit: Visit) -> Response:
    """Keep a rule under a name: a new version if the name is taken."""
    name, rule = visit.given("name"), visit.given("rule")
    note = str(visit.form.get("note") or "").strip()
    saved = Segments(visit.shop)
    before = saved.get(name) if name in saved.names() else None
    with visit.console.reading() as shop:
        made = saved.save(name, rule, _words(visit, shop).vocabulary, note)
    was = {"rule": before.rule, "note": before.note} if before else None
    visit.note("segments.saved", made.name, was, {"rule": made.rule, "note": made.note, "version": made.version})
    undo = ("/segments/save", {"name": made.name, "rule": before.rule, "note": before.note}) if before else None
    said = visit.t(".is_saved", name=made.name, version=made.version)
    return visit.go("/segments/one", said, undo=undo, name=made.name)


@screen.get("/segments/learned", may=ALL)
def learned(visit: Visit) -> Response:
    """The gallery of clusters and cells that were learned; its cards are a part that comes after."""
    return visit.page("segments/learned.html")


@screen.get("/segments/gallery", may=ALL)
def gallery(visit: Visit) -> Response:
    """Each cluster with its name, what sets it apart, what it is worth and how firm it is."""
    used = visit.shop.models.version_in_use("segment")
    found = visit.console.kept.of(
        f"segments.gallery.{visit.language}",
        visit.shop.log.version,
        lambda shop: segment.overview(shop, shop.now, visit.language),
        key=used,
    )
    about = visit.shop.models.get("segment", used).card["about"] if used is not None else {}
    return visit.page("segments/gallery.html", found=found, about=about)


@screen.get("/segments/migration", may=ALL)
def migration(visit: Visit) -> Response:
    """Who moved from where to where; the chart is a part that comes after."""
    return visit.page("segments/migration.html", weeks=_weeks(visit), by=_by(visit), spans=SPANS, ways=BY)


@screen.get("/segments/flow", may=ALL)
def flow(visit: Visit) -> Response:
    """The moves between two moments, as ribbons and as a table."""
    weeks, by, end = _weeks(visit), _by(visit), visit.console.now
    found = visit.console.kept.of(
        f"segments.flow.{by}.{weeks}",
        visit.shop.log.version,
        lambda shop: segment.migration(shop, end - timedelta(weeks=weeks), end, by),
        key=visit.shop.models.version_in_use("segment"),
    )
    rows = [
        {**row, "from": _said(visit, row["from"]), "to": _said(visit, row["to"])} for row in found.matrix.to_pylist()
    ]
    drawn = chart(migration_plot(pa.Table.from_pylist(rows)), visit.t(".flow_about", weeks=weeks))
    return visit.page("segments/flow.html", rows=rows[:30], drawn=drawn)


@screen.get("/segments/compare", may=ALL)
def compare(visit: Visit) -> Response:
    """Two segments beside each other."""
    names = list(Segments(visit.shop).rules())
    return visit.page("segments/compare.html", names=names, first=visit.asked("first"), second=visit.asked("second"))


@screen.get("/segments/shared", may=ALL)
def shared(visit: Visit) -> Response:
    """How many customers two segments have, and how many they share."""
    saved = Segments(visit.shop)
    first, second = saved.get(visit.asked("first")), saved.get(visit.asked("second"))
    if first.name == second.name:
        raise InputError(visit.t(".same"))
    with visit.console.reading() as shop:
        found = overlap(shop, first.rule, second.rule, visit.console.now, words=_words(visit, shop))
    return visit.page("segments/shared.html", found=found, first=first, second=second)


def counter(console: Console) -> Counter:
    """The customers ready to be counted, by the segments that are saved at this moment."""
    return console.kept.of(
        "segments.counter",
        console.shop.log.version,
        lambda shop: Counter.of(shop, shop.now),
        key=tuple(sorted(Segments(console.shop).rules().items())),
    )


screen.warmed.append(counter)


def _told(counter: Counter, rule: str) -> Told:
    offers = [(rule[: offer.start] + offer.text + " ", offer) for offer in suggest(rule, counter)[:MOST_OFFERS]]
    if not rule.strip():
        return Told(None, "", offers)
    try:
        return Told(counter.count(rule), "", offers)
    except RuleError as error:
        return Told(None, str(error), offers)


def _words(visit: Visit, shop: Shop) -> Words:
    """What rules may speak of, with the segments of this moment."""
    return Words.of(shop, visit.console.now)


def _weeks(visit: Visit) -> int:
    asked = visit.asked("weeks")
    return int(asked) if asked in map(str, SPANS) else SPANS[1]


def _by(visit: Visit) -> str:
    asked = visit.asked("by")
    return asked if asked in BY else BY[0]


def _said(visit: Visit, name: str) -> str:
    """A segment or cell in the language of who asks."""
    own = {OUTSIDE: ".outside", NONE: ".in_none"}
    if name in own:
        return visit.t(own[name])
    return CELLS.get(name) or spoken(name, "zh") if visit.language == "zh" else name
