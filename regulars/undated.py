"""What files that tell no time are read by: what the log says already, and since when."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from regulars.errors import NotEnoughError
from regulars.events.products import held_since
from regulars.events.undated import DERIVED_ID, Undated

if TYPE_CHECKING:
    from regulars.shop import Shop


def of_customers(shop: Shop, moment: datetime) -> Undated:
    """What files about customers are read by.

    Parameters
    ----------
    moment : the clock's present, which counts where the log is empty.
    """
    with suppress(NotEnoughError):
        moment = shop.now
    events = shop.events
    said = events.filter(events.type == "customer_identified", events.event_id.re_search(DERIVED_ID))
    newest = said.group_by("customer_id").agg(newest=said.received_at.max())
    ids = said.join(newest, [said.customer_id == newest.customer_id, said.received_at == newest.newest])
    found = shop.engine.to_arrow(ids.select("event_id").distinct())
    return Undated.of(moment, found["event_id"].combine_chunks())


def of_products(shop: Shop, moment: datetime) -> Undated:
    """What files about products are read by; `moment` as in `of_customers`."""
    with suppress(NotEnoughError):
        moment = shop.now - timedelta(microseconds=1)
    present = held_since(shop.log.read("catalogue", ["valid_from"])["valid_from"], moment)
    return Undated.of(present, pa.array([], pa.string()))


def first_met(shop: Shop) -> pa.Table:
    """product_id and since: the moment of each product's first event."""
    events = shop.events.filter(shop.events.product_id.notnull())
    return shop.engine.to_arrow(events.group_by("product_id").agg(since=events.time.min()))
