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


class Asking(NamedTuple):
    """Who asked for how many of a product: a customer, or a visitor who is known by the session alone."""

    product_id: str
    customer_id: str | None
    session_id: str | None
    quantity: int

    @classmethod
    def of(cls, product_id: str, customer_id: str | None, session_id: str | None, quantity: int) -> Asking:
        """A customer is the same in every session."""
        return cls(product_id, customer_id, None if customer_id is not None else session_id, quantity)


class Shown(NamedTuple):
    """A price of one that was told, in the smallest coin."""

    session_id: str | None
    coins: int
    is_personal: bool


Told = dict[Asking, dict[Shown, datetime]]
"""{who asked: {what was shown: when last it was made; not when it was shown because it stood}}."""


class Decided(NamedTuple):
    """The newest decision about a customer: its properties as JSON, its chance, and when it was made."""

    properties: str
    propensity: float
    time: datetime


@dataclass(frozen=True)
class Facts:
    """What holds before a moment.

    Attributes
    ----------
    as_of : the moment.
    people : by customer. ordered : the customers with an order.
    decided : by customer.
    told : the prices that were told within `[pricing] hold_hours`, or `SESSION_DAYS`.
    """

    as_of: datetime
    prices: PriceLog
    law: Law
    people: Mapping[str, Person]
    ordered: frozenset[str]
    decided: Mapping[str, Decided]
    told: Mapping[Asking, Mapping[Shown, datetime]]

    @classmethod
    def read(cls, shop: Shop, as_of: datetime, customer_id: str | None = None, session_id: str | None = None) -> Facts:
        """Of all customers; where one is named, of that one alone, from its own events and those of the session."""
        prices, of_session = PriceLog.read(shop, as_of, AHEAD), shop
        if customer_id is not None:
            mine = shop.events.filter(ibis._.customer_id.isnull(), ibis._.session_id == (session_id or ""))
            of_session = shop.with_events(mine)
            pairs = pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})
            shop = shop.with_events(shop.identities.events_of(shop.events, pairs))
        return cls(
            as_of, prices, Law.known(shop.folder), people_of(shop, as_of), _ordered(shop, as_of), _decided(shop, as_of),
            _told(of_session, as_of) | _told(shop, as_of),
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
    newest = made.mutate(place=order).filter(ibis._.place == 0)
    columns = shop.engine.to_arrow(newest.select("customer_id", "properties", "propensity", "time")).columns
    return {who: Decided(*said) for who, *said in zip(*(column.to_pylist() for column in columns), strict=True)}


def _told(shop: Shop, as_of: datetime) -> Told:
    events = shop.events
    since = as_of - longest(shop)
    quotes = events.filter(
        events.type == QUOTED, events.customer_id.notnull() | events.session_id.notnull(),
        events.time >= ibis.literal(since), events.time <= ibis.literal(as_of),
    )  # fmt: skip
    note = quotes.properties.cast("json")
    quotes = quotes.mutate(
        quantity=quotes.quantity.fill_null(1.0).cast("int64"), is_personal=note["personalised"].bool.fill_null(False),
        made_at=note["held_since"].str.cast(quotes.time.type()).fill_null(quotes.time),
    )  # fmt: skip
    last = quotes.group_by("product_id", "customer_id", "session_id", "quantity", "unit_price", "is_personal").agg(
        at=quotes.made_at.max()
    )
    rows = shop.engine.to_arrow(last)
    coins = to_coins(rows["unit_price"], shop.config.shop.currency).tolist()
    names = ("product_id", "customer_id", "session_id", "quantity", "is_personal", "at")
    found: Told = {}
    for product, customer, session, quantity, is_personal, at, price in zip(
        *(rows[name].to_pylist() for name in names), coins, strict=True
    ):
        asking = Asking.of(product, customer, session, quantity)
        found.setdefault(asking, {})[Shown(session, price, is_personal)] = at
    return found


def longest(shop: Shop) -> timedelta:
    """For so long a price that was told may stand."""
    return max(timedelta(days=SESSION_DAYS), timedelta(hours=shop.config.pricing.hold_hours))
