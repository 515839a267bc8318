"""The command that serves the HTTP API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regulars.cli.common import ShopFolder, err

commands = typer.Typer()


@commands.command(epilog="Example: regulars serve --shop myshop")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at. Default: that of the settings.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen at. Default: that of the settings.")
    ] = None,
    shop: ShopFolder = Path(),
) -> None:
    """Serve the HTTP API: events in, as Segment's API takes them. Ctrl-C or SIGTERM stops it."""
    try:
        from regulars.serve import run
    except ImportError as error:
        from regulars.errors import ConfigError

        raise ConfigError(f"{error.name} is missing: pip install 'regulars[serve]'") from None
    from regulars.shop import Shop

    door = Shop.open(shop)
    said = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = door.config.serve.model_copy(update=said)
    err.print(
        f"http://{settings.host}:{settings.port}/v1/track takes events in; /health, /ready, /metrics. Ctrl-C stops."
    )
    run(door, settings)
