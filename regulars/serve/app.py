"""The application: its routes, around them the gate, and what they stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
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
    products,
    recommend,
    support,
)
from regulars.serve.serving import Serving
from regulars.serve.writer import Writer

if TYPE_CHECKING:
    from regulars.config import ServeSettings
    from regulars.shop import Shop

FAMILIES = [
    family.routes
    for family in (
        recommend, products, ingest, operation, customers, fraud, price, ads, campaign, experiment, support, outcome
    )
]  # fmt: skip


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
    return answering(Writer(shop, settings))


def answering(serving: Serving, families: Sequence[APIRouter] = FAMILIES) -> FastAPI:
    """The routes of some families, over what they stand on."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        opening = None
        if serving.phase == "starting":
            opening = asyncio.create_task(asyncio.to_thread(serving.open, asyncio.get_running_loop()))
        yield
        if opening is not None:
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
    for family in families:
        # Not included: of an included router FastAPI asks at each request whether its routes have changed.
        made.router.routes.extend(family.routes)
    handle(made)
    return made
