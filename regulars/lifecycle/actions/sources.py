"""Where candidate actions come from: what each capability decided or learned, if it is fresh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.actions import Action as Contact
from regulars.campaign.actions import cost_of
from regulars.campaign.dataset import features_as_of
from regulars.campaign.offer import standing as standing_offers
from regulars.campaign.sending import refuse_unready
from regulars.campaign.training import in_use as campaign_in_use
from regulars.campaign.uplift import Effects
from regulars.errors import ConfigError, NotFoundError
from regulars.events.schema import TIME
from regulars.lifecycle.actions.candidates import (
    AD,
    CALL,
    DISCOUNT,
    MESSAGE,
    OFFER,
    RECOVERY,
    REVIEW,
    Action,
    Candidates,
    Floats,
    joined,
)
from regulars.lifecycle.fatigue import recent
from regulars.lifecycle.stages import Standing
from regulars.profile.stage import STAGES

if TYPE_CHECKING:
    from regulars.campaign.uplift import UpliftModel
    from regulars.lifecycle.longrun import LongRun
    from regulars.shop import Shop

LOST = [STAGES.index(name) for name in ("cooling", "lapsed")]


@dataclass(frozen=True)
class Asked:
    """What a source is asked: of which customers, as of when, where they stand in life, and what lots have taught."""

    shop: Shop
    ids: pa.Array
    as_of: datetime
    standing: Standing
    long_run: LongRun | None


def candidates(asked: Asked) -> Candidates:
    """What could be done for each customer, by all capabilities; what is missing or stale is in the notes."""
    return joined([source(asked) for source in SOURCES])


def _fresh(asked: Asked, capability: str) -> tuple[pa.Table, np.ndarray] | str:
    """The newest decisions of a capability, and the row of each customer in it (-1: none); why not, if it cannot be."""
    try:
        table = asked.shop.tables.read(capability, "decisions")
    except NotFoundError:
        return f"{capability}: it has decided nothing. Let it: regulars decide {capability}"
    made = datetime.fromisoformat((table.schema.metadata or {})[b"as_of"].decode())
    most = asked.shop.config.lifecycle.table_days
    if made > asked.as_of:
        return f"{capability}: its newest decisions, as of {made:%Y-%m-%d}, know what came later. Not used."
    if asked.as_of - made > timedelta(days=most):
        age = (asked.as_of - made).days
        said = f"{capability}: its newest decisions are {age} days old, over {most}. Not used."
        return f"{said} Decide again: regulars decide {capability}"
    row = pc.fill_null(pc.index_in(asked.ids, table["customer_id"].combine_chunks()), -1)
    return table, np.asarray(row, np.int64)


def _column(table: pa.Table, name: str, row: np.ndarray) -> Floats:
    """(n,) a column of the rows; NaN where there is none."""
    values = table[name].cast(pa.float64()).to_numpy()
    found: Floats = np.where(row >= 0, values[np.maximum(row, 0)] if len(values) else np.nan, np.nan)
    return found


def contacts(asked: Asked) -> Candidates:
    """Messages and offers, by what lots taught of the long run; else by campaign's model of the days after."""
    shop, count = asked.shop, len(asked.ids)
    model: LongRun | UpliftModel | None = asked.long_run
    notes: tuple[str, ...] = ()
    if model is None:
        try:
            model = campaign_in_use(shop).uplift
        except NotFoundError as error:
            return Candidates.nothing(count, f"campaign: {error}")
        if model is None:
            return Candidates.nothing(
                count, "campaign: no lot has measured what a message brings. Let one: regulars decide campaign"
            )
        notes = ("campaign: too few lots for the long run; the margin of the days after a contact stands for it.",)
    pairs = pa.table({"customer_id": asked.ids, "as_of": pa.repeat(pa.scalar(asked.as_of, TIME), count)})
    features = features_as_of(shop, pairs, shop.tables.of("profile", pairs), model.names)
    effects = model.effects(features)
    if asked.long_run is not None:
        # Who is put off by contacts does not tire of them: only what helps is less for it.
        tired = asked.long_run.fatigue.factor(recent(shop, pairs))[:, None]
        effects = Effects(*(np.where(effects.mean > 0, each * tired, each) for each in effects))
    mean, low, high = effects
    offers = {each.name: each for each in standing_offers(shop.state)}
    settings = shop.config.campaign
    parts = []
    sending = shop.config.sending
    is_sent_here = bool(sending.smtp or sending.sms_webhook or sending.push_webhook or sending.wechat_webhook)
    for number, name in enumerate(model.arms[1:]):
        what, channel = Contact.of(name)
        try:
            if is_sent_here:
                refuse_unready(shop, what, [channel])
        except (ConfigError, NotFoundError) as error:
            # What never leaves would be learned to bring nothing.
            notes += (f"campaign: {name} is not among the choices: {error}",)
            continue
        offer = offers.get(what)
        stock = float("inf") if offer is None or not offer.terms.most else max(offer.terms.most - offer.issued, 0)
        if offer is not None and offer.closed_at is not None and offer.closed_at <= asked.as_of:
            stock = 0.0
        # A campaign that gives something away is an offer, and so is one that is called a coupon.
        kind = OFFER if offer is not None or "coupon" in what.lower() else MESSAGE
        action = Action(name, kind, channel, "campaign", stock=stock)
        spread = (high[:, number] - low[:, number]) / (2 * 1.96) * model.worth
        parts.append(Candidates.of(action, mean[:, number] * model.worth, spread, cost_of(name, settings)))
    return replace(joined(parts), notes=notes) if parts else Candidates.nothing(count, *notes)


def discounts(asked: Asked) -> Candidates:
    """The discount that pricing found for each customer; what it gives away is in its gain already."""
    fresh = _fresh(asked, "pricing")
    if isinstance(fresh, str):
        return Candidates.nothing(len(asked.ids), fresh)
    table, row = fresh
    share, gain = _column(table, "share", row), _column(table, "expected_gain", row)
    action = Action("discount", DISCOUNT, "", "pricing")
    return Candidates.of(action, np.where(share > 0, gain, np.nan), np.abs(np.nan_to_num(gain)), 0.0)


def ads(asked: Asked) -> Candidates:
    """A place in the audience: what an impression a day is worth, at the price that impressions had."""
    fresh = _fresh(asked, "ads")
    if isinstance(fresh, str):
        return Candidates.nothing(len(asked.ids), fresh)
    table, row = fresh
    shown = asked.shop.events
    shown = shown.filter((shown.type == "ad_shown") & (shown.time < asked.as_of) & shown.unit_price.notnull())
    price = asked.shop.engine.to_arrow(shown.aggregate(price=shown.unit_price.cast("float64").mean()))["price"][
        0
    ].as_py()
    if price is None:
        note = "ads: the log tells no price of an impression, so what the audience costs is not known. Not used."
        return Candidates.nothing(len(asked.ids), note)
    is_in = np.asarray(pc.equal(table["action"], "advertise"))
    worth = np.where((row >= 0) & is_in[np.maximum(row, 0)], _column(table, "value_cpm", row) / 1000, np.nan)
    return Candidates.of(Action("ad audience", AD, "", "ads"), worth, np.abs(np.nan_to_num(worth)), float(price))


def calls(asked: Asked) -> Candidates:
    """A call by a person: a share of what leaving within the week would lose."""
    settings = asked.shop.config.lifecycle
    action = Action("call", CALL, "phone", "lifecycle", minutes=settings.call_minutes)
    gain = settings.call_keeps * _at_risk(asked.standing)
    # What nobody has measured is known to its own size at best.
    return Candidates.of(action, gain, gain, settings.call_minutes * settings.minute_cost)


def recoveries(asked: Asked) -> Candidates:
    """Putting right what went wrong: a share of what the customer is worth beyond having left."""
    settings, standing = asked.shop.config.lifecycle, asked.standing
    action = Action("service recovery", RECOVERY, "", "support", minutes=settings.recovery_minutes)
    loss = np.maximum(standing.value - standing.entered[:, LOST[-1]], 0)
    gain = settings.recovery_keeps * loss
    return Candidates.of(action, gain, gain, settings.recovery_minutes * settings.minute_cost)


def reviews(asked: Asked) -> Candidates:
    """A look at an order that fraud holds: what letting it through would lose."""
    fresh = _fresh(asked, "fraud")
    if isinstance(fresh, str):
        return Candidates.nothing(len(asked.ids), fresh)
    table, row = fresh
    # The first of a customer's attempts is the one of most loss; unlabelled ones are worth a look at what it costs.
    settings = asked.shop.config.fraud
    cost = settings.review_minutes * settings.review_cost
    loss = _column(table, "expected_loss", row)
    gain = np.where(row >= 0, np.where(np.isnan(loss), 2 * cost, loss), np.nan)
    action = Action("review", REVIEW, "", "fraud", minutes=settings.review_minutes)
    return Candidates.of(action, gain, np.abs(np.nan_to_num(gain)), cost)


def _at_risk(standing: Standing) -> Floats:
    """(n,) money that is lost in the mean by becoming cooling or lapsed within the week."""
    rows = np.arange(len(standing.value))
    chance = standing.chance.copy()
    chance[rows, np.maximum(standing.stage, 0)] = 0.0  # who is there already is not lost once more
    lost = np.maximum(-standing.worth[:, LOST], 0.0)
    found: Floats = (chance[:, LOST] * lost).sum(1)
    return found


SOURCES: tuple[Callable[[Asked], Candidates], ...] = (contacts, discounts, ads, calls, recoveries, reviews)
