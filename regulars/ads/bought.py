"""Who has bought what of late, as the log has it: no ad is shown for that."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis

from regulars.ads.delivery import Bought
from regulars.ads.delivery.bought import ENDED

if TYPE_CHECKING:
    from regulars.shop import Shop


def nothing_bought(shop: Shop) -> Bought:
    """Nobody bought anything, by the settings of `[ads]`."""
    settings = shop.config.ads
    return Bought(product=timedelta(days=settings.bought_product_days), anything=timedelta(days=settings.bought_days))


def bought(shop: Shop, as_of: datetime, products: Collection[str]) -> Bought:
    """Orders and returns before a moment, of some products as far back as `bought_product_days` asks, of all others as
    far as `bought_days`."""
    found, events = nothing_bought(shop), shop.events
    ended = events.filter(events.type.isin(list(ENDED)), events.time < ibis.literal(as_of))
    is_lately, is_of_these = (
        ended.time > ibis.literal(as_of - found.anything),
        ended.product_id.isin(list(products)) & (ended.time > ibis.literal(as_of - found.product)),
    )
    some = ended.filter(is_lately | is_of_these) if products else ended.filter(is_lately)
    named = shop.identities.named(some.select("customer_id", "anonymous_id", "product_id", "type", "time"), as_of)
    rows = named.filter(named.customer_id.notnull()).select("customer_id", "product_id", "type", "time").distinct()
    table = shop.engine.to_arrow(rows)
    for row in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
        found.add(*row)
    return found
