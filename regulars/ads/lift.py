"""What a shop's ads brought: the customers whom the lot kept from ads, beside those it did not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pyarrow as pa

from regulars import decisions
from regulars.ads.dataset import LEAST
from regulars.ads.measure import GhostLift, ghost_lift
from regulars.customers import later_worth
from regulars.errors import NotEnoughError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

ADVERTISE, HOLD_OUT = "advertise", "hold out"
"""Outcomes of decisions."""
BID = "ad_bid"
SENT, GHOST = "bid", "ghost"
"""Outcomes of bids: of the held out they are worked out and not sent."""


@dataclass(frozen=True)
class Lift:
    """What was found.

    Attributes
    ----------
    found : effect, return on spend, and whether the arms are as even as the lot.
    since : the first decision, or bid, that counts. days : how far after its own each customer was looked at.
    is_by_ghosts : whether those alone were compared for whom there was a bid, sent or not.
    """

    found: GhostLift
    since: datetime
    days: int
    is_by_ghosts: bool


def lift(shop: Shop, as_of: datetime, days: int) -> Lift:
    """Compare margins of customers who were decided about.

    Where the log tells of bids for customers who are held out (ghosts: worked out, and not sent), those are set beside
    customers for whom bids were sent, each from the first bid on: on all others ads can have had no effect. With fewer
    than 50 ghosts all who were decided about are compared, from the first decision on, also those whom no ad reached:
    the interval is wider, and the total is as it is.

    Margin, and what ads cost, are of so many days from then on; ads for others are not in it.

    Raises
    ------
    NotEnoughError
        If no decision is old enough, an arm is empty, or nothing was spent.
    """
    events = shop.events
    first, is_by_ghosts = starts(shop, as_of, days)
    rows = shop.engine.to_arrow(first.order_by("customer_id"))
    treated = np.array(rows["action"].to_pylist()) == ADVERTISE
    if not rows.num_rows or treated.all() or not treated.any():
        raise NotEnoughError(
            f"ads: {rows.num_rows:,} customers were decided about {days} days ago or more, {int(treated.sum()):,} of "
            "them for ads; both who is shown ads and who is held out are needed. Decide: regulars decide ads"
        )
    pairs = pa.table({"customer_id": rows["customer_id"], "as_of": rows["as_of"].cast(TIME)})
    later = later_worth(shop, pairs, np.full(rows.num_rows, float(days)))
    margin = np.bincount(later["place"].to_numpy(), later["margin"].to_numpy(), rows.num_rows)
    since: datetime = min(pairs["as_of"].to_pylist())
    shown = within(shop, events.filter(events.type == "ad_shown"), first, days, as_of)
    spend = shop.engine.to_arrow(shown.aggregate(spend=shown.unit_price.cast("float64").sum()))["spend"][0].as_py()
    if not spend:
        raise NotEnoughError(
            f"ads: the log tells of no ad_shown with a price in the {days} days from {since:%Y-%m-%d} on."
        )
    chance = rows["chance"].to_numpy()
    share = float(np.where(treated, chance, 1 - chance).mean())
    found = ghost_lift(treated, np.ones(len(treated), bool), margin, float(spend), share=share)
    return Lift(found, since, days, is_by_ghosts)


def starts(shop: Shop, as_of: datetime, days: int) -> tuple[ibis.Table, bool]:
    """From when on each customer is looked at, so many days before a moment or more: `first_decisions`, with the time
    of the first bid in place of the decision's where there are enough ghosts; and whether there are."""
    first, events = first_decisions(shop, as_of, days), shop.events
    bids = events.filter(events.type == BID, events.time <= ibis.literal(as_of - timedelta(days=days)))
    named = shop.identities.named(bids.select("customer_id", "anonymous_id", "time"), as_of)
    # Whose lot the shop changed later, by another share held out, stays in the arm of the first decision.
    met = named.select("customer_id", "time").join(first, "customer_id")
    met = met.filter(met.time >= met.as_of)
    same = {name: met[name].arbitrary() for name in ("action", "chance", "margin")}
    reached = met.group_by("customer_id").agg(as_of=met.time.min(), **same)
    ghosts = int(shop.engine.to_arrow(reached.filter(reached.action == HOLD_OUT).count()).as_py())
    return (reached, True) if ghosts >= LEAST else (first, False)


def first_decisions(shop: Shop, as_of: datetime, days: int) -> ibis.Table:
    """The first decision about ads for each customer, of those so many days before a moment or more: when (`as_of`),
    what (`action`), with which `chance`, and the margin foreseen after a click (`margin`)."""
    events = shop.events
    made = events.filter(
        events.type == decisions.TYPE,
        events.event_id.startswith("ads-"),
        events.outcome.isin([ADVERTISE, HOLD_OUT]),
        events.time <= ibis.literal(as_of - timedelta(days=days)),
    )
    margin = made.properties.cast("json")["margin_after_click"].float
    return made.group_by("customer_id").agg(
        as_of=made.time.min(),
        action=made.outcome.argmin(made.time),
        chance=made.propensity.argmin(made.time),
        margin=margin.argmin(made.time),
    )


def within(shop: Shop, ads: ibis.Table, first: ibis.Table, days: int, as_of: datetime) -> ibis.Table:
    """Of events about ads those of customers who were to be shown some, in the days in which their margin is looked at:
    what ads cost and claimed later must not be set beside it."""
    named = shop.identities.named(ads.select("customer_id", "anonymous_id", "time", "unit_price"), as_of)
    treated = first.filter(first.action == ADVERTISE).select("customer_id", "as_of", "margin")
    met = named.join(treated, "customer_id")
    return met.filter(met.time >= met.as_of, met.time < met.as_of + ibis.interval(days=days))


def to_dict(said: Lift) -> dict[str, object]:
    """As JSON says it."""
    found = said.found
    value, low, high = found.return_on_spend
    return {
        "since": said.since.isoformat(), "days": said.days, "treated": found.treated, "held_out": found.control,
        "effect_per_customer": json.loads(json.dumps(vars(found.effect))), "spend": found.spend,
        "incremental_margin": list(found.incremental), "return_on_spend": value, "return_low": low,
        "return_high": high, "is_sound": found.is_sound, "is_by_ghosts": said.is_by_ghosts,
    }  # fmt: skip
