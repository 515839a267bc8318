"""Serving a shop: on this machine alone unless asked, never to others without keys."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp

from regulars.errors import UnsafeError
from regulars.serve.app import app
from regulars.serve.keys import Keys
from regulars.serve.server import answer, prepare, refuse_taken
from regulars.serve.workers import supervise

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop


def run(
    shop: Shop,
    settings: ServeSettings,
    around: Callable[[FastAPI], ASGIApp] = lambda api: api,
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT; what is under way is answered then if it takes no longer than
    `STOPPING_SECONDS`, and what was taken is kept.

    One process takes events in and writes them: the order of the inbox is that of the answers. With `[serve] workers`
    above 1 there are others beside it, see `regulars.serve.workers`.

    Parameters
    ----------
    around : the application that is served by one process, made of the API: it may answer more, such as a console.
    announce : called when nothing speaks against serving.

    Raises
    ------
    UnsafeError
        If others than this machine could ask, and the shop has no keys.
    ShopError
        If the address is taken, or another server has the inbox.
    """
    if not is_loopback(settings.host) and not Keys(shop.state).all():
        raise UnsafeError(
            f"Others than this machine could send events to {settings.host}, and the shop has no keys. Make one first: "
            f"regulars keys create NAME --shop {shop.folder}"
        )
    if settings.workers > 1:
        announce()
        supervise(shop, settings)
        return
    refuse_taken(settings.host, settings.port)
    announce()
    prepare()
    made = app(shop, settings)
    uvloop.run(answer(around(made), made.state.serving, settings))


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
