"""Which arm of an experiment somebody is in."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from regulars import clock
from regulars.experiment.exposure import TYPE
from regulars.serve.live import LiveShop
from regulars.serve.routes.decision import Id, decide
from regulars.serve.routes.recommend import Someone

routes = APIRouter(tags=["experiment"])


class Assign(Someone):
    """Who is to be in which experiment."""

    experiment: Id
    expose: bool = Field(True, description="False: only look; nothing is noted, and the customer does not count.")


class Assigned(BaseModel):
    """An arm."""

    experiment: str
    customer_id: str | None
    anonymous_id: str | None
    arm: str | None = Field(description="null: not in the experiment")
    propensity: float | None
    generation: int


async def assign(live: LiveShop, asked: Assign) -> dict[str, Any]:
    """The arm of a customer or visitor; the exposure is noted before it is told."""
    running = live.experiments.get().of(asked.experiment)
    who, customer = asked.who, live.live.aliases.get(asked.who.id, asked.who.id)
    arm, about = running.arm(customer), running.experiment
    weights = {each.name: each.weight for each in about.arms}
    if arm is not None and asked.expose and customer not in running.met:
        said = {"experiment": about.name, "generation": about.generation, "variation_id": arm}
        name = f"experiment/{about.name}/{about.generation}/{arm}/{customer}"
        done = live.decisions.put(TYPE, who, clock.now(), said, name, weights.get(arm))
        await asyncio.wrap_future(done)
        running.met[customer] = arm
    return {
        "experiment": about.name, "customer_id": who.customer_id, "anonymous_id": who.anonymous_id, "arm": arm,
        "propensity": None if arm is None else weights.get(arm), "generation": about.generation,
    }  # fmt: skip


decide(routes, "/v1/experiment/assign", assign, Assign, Assigned, {"experiment": "spring", "customer_id": "ada"})
