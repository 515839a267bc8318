"""What to show: lists for customers and visitors."""

from __future__ import annotations

from typing import Any, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from regulars import clock
from regulars.serve.live import LiveShop
from regulars.serve.live.decisions import Who
from regulars.serve.live.listing import Wish
from regulars.serve.live.listing import recommend as listed
from regulars.serve.routes.decision import Asked, Id, decide

routes = APIRouter(tags=["recommend"])

MOST = 100
Rule = Field("", max_length=1000, description="A rule over the catalogue, see docs/rules.md; empty for all products.")
K = Field(10, ge=1, le=MOST, description="How many products.")


class Someone(Asked):
    """A customer, or a visitor who is not known."""

    customer_id: Id | None = None
    anonymous_id: Id | None = None

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if self.customer_id is None and self.anonymous_id is None:
            raise ValueError("customer_id or anonymous_id is needed")
        return self

    @property
    def who(self) -> Who:
        """Both ids."""
        return Who(self.customer_id, self.anonymous_id)


class Wanted(Someone):
    """For whom a list is, and what may be on it."""

    k: int = K
    where: str = Rule
    exclude: list[Id] = Field(default_factory=list, max_length=1000, description="Products that are not to be on it.")
    personalised: bool = Field(True, description="False: nothing that is known of the customer is looked at.")
    explain: bool = Field(False, description="True: where each product stood in each source.")


class Line(BaseModel):
    """A product of a list."""

    rank: int
    product_id: str
    title: str | None
    reason: str
    chance: float | None = Field(description="That it is taken up, calibrated; null where only a nightly list has it.")
    places: dict[str, int | None] | None = None


class Recommended(BaseModel):
    """A list, by whose id its outcome is told."""

    recommendation_id: str
    customer_id: str | None
    anonymous_id: str | None
    personalised: bool
    note: str | None
    policy: str
    propensity: float
    products: list[Line]


async def recommend(live: LiveShop, asked: Wanted) -> dict[str, Any]:
    """A list for a customer or visitor, by the last event, under the shop's rules."""
    wish = Wish(asked.who, asked.k, asked.where, frozenset(asked.exclude), asked.personalised)
    return listed(live, wish, clock.now(), explain=asked.explain)


decide(routes, "/v1/recommend", recommend, Wanted, Recommended, {"customer_id": "ada", "k": 5})
