"""The commands of fraud's lists: what is let through, blocked or watched whatever the model says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, err, out, to_moment

commands = typer.Typer(
    name="list", help="Customers, devices, addresses, … to allow, block or watch.", no_args_is_help=True
)

ListName = Annotated[str, typer.Argument(help="Which list: allow, block or watch.")]
Entity = Annotated[
    str,
    typer.Argument(help="Of what: customer, device, ip, payment, address, phone, email or email_domain."),
]
Value = Annotated[str, typer.Argument(help="The value; of ip an address or a range: 192.0.2.0/24.")]

SHOWN = 30
"""So many entries are shown on the screen; --json and export have all."""


@commands.command(epilog='Example: regulars fraud list add block ip 192.0.2.0/24 --note "bots" --shop myshop')
def add(
    name: ListName,
    entity: Entity,
    value: Value,
    note: Annotated[str, typer.Option(help="Why; reasons say it.")] = "",
    by: Annotated[str, typer.Option(help="Who adds it.")] = "",
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="It counts for attempts after then (UTC). Default: after now."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="It counts no more from then on (UTC). Default: for ever.")
    ] = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Put a value on a list. Attempts of before are not changed by it."""
    from contextlib import suppress
    from dataclasses import asdict

    from regulars.errors import NotEnoughError
    from regulars.fraud.rule import Asked, Lists
    from regulars.shop import Shop

    door = Shop.open(shop)
    made = Lists(door).add(Asked(name, entity, value, note, by, to_moment(since), to_moment(expires)))
    if as_json:
        emit(asdict(made))
        return
    end = f" until {made.expires:%Y-%m-%d %H:%M}" if made.expires else ""
    out.print(f"{escape(made.said)}, after {made.since:%Y-%m-%d %H:%M}{end}.", highlight=False)
    with suppress(NotEnoughError):
        if door.now < made.since:
            err.print(
                f"[yellow]Note:[/] The log ends at {door.now:%Y-%m-%d %H:%M}: no attempt in it meets the entry. "
                "If it held before, say since when: --since TIME",
                soft_wrap=True,
            )


@commands.command(epilog="Example: regulars fraud list remove block ip 192.0.2.0/24 --shop myshop")
def remove(name: ListName, entity: Entity, value: Value, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Take a value off a list. For attempts of before it goes on counting."""
    from dataclasses import asdict

    from regulars.fraud.rule import Lists
    from regulars.shop import Shop

    gone = Lists(Shop.open(shop)).remove(name, entity, value)
    if as_json:
        emit(asdict(gone))
        return
    out.print(f"No more on the {gone.list} list: {gone.entity} {escape(gone.value)}.", highlight=False)


@commands.command(epilog="Example: regulars fraud list show block --shop myshop")
def show(
    name: Annotated[str | None, typer.Argument(help="Which list. Default: all three.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="What counted then (UTC). Default: now.")
    ] = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """What stands on the lists."""
    from dataclasses import asdict

    from regulars import clock
    from regulars.errors import InputError
    from regulars.fraud.rule import Lists
    from regulars.fraud.rule.entries import LISTS
    from regulars.shop import Shop

    if name is not None and name not in LISTS:
        raise InputError(f'There is no list "{name}". There are: {", ".join(LISTS)}.')
    found = Lists(Shop.open(shop)).in_force(to_moment(as_of) or clock.now())
    found = [entry for entry in found if name in (None, entry.list)]
    if as_json:
        emit([asdict(entry) for entry in found])
        return
    if not found:
        out.print("Nothing is listed. Add a value: regulars fraud list add LIST ENTITY VALUE")
        return
    table = Table("List", "Entity", "Value", "Note", "By", "After", "Until")
    for entry in found[-SHOWN:]:
        until = f"{entry.expires:%Y-%m-%d %H:%M}" if entry.expires else ""
        since = f"{entry.since:%Y-%m-%d %H:%M}"
        cells = (entry.list, entry.entity, entry.value, entry.note, entry.by, since, until)
        table.add_row(*map(escape, cells))
    out.print(table)
    if len(found) > SHOWN:
        out.print(f"The newest {SHOWN} of {len(found):,}. All: regulars fraud list export FILE")


@commands.command("import", epilog="Example: regulars fraud list import lists.csv --shop myshop")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A table with the columns list, entity, value; note, by, since, expires.")
    ],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Add the entries of a file. Lines that cannot be read are said, the others are added."""
    from regulars.fraud.rule import Lists
    from regulars.shop import Shop

    found = Lists(Shop.open(shop)).import_(file)
    if as_json:
        emit(found._asdict())
        return
    refused = f", {len(found.refused):,} refused" if found.refused else ""
    out.print(f"{found.added:,} added, {found.known:,} known already{refused}.", highlight=False)
    for problem in found.refused[:SHOWN]:
        err.print(f"[yellow]Refused:[/] {escape(problem)}", soft_wrap=True)


@commands.command(epilog="Example: regulars fraud list export lists.csv --shop myshop")
def export(
    file: Annotated[Path, typer.Argument(help="Where to write them to, as CSV.")],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Write what counts now as CSV, which import reads."""
    from regulars import clock, storage
    from regulars.fraud.rule import Lists
    from regulars.shop import Shop
    from regulars.spreadsheet import to_csv

    found = Lists(Shop.open(shop)).table(clock.now())
    storage.replace(file, to_csv(found))
    if as_json:
        emit({"entries": found.num_rows, "file": str(file)})
        return
    out.print(f"{found.num_rows:,} entries: {file}", soft_wrap=True, highlight=False)
