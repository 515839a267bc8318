"""What the log says before a moment that a quote may hang on: read at once, for all customers or for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
import pyarrow as pa

from regulars.events.schema import TIME
from regulars.pricing.evaluate import NAME
from regulars.pricing.law import Law
from regulars.pricing.money import to_coins
from regulars.pricing.products import PriceLog
from regulars.pricing.rules import Person, people_of

if TYPE_CHECKING:
    from regulars.shop import Shop

QUOTED = "price_quoted"
SESSION_DAYS = 30
"""No session lasts longer."""
AHEAD = timedelta(days=1)
"""Prices that are to be asked until then are known too: they count from their moment on."""


class Shown(NamedTuple):
    """A price of one that a customer was told, in the smallest coin."""

    session_id: str | None
    coins: int
    is_personal: bool


Told = dict[tuple[str, str], dict[Shown, datetime]]
"""{(product, customer): {what was shown: when last}}."""


class Decided(NamedTuple):
    """The newest decision about a customer: its properties as JSON, and its chance."""

    properties: str
    propensity: float


@dataclass(frozen=True)
class Facts:
    """What holds before a moment.

    Attributes
    ----------
    as_of : the moment.
    people : by customer. ordered : the customers with an order.
    decided : by customer. version : of the model in use; 0 without one.
    told : the prices of one that customers were told within `[pricing] hold_hours`, or `SESSION_DAYS`.
    """

    as_of: datetime
    prices: PriceLog
    law: Law
    people: Mapping[str, Person]
    ordered: frozenset[str]
    decided: Mapping[str, Decided]
    version: int
    told: Told

    @classmethod
    def read(cls, shop: Shop, as_of: datetime, customer_id: str | None = None) -> Facts:
        """Of all customers; where one is named, of that one alone, from its own events."""
        prices, version = PriceLog.read(shop, as_of, AHEAD), shop.models.version_in_use(NAME) or 0
        if customer_id is not None:
            pairs = pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})
            shop = shop.with_events(shop.identities.events_of(shop.events, pairs))
        return cls(
            as_of, prices, Law.known(shop.folder), people_of(shop, as_of), _ordered(shop, as_of), _decided(shop, as_of),
            version, _told(shop, as_of),
        )  # fmt: skip


def _ordered(shop: Shop, as_of: datetime) -> frozenset[str]:
    orders = shop.events.filter(ibis._.type == "order_completed", ibis._.time < ibis.literal(as_of))
    named = shop.identities.named(orders.select("customer_id", "anonymous_id"), as_of)
    return frozenset(shop.engine.to_arrow(named.select("customer_id").distinct())["customer_id"].to_pylist())


def _decided(shop: Shop, as_of: datetime) -> dict[str, Decided]:
    events = shop.events
    made = events.filter(
        events.type == "decision_made", events.customer_id.notnull(), events.time <= ibis.literal(as_of),
        events.properties.cast("json")["capability"].str == NAME,
    )  # fmt: skip
    made = made.select("customer_id", "time", "received_at", "properties", "propensity")
    order = ibis.row_number().over(group_by="customer_id", order_by=[ibis.desc("time"), ibis.desc("received_at")])
    newest = made.mutate(place=order).filter(ibis._.place == 0).select("customer_id", "properties", "propensity")
    columns = (column.to_pylist() for column in shop.engine.to_arrow(newest).columns)
    return {who: Decided(said, propensity) for who, said, propensity in zip(*columns, strict=True)}


def _told(shop: Shop, as_of: datetime) -> Told:
    """A volume's price is no price of one."""
    events = shop.events
    since = as_of - longest(shop)
    quotes = events.filter(
        events.type == QUOTED, events.customer_id.notnull(), events.quantity.fill_null(1.0) == 1.0,
        events.time >= ibis.literal(since), events.time <= ibis.literal(as_of),
    )  # fmt: skip
    quotes = quotes.mutate(is_personal=quotes.properties.cast("json")["personalised"].bool.fill_null(False))
    last = quotes.group_by("product_id", "customer_id", "session_id", "unit_price", "is_personal").agg(
        at=quotes.time.max()
    )
    rows = shop.engine.to_arrow(last)
    coins = to_coins(rows["unit_price"], shop.config.shop.currency).tolist()
    names = ("product_id", "customer_id", "session_id", "is_personal", "at")
    found: Told = {}
    for product, customer, session, is_personal, at, price in zip(
        *(rows[name].to_pylist() for name in names), coins, strict=True
    ):
        found.setdefault((product, customer), {})[Shown(session, price, is_personal)] = at
    return found


def longest(shop: Shop) -> timedelta:
    """For so long a price that was told may stand."""
    return max(timedelta(days=SESSION_DAYS), timedelta(hours=shop.config.pricing.hold_hours))
