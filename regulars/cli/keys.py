"""The commands of the keys of the HTTP API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, err, out, to_moment

if TYPE_CHECKING:
    from regulars.serve.keys import Key

commands = typer.Typer(name="keys", help="Who may use the HTTP API.", no_args_is_help=True)

By = Annotated[str, typer.Option(help="Who does it, for the record. Default: the user of this machine.")]


@commands.command(epilog="Example: regulars keys create till --scope ingest --shop myshop")
def create(
    name: Annotated[str, typer.Argument(help="What it is for, in a few words.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do: ingest, decide, support, admin. Default: ingest.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="For pages in browsers: which may use it, e.g. https://shop.example. For ingest and support alone."
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="It opens nothing from then on (UTC). Default: for ever.")
    ] = None,
    by: By = "",
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Make a key. It is shown once, and kept as a hash alone."""
    made, secret = _keys(shop).create(
        name, scope or ["ingest"], who=by or _user(), origins=origin or [], expires_at=to_moment(expires)
    )
    if as_json:
        emit({**_shown(made), "key": secret})
        return
    print(secret)
    err.print(f"Key {made.id}, for {', '.join(made.scopes)}. Keep it now: it is not shown again.")


@commands.command("list", epilog="Example: regulars keys list --shop myshop")
def list_(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """All keys, without the keys themselves."""
    found = _keys(shop).all()
    if as_json:
        emit([_shown(key) for key in found])
        return
    if not found:
        out.print("There is no key. Make one: regulars keys create NAME")
        return
    table = Table("Number", "Name", "Begins with", "For", "Pages", "Made", "Until", "Revoked")
    for key in found:
        times = (
            f"{moment:%Y-%m-%d %H:%M}" if moment else "" for moment in (key.created_at, key.expires_at, key.revoked_at)
        )
        cells = (str(key.id), key.name, f"{key.prefix}…", ", ".join(key.scopes), ", ".join(key.origins), *times)
        table.add_row(*map(escape, cells))
    out.print(table)


@commands.command(epilog="Example: regulars keys revoke 1 --shop myshop")
def revoke(
    number: Annotated[int, typer.Argument(help="Which, as `regulars keys list` shows it.")],
    by: By = "",
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Let a key open nothing any more. A server that runs knows within seconds."""
    gone = _keys(shop).revoke(number, who=by or _user())
    if as_json:
        emit(_shown(gone))
        return
    out.print(f"Revoked: key {gone.id}, {escape(gone.name)}.", highlight=False)


@commands.command(epilog="Example: regulars keys changes --shop myshop")
def changes(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Who made or revoked which key, and when."""
    found = _keys(shop).changes()
    if as_json:
        emit([change._asdict() for change in found])
        return
    table = Table("When", "Who", "What", "Key")
    for change in found:
        cells = (f"{change.at:%Y-%m-%d %H:%M}", change.who, change.what, f"{change.key_id}, {change.name}")
        table.add_row(*map(escape, cells))
    out.print(table)


def _keys(shop: Path) -> Any:
    from regulars.serve.keys import Keys
    from regulars.shop import Shop

    return Keys(Shop.open(shop).state)


def _shown(key: Key) -> dict[str, Any]:
    from dataclasses import asdict

    return {name: value for name, value in asdict(key).items() if name != "hash"}


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # of a container without names of users
        return ""
