"""How far each customer is known to look at prices, from what was bought at reduced ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import logit
from scipy.stats import norm

from regulars.errors import NotEnoughError
from regulars.pricing.response import sensitivity

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

PAST = timedelta(days=182)
REDUCED = 0.97
"""Below so much of a product's middle price it was at a reduced one; smaller moves nobody sees."""
WIDTH = 2 * float(norm.ppf(0.975))
LEAST = 0.1
"""Log-odds in the mean over customers below which nobody looks at reduced prices, so that nothing can be told apart."""


def caring_of(shop: Shop, customer_ids: pa.Array, as_of: datetime, chance: float) -> Floats:
    """(n,) in [0, 1] of customers: how far their own purchases bear out that they look at prices as all do.

    From where half of the shelf is reduced, log-odds of a purchase at a reduced price go with the elasticity; a
    customer's, as low as it is with the chance `chance` that it is more, over the mean of all. Never above 1: it is for
    doubt alone. 1 for all where the log does not tell, for too few bought or prices never differed.
    """
    bought = _bought(shop, as_of)
    try:
        found = sensitivity(
            bought["customer_id"].to_numpy(zero_copy_only=False),
            bought["is_reduced"].to_numpy(zero_copy_only=False),
            bought["offered"].to_numpy(),
        )
    except NotEnoughError:
        return np.ones(len(customer_ids))
    middle, spread = logit(found.share), (logit(found.high) - logit(found.low)) / WIDTH
    common = float(middle.mean())
    if common < LEAST:
        return np.ones(len(customer_ids))
    own = np.clip((middle - norm.ppf(chance) * spread) / common, 0.0, 1.0)
    nobody = float(np.clip(1 - norm.ppf(chance) * middle.std() / common, 0.0, 1.0))
    place = pc.index_in(customer_ids, pa.array(found.customers, pa.string()))
    return np.where(place.is_valid(), own[place.fill_null(0).to_numpy()], nobody)


def _bought(shop: Shop, as_of: datetime) -> pa.Table:
    """customer_id, is_reduced, offered: of each line of a week and category where some was reduced and some was not."""
    events = shop.events
    orders = events.filter(
        events.type == "order_completed", events.time < ibis.literal(as_of), events.time >= ibis.literal(as_of - PAST),
        events.unit_price > 0, events.product_id.notnull(),
    )  # fmt: skip
    lines = shop.identities.named(
        orders.select("customer_id", "anonymous_id", "product_id", "unit_price", "time"), as_of
    )
    catalogue = shop.catalogue
    known = catalogue.filter(catalogue.valid_from < ibis.literal(as_of), catalogue.category.notnull())
    known = known.group_by("product_id").agg(category=known.category.argmax(known.valid_from))
    lines = lines.left_join(known, "product_id").select(
        "customer_id", "product_id", price=ibis._.unit_price.cast("float64"), week=ibis._.time.truncate("W"),
        category=ibis._.category.fill_null(""),
    )  # fmt: skip
    # On the shelf is what the least favoured paid: a discount of one's own is no reduced price.
    shelf = lines.group_by("week", "category", "product_id").agg(price=lines.price.max())
    there = _told(shop.engine.to_arrow(shelf.order_by("week", "category", "product_id")))
    bought = shop.engine.to_arrow(lines.filter(lines.customer_id.notnull()).select("customer_id", "week", "product_id"))
    bought = bought.join(there, ["week", "product_id"], join_type="inner")
    told = bought.filter((pc.field("offered") > 0) & (pc.field("offered") < 1))
    return told.sort_by([(name, "ascending") for name in ("customer_id", "offered", "is_reduced")])


def _told(shelf: pa.Table) -> pa.Table:
    """week, product_id, is_reduced, offered: of what was on the shelf in each week, by category."""
    names = shelf["product_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    price = shelf["price"].to_numpy()
    order = np.lexsort((price, names))
    count = np.bincount(names)
    first = np.cumsum(count) - count
    # The middle of the weeks, each once: of lines it would be the reduced price of what sells then alone.
    usual = (price[order][first + (count - 1) // 2] + price[order][first + count // 2]) / 2
    is_reduced = price < REDUCED * usual[names]
    place = np.unique(
        np.column_stack([shelf[name].combine_chunks().dictionary_encode().indices for name in ("week", "category")]),
        axis=0, return_inverse=True,
    )[1].ravel()  # fmt: skip
    offered = np.bincount(place, is_reduced) / np.bincount(place)
    told = {"week": shelf["week"], "product_id": shelf["product_id"], "is_reduced": is_reduced}
    return pa.table({**told, "offered": offered[place]})
