"""The commands above all capabilities: the map of life, the plan of a week, the daily turn, the letter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from regulars.cli.common import AsOf, Json, ShopFolder, emit, err, out, to_moment, working

commands = typer.Typer()


@commands.command(epilog="Example: regulars lifecycle --shop myshop --as-of 2024-05-01")
def lifecycle(shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """The map of life: how many customers are in each stage, what they bring, and who went where in four weeks."""
    from regulars.lifecycle.dataset import known_as_of
    from regulars.lifecycle.model import in_use
    from regulars.lifecycle.stages.map import counted, flows
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("following customers", quiet=as_json):
        model = in_use(door)
        known = known_as_of(door, moment)
        stages = counted(model.stages.standing(known.panel), known.panel)
        moved = flows(known.panel, model.stages, max(known.panel.weeks - 5, 0), known.panel.weeks - 1)
    if as_json:
        emit({"as_of": moment, "stages": stages.to_pylist(), "flows": moved.to_pylist()})
        return
    currency = door.config.shop.currency
    for row in stages.to_pylist():
        worth = "" if row["value"] is None else f", each worth {row['value']:,.2f} {currency} to come"
        out.print(f"{row['customers']:>9,} {row['stage']}: {row['money_week']:,.2f} {currency} last week{worth}")
    for row in [row for row in moved.to_pylist() if row["begin"] != row["end"]][:10]:
        out.print(f"{row['customers']:>9,} from {row['begin']} to {row['end']}")


@commands.command(epilog="Example: regulars plan --shop myshop --as-of 2024-05-01")
def plan(shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """What next week would look like, and what other limits would bring. Nothing is decided."""
    from regulars.lifecycle.decide import situation
    from regulars.lifecycle.plan import plan as planned
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("planning the week", quiet=as_json):
        found = planned(situation(door, to_moment(as_of) or door.now))
    if as_json:
        emit({**{k: v for k, v in vars(found).items() if k != "actions"}, "actions": found.actions.to_pylist()})
        return
    currency = door.config.shop.currency
    for row in found.actions.to_pylist():
        days = ", ".join(str(row[name]) for name in row if name.startswith("day "))
        out.print(
            f"[bold]{escape(row['action'])}[/]: {days} a day; {row['gain']:,.2f} {currency} for {row['cost']:,.2f}"
        )
    out.print(
        f"{found.gain:,.2f} {currency} ({found.low:,.2f} to {found.high:,.2f} at 95 %), at most {found.bound:,.2f}; "
        f"{found.contacts:,} contacts, {found.spent:,.2f} {currency}, {found.minutes:,.0f} minutes of people."
    )
    for name, price in found.scarce.items():
        more = "; ".join(
            f"with {there:,.0f} at most {gain:,.2f}" for there, gain in found.what_if.get(name, {}).items()
        )
        out.print(f"Scarce: {escape(name)}, one more brings {price:,.2f}; {more}")
    for least, (contacts, gain) in found.least_net.items():
        out.print(f"If an action must bring {least:g} {currency}: {contacts:,} contacts, {gain:,.2f} {currency}")
    for reason, count in found.left_out.items():
        out.print(f"{count:,} customers: {escape(reason)}")
    for note in found.notes:
        err.print(f"[yellow]{escape(note)}[/]")


@commands.command(epilog="Example: regulars run --shop myshop")
def run(shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """The daily turn: fold, learn what is due, decide, send, prove. Run again, it goes on where it stopped."""
    from regulars.lifecycle.turn import turn
    from regulars.shop import Shop

    @contextmanager
    def step(what: str) -> Iterator[None]:
        with working(what, quiet=as_json):
            yield

    found = turn(Shop.open(shop), step, to_moment(as_of))
    if as_json:
        emit(asdict(found))
        return
    for what, said in found.done.items():
        out.print(f"[bold]{escape(what)}[/]: {escape(said)}", highlight=False)
    if found.missed:
        out.print(f"No turn on {', '.join(found.missed)}: days that are missed are not made up for.")
    if found.skipped:
        out.print(f"Done before on {found.day}: {', '.join(found.skipped)}.")


@commands.command(epilog="Example: regulars letter --shop myshop --language zh")
def letter(
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    language: Annotated[
        Literal["en", "zh"] | None, typer.Option(help="In which language. Default: [lifecycle] language.")
    ] = None,
    receiver: Annotated[str, typer.Option("--to", help="Whose address the e-mail has.")] = "owner@localhost",
    as_json: Json = False,
) -> None:
    """The weekly letter to the owner, one page, as HTML and as an e-mail; each number with its query."""
    from regulars.lifecycle.decide import situation
    from regulars.lifecycle.letter import letter as written
    from regulars.lifecycle.letter import write
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("writing the letter", quiet=as_json):
        found = written(door, situation(door, moment), language or door.config.lifecycle.language)
        files = [str(path) for path in write(door, found, moment, receiver)]
    if as_json:
        emit({"title": found.title, "text": found.to_text(), "files": files})
        return
    out.print(escape(found.to_text()), highlight=False)
    for path in files:
        out.print(f"  {path}", soft_wrap=True)
