"""What commands share: options, times, progress, and the two consoles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from regulars.errors import InputError, NotFoundError

YEARS = (1970, 2200)
"""Times lie between these: far enough from the ends of the calendar that any horizon can be added or taken off."""

out = Console()
err = Console(stderr=True)

ShopFolder = Annotated[
    Path, typer.Option("--shop", help="Folder of the shop. Default: this folder.", envvar="REGULARS_SHOP")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="Use events before this time only (UTC, e.g. 2024-05-01). Default: just after the newest event.",
    ),
]
Capabilities = Annotated[
    list[str] | None, typer.Argument(metavar="[CAPABILITY]...", help="Which ones, e.g. churn. Default: all.")
]


def to_moment(text: str | None) -> datetime | None:
    """A time as it was typed, in UTC where it names no zone; InputError if it is none."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f'"{text}" is no time. Write it as 2024-05-01 or 2024-05-01T10:30.') from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not YEARS[0] <= moment.year < YEARS[1]:
        raise InputError(f'"{text}" is no time of a shop: a year from {YEARS[0]} to {YEARS[1]} is expected.')
    return moment


def emit(found: Any) -> None:
    """Print a result as JSON; what is no number is null, for JSON has no word for it."""
    print(json.dumps(_finite(found), indent=2, ensure_ascii=False, allow_nan=False, default=str))


def _finite(found: Any) -> Any:
    if isinstance(found, float):
        return found if isfinite(found) else None
    if isinstance(found, dict):
        return {name: _finite(value) for name, value in found.items()}
    return [_finite(value) for value in found] if isinstance(found, list | tuple) else found


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show that something of unknown length is under way."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=quiet or not err.is_terminal,
    ) as progress:
        progress.add_task(what, total=None)
        yield


def named(given: list[str] | None, *, acting: bool = False) -> list[str]:
    """The capabilities that were asked for, or all; NotFoundError for one that there is not."""
    from regulars import capability as capabilities

    there = capabilities.names()
    chosen = list(given or there)
    for name in chosen:
        found = capabilities.load(name)
        if acting and not hasattr(found, "decide"):
            if given:
                raise NotFoundError(f"{name} knows, but does not act: there is nothing to decide.")
            chosen = [other for other in chosen if other != name]
    return chosen
