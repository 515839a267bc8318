"""Which price a customer is told for a product: within the guardrails and the law, noted down before it is told."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from regulars.serve.live import LiveShop
from regulars.serve.routes.decision import Asked, Id, decide

routes = APIRouter(tags=["price"])


class Quoted(Asked):
    """What is to be bought, by whom."""

    product_id: Id
    customer_id: Id | None = Field(None, description="None: the list price.")
    session_id: Id | None = Field(None, description="Within which a price of as many never rises.")
    quantity: int = Field(1, ge=1, le=1_000_000)
    personalised: bool = Field(True, description="False: what everyone pays.")


class Price(BaseModel):
    """A price, and what must stand beside it."""

    product_id: str
    customer_id: str | None
    price: str
    list_price: str
    was: str | None
    currency: str
    personalised: bool
    disclosure: str | None
    place: str | None
    laws: list[str]
    mode: str
    why: list[str]
    policy: str
    model_version: int
    propensity: float
    at: str
    held_since: str | None


async def price(live: LiveShop, asked: Quoted) -> dict[str, Any]:
    """What a customer is asked for a product, why, and what must stand beside it."""
    customer = live.live.aliases.get(asked.customer_id or "", asked.customer_id) if asked.personalised else None
    made = await live.quotes.quote(asked.product_id, customer, asked.session_id, asked.quantity)
    found: dict[str, Any] = made.to_dict()
    return found


decide(routes, "/v1/price", price, Quoted, Price, {"product_id": "tea", "customer_id": "ada"})
