"""The commands of privacy: what the law asks a shop to write down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regulars.cli.common import Json, ShopFolder, emit, out

commands = typer.Typer(name="privacy", help="What the law asks a shop to write down.", no_args_is_help=True)


@commands.command(epilog="Example: regulars privacy report record --file record.md --shop myshop")
def report(
    kind: Annotated[str, typer.Argument(help="record (of processing) or assessment (of impact, a draft).")],
    file: Annotated[Path | None, typer.Option(help="Markdown, to write. Default: the screen.")] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """The record of processing, or a draft of the impact assessment, from the shop's own settings and data."""
    from regulars import storage
    from regulars.privacy.report import report as made
    from regulars.shop import Shop

    found = made(Shop.open(shop), kind, language)  # type: ignore[arg-type] # checked there
    if file:
        storage.replace(file, found)
    if as_json:
        emit({"kind": kind, "language": language, "file": str(file) if file else None, "text": found})
    elif file:
        out.print(f"Written: {file}", highlight=False)
    else:
        out.print(found, markup=False, highlight=False, soft_wrap=True)
