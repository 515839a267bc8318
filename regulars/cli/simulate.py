"""The command of the simulation: a shop whose truth is known."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from regulars.cli.common import Json, emit, err, out
from regulars.errors import InputError, NotEnoughError

commands = typer.Typer()


@commands.command(epilog="Example: regulars simulate simulated --customers 2k --days 120 --seed 1 --preset gifts")
def simulate(
    folder: Annotated[Path, typer.Argument(help="A new folder for the shop.")],
    customers: Annotated[
        str, typer.Option(metavar="COUNT", help="How many customers ever come; 100k and 1M are understood.")
    ] = "10k",
    days: Annotated[int, typer.Option(help="How many days are played.")] = 365,
    seed: Annotated[int, typer.Option(help="The same seed gives the same shop, to the byte.")] = 1,
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="gifts, grocery, fashion, or a TOML file as theirs.")
    ] = "gifts",
    workers: Annotated[int, typer.Option(help="Threads; 0 for one a core. The shop is the same.")] = 0,
    as_json: Json = False,
) -> None:
    """Make a shop whose truth is known: a simulated log as an import would write it, the truth in DIR/truth.

    Customers come, look, choose, buy, return, complain and leave; a few are frauds. The shop contacts them by
    lot, so that effects can be learned from the log.
    """
    from regulars.simulate import World
    from regulars.simulate import simulate as play
    from regulars.simulate.facts import REAL, beside_real, facts, share_holding

    world = World(
        preset, customers=_count(customers), seed=seed, days=days, workers=workers or max(os.cpu_count() or 1, 1)
    )
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=as_json or not err.is_terminal,
    ) as progress:
        task = progress.add_task(f"simulating {days} days", total=days, events=0)
        done = play(folder, world, lambda day, events: progress.update(task, completed=day, events=events))
    try:
        rows = beside_real(facts(done.shop, preset), preset)
    except NotEnoughError:
        rows = []
    if as_json:
        emit(
            {
                "shop": str(folder),
                "events": done.events,
                "customers": len(world.customer_ids),
                "facts": [row._asdict() for row in rows],
            }
        )
        return
    out.print(f"{done.events:,} events of {days} days in {folder}; the truth is in {folder / 'truth'}.")
    if not rows:
        out.print("There are too few orders to say what it looks like.")
        return
    title = "What it looks like"
    table = Table("Fact", "Simulated", title=title)
    if real := REAL.get(preset):
        table.title = f"Beside {real.source}: {real.customers:,} customers, {real.days} days"
        table.add_column("Real")
        table.add_column("Within 25 %")
    for row in rows:
        cells = [row.meaning, _shown(row.simulated)]
        if real:
            cells += [_shown(row.real), "" if row.holds is None else "yes" if row.holds else "no"]
        table.add_row(*cells)
    out.print(table)
    if real:
        out.print(f"{share_holding(rows):.0%} of the facts hold.".replace("%", " %"))
    out.print(f"Next: regulars learn profile churn --shop {folder}")


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _count(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text.replace(",", "").replace("_", ""))
    if not found:
        raise InputError(f'--customers "{text}" is no number. Write it as 5000, 100k or 1M.')
    return round(float(found[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2].lower()])
