"""What customers did, summed up for what is told of them besides features: one query for each, whatever the pairs.

All are made from a `levels.Source`, so only events before each moment count.
"""

from __future__ import annotations

from math import log
from typing import Any

import ibis

from regulars.profile.levels import Source, known_of, priced
from regulars.profile.local_time import DAY, local_seconds
from regulars.profile.styles import styles

KINDS = ("category", "brand", "style")
"""Of interests: the first two are columns of the catalogue."""
HALF_LIFE_DAYS = 90.0
"""After so many days a choice counts half."""
WEIGHTS = {
    "order_completed": 1.0,
    "product_added": 0.3,
    "product_added_to_wishlist": 0.3,
    "product_viewed": 0.1,
}
"""What tells of interest, and how much beside an order: a day of looking counts a tenth of one."""

SHOPPING = (
    "products_searched", "product_list_viewed", "product_list_filtered", "promotion_clicked", "product_clicked",
    "product_viewed", "product_added", "product_removed", "cart_viewed", "checkout_started", "checkout_step_viewed",
    "checkout_step_completed", "payment_info_entered", "order_completed", "coupon_entered", "coupon_applied",
    "product_added_to_wishlist", "product_removed_from_wishlist", "product_shared", "product_reviewed",
    "page_viewed", "signed_up", "sign_in",
)  # fmt: skip
"""What customers do in the shop, of themselves."""
ACTS = (*SHOPPING, "message_opened", "message_clicked", "ad_clicked", "support_asked")
"""What customers do of themselves, anywhere; what is done to them tells nothing of their habits."""

DISCOUNTED = 0.99
"""Of the list price: below it a line is discounted; above it, rounded."""


def interests(source: Source) -> ibis.Table:
    """What each customer chose, by each of `KINDS`.

    An order counts once, spread evenly over its lines, and so does a day of looking at products, or of putting them
    into the cart: a basket of twenty cups is one choice of cups, not twenty.

    Returns
    -------
    pair, kind, name, weight (of the choices that fell on it), orders and occasions (with any of it), age_days (since
    the last time); of all the pair's choices of products that have such a kind: total (weight), total_square (of the
    weights), and all_occasions. `square` sums the squares of the shares that the name had of each.
    """
    said = source.events.filter(source.events.type.isin(list(WEIGHTS)), source.events.product_id.notnull())
    rows = source.before(said, "type", "product_id", "order_id")
    day = (rows.time.epoch_seconds() // DAY).cast("string")
    is_order = rows.type == "order_completed"
    rows = rows.mutate(occasion=ibis.ifelse(is_order, ibis.coalesce(rows.order_id, day), day))
    # Of all kinds in one pass: to find the customers' events is what costs, in a log of many.
    named = _named(source)
    described = rows.inner_join(named.select("product_id", "as_of", "kind").distinct(), ["product_id", "as_of"])
    occasions = described.group_by("pair", "kind", "type", "occasion").agg(
        lines=described.count(), age_days=described.age_days.min()
    )
    base: Any = ibis.cases(*((occasions.type == name, each) for name, each in WEIGHTS.items()))
    occasions = occasions.mutate(counts=base * (occasions.age_days * (-log(2) / HALF_LIFE_DAYS)).exp())
    totals = occasions.group_by("pair", "kind").agg(
        total=occasions.counts.sum(),
        total_square=(occasions.counts * occasions.counts).sum(),
        all_occasions=occasions.count(),
    )
    met = rows.inner_join(named, ["product_id", "as_of"])
    met = met.group_by("pair", "kind", "type", "occasion", "name").agg(chosen=met.count())
    met = met.inner_join(occasions, ["pair", "kind", "type", "occasion"])
    met = met.mutate(share=met.chosen / met.lines)
    found = met.group_by("pair", "kind", "name").agg(
        weight=(met.counts * met.share).sum(),
        square=(met.counts * met.share * met.share).sum(),
        orders=(met.type == "order_completed").sum(),
        occasions=met.count(),
        age_days=met.age_days.min(),
    )
    return found.inner_join(totals, ["pair", "kind"]).select(*found.columns, "total", "total_square", "all_occasions")


def _named(source: Source) -> ibis.Table:
    """What products are called, by kind: product_id, as_of, kind, name."""
    columns = {kind: known_of(source, kind) for kind in KINDS[:2]}
    named = [found.mutate(kind=ibis.literal(kind), name=found[kind]) for kind, found in columns.items()]
    named.append(styles(source).mutate(kind=ibis.literal(KINDS[2])))
    return ibis.union(*(each.select("product_id", "as_of", "kind", "name") for each in named))


def gaps(source: Source) -> ibis.Table:
    """The pauses between days with an order.

    Returns
    -------
    pair, order_days, log_sum and log_square_sum (over the logarithms of the pauses in days), last_days (since the last
    order's time), first_days (since the first).
    """
    lines = source.before(source.order_lines, "order_id")
    wall = local_seconds(lines.time, source.zone, source.first, source.last)
    lines = lines.mutate(day=wall // DAY)
    days = lines.group_by("pair", "day").agg(age_days=lines.age_days.min(), oldest=lines.age_days.max())
    earlier = ibis.window(group_by="pair", order_by="day")
    pause = (days.day - days.day.lag().over(earlier)).cast("float64").ln()
    days = days.mutate(pause=pause)
    return days.group_by("pair").agg(
        order_days=days.count(),
        log_sum=days.pause.sum(),
        log_square_sum=(days.pause * days.pause).sum(),
        last_days=days.age_days.min(),
        first_days=days.oldest.max(),
    )


def habits(source: Source) -> ibis.Table:
    """When and where customers do things of themselves.

    Returns
    -------
    pair, habit ("hour", "weekday" or "channel"), name ("0" to "23", "0" (Monday) to "6", a channel), days: on how many
    days that was. Midnight to the second is the time of a file that has only dates, so it tells no hour.
    """
    acts = source.before(source.events.filter(source.events.type.isin(ACTS)), "type", "channel")
    wall = local_seconds(acts.time, source.zone, source.first, source.last)
    acts = acts.mutate(day=wall // DAY, second=wall % DAY)
    timed = acts.filter(acts.second != 0)
    shopped = acts.filter(acts.type.isin(SHOPPING), acts.channel.notnull())
    each = [
        timed.select("pair", "day", habit=ibis.literal("hour"), name=(timed.second // 3600).cast("string")),
        # 1 January 1970 was a Thursday.
        acts.select("pair", "day", habit=ibis.literal("weekday"), name=((acts.day + 3) % 7).cast("string")),
        shopped.select("pair", "day", habit=ibis.literal("channel"), name=shopped.channel),
    ]
    rows = ibis.union(*each, distinct=True)
    return rows.group_by("pair", "habit", "name").agg(days=rows.count())


def prices(source: Source) -> ibis.Table:
    """What customers paid, beside what others paid in the same categories, and beside list prices.

    Each order counts once: the mean over its lines.

    Returns
    -------
    pair, compared_orders, level_sum and level_square_sum (over orders: logarithm of the price paid over the category's
    geometric mean before the moment), listed_orders, discounted_sum (over orders: the share of lines under the list
    price of their day).
    """
    lines = priced(source.order_lines)
    lines = lines.mutate(day=(lines.time.epoch_seconds() // DAY).cast("string"))
    lines = lines.mutate(order=ibis.coalesce(lines.order_id, lines.day))
    listed = _list_prices(source.catalogue)
    lines = lines.left_join(
        listed,
        [
            lines.product_id == listed.product_id,
            lines.time >= listed.valid_from,
            listed.valid_to.isnull() | (lines.time < listed.valid_to),
        ],
    ).drop("product_id_right")
    categories = known_of(source, "category")
    rows = source.before(lines, "product_id", "order", "price", "list_price")
    rows = rows.left_join(categories, ["product_id", "as_of"]).drop("product_id_right", "as_of_right")
    rows = rows.left_join(source.usual_levels, ["category", "as_of"])
    rows = rows.mutate(level=rows.price.ln() - rows.usual, is_below=rows.price < DISCOUNTED * rows.list_price)
    orders = rows.group_by("pair", "order").agg(level=rows.level.mean(), below=rows.is_below.cast("float64").mean())
    return orders.group_by("pair").agg(
        compared_orders=orders.level.count(),
        level_sum=orders.level.sum(),
        level_square_sum=(orders.level * orders.level).sum(),
        listed_orders=orders.below.count(),
        discounted_sum=orders.below.sum(),
    )


def _list_prices(catalogue: ibis.Table) -> ibis.Table:
    """Each product's list prices, and from when until when each held."""
    said = catalogue.filter(catalogue.list_price > 0)
    said = said.group_by("product_id", "valid_from").agg(list_price=said.list_price.max().cast("float64"))
    in_time = ibis.window(group_by="product_id", order_by="valid_from")
    said = said.mutate(before=said.list_price.lag().over(in_time))
    # What was said again is no change: a catalogue that is told daily would else be met daily.
    changed = said.filter(said.before.isnull() | (said.before != said.list_price)).drop("before")
    return changed.mutate(valid_to=changed.valid_from.lead().over(in_time))
