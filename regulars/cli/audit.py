"""The commands of the audit: who read of which customer, and who changed what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, out

commands = typer.Typer(name="audit", help="Who read what of whom, and who changed what.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, help="So many, the newest.")]


@commands.command(epilog="Example: regulars audit reads --customer ada --shop myshop")
def reads(
    customer: Annotated[str, typer.Option(metavar="ID", help="Of this customer. Default: of all.")] = "",
    who: Annotated[str, typer.Option(help="By this one: a key's beginning, or an e-mail address. Default: all.")] = "",
    limit: Limit = 1000,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Who read what is known of customers, over the API and in the console; each once an hour, the last first.

    Customers are named by pseudonyms: who knows an id finds what was read of it by --customer.
    """
    from regulars.serve.reads import Reads
    from regulars.shop import Shop

    found = Reads(Shop.open(shop).state).all(customer, who, limit)
    if as_json:
        emit([read._asdict() for read in found])
        return
    _print(("When", "Who", "Customer", "By"), [(read.at, read.who, read.customer, read.route) for read in found])


@commands.command(epilog="Example: regulars audit changes --shop myshop")
def changes(limit: Limit = 1000, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Who changed what, through the console or with a key of the API; the last first."""
    from regulars.console import audit
    from regulars.serve.keys import Keys
    from regulars.shop import Shop

    state = Shop.open(shop).state
    of_keys = [
        {"at": each.at, "who": each.who, "what": f"keys.{each.what}", "about": f"{each.key_id}, {each.name}",
         "before": {}, "after": {}}
        for each in Keys(state).changes()
    ]  # fmt: skip
    found = sorted([*of_keys, *audit.all_of(state)], key=lambda each: each["at"], reverse=True)[:limit]
    if as_json:
        emit(found)
        return
    rows = [(each["at"], each["who"], each["what"], each["about"]) for each in found]
    _print(("When", "Who", "What", "About"), rows)


def _print(headers: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        out.print("Nothing was noted.")
        return
    table = Table(*headers)
    for at, *others in rows:
        table.add_row(f"{at:%Y-%m-%d %H:%M}", *map(escape, others))
    out.print(table)
