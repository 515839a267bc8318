"""The events that rules ask for: one row a line, as of a moment, with what the catalogue said of its product then."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis

from regulars.events.schema import NOTED
from regulars.rules import Column
from regulars.rules.tree import Kind

if TYPE_CHECKING:
    from regulars.shop import Shop

NOT_ASKED = "decision_made"
"""What was decided about customers is no act of theirs, and is decided by rules in turn."""

FIELDS: dict[str, Column] = {
    "category": Column(Kind.TEXT, "the product's category"),
    "brand": Column(Kind.TEXT, "the product's brand"),
    "title": Column(Kind.TEXT, "the product's title"),
    "product_id": Column(Kind.TEXT, "the product"),
    "quantity": Column(Kind.NUMBER, "pieces of the product", "pieces"),
    "price": Column(Kind.NUMBER, "price of one piece", "money"),
    "value": Column(Kind.NUMBER, "pieces times price", "money"),
    "channel": Column(Kind.TEXT, "the channel, e.g. web or email"),
    "campaign_id": Column(Kind.TEXT, "the campaign"),
    "variant": Column(Kind.TEXT, "the variant of an experiment or message"),
    "query": Column(Kind.TEXT, "the words that were searched for"),
    "outcome": Column(Kind.TEXT, "how it ended"),
}
"""What can be asked of an event, behind `where`."""

OF_PRODUCTS = frozenset(("category", "brand", "title"))
"""What the catalogue says."""

MEASURES = {"spend": ("value", "order_completed"), "refunded": ("value", "order_refunded")}

WORDS = {
    "ordered": "order_completed",
    "viewed": "product_viewed",
    "added": "product_added",
    "searched": "products_searched",
    "messaged": "message_sent",
    "opened": "message_opened",
    "clicked": "message_clicked",
    "returned": "order_refunded",
    "cancelled": "order_cancelled",
    "reviewed": "product_reviewed",
    "下单": "order_completed",
    "浏览": "product_viewed",
    "加购": "product_added",
    "搜索": "products_searched",
    "触达": "message_sent",
    "退货": "order_refunded",
}
"""Short words for types of events."""

DONE_TO = ("message_sent", "ad_shown", "support_answered", *NOTED)
"""What is done to customers: they were not there for it."""


def events_as_of(shop: Shop, as_of: datetime, fields: Collection[str]) -> ibis.Table:
    """Events before a moment.

    Parameters
    ----------
    fields : which of `FIELDS` to give: the catalogue is asked only where it is needed.

    Returns
    -------
    customer_id (as of the moment), time, type, event (the order's id for lines of orders), is_named (whether it names a
    customer), and the fields.
    """
    log = shop.events
    log = log.filter(log.type != NOT_ASKED, log.time < ibis.literal(as_of, "timestamp('UTC')"))
    log = shop.identities.named(log.mutate(is_named=log.customer_id.notnull()), as_of)
    rows = log.filter(log.customer_id.notnull())
    if not OF_PRODUCTS.isdisjoint(fields):
        known = products_as_of(shop, as_of)
        rows = rows.left_join(known, rows.product_id == known.known_id)
    price = rows.unit_price.cast("float64")
    made = {"price": price, "value": rows.quantity * price}
    is_order = (rows.type == "order_completed") & rows.order_id.notnull()
    return rows.select(
        "customer_id",
        "time",
        "type",
        "is_named",
        event=ibis.ifelse(is_order, rows.order_id, rows.event_id),
        **{name: made[name] if name in made else rows[name] for name in sorted(fields)},
    )


def products_as_of(shop: Shop, as_of: datetime) -> ibis.Table:
    """known_id, category, brand, title: what was said last of each product before a moment."""
    said = shop.catalogue
    said = said.filter(said.valid_from < ibis.literal(as_of, "timestamp('UTC')"))
    names = sorted(OF_PRODUCTS)
    # Of two things said at the same moment, always the same one.
    said = said.group_by("product_id", "valid_from").agg(**{name: said[name].max() for name in names})
    newest: dict[str, Any] = {name: said[name].argmax(said.valid_from, where=said[name].notnull()) for name in names}
    return said.group_by(known_id=said.product_id).agg(**newest)
