"""The application: its routes, around them the gate, and what they stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from regulars.serve.direct import Direct
from regulars.serve.gate import Gate
from regulars.serve.problems import handle
from regulars.serve.routes import (
    ads,
    campaign,
    customers,
    experiment,
    fraud,
    ingest,
    operation,
    outcome,
    price,
    recommend,
    support,
)
from regulars.serve.serving import Serving

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop

FAMILIES = (
    recommend, ingest, operation, customers, fraud, price, ads, campaign, experiment, support, outcome
)  # fmt: skip
"""Modules of routes; each has a `routes`."""


class _Api(FastAPI):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The gate first, so that it tells of every request; then what needs nothing of FastAPI."""
        await self._first(scope, receive, send)

    @cached_property
    def _first(self) -> ASGIApp:
        return Gate(Direct(super().__call__, self), self.state.serving)


def app(shop: Shop, settings: ServeSettings) -> FastAPI:
    """The HTTP API of a shop. It answers 503 until the inbox is open and all is known that it holds.

    Parameters
    ----------
    settings : of `shop.config.serve`, changed by who starts it.
    """
    serving = Serving(shop, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        opening = asyncio.create_task(asyncio.to_thread(serving.open, asyncio.get_running_loop()))
        yield
        await opening
        await asyncio.to_thread(serving.close)

    made = _Api(
        title="Regulars",
        version=version("regulars"),
        lifespan=lifespan,
        docs_url=None,  # their scripts come from another host
        redoc_url=None,
    )
    made.state.serving = serving
    for family in FAMILIES:
        # Not included: of an included router FastAPI asks at each request whether its routes have changed.
        made.router.routes.extend(family.routes.routes)
    handle(made)
    return made
