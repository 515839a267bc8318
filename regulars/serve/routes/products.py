"""Products like one, and products found by words."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from regulars.errors import InputError
from regulars.serve.live import LiveShop
from regulars.serve.routes.decision import Asked, Id, decide
from regulars.serve.routes.recommend import K, Rule

routes = APIRouter(tags=["recommend"])


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


decide(routes, "/v1/similar", similar, Like, Products, {"product_id": "tea", "k": 5})
decide(routes, "/v1/search", search, Sought, Products, {"query": "green tea", "k": 5})
