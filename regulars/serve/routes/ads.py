"""Bids for ads: a bid request of OpenRTB 2.6 in, a bid response out, and what came of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from regulars import clock
from regulars.ads.openrtb import answer
from regulars.ads.openrtb.desk import THOUSAND
from regulars.ads.openrtb.request import MOST_BYTES
from regulars.errors import NotFoundError
from regulars.serve import body as bodies
from regulars.serve.access import admit, given
from regulars.serve.live import LiveShop
from regulars.serve.live.advertising import Advertising
from regulars.serve.routes.decision import PROBLEMS, Asked, Id, decide, here

routes = APIRouter(tags=["ads"])

EXAMPLE = {
    "id": "r1", "at": 1, "cur": ["EUR"], "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloorcur": "EUR"}],
    "site": {"domain": "news.example"}, "user": {"buyeruid": "ada"},
}  # fmt: skip


Told = Annotated[str, Query(max_length=1000)]
OPEN: dict[int | str, dict[str, Any]] = {status: PROBLEMS[status] for status in (404, 422, 503)}
"""What those may answer that need no key."""


class Notice(Asked):
    """What came of a bid."""

    bid_id: Id
    won: bool
    price: float | None = Field(
        None, ge=0, description="Of a win: what one impression cost, in the shop's currency; without it, what was bid."
    )
    clicked: bool = Field(False, description="Of a win that was told before: the impression was clicked.")
    least: float | None = Field(None, ge=0, description="Of a loss: the least bid that would have won, if it is told.")


class Noted(BaseModel):
    """Whether the bid was known, and this had not been told before."""

    bid_id: str
    was_known: bool


@routes.post(
    "/v1/ads/bid",
    responses={
        **PROBLEMS, 200: {"content": {"application/json": {"schema": {"type": "object"}}}},
        204: {"description": "No bid."},
    },
    openapi_extra={
        "security": [{"key": []}],
        "requestBody": {
            "required": True, "content": {"application/json": {"schema": {"type": "object"}, "example": EXAMPLE}},
        },
    },
)  # fmt: skip
async def bid(request: Request) -> Response:
    """Bid for the impressions of a bid request (OpenRTB 2.6); 204 without a bid."""
    await admit(request, "decide", given(request))
    body = await bodies.read(request, MOST_BYTES)
    live = here(request)
    found = answer(body, live.ads.get(), clock.now(), notices=live.advertising.notices())
    return Response(status_code=204) if found is None else Response(found, media_type="application/json")


async def notice(live: LiveShop, asked: Notice) -> dict[str, Any]:
    """What came of a bid: won at a price, or lost; and later, whether what was won was clicked."""
    ads = live.advertising
    if asked.won and asked.clicked:
        known = await ads.clicked(asked.bid_id)
    elif asked.won:
        known = await ads.won(asked.bid_id, asked.price)
    else:
        known = ads.lost(asked.bid_id, asked.least)
    return {"bid_id": asked.bid_id, "was_known": known}


decide(routes, "/v1/ads/notice", notice, Notice, Noted, {"bid_id": "r1/1", "won": True, "price": 0.002})


@routes.get("/v1/ads/won", responses=OPEN, status_code=204)
async def won(request: Request, bid: Told, token: Told, price: Told = "") -> Response:
    """What an exchange calls when a bid won; `price` is for a thousand impressions. The token of the bid is its key."""
    ads = told_of(request, bid, token)
    cost = amount(price)
    await ads.won(bid, None if cost is None else cost / THOUSAND, by_exchange=True)
    return Response(status_code=204)


@routes.get("/v1/ads/lost", responses=OPEN, status_code=204)
async def lost(request: Request, bid: Told, token: Told, least: Told = "") -> Response:
    """What an exchange calls when a bid lost; `least` is the least that would have won a thousand impressions."""
    ads = told_of(request, bid, token)
    rival = amount(least)
    ads.lost(bid, None if rival is None else rival / THOUSAND)
    return Response(status_code=204)


@routes.get("/v1/ads/clicked", responses=OPEN, status_code=302)
async def clicked(request: Request, bid: Told, token: Told, creative: Told) -> Response:
    """Where a click on an ad goes by, on its way to the shop."""
    ads = here(request).advertising
    leads_to = ads.url_of(creative)
    with suppress(NotFoundError):  # an old ad leads to the shop all the same
        await told_of(request, bid, token).clicked(bid)
    return Response(status_code=302, headers={"location": leads_to, "cache-control": "no-store"})


def told_of(request: Request, bid_id: str, token: str) -> Advertising:
    """To whom a notice goes, if it is of who was sent the bid."""
    ads = here(request).advertising
    ads.require(bid_id, token)
    return ads


def amount(text: str) -> float | None:
    """What an exchange filled in; None where it filled in nothing, or what it alone can read."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None
