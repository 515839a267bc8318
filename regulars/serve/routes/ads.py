"""Bids for ads: a bid request of OpenRTB 2.6 in, a bid response out, and what came of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from regulars import clock
from regulars.ads.openrtb import answer
from regulars.ads.openrtb.request import MOST_BYTES
from regulars.serve import body as bodies
from regulars.serve.access import admit, given
from regulars.serve.live import LiveShop
from regulars.serve.routes.decision import PROBLEMS, Asked, Id, decide, here

routes = APIRouter(tags=["ads"])

EXAMPLE = {
    "id": "r1", "at": 1, "cur": ["EUR"], "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloorcur": "EUR"}],
    "site": {"domain": "news.example"}, "user": {"buyeruid": "ada"},
}  # fmt: skip


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
    found = answer(body, live.ads.get(), clock.now())
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
