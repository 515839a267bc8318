"""What is true of customers as of a moment, read off the log and off what capabilities know."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.offer import suspected
from regulars.campaign.sending import refusals
from regulars.customers import withheld
from regulars.errors import NotEnoughError, NotFoundError
from regulars.events.schema import TIME
from regulars.experiment import Experiments, places
from regulars.lifecycle.actions.exclusions import Facts, Mask
from regulars.lifecycle.stages import Standing

if TYPE_CHECKING:
    from regulars.shop import Shop

SALT = "lifecycle control"
"""The same customers are held out at each decision: what the program brings may take years."""
MARKETING, ADS = ("marketing", "profiling"), ("ads",)
WRONG = ("order_refunded",)
"""Events that say that something went wrong; complaints support knows of."""


def control_group(ids: pa.Array, share: float) -> Mask:
    """(n,) who is of the program's control group, by a hash that never changes."""
    return np.asarray(places(SALT, ids) < share)


def facts_of(shop: Shop, ids: pa.Array, as_of: datetime, standing: Standing) -> Facts:
    """The facts of customers (n,) as of a moment; what a capability that has learned nothing would say counts as no."""
    settings = shop.config.lifecycle

    def forbidding(purposes: tuple[str, ...]) -> Mask:
        said = pa.chunked_array([withheld(shop, purpose, as_of) for purpose in purposes], pa.string())
        return np.asarray(pc.is_in(ids, said.combine_chunks()))

    objects = forbidding(MARKETING)
    held = control_group(ids, settings.control)
    holdout = Experiments(shop.state).holdout
    if holdout is not None:
        held |= holdout.holds(ids)
    above, victims = (
        np.asarray(each, bool) for each in suspected(shop, ids, as_of, shop.config.sending.most_suspicion)
    )
    lately = _lately(shop, ids, as_of, settings.trouble_days)
    pauses = standing.features[:, 5]
    # About to order: as likely as not within a week, and not yet late by its own rhythm.
    often = np.exp(standing.features[:, 0]) > np.log(2)
    buys = often & (np.nan_to_num(pauses, nan=np.inf) <= 1.0)
    return Facts(
        objects=objects, held_out=held, farmer=above, victim=victims, trouble=lately | _troubled(shop, ids, as_of),
        suspect=_held_orders(shop, ids, as_of), buys_anyway=buys, no_ads=objects | forbidding(ADS),
        unasked=refused_by(shop, ids, as_of, ""),
    )  # fmt: skip


def refused_by(shop: Shop, ids: pa.Array, as_of: datetime, channel: str) -> Mask:
    """(n,) who is not to be contacted by a channel ("": by any), by consents and by what was suppressed."""
    why = refusals(shop, ids, pa.repeat(channel, len(ids)), as_of, shop.config.sending.consent)
    return np.asarray(why.is_valid())


def _lately(shop: Shop, ids: pa.Array, as_of: datetime, days: int) -> Mask:
    events = shop.events
    since = ibis.literal(as_of - timedelta(days=days))
    some = events.filter(events.type.isin(WRONG), events.time < ibis.literal(as_of), events.time >= since)
    named = shop.identities.named(some.select("customer_id", "anonymous_id"), as_of)
    found = shop.engine.to_arrow(named.filter(named.customer_id.notnull()).select("customer_id").distinct())
    return np.asarray(pc.is_in(ids, found["customer_id"].combine_chunks()))


def _troubled(shop: Shop, ids: pa.Array, as_of: datetime) -> Mask:
    """Whose conversation is open, or who was angry or unhappy last, within the days of trouble."""
    pairs = pa.table({"customer_id": ids, "as_of": pa.repeat(pa.scalar(as_of, TIME), len(ids))})
    try:
        said = shop.tables.of("support", pairs)
    except (NotFoundError, NotEnoughError):
        return np.zeros(len(ids), bool)
    days = said["contact_days"].fill_null(np.inf).to_numpy()
    is_open = said["open_conversations"].fill_null(0).to_numpy() > 0
    is_cross = np.asarray(pc.fill_null(pc.is_in(said["mood"], pa.array(["angry", "unhappy"])), False))
    return np.asarray(is_open | (is_cross & (days <= shop.config.lifecycle.trouble_days)))


def _held_orders(shop: Shop, ids: pa.Array, as_of: datetime) -> Mask:
    """Of whom an order of the last days is held, as fraud's newest decisions have it."""
    try:
        table = shop.tables.read("fraud", "decisions")
    except NotFoundError:
        return np.zeros(len(ids), bool)
    made = datetime.fromisoformat((table.schema.metadata or {})[b"as_of"].decode())
    if not timedelta(0) <= as_of - made <= timedelta(days=shop.config.lifecycle.table_days):
        return np.zeros(len(ids), bool)
    held = table.filter(pc.is_in(table["action"], pa.array(["review", "block"])))
    return np.asarray(pc.is_in(ids, held["customer_id"].combine_chunks()))
