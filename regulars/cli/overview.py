"""The command that shows what the log holds, as tables or as a page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, out, working

if TYPE_CHECKING:
    from regulars.events.overview import Overview

commands = typer.Typer()

SHOWN = 5


@commands.command(epilog="Example: regulars events --shop myshop --html events.html")
def events(
    shop: ShopFolder = Path(),
    version: Annotated[
        int | None,
        typer.Option(min=0, help="Look at an older version of the log, while it is kept. Default: the newest."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with plots by day, type and source.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What the log holds: events by type, day and source, days without any, and what is odd."""
    from regulars import storage
    from regulars.events.overview import overview
    from regulars.events.schema import EVENTS
    from regulars.shop import Shop

    door = Shop.open(shop)
    commit = door.log.snapshot(version)
    table = door.engine.parquet(door.log.paths(commit, "events"), EVENTS)
    with working("counting", quiet=as_json):
        found = overview(table, door.engine, commit)
    if html:
        storage.replace(html, _page(door.config.shop.name, found))
    if as_json:
        emit(asdict(found))
        return
    out.print(_types(found))
    if found.rows:
        days = found.days or [{"day": "none"}]
        out.print(
            f"{found.events:,} events in {found.rows:,} rows, on {len(found.days):,} days from {days[0]['day']} to "
            f"{days[-1]['day']}; {found.customer_share:.1%} of the rows name a customer."
        )
    for heading, lines in _remarks(found):
        out.print(f"{heading}:")
        for line in lines[:SHOWN]:
            out.print(f"  {escape(line)}")
        if len(lines) > SHOWN:
            out.print(f"  and {len(lines) - SHOWN:,} more: --json or --html FILE lists all")
    for commit in [commit for commit in door.log.history() if commit.version <= found.version][:SHOWN]:
        out.print(f"[dim]version {commit.version}, {commit.time:%Y-%m-%d %H:%M}: {escape(commit.operation)}[/]")
    if html:
        out.print(f"Written: {html}")


def _types(found: Overview) -> Table:
    heads = ("Type", "Rows", "Events", "Customers", "Products", "First", "Last")
    table = Table(*heads, title=f"Version {found.version}")
    for row in found.types:
        counts = [f"{row[name]:,}" for name in ("rows", "events", "customers", "products")]
        table.add_row(escape(row["type"]), *counts, f"{row['first']:%Y-%m-%d}", f"{row['last']:%Y-%m-%d}")
    return table


def _remarks(found: Overview) -> list[tuple[str, list[str]]]:
    """Sources, gaps and oddities, in words; only those that there are."""
    gaps = [f"{_span(gap)}: {gap['days']:,} day{'s' * (gap['days'] != 1)}" for gap in found.gaps]
    odd = [f"{odd['day']}: {odd['events']:,} events, {odd['times']:g} times the middle day" for odd in found.oddities]
    sources = [f"{source['source']}: {source['rows']:,} rows" for source in found.sources]
    said = [("By source", sources), ("Days without an event", gaps), ("Odd days", odd)]
    return [(heading, lines) for heading, lines in said if lines]


def _span(gap: dict[str, Any]) -> str:
    return str(gap["first"]) if gap["days"] == 1 else f"{gap['first']} to {gap['last']}"


def _page(name: str, found: Overview) -> str:
    from regulars.evaluation import Figure, Section, render, timeline_plot
    from regulars.evaluation import Table as PageTable

    share = "" if found.customer_share is None else f" {found.customer_share:.1%} of the rows name a customer."
    figures = []
    if found.types_by_day:
        days, kinds, counts = ([row[key] for row in found.types_by_day] for key in ("day", "type", "rows"))
        chart = timeline_plot(days, kinds, counts, "rows")
        figures.append(Figure("Rows by day and type", str(chart.to_dict()["description"]), chart))
    heads = ("type", "rows", "events", "customers", "products", "first", "last")
    parts = [
        Section(
            f"Version {found.version}",
            text=[f"{found.events:,} events in {found.rows:,} rows.{share} Days are those of UTC."],
            table=PageTable(heads, [[_cell(row[key]) for key in heads] for row in found.types]),
            figures=figures,
        )
    ]
    for heading, rows in [
        ("By source", found.sources),
        ("Days without an event", found.gaps),
        ("Odd days: ten times the middle day, or a tenth", found.oddities),
        ("By day", found.days),
    ]:
        if rows:
            table = PageTable(list(rows[0]), [[_cell(cell) for cell in row.values()] for row in rows])
            parts.append(Section(heading, table=table))
    return render(f"{name}: the log", parts)


def _cell(value: Any) -> object:
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "hour") else value
