"""Whether an attempt to pay is fraud: with what is known at this moment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from regulars import clock
from regulars.serve.live import LiveShop
from regulars.serve.live.decisions import Decision, Who, new_id
from regulars.serve.routes.decision import Asked, Id, decide

routes = APIRouter(tags=["fraud"])

Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
EARLIEST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Attempt(Asked):
    """What an attempt says of itself; what is missing is unknown."""

    event_id: Id | None = Field(None, description="By which what becomes known of it later is told.")
    customer_id: Id | None = None
    amount: float | None = Field(None, ge=0, le=1e12)
    device_id: Id | None = None
    ip: str | None = Field(None, max_length=45)
    payment_id: Id | None = None
    product_id: Id | None = None
    order_id: Id | None = None
    email: str | None = Field(None, max_length=320)
    name: str | None = Field(None, max_length=200)
    phone: str | None = Field(None, max_length=50)
    address: str | None = Field(None, max_length=500)
    merchant: Id | None = None
    channel: Id | None = None
    has_coupon: bool = False
    signed_up: AwareDatetime | None = Field(None, ge=EARLIEST)
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    there_latitude: float | None = Field(None, ge=-90, le=90)
    there_longitude: float | None = Field(None, ge=-180, le=180)
    properties: dict[str, str | Whole | float | bool] = Field(default_factory=dict, max_length=50)


class Verdict(BaseModel):
    """What to do with it."""

    decision_id: str
    action: str = Field(description="allow, review, challenge or block")
    risk: float
    expected_loss: float | None
    reasons: list[str]
    rules: list[str]
    disclosure: str | None
    model_version: int


async def score(live: LiveShop, asked: Attempt) -> dict[str, Any]:
    """What to do with an attempt to pay; it counts for those that follow."""
    known, now = live.fraud.get(), clock.now()
    said = asked.model_dump(exclude={"properties"}, exclude_none=True)
    said |= {f"properties.{name}": value for name, value in asked.properties.items()}
    found = known.decide(said, now)
    name = new_id()
    loss = found.expected_loss if found.expected_loss == found.expected_loss else None
    who = Who(asked.customer_id, None if asked.customer_id else f"attempt-{asked.event_id or name}")
    own = {"risk": found.risk, "expected_loss": loss, "rules": found.rules, "shadow": found.shadow,
           "attempt_id": asked.event_id}  # fmt: skip
    live.decisions.note(
        Decision(name, "fraud", who, found.action, "model and rules", 1.0, found.reasons, said, found.model_version,
                 own, found.disclosure),
        now,
    )  # fmt: skip
    if asked.customer_id and known.model.is_taught:
        live.follower.tell(asked.customer_id, {"fraud_risk": found.risk}, now, f"attempt {asked.event_id or name}")
    return {
        "decision_id": name, "action": found.action, "risk": found.risk, "expected_loss": loss,
        "reasons": found.reasons, "rules": found.rules, "disclosure": found.disclosure,
        "model_version": found.model_version,
    }  # fmt: skip


decide(routes, "/v1/fraud/score", score, Attempt, Verdict, {"customer_id": "ada", "amount": 80.0, "device_id": "d1"})
