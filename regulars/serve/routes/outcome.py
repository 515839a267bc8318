"""What came of a decision: told by its id, learned before it is acknowledged."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from regulars import clock
from regulars.errors import NotFoundError
from regulars.serve import body as bodies
from regulars.serve.access import admit, given
from regulars.serve.live.decisions import Who
from regulars.serve.routes.decision import MOST_BYTES, PROBLEMS, Asked, Id, asked_of, here

routes = APIRouter(tags=["outcomes"])

EVENTS = {
    "shown": "product_list_viewed",
    "clicked": "product_clicked",
    "bought": "product_clicked",
    "dismissed": "product_dismissed",
}
"""As what the log has them. An order comes by itself, with its money: that it came of a list is one more event."""


class Outcome(Asked):
    """What a customer did with a list."""

    outcome: Literal["shown", "clicked", "bought", "dismissed"]
    product_id: Id | None = Field(None, description="Needed, but for shown, which is of all.")
    customer_id: Id | None = Field(None, description="Whose list it was; needed where the server has forgotten it.")
    products: list[Id] = Field(default_factory=list, max_length=100, description="Those shown, if not all.")


class Kept(BaseModel):
    """It is on the disk, and learned."""

    recommendation_id: str
    outcome: str


@routes.post(
    "/v1/decisions/{decision_id}/outcome",
    responses=PROBLEMS,
    openapi_extra={
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": Outcome.model_json_schema(),
                    "example": {"outcome": "clicked", "product_id": "tea", "customer_id": "ada"},
                }
            },
        },
    },
)
async def outcome(request: Request, decision_id: Annotated[str, Path(max_length=100)]) -> Kept:
    """What came of a list: shown, clicked, bought or dismissed."""
    await admit(request, "decide", given(request))
    asked: Outcome = asked_of(Outcome, await bodies.read(request, MOST_BYTES))
    live = here(request)
    known = live.decisions.of(decision_id)
    if known is None and asked.customer_id is None:
        raise NotFoundError(f"The decision {decision_id} is not remembered. Say whose it was: customer_id")
    who, products = known or (Who(asked.customer_id, None), ())
    said: dict[str, Any] = {"recommendation_id": decision_id, "outcome": asked.outcome}
    if asked.outcome == "shown":
        said["products"] = [{"product_id": each} for each in asked.products or products]
        name = f"{decision_id}-shown"
    else:
        if asked.product_id is None:
            raise NotFoundError(f"product_id is missing: which product was {asked.outcome}?")
        said["product_id"] = asked.product_id
        name = f"{decision_id}-{asked.outcome}-{asked.product_id}"
    number = await asyncio.wrap_future(live.decisions.put(EVENTS[asked.outcome], who, clock.now(), said, name))
    await live.follower.reach(number)
    return Kept(recommendation_id=decision_id, outcome=asked.outcome)
