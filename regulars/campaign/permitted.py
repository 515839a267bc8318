"""Who may be contacted with what, as of a moment: consents, the hold-out, caps, rest, stock and suspicions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars import decisions
from regulars.campaign.actions import Action
from regulars.campaign.drawn import Floats
from regulars.campaign.offer import standing, suspected
from regulars.campaign.sending import refusals
from regulars.campaign.sending.telling import TYPE as SENT
from regulars.errors import NotEnoughError
from regulars.events.schema import TIME
from regulars.experiment import Experiments

if TYPE_CHECKING:
    from regulars.shop import Shop

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Permitted:
    """Whom a decision may be about.

    Attributes
    ----------
    customers : (n,) ids of those who may have some action.
    may : (n, actions) which.
    stock : (actions,) how many more may get each; infinite where nothing limits it.
    left_out : how many forbade it.
    resting : how many are left in peace for now, or held out for ever.
    """

    customers: pa.Array
    may: npt.NDArray[np.bool_]
    stock: Floats
    left_out: int
    resting: int


def permitted(shop: Shop, as_of: datetime, actions: tuple[str, ...]) -> Permitted:
    """Of the customers with an order before a moment, who may be contacted with what.

    Raises
    ------
    NotEnoughError
        If nobody may.
    """
    ids = shop.customers(as_of)["customer_id"].combine_chunks()
    if not len(ids):
        raise NotEnoughError(f"campaign: no customer has an order before {as_of:%Y-%m-%d}. Choose a later as-of time.")
    sending = shop.config.sending
    of_channel = {}
    for channel in sorted({Action.of(name).channel for name in actions}):
        why = refusals(shop, ids, pa.repeat(channel, len(ids)), as_of, sending.consent)
        of_channel[channel] = np.asarray(why.is_null())
    may = np.column_stack([of_channel[Action.of(name).channel] for name in actions])
    left_out = int((~may.any(1)).sum())
    if not may.any():
        raise NotEnoughError(_nobody(len(ids), sending.consent))
    holdout = Experiments(shop.state).holdout
    is_resting = _resting(shop, ids, as_of)
    if holdout is not None:
        is_resting |= holdout.holds(ids)
    may &= ~is_resting[:, None]
    offers = {each.name: each for each in standing(shop.state)}
    is_offer = np.array([Action.of(name).what in offers for name in actions])
    above, victims = suspected(shop, ids, as_of, sending.most_suspicion)
    may[np.asarray(above)] &= ~is_offer
    may[np.asarray(victims)] = False
    stock = np.full(len(actions), np.inf)
    for number, name in enumerate(actions):
        offer = offers.get(Action.of(name).what)
        if offer is not None and offer.closed_at is not None and offer.closed_at <= as_of:
            stock[number] = 0
        elif offer is not None and offer.terms.most:
            stock[number] = max(offer.terms.most - offer.issued, 0)
    may &= stock > 0
    inside = may.any(1)
    if not inside.any():
        raise NotEnoughError(
            f"campaign: of {len(ids):,} customers none may be contacted as of {as_of:%Y-%m-%d}: {left_out:,} forbade "
            f"it or gave no consent, {int(is_resting.sum()):,} were contacted lately or are held out, and offers may "
            "be closed or given away. Choose a later as-of time, or lower [campaign] rest_days."
        )
    return Permitted(ids.filter(pa.array(inside)), may[inside], stock, left_out, int(is_resting.sum()))


def _nobody(count: int, consent: str) -> str:
    said = f"campaign: none of {count:,} customers may be written to: "
    if consent == "given":
        return (
            f"{said}the log has no consent to marketing that stands. Import consents; or, where the law lets you write "
            'to all who did not refuse, set consent = "not refused" under [sending] in shop.toml.'
        )
    return f"{said}all of them objected to marketing or profiling, took consent back, or are suppressed."


def _resting(shop: Shop, ids: pa.Array, as_of: datetime) -> npt.NDArray[np.bool_]:
    """(n,) who had as many messages as a week may have, or was contacted or drawn by a decision lately."""
    settings, events = shop.config.campaign, shop.events
    weekly = shop.config.sending.most_per_week
    found = np.zeros(len(ids), bool)
    until = ibis.literal(as_of)
    if weekly:
        sent = events.filter(events.type == SENT, events.time < until, events.time >= ibis.literal(as_of - WEEK))
        named = shop.identities.named(sent.select("customer_id", "anonymous_id", "event_id"), as_of)
        many = named.filter(named.customer_id.notnull()).group_by("customer_id").agg(count=named.event_id.nunique())
        had = shop.engine.to_arrow(many.filter(many["count"] >= weekly).select("customer_id"))
        found |= np.asarray(pc.is_in(ids, had["customer_id"].combine_chunks()))
    if settings.rest_days:
        since = ibis.literal(as_of - timedelta(days=settings.rest_days))
        made = events.filter(
            events.type == decisions.TYPE, events.event_id.startswith("campaign-"), events.time < until,
            events.time >= since,
        )  # fmt: skip
        drawn = shop.engine.to_arrow(made.select("customer_id").distinct())
        pairs = pa.table(
            {"customer_id": drawn["customer_id"], "as_of": pa.repeat(pa.scalar(as_of, TIME), drawn.num_rows)}
        )
        if drawn.num_rows:
            found |= np.asarray(pc.is_in(ids, shop.identities.customers(pairs).combine_chunks()))
    return found
