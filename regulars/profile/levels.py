"""The rows that features are computed from: orders, products, categories, visits, …, each as of its moment.

Every level reads only the columns that it needs, joins each event to the moments of its customer
(`pair` is the number of a customer and moment), and keeps what came before the moment. Nothing else
decides what is known when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis

from regulars.profile.local_time import DAY, local_seconds

MONTH = 30 * DAY
"""Prices are compared by blocks of thirty days."""


@dataclass(frozen=True)
class Source:
    """What levels are made from.

    Attributes
    ----------
    events : the log, or that of the pairs' customers at least, without decisions and without guests; customer_id is
        the raw id, or where all pairs have one moment the customer.
    usual_prices, usual_levels : of the whole log; see the functions of these names.
    catalogue : all that it ever said of products, with `valid_from`.
    pairs : place (its number), pair (what names it in every level), customer_id, as_of.
    members : pair, customer_id (each id that belongs to the pair's customer as of its moment), as_of.
    moment : the as_of of all pairs, where there are many and all have the same; `pair` is the customer
        then, and no level needs to be joined to the pairs. Else None.
    zone : the shop's time zone.
    first, last : between these lie all times.
    """

    events: ibis.Table
    usual_prices: ibis.Table
    usual_levels: ibis.Table
    catalogue: ibis.Table
    pairs: ibis.Table
    members: ibis.Table
    zone: str
    first: datetime
    last: datetime
    moment: datetime | None = None

    def before(self, rows: ibis.Table, *columns: str) -> ibis.Table:
        """Events with the pair of each moment that they came before, and how many days before."""
        if self.moment is not None:
            found = rows.select("customer_id", "time", *columns).filter(rows.time < ibis.literal(self.moment))
            seconds = int(self.moment.timestamp()) - found.time.epoch_seconds()
            as_of = ibis.literal(self.moment, "timestamp('UTC', 6)")
            return found.mutate(pair=found.customer_id, as_of=as_of, age_days=seconds / float(DAY))
        found = rows.select("customer_id", "time", *columns).join(self.members, "customer_id")
        found = found.filter(found.time < found.as_of)
        seconds = found.as_of.epoch_seconds() - found.time.epoch_seconds()
        return found.mutate(age_days=seconds / float(DAY))

    @property
    def order_lines(self) -> ibis.Table:
        """The lines of completed orders."""
        return self.events.filter(self.events.type == "order_completed")


def orders(source: Source) -> ibis.Table:
    """One row an order, as `features.orders` says."""
    lines = source.order_lines
    block = lines.time.epoch_seconds() // MONTH
    priced = lines.mutate(
        value=_value(lines),
        price=lines.unit_price.cast("float64"),
        block=block,
    )
    priced = priced.left_join(source.usual_prices, ["product_id", "block"]).drop("product_id_right", "block_right")
    priced = priced.mutate(level=priced.price / priced.usual_price.nullif(0))
    rows = source.before(priced, "order_id", "value", "quantity", "price", "level")
    found = rows.group_by("pair", "order_id").agg(
        age_days=rows.age_days.max(),
        time=rows.time.min(),
        value=rows.value.sum(),
        units=rows.quantity.sum(),
        lines=rows.count(),
        price_sum=rows.price.sum(),
        price_square_sum=(rows.price * rows.price).sum(),
        price_highest=rows.price.max(),
        price_level_sum=rows.level.sum(),
        discounted_lines=(rows.level < 0.95).sum(),
        compared_lines=rows.level.count(),
    )
    wall = local_seconds(found.time, source.zone, source.first, source.last)
    earlier = ibis.window(group_by="pair", order_by=[ibis.desc("age_days"), "order_id"])
    day = wall // DAY
    return found.mutate(
        gap_days=found.age_days.lag().over(earlier) - found.age_days,
        nth=ibis.row_number().over(earlier),
        hour=wall // 3600 % 24,
        weekday=(day + 3) % 7,  # 1 January 1970 was a Thursday
        day=day,
        month=day // 30,
    )


def usual_prices(sold: ibis.Table) -> ibis.Table:
    """What products cost on average in the blocks before each block: known in it at any moment.

    Parameters
    ----------
    sold : order lines.

    Returns
    -------
    product_id, block, usual_price.
    """
    priced = sold.select("product_id", price=sold.unit_price.cast("float64"), block=sold.time.epoch_seconds() // MONTH)
    by_block = priced.group_by("product_id", "block").agg(total=priced.price.sum(), count=priced.price.count())
    earlier = ibis.cumulative_window(group_by="product_id", order_by="block")
    so_far = by_block.mutate(
        all_total=by_block.total.sum().over(earlier), all_count=by_block["count"].sum().over(earlier)
    )
    before = so_far.all_count - so_far["count"]
    return so_far.select(
        "product_id",
        "block",
        usual_price=(so_far.all_total - so_far.total) / before.nullif(0).cast("float64"),
    )


def usual_levels(sold: ibis.Table, catalogue: ibis.Table, moments: ibis.Table) -> ibis.Table:
    """What is usually paid in each category, as of each moment: the geometric mean of all lines before it.

    Parameters
    ----------
    sold : order lines.
    moments : as_of, each once.

    Returns
    -------
    category, as_of, usual (its logarithm).
    """
    said = catalogue.filter(catalogue.category.notnull()).select("product_id", "valid_from", "category")
    categories = _newest(said.cross_join(moments), "category")
    lines = priced(sold).select("product_id", "time", "price").cross_join(moments)
    lines = lines.filter(lines.time < lines.as_of).inner_join(categories, ["product_id", "as_of"])
    return lines.group_by("category", "as_of").agg(usual=lines.price.ln().mean())


def priced(lines: ibis.Table) -> ibis.Table:
    """Lines of a product at a price, with it as a float."""
    lines = lines.filter(lines.unit_price > 0, lines.product_id.notnull())
    return lines.mutate(price=lines.unit_price.cast("float64"))


def _kinds(rows: ibis.Table, kind: str) -> ibis.Table:
    rows = rows.filter(rows[kind].notnull())
    return rows.group_by("pair", kind).agg(
        rows=rows.count(), orders=rows.order_id.nunique(), age_days=rows.age_days.min()
    )


def products(source: Source) -> ibis.Table:
    """One row a product bought."""
    return _kinds(source.before(source.order_lines, "product_id", "order_id"), "product_id")


def categories(source: Source) -> ibis.Table:
    """One row a category bought from."""
    return _of_catalogue(source, "category")


def brands(source: Source) -> ibis.Table:
    """One row a brand bought."""
    return _of_catalogue(source, "brand")


def known_of(source: Source, column: str, asked: ibis.Table | None = None) -> ibis.Table:
    """What the catalogue said of products as of moments: product_id, as_of, and the column where it said it.

    Parameters
    ----------
    asked : rows with a product_id and an as_of, of which is asked. Default: each product as of each moment of the
        pairs, which is as much as the catalogue for every moment.
    """
    # As of each moment by itself: what a product was called later is not known before.
    said = source.catalogue.filter(source.catalogue[column].notnull()).select("product_id", "valid_from", column)
    if asked is None:
        said = said.cross_join(source.pairs.select("as_of").distinct())
    else:
        said = said.inner_join(asked.select("product_id", "as_of").distinct(), "product_id")
    return _newest(said, column)


def _newest(said: ibis.Table, column: str) -> ibis.Table:
    """Of what was said of products before moments, what held at them."""
    said = said.filter(said.valid_from < said.as_of)
    # Of two things said at the same moment, always the same one.
    said = said.group_by("product_id", "as_of", "valid_from").agg(**{column: said[column].max()})
    return said.group_by("product_id", "as_of").agg(**{column: said[column].argmax(said.valid_from)})


def _of_catalogue(source: Source, column: str) -> ibis.Table:
    lines = source.before(source.order_lines, "product_id", "order_id")
    named = lines.inner_join(known_of(source, column, lines), ["product_id", "as_of"])
    return _kinds(named, column)


def channels(source: Source) -> ibis.Table:
    """One row a channel used, by any event."""
    return _kinds(source.before(source.events, "channel", "order_id"), "channel")


def devices(source: Source) -> ibis.Table:
    """One row a device used, by any event."""
    return _kinds(source.before(source.events, "device_id", "order_id"), "device_id")


def sessions(source: Source) -> ibis.Table:
    """One row a visit."""
    events = source.events
    rows = source.before(events.filter(events.session_id.notnull()), "session_id", "type")
    return rows.group_by("pair", "session_id").agg(
        age_days=rows.age_days.min(),
        events=rows.count(),
        has_cart=(rows.type == "product_added").any(),
        has_order=(rows.type == "order_completed").any(),
    )


def activity(source: Source) -> ibis.Table:
    """One row an event other than an order line."""
    events = source.events.filter(source.events.type != "order_completed")
    return source.before(events.mutate(value=_value(events)), "type", "value", "product_id")


def _value(lines: ibis.Table) -> Any:
    return lines.quantity * lines.unit_price.cast("float64")


MAKERS: dict[str, Callable[[Source], ibis.Table]] = {
    "orders": orders,
    "products": products,
    "categories": categories,
    "brands": brands,
    "channels": channels,
    "devices": devices,
    "sessions": sessions,
    "activity": activity,
}
"""How each level of `features.LEVELS` is made."""
