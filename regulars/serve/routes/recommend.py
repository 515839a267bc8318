"""What to show: lists for customers and visitors, products like one, products found by words."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from regulars import clock
from regulars.errors import InputError
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


class Like(Asked):
    """What products are to be like."""

    product_id: Id
    k: int = K
    where: str = Rule


class Sought(Asked):
    """Words in any language."""

    query: str = Field(min_length=1, max_length=500)
    k: int = K
    where: str = Rule


class Found(BaseModel):
    """A product that was found."""

    rank: int
    product_id: str
    title: str | None
    reason: str | None = None
    score: float | None = None


class Products(BaseModel):
    """Products, the best first."""

    products: list[Found]
    note: str | None = None


async def recommend(live: LiveShop, asked: Wanted) -> dict[str, Any]:
    """A list for a customer or visitor, by the last event, under the shop's rules."""
    wish = Wish(asked.who, asked.k, asked.where, frozenset(asked.exclude), asked.personalised)
    return listed(live, wish, clock.now(), explain=asked.explain)


async def similar(live: LiveShop, asked: Like) -> dict[str, Any]:
    """Products like one, by what is said of them and by who chose both."""
    known = live.similar.get()
    found = await asyncio.to_thread(known.similar, asked.product_id, asked.k, asked.where)
    rows = found.table.to_pylist()
    return {"products": rows, "note": found.note or None}


async def search(live: LiveShop, asked: Sought) -> dict[str, Any]:
    """Products by words and by what they mean, in any language."""
    if not asked.query.strip():
        raise InputError("query: some words are needed.")
    index, rules = live.search.get(), live.rules.get()
    hits = await asyncio.to_thread(index.find, asked.query, 3 * asked.k)
    scores = {hit.passage.id: hit.score for hit in hits}
    names = rules.allowed(list(scores), "", {}, asked.where)[: asked.k]
    return {
        "products": [
            {"rank": rank, "product_id": name, **rules.about(name), "score": round(float(scores[name]), 4)}
            for rank, name in enumerate(names, 1)
        ]
    }


decide(routes, "/v1/recommend", recommend, Wanted, Recommended, {"customer_id": "ada", "k": 5})
decide(routes, "/v1/similar", similar, Like, Products, {"product_id": "tea", "k": 5})
decide(routes, "/v1/search", search, Sought, Products, {"query": "green tea", "k": 5})
