"""What is known of customers: profiles, who is leaving, which are alike."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from regulars import clock
from regulars.churn import ahead
from regulars.errors import NotFoundError
from regulars.profile import page
from regulars.serve.live import LiveShop
from regulars.serve.live.people import People
from regulars.serve.routes.decision import PROBLEMS, Asked, Id, decide, noted
from regulars.serve.routes.reading import SECURED, Cursor, Customer, Limit, paged, reader, told

routes = APIRouter(tags=["customers"])

OBJECTS = "The customer objects to profiling."


class Profile(BaseModel):
    """A customer as of the last event."""

    customer_id: str
    live: dict[str, Any] = Field(
        description="Counts, sums and the session under way, with the last event in them; what fades, by the minute."
    )
    as_of: datetime | None = Field(None, description="Of the features.")
    features: dict[str, Any] = Field(default_factory=dict, description="Those that are known, see docs/profile.md.")
    note: str | None = None
    page: dict[str, Any] | None = Field(None, description="In words, each sentence with its evidence; if asked for.")


class Whom(Asked):
    """A customer."""

    customer_id: Id
    explain: bool = Field(False, description="True: what it rests on, which takes longer.")


class Risk(BaseModel):
    """Whether a customer leaves."""

    customer_id: str
    as_of: datetime | None
    churn_probability: float | None
    foreseen: dict[str, Any] = Field(default_factory=dict, description="All columns of churn, see docs/churn.md.")
    note: str | None = None
    explained: dict[str, Any] | None = None


class Place(BaseModel):
    """Which customers one is like."""

    customer_id: str
    as_of: datetime | None
    segment_id: int | None
    segment: str | None
    rfm_cell: str | None
    note: str | None = None


class Risks(BaseModel):
    """A page of customers, the likeliest to leave first."""

    as_of: datetime | None
    customers: list[Risk]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class Places(BaseModel):
    """A page of customers, by segment."""

    as_of: datetime | None
    customers: list[Place]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


@routes.get("/v1/profile/{customer_id}", responses=PROBLEMS, response_model=Profile, openapi_extra=SECURED)
async def profile(request: Request, customer_id: Customer, explain: bool = False, language: str = "en") -> Response:
    """Who a customer is, as of the last event."""
    live = await reader(request)
    noted(request, [customer_id], "/v1/profile/{customer_id}")
    return told(request, await _profile(live, customer_id, explain, language))


async def _profile(live: LiveShop, asked: str, explain: bool, language: str) -> dict[str, Any]:
    customer = live.live.aliases.get(asked, asked)
    if live.consents.forbids(customer, "profiling"):
        return {"customer_id": customer, "live": {}, "note": OBJECTS}
    now = _known(live, customer)
    people = live.profiles.peek()
    features = people.of(customer) if people is not None and customer in people else {}
    if not now["events"] and not features:
        raise NotFoundError(f'There is no customer "{asked}".')
    found: dict[str, Any] = {
        "customer_id": customer, "live": now, "as_of": people.as_of if people and features else None,
        "features": {name: value for name, value in features.items() if value is not None},
    }  # fmt: skip
    if explain:
        found["page"] = await asyncio.to_thread(
            live.read_aside, lambda shop: page(shop, customer, shop.now, language=language).to_dict()
        )
    return found


def _known(live: LiveShop, customer: str) -> dict[str, Any]:
    """By the minute, or the last event: what fades would else be another answer each time, and the ETag of none."""
    minute = clock.now().replace(second=0, microsecond=0)
    found = live.live.known(customer, minute)
    if found["events"] and (last := found["last_seen"]) >= minute:
        found = live.live.known(customer, last + timedelta(microseconds=1))
    return found


async def churn(live: LiveShop, asked: Whom) -> dict[str, Any]:
    """Whether a customer is about to leave."""
    people = live.churn.get()
    customer = live.live.aliases.get(asked.customer_id, asked.customer_id)
    if live.consents.forbids(customer, "profiling"):
        return _risk(people, customer, {}, OBJECTS)
    found = _risk(people, customer, people.of(customer))
    if asked.explain:
        found["explained"] = await asyncio.to_thread(
            live.read_aside, lambda shop: ahead(shop, customer, shop.now).to_dict()
        )
    return found


async def segments(live: LiveShop, asked: Whom) -> dict[str, Any]:
    """Which customers a customer is like."""
    people = live.segments.get()
    customer = live.live.aliases.get(asked.customer_id, asked.customer_id)
    if live.consents.forbids(customer, "profiling"):
        return _place(people, customer, {}, OBJECTS)
    return _place(people, customer, people.of(customer))


@routes.get("/v1/churn", responses=PROBLEMS, response_model=Risks, openapi_extra=SECURED)
async def churn_list(request: Request, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """All customers, the likeliest to leave first."""
    live = await reader(request)
    people = live.churn.get()
    return _listed(request, "/v1/churn", paged(people, "churn_probability", cursor, limit, _shown(live, people, _risk)))


@routes.get("/v1/segments", responses=PROBLEMS, response_model=Places, openapi_extra=SECURED)
async def segments_list(request: Request, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """All customers, by segment."""
    live = await reader(request)
    people = live.segments.get()
    return _listed(request, "/v1/segments", paged(people, "segment_id", cursor, limit, _shown(live, people, _place)))


def _listed(request: Request, path: str, page: dict[str, Any]) -> Response:
    noted(request, [each["customer_id"] for each in page["customers"]], path)
    return told(request, page)


def _shown(live: LiveShop, people: People, row: Any) -> Any:
    def one(customer: str, said: dict[str, Any]) -> Any:
        if live.consents.forbids(customer, "profiling"):
            return row(people, customer, {}, OBJECTS)
        return row(people, customer, said)

    return one


def _risk(people: People, customer: str, said: dict[str, Any], note: str | None = None) -> dict[str, Any]:
    return {
        "customer_id": customer, "as_of": people.as_of, "churn_probability": said.get("churn_probability"),
        "foreseen": said, "note": note,
    }  # fmt: skip


def _place(people: People, customer: str, said: dict[str, Any], note: str | None = None) -> dict[str, Any]:
    names = ("segment_id", "segment", "rfm_cell")
    return {"customer_id": customer, "as_of": people.as_of, **{name: said.get(name) for name in names}, "note": note}


decide(routes, "/v1/churn", churn, Whom, Risk, {"customer_id": "ada"}, is_read=True)
decide(routes, "/v1/segments", segments, Whom, Place, {"customer_id": "ada"}, is_read=True)
