"""What a shop's questions can be about: what rules may speak of, and the names that its events hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import ibis

from regulars.rules import Column, Vocabulary
from regulars.rules.tree import Kind

if TYPE_CHECKING:
    from regulars.shop import Shop

FIELDS: dict[str, Column] = {
    "category": Column(Kind.TEXT, "the product's category"),
    "brand": Column(Kind.TEXT, "the product's brand"),
    "title": Column(Kind.TEXT, "the product's title"),
    "product_id": Column(Kind.TEXT, "the product"),
    "customer_id": Column(Kind.TEXT, "the customer"),
    "channel": Column(Kind.TEXT, "the channel, e.g. web or email"),
    "campaign_id": Column(Kind.TEXT, "the campaign"),
    "query": Column(Kind.TEXT, "the words that were searched for"),
    "price": Column(Kind.NUMBER, "price of one piece", "money"),
    "quantity": Column(Kind.NUMBER, "pieces", "pieces"),
    "value": Column(Kind.NUMBER, "pieces times price", "money"),
}
"""What a chart's `where` can ask of an event."""

NAMED = ("category", "brand", "channel")
"""Fields whose values a question may name."""
MOST_VALUES = 500
"""Of a field, so many values are known by name, the most frequent ones."""


@dataclass(frozen=True)
class Known:
    """What a question can be about.

    Attributes
    ----------
    vocabulary : of rules about customers.
    as_of : the moment that "the last 90 days" end at.
    values : field -> the values it has.
    """

    vocabulary: Vocabulary
    as_of: datetime
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, shop: Shop, vocabulary: Vocabulary, as_of: datetime) -> Known:
        """Of a shop, as of a moment."""
        rows = events_before(shop, as_of)
        values = {}
        for name in NAMED:
            counted = rows.filter(rows[name].notnull()).group_by(name).agg(lines=ibis._.count())
            found = shop.engine.to_arrow(counted.order_by(ibis.desc("lines"), name).limit(MOST_VALUES))
            values[name] = tuple(found[name].to_pylist())
        return cls(vocabulary, as_of, values)


def events_before(shop: Shop, as_of: datetime) -> ibis.Table:
    """Lines of events before a moment: time, type, order (its id, else that of the event), and `FIELDS`."""
    moment = ibis.literal(as_of, "timestamp('UTC')")
    log = shop.events.filter(ibis._.time < moment)
    log = shop.identities.named(log, as_of)
    said = shop.catalogue.filter(ibis._.valid_from < moment)
    names = ("category", "brand", "title")
    newest = {name: said[name].argmax(said.valid_from, where=said[name].notnull()) for name in names}
    known = said.group_by(known_id=said.product_id).agg(**newest)
    rows = log.left_join(known, log.product_id == known.known_id)
    price = rows.unit_price.cast("float64")
    made = {"price": price, "value": rows.quantity * price}
    return rows.select(
        "time",
        "type",
        order=ibis.coalesce(rows.order_id, rows.event_id),
        **{name: made[name] if name in made else rows[name] for name in FIELDS},
    )
