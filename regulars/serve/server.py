"""Serving the application: on this machine alone unless asked, never to others without keys."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from ipaddress import ip_address
from threading import Timer
from typing import TYPE_CHECKING

import uvloop
from fastapi import FastAPI
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from starlette.types import ASGIApp

from regulars.errors import ShopError, UnsafeError
from regulars.serve import logs
from regulars.serve.app import app
from regulars.serve.keys import Keys
from regulars.serve.unread import Unread

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop

HEADER_MILLISECONDS = 10_000
"""So long the head of a request may take to come."""
SWITCH_SECONDS = 0.0005
"""A thread that folds or reads gives way after so long to the one that answers; usually it is ten times that."""
CONNECTIONS = 1024
"""At once; more wait to be taken in."""
STOPPING_SECONDS = 25.0
"""From the first SIGTERM on: what is longer under way, such as a page or what is learned at the start, is given up.
Kubernetes kills after 30."""
COLLECTED = 20_000, 20, 50
"""New objects between collections: a request makes some hundred, nearly all freed without the collector."""


def run(shop: Shop, settings: ServeSettings, around: Callable[[FastAPI], ASGIApp] = lambda api: api) -> None:
    """Serve until SIGTERM or SIGINT; what is under way is answered then if it takes no longer than
    `STOPPING_SECONDS`, and what was taken is kept.

    One process takes events in and writes them: the order of the inbox is that of the answers.

    Parameters
    ----------
    around : the application that is served, made of the API: it may answer more, such as a console.

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
    logs.begin()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*COLLECTED)
    uvloop.run(_serve(shop, settings, around))


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listening(made: ASGIApp, host: str, port: int) -> Server:
    """A server of an application in this process: `await server.serve()` until `server.stop()`."""
    return Server(
        Unread(made),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        log_enabled=False,
    )


async def _serve(shop: Shop, settings: ServeSettings, around: Callable[[FastAPI], ASGIApp]) -> None:
    made = app(shop, settings)
    server = listening(around(made), settings.host, settings.port)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # No thread can be made to end: what was acknowledged is on the disk, and the next start folds it.
        giving_up = Timer(STOPPING_SECONDS, os._exit, [0])
        giving_up.daemon = True
        giving_up.start()
        server.stop()  # type: ignore[no-untyped-call]

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    serving = made.state.serving
    loop.add_signal_handler(signal.SIGHUP, serving.watched.again)
    serving.on_failure = lambda: loop.call_soon_threadsafe(server.stop)
    try:
        await server.serve()
    except OSError as error:
        raise ShopError(
            f"{settings.host}:{settings.port} cannot be listened at: {error}. Choose another: --port 8001"
        ) from None
    if serving.failure is not None:
        raise serving.failure
