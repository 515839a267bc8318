"""An application that is served by this process, until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread, Timer
from typing import TYPE_CHECKING

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from starlette.types import ASGIApp

from regulars.errors import ShopError
from regulars.serve import logs
from regulars.serve.serving import Serving
from regulars.serve.unread import Unread

if TYPE_CHECKING:
    from regulars.config import ServeSettings

HEADER_MILLISECONDS = 10_000
"""So long the head of a request may take to come."""
SWITCH_SECONDS = 0.0005
"""A thread that folds or reads gives way after so long to the one that answers; usually it is ten times that."""
CONNECTIONS = 1024
"""At once; more wait to be taken in."""
STOPPING_SECONDS = 25.0
"""From the first SIGTERM on: what is longer under way, such as a page or what is learned at the start, is given up.
Kubernetes kills after 30."""
LET_GO_SECONDS = 2.0
"""So long a server that starts waits for the one before it to listen no more."""
COLLECTED = 20_000, 20, 50
"""New objects between collections: a request makes some hundred, nearly all freed without the collector."""


def prepare(process: str = "") -> None:
    """Let this process log, and answer without long pauses.

    Parameters
    ----------
    process : its name, where there are several.
    """
    logs.begin(process)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*COLLECTED)


def refuse_taken(host: str, port: int) -> None:
    """Nobody else may listen where a server is to.

    The kernel would let a second server of this user listen beside the first, of whichever shop, and draw to which of
    them each connection goes: that is how workers share an address.

    Raises
    ------
    ShopError
        If somebody does, and goes on for `LET_GO_SECONDS`.
    """
    deadline = time.monotonic() + LET_GO_SECONDS
    while _is_taken(host, port):
        if time.monotonic() >= deadline:
            raise _unheard(host, port, os.strerror(errno.EADDRINUSE))
        time.sleep(0.05)


def _is_taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else connections that have ended would count
        try:
            probe.bind((host, port))
        except OSError as error:  # what else is wrong with an address is said when it is listened at
            return error.errno == errno.EADDRINUSE
    return False


def _unheard(host: str, port: int, why: str) -> ShopError:
    return ShopError(f"{host}:{port} cannot be listened at: {why}. Choose another: --port 8001")


def listening(made: ASGIApp, host: str, port: int, path: Path | None = None) -> Server:
    """A server of an application in this process: `await server.serve()` until `server.stop()`.

    Parameters
    ----------
    path : of a socket of this machine, that is listened at instead, for the user alone who serves.
    """
    server = Server(
        Unread(made),
        address=host,
        port=port,
        uds=path,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        log_enabled=False,
    )
    server.uds_permissions = 0o600
    if path is not None:
        server.bind_uds = path  # not resolved: see `Sockets`
    return server


async def answer(
    made: ASGIApp, serving: Serving, settings: ServeSettings, *, path: Path | None = None,
    signals: Sequence[int] = (signal.SIGTERM, signal.SIGINT), wait: Callable[[], object] | None = None,
) -> None:  # fmt: skip
    """Serve an application until it is told to stop; then answer what is under way.

    Parameters
    ----------
    path : as of `listening`.
    signals : that say so.
    wait : returns when it is time to.

    Raises
    ------
    ShopError
        If the address cannot be listened at.
    Exception
        Why it could not begin.
    """
    server = listening(made, settings.host, settings.port, path)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        serving.stopping.set()
        # No thread can be made to end: what was acknowledged is on the disk, and the next start folds it.
        giving_up = Timer(STOPPING_SECONDS, os._exit, [0])
        giving_up.daemon = True
        giving_up.start()
        server.stop()  # type: ignore[no-untyped-call]

    for number in signals:
        loop.add_signal_handler(number, stop)
    if wait is not None:
        Thread(target=lambda: (wait(), loop.call_soon_threadsafe(stop)), name="end", daemon=True).start()
    loop.add_signal_handler(signal.SIGHUP, serving.watched.again)

    def failed() -> None:
        loop.call_soon_threadsafe(server.stop)

    serving.on_failure = failed
    try:
        await server.serve()
    except (OSError, RuntimeError) as error:  # granian's own, with a trace below its first line
        why = str(error).partition("\n")[0]
        if path is not None:
            raise ShopError(f"The socket {path} cannot be listened at: {why}.") from None
        raise _unheard(settings.host, settings.port, why) from None
    if serving.failure is not None:
        raise serving.failure
