"""The commands that say something of customers: decide, profile, recommend, demo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from regulars import clock
from regulars.cli.common import AsOf, Capabilities, Json, ShopFolder, emit, err, named, out, to_moment, working

commands = typer.Typer()


@commands.command(epilog="Example: regulars decide churn --shop myshop --as-of 2024-05-01")
def decide(
    capability: Capabilities = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What to do for whom: written as Parquet and CSV, and logged with policy, propensity and reasons."""
    from regulars.errors import NotFoundError
    from regulars.shop import Shop

    door = Shop.open(shop)
    found = []
    missed: list[NotFoundError] = []
    for name in named(capability, acting=True):
        try:
            with working(f"deciding {name}", quiet=as_json):
                decided = door.decide(name, to_moment(as_of))
        except NotFoundError as error:
            # One that has learned nothing yet, and was not asked for by name, must not stand in the way of the others.
            if capability:
                raise
            missed.append(error)
            continue
        found.append(
            {
                "capability": name,
                "decisions": decided.table.num_rows,
                "files": [str(path) for path in decided.files],
                "log_version": decided.log_version,
                "left_out": decided.left_out,
                "first": decided.table.slice(0, 10).to_pylist(),
            }
        )
        if not as_json:
            _show_decisions(name, decided, door.config.shop.currency)
    if missed and not found:
        raise missed[0]
    for reason in missed:
        err.print(f"[yellow]Not decided:[/] {escape(str(reason))}")
    if as_json:
        emit(found)


def _show_decisions(name: str, decided: Any, currency: str) -> None:
    from regulars.capability import DECISION

    shared = {*DECISION.names, "rank"}
    own = [field for field in decided.table.schema if field.name not in shared]
    policy = ", ".join(decided.table["policy"].unique().to_pylist())
    out.print(f"[bold]{name}[/]: {escape(policy or 'nobody')}")
    for position, row in enumerate(decided.table.slice(0, 10).to_pylist(), start=1):
        values = [f"{field.name.replace('_', ' ')} {_cell(row[field.name], field, currency)}" for field in own]
        out.print(f"{position:>3}. [bold]{escape(row['customer_id'])}[/]: {row['action']}; {', '.join(values)}")
        for reason in row["reasons"]:
            out.print(f"     [dim]{escape(reason)}[/]", highlight=False)
    if decided.left_out:
        out.print(f"{decided.left_out:,} customers are left out: they objected, or took their consent back.")
    if decided.table.num_rows > 10:
        out.print(f"The first 10 of {decided.table.num_rows:,}; all are in:")
    for path in decided.files:
        out.print(f"  {path}", soft_wrap=True)


def _cell(value: Any, field: Any, currency: str) -> str:
    from regulars.units import shown

    if isinstance(value, list):
        return escape(", ".join(str(each) for each in value if each is not None))
    unit = (field.metadata or {}).get(b"unit")
    return escape(str(value)) if unit is None or value is None else shown(value, unit.decode(), currency)


@commands.command(epilog="Example: regulars profile 14911 --shop myshop")
def profile(
    customer: Annotated[str | None, typer.Argument(help="Id of the customer. Default: all, written to files.")] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    language: Annotated[str, typer.Option(metavar="en|zh", help="In which language the page speaks.")] = "en",
    with_nearest: Annotated[bool, typer.Option("--nearest", help="Also the customers most like this one.")] = False,
    as_json: Json = False,
) -> None:
    """Who is this customer? A readable page; without a customer, the profiles of all, as Parquet and CSV."""
    from collections import Counter

    from regulars.profile import page, profiles
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    if customer is not None:
        with working(f"reading {customer}", quiet=as_json):
            found = page(door, customer, moment, language=language, with_nearest=with_nearest)
        emit(found.to_dict()) if as_json else out.print(found)
        return
    with working("computing profiles", quiet=as_json):
        table = profiles(door, moment)
        files = door.tables.write("profile", "profiles", table, moment)
    stages = dict(Counter(table["stage"].to_pylist()).most_common())
    if as_json:
        emit({"customers": table.num_rows, "stages": stages, "files": [str(path) for path in files]})
        return
    out.print(f"{table.num_rows:,} customers: " + ", ".join(f"{count:,} {stage}" for stage, count in stages.items()))
    for path in files:
        out.print(f"  {path}")


@commands.command(epilog="Example: regulars outlook 14911 --shop myshop --out 14911.html")
def outlook(
    customer: Annotated[str, typer.Argument(help="Id of the customer.")],
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    page: Annotated[Path | None, typer.Option("--out", help="Also write a page with charts here.")] = None,
    as_json: Json = False,
) -> None:
    """What is to come of one customer: risk, next order, margin, and whether it still is one, day by day."""
    from regulars import storage
    from regulars.churn import ahead
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working(f"looking ahead for {customer}", quiet=as_json):
        found = ahead(door, customer, to_moment(as_of) or door.now)
    emit(found.to_dict()) if as_json else out.print(found)
    if page is not None:
        storage.replace(page, found.to_html().encode())
        if not as_json:
            out.print(f"  {page}", soft_wrap=True)


@commands.command(epilog="Example: regulars subscriptions --shop myshop --as-of 2024-05-01")
def subscriptions(shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """Who will end a subscription at its next renewal: every spell, written as Parquet and CSV, the likeliest shown."""
    import json

    from regulars import churn
    from regulars.shop import Shop
    from regulars.units import shown

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("reading subscriptions", quiet=as_json):
        table = churn.subscriptions(door, moment)
        files = door.tables.write("churn", "subscriptions", table, moment)
    running = [row for row in table.to_pylist() if row["ended_at"] is None]
    running.sort(key=lambda row: -(row["leave_probability"] or 0.0))
    notes = json.loads((table.schema.metadata or {}).get(b"notes", b"[]"))
    if as_json:
        emit({"spells": table.num_rows, "running": len(running), "first": running[:10], "notes": notes,
              "files": [str(path) for path in files]})  # fmt: skip
        return
    out.print(f"{table.num_rows:,} spells of subscriptions, {len(running):,} of them running.")
    for row in running[:10]:
        if row["leave_probability"] is not None:
            chance, when = shown(row["leave_probability"], "share"), shown(row["renewal_in_days"], "days")
            who = escape(row["customer_id"])
            out.print(
                f"  [bold]{who}[/]: {chance} likely to end at the renewal in {when}, after {row['days']:.0f} days"
            )
    for note in notes:
        out.print(f"[yellow]{escape(note)}[/]")
    for path in files:
        out.print(f"  {path}", soft_wrap=True)


@commands.command(epilog="Example: regulars demo --dir demo")
def demo(
    folder: Annotated[Path, typer.Option("--dir", help="A new folder for the demo's shop.")] = Path("demo"),
    as_json: Json = False,
) -> None:
    """The main job on a real shop's orders, which come with the package: five minutes, no network."""
    from regulars import demo as shop_demo

    @contextmanager
    def step(what: str) -> Iterator[None]:
        start = clock.now()
        with working(what, quiet=as_json):
            yield
        seconds = (clock.now() - start).total_seconds()
        if not as_json:
            err.print(f"[green]✓[/] {what} [dim]{seconds:.1f} s[/]")

    found = shop_demo.run(folder, step)
    lines = list(found.findings())
    files = [str(found.report), *map(str, found.decided.files)]
    if as_json:
        emit({"shop": str(folder), "findings": lines, "files": files})
        return
    out.print()
    for line in lines:
        out.print(f"• {escape(line)}", highlight=False, soft_wrap=True)
    out.print("\nOpen the report in a browser, the lists in a spreadsheet:")
    for path in files:
        out.print(f"  {path}", highlight=False, soft_wrap=True)
    out.print(f"Then open the console on it: regulars console --shop {folder}")
