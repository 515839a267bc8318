"""A desk that bids for a shop: values from its newest decision, budget and caps from its settings."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pyarrow as pa

from regulars.ads.bidding import Bidder
from regulars.ads.bought import bought as bought_before
from regulars.ads.delivered import delivered
from regulars.ads.delivery import Bought, BrandSafety, Cap, Creative, Exposures, Placement, Places, Rotation
from regulars.ads.delivery.context import FEATURES
from regulars.ads.delivery.dayparts import PARTS, hour_of_week
from regulars.ads.delivery.placement import SENSITIVE
from regulars.ads.lift import ADVERTISE, HOLD_OUT
from regulars.ads.openrtb.desk import Campaign, Desk, Met, untold
from regulars.ads.pace import curve_before
from regulars.ads.pacing import ClockDay, Pacer, SpendCurve
from regulars.ads.remembered import remember
from regulars.errors import InputError

if TYPE_CHECKING:
    from regulars.shop import Shop


LEAST_SHARE = 1e-4
"""Foreseen clicks are never fewer to a rotation: it would be sure of creatives after a handful of them."""


class Told(NamedTuple):
    """An ad that was shown: the id of its event, to whom, of which campaign, when, and what it cost."""

    name: str
    customer: str
    campaign: str
    at: datetime
    cost: float


def _nobody(customer: str) -> bool:
    return False


class Decided:
    """Values of customers as the newest decision has them: nobody else is bid for, and the held out by ghosts alone.

    A decision's value is that of the next ad in the mean hour with the mean creative; an impression's own hour and
    creative, and what its customer has seen since, make it more or less (`regulars.ads.patterns`). A new creative is
    taken for the mean one.

    Parameters
    ----------
    decisions : of `regulars.ads.decide`.
    exposures : who saw what in the days before.
    forbids : whether a customer has forbidden ads since.
    stranger_value : of an impression for somebody unknown, or who may not be profiled; in money, 0 or more.

    Attributes
    ----------
    creatives : by id, clicks foreseen of each that is known, over those of the mean one.
    orders : by id, orders foreseen after a click on each that is known, over those after a click on any.
    """

    def __init__(
        self,
        decisions: pa.Table,
        exposures: Exposures,
        forbids: Callable[[str], bool] = _nobody,
        stranger_value: float = 0.0,
    ) -> None:
        said = decisions.schema.metadata or {}
        self._hours: list[float] = json.loads(said.get(b"hours", json.dumps([1.0] * PARTS)))
        self._zone = ZoneInfo(said.get(b"timezone", b"UTC").decode())
        self._fatigue: list[float] = json.loads(said.get(b"fatigue", b"[1.0]"))
        self.creatives: dict[str, float] = json.loads(said.get(b"creatives", b"{}"))
        self.orders: dict[str, float] = json.loads(said.get(b"orders", b"{}"))
        rows = decisions.to_pylist()
        self._fresh = {
            row["customer_id"]: row["value_cpm"] / 1000 / self._tired(row.get("ads_seen", 0))
            for row in rows
            if row["action"] in (ADVERTISE, HOLD_OUT)
        }
        self._held_out = {row["customer_id"] for row in rows if row["action"] == HOLD_OUT}
        self.exposures, self.forbids, self.stranger_value = exposures, forbids, stranger_value

    def value(self, customer: str | None, creative: Creative, place: Placement, at: datetime) -> float:
        """See `openrtb.Valuer`."""
        name = creative.creative_id
        usual = self._hours[hour_of_week(at.astimezone(self._zone))]
        usual *= self.creatives.get(name, 1.0) * self.orders.get(name, 1.0)
        if customer is None:
            return self.stranger_value * usual
        fresh: float = self._fresh.get(customer, 0.0)
        return fresh * usual * self._tired(self.exposures.count(customer, at))

    def may_see(self, customer: str) -> bool:
        """See `openrtb.Valuer`."""
        return customer in self._fresh and not self.forbids(customer)

    def is_held_out(self, customer: str) -> bool:
        """See `openrtb.Valuer`."""
        return customer in self._held_out

    def _tired(self, seen: int) -> float:
        return self._fatigue[min(seen, len(self._fatigue) - 1)]


def desk(
    shop: Shop,
    creatives: Sequence[Creative],
    advertiser: str,
    start: datetime,
    *,
    forbids: Callable[[str], bool] = _nobody,
    stranger_value: float = 0.0,
    places: Mapping[str, Places] = MappingProxyType({}),
    also: Sequence[Told] = (),
    exposures: Exposures | None = None,
    bought: Bought | None = None,
    tell: Callable[[Met], None] = untold,
) -> Desk:
    """A desk with one campaign for each that creatives name; `[ads] budget` is shared evenly among them.

    A desk that begins in the middle of a day, by the shop's clock, has of its budget what the log says is left after
    all ads of that day, also those of campaigns that are no more, and plans the day as the four weeks before it went.

    Parameters
    ----------
    creatives : of each campaign one or more, to choose among.
    places : where each campaign runs; of one that is not in it everywhere.
    advertiser : the shop's domain. start : the moment from which it bids, with its time zone.
    forbids : whether a customer has forbidden ads since they were decided.
    also : ads that were shown and are not in the log yet.
    tell : is told of the first bid of a day for each customer, sent or, of the held out, not.
    exposures, bought : who saw, and who has, what, where that is known already; default: as the log has it.

    Raises
    ------
    NotFoundError
        If nothing was decided yet.
    InputError
        If there is no creative.
    """
    settings = shop.config.ads
    names = sorted({one.campaign for one in creatives})
    if not names:
        raise InputError("creatives: one or more are expected.")
    safety = BrandSafety(
        advertiser,
        own_categories=settings.categories,
        refused_categories=(*SENSITIVE, *settings.refused_categories),
        refused_domains=settings.refused_domains,
        only_domains=settings.only_domains,
    )
    known = _shown_before(shop, start) if exposures is None or also else []
    in_log = {one.name for one in known}
    new = list({one.name: one for one in also if one.name not in in_log}.values())
    exposures = exposures or _exposures(shop, [*known, *new])
    decisions = shop.tables.read("ads", "decisions")
    decided = Decided(decisions, exposures, forbids, stranger_value)
    share = _click_share(decisions, settings.click_share)
    paced = _pacers(shop, names, start, new)
    campaigns = [
        Campaign(
            name,
            Rotation(name, [one for one in creatives if one.campaign == name], features=FEATURES, click_share=share),
            Bidder(settings.auction, seed=number),
            paced[name],
            places.get(name, Places()),
        )
        for number, name in enumerate(names)
    ]
    remember(shop, [one.rotation for one in campaigns], decided.creatives, start)
    bought = bought or bought_before(shop, start, {one.product_id for one in creatives})
    zone = ZoneInfo(shop.config.shop.timezone)
    return Desk(campaigns, decided, safety, exposures, shop.config.shop.currency, bought, zone, tell)


def _click_share(decisions: pa.Table, setting: float) -> float:
    """Of impressions of those decided about, the share that is clicked, as it was foreseen."""
    if "click_probability" not in decisions.column_names or not decisions.num_rows:
        return setting
    return min(max(float(np.mean(decisions["click_probability"].to_numpy())), LEAST_SHARE), 1 - LEAST_SHARE)


def _pacers(shop: Shop, names: Sequence[str], start: datetime, also: Sequence[Told]) -> dict[str, Pacer]:
    """Of each campaign, with what it has spent since the shop's morning, and an even share of what all have left."""
    budget, spent = shop.config.ads.budget, defaultdict[str, float](float)
    day = ClockDay.of(start, ZoneInfo(shop.config.shop.timezone))
    for row in delivered(shop, day.begin, start).to_pylist():
        spent[row["campaign"]] += row["spend"]
    for one in also:
        if day.begin <= one.at:
            spent[one.campaign] += one.cost
    left = max(budget - sum(spent.values()), 0.0)
    hours, found = curve_before(shop, day).hours_, {}
    for name in names:
        # Each learns on by itself from what it is offered.
        found[name] = Pacer(budget / len(names), SpendCurve(hours), day.morning)
        found[name].resume(spent[name], start)
        found[name].give(left / len(names), start)
    return found


def _exposures(shop: Shop, shown: Sequence[Told]) -> Exposures:
    """Caps and gaps of `[ads]`, with who was shown what before."""
    settings = shop.config.ads
    caps = [Cap(settings.most_per_day, timedelta(days=1)), Cap(settings.most_per_week, timedelta(days=7))]
    found = Exposures(caps, timedelta(minutes=settings.gap_minutes))
    for one in shown:
        found.add(one.customer, one.campaign, one.at, one.name)
    return found


def _shown_before(shop: Shop, start: datetime) -> list[Told]:
    """The ads that the log has, as far back as caps look: a desk that begins anew forgets none of them."""
    events = shop.events
    shown = events.filter(
        events.type == "ad_shown",
        events.time < ibis.literal(start),
        events.time >= ibis.literal(start - timedelta(days=7)),
    ).select("event_id", "customer_id", "anonymous_id", "campaign_id", "time", "unit_price")
    named = shop.identities.named(shown, start)
    rows = shop.engine.to_arrow(named.filter(named.customer_id.notnull()).order_by("time")).to_pylist()
    return [
        Told(row["event_id"], row["customer_id"], row["campaign_id"] or "", row["time"], float(row["unit_price"] or 0))
        for row in rows
    ]
