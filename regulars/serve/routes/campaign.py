"""Whom to contact next with what: the newest decision, unless the customer has forbidden it since."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from regulars.serve.live import LiveShop
from regulars.serve.routes.decision import Asked, Id, decide

routes = APIRouter(tags=["campaign"])

NONE = "none"
PURPOSES = ("marketing", "profiling")
"""What a contact that was decided is: whoever forbids one of them gets none."""


class Of(Asked):
    """A customer."""

    customer_id: Id


class Next(BaseModel):
    """What to do for a customer."""

    customer_id: str
    action: str
    channel: str | None = None
    hour: int | None = None
    expected_gain: float | None = None
    propensity: float | None = None
    policy: str | None = None
    reasons: list[str]


async def next_contact(live: LiveShop, asked: Of) -> dict[str, Any]:
    """What a customer is to be contacted with next, if at all."""
    people = live.campaign.get()
    customer = live.live.aliases.get(asked.customer_id, asked.customer_id)
    if any(live.consents.forbids(customer, purpose) for purpose in PURPOSES):
        return {"customer_id": customer, "action": NONE, "reasons": ["The customer has forbidden it."]}
    if customer not in people:
        return {"customer_id": customer, "action": NONE, "reasons": ["It is not among those decided upon."]}
    said = people.of(customer)
    names = ("action", "channel", "hour", "expected_gain", "propensity", "policy", "reasons")
    return {"customer_id": customer, **{name: said.get(name) for name in names}}


decide(routes, "/v1/campaign/next", next_contact, Of, Next, {"customer_id": "ada"})
