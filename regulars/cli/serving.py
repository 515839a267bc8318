"""The commands that serve the HTTP API, and the console beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regulars.cli.common import ShopFolder, err

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop

commands = typer.Typer()

OPENED_SECONDS = 1.0
"""After which the server listens."""

Host = Annotated[str | None, typer.Option(help="Address to listen at. Default: that of the settings.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen at. Default: that of the settings.")]


@commands.command(epilog="Example: regulars serve --shop myshop")
def serve(host: Host = None, port: Port = None, shop: ShopFolder = Path()) -> None:
    """Serve the HTTP API: events in, as Segment's API takes them. Ctrl-C or SIGTERM stops it."""
    run = _run("serve")
    door, settings = _settings(shop, host, port)
    said = f"http://{settings.host}:{settings.port}/v1/track takes events in; /health, /ready, /metrics. Ctrl-C stops."
    run(door, settings, announce=lambda: err.print(said))


@commands.command(epilog="Example: regulars console --shop myshop")
def console(
    host: Host = None,
    port: Port = None,
    is_opened: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in a browser, where this is typed at a screen.")
    ] = True,
    is_link: Annotated[
        bool, typer.Option("--link", help="Serve nothing: print by which address one joins or signs in.")
    ] = False,
    shop: ShopFolder = Path(),
) -> None:
    """Serve the console, where a shop's people work, and the HTTP API beside it. Ctrl-C or SIGTERM stops it.

    At its first start it prints a link by which the first administrator joins.
    """
    run = _run("console")
    from regulars.shop import Shop

    try:
        from regulars.console import Beside
        from regulars.console.app import first_link
        from regulars.console.people import People
        from regulars.console.tables import prepare
    except ImportError as error:
        raise _missing(error, "console") from None

    door, settings = _settings(shop, host, port)
    base = f"http://{settings.host}:{settings.port}"
    if is_link:
        err.print(f"Serve it: regulars console --shop {shop}. Then open, the first time within a day:")
        print(first_link(People(prepare(door.state)), base) or f"{base}/console")
        return

    served: list[Beside] = []

    def around(api: Any) -> Any:
        made = Beside(api, Shop.open(shop))
        served.append(made)
        link = made.console.first_link(base)
        made.console.warm()
        if link is not None:
            err.print("The first administrator joins by this link, once, within a day:")
        print(link or f"{base}/console", flush=True)
        err.print("Ctrl-C stops.")
        if is_opened and _has_screen():
            Timer(OPENED_SECONDS, typer.launch, [link or f"{base}/console"]).start()
        return made

    if settings.workers > 1:
        err.print("[serve] workers is for regulars serve: beside the console one process answers.")
    try:
        run(door, settings.model_copy(update={"workers": 1}), around)
    finally:
        for made in served:
            made.console.readers.close()


def _run(extra: str) -> Callable[..., None]:
    try:
        from regulars.serve import run
    except ImportError as error:
        raise _missing(error, extra) from None
    return run


def _missing(error: ImportError, extra: str) -> Exception:
    from regulars.errors import ConfigError

    return ConfigError(f"{error.name} is missing: pip install 'regulars[{extra}]'")


def _settings(shop: Path, host: str | None, port: int | None) -> tuple[Shop, ServeSettings]:
    from regulars.shop import Shop

    door = Shop.open(shop)
    said = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return door, door.config.serve.model_copy(update=said)


def _has_screen() -> bool:
    """Whether a browser can be opened for who types: never for a script, a build, or over the network."""
    import os

    if not sys.stdin.isatty() or os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
