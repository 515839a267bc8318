"""What a message would say, to real customers, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from regulars.campaign.copy import Messages
from regulars.campaign.copy.template import MOST_PRODUCTS, render
from regulars.campaign.offer import Coupon, terms_of
from regulars.campaign.sending.context import contexts, of_coupon, rows_of
from regulars.customers import customers_as_of
from regulars.errors import ConfigError
from regulars.events.identity import hash_column

if TYPE_CHECKING:
    from regulars.shop import Shop

SHOWN = 10


def some_customers(shop: Shop, moment: datetime, count: int = SHOWN) -> list[str]:
    """A few customers, the same ones each time, for whom texts are shown."""
    ids = customers_as_of(shop, moment)["customer_id"].combine_chunks()
    return [str(each) for each in ids.take(pa.array(hash_column(ids).argsort()[:count])).to_pylist()]


def preview(
    shop: Shop, message: str, customers: Sequence[str], moment: datetime, offer: str = ""
) -> Iterator[dict[str, Any]]:
    """What a message would say to some customers, each variant in the customer's language, approved or not.

    Nothing is sent and no coupon is issued: the code shown is a stand-in.

    Parameters
    ----------
    offer : of which the coupon would be.

    Yields
    ------
    customer_id, variant, language, subject, body; `problem` instead of the last two where the text cannot be made.
    """
    found = Messages(shop.folder).get(message)
    terms = terms_of(shop.state, offer) if offer else None
    people = [person for person in rows_of(customers_as_of(shop, moment), customers) if person]
    seen = _seen(shop, [person["customer_id"] for person in people], moment)
    # A price before is known only of one that changed: here it is left open.
    about = [{"products": seen.get(person["customer_id"], []), "price_before": "…"} for person in people]
    texts = contexts(shop, people, about, moment)
    for person, context in zip(people, texts, strict=True):
        owner, end = person["customer_id"], moment + timedelta(days=terms.days if terms else 0)
        coupon = Coupon("XXXX-XXXX-XXXX-XXXX", offer, owner, moment, end, terms) if terms else None
        values = {**context, "coupon": of_coupon(coupon, shop.config.shop.currency)}
        values["unsubscribe_url"] = (shop.config.sending.unsubscribe_url or "https://…/") + "…"
        for variant in found.in_language(person["language"], shop.config.sending.language):
            said = {"customer_id": owner, "variant": variant.name, "language": variant.language}
            try:
                texts_of = {"subject": render(variant.subject, values), "body": render(variant.body, values)}
            except ConfigError as error:
                texts_of = {"problem": str(error)}
            yield said | texts_of


def _seen(shop: Shop, customers: Sequence[str], moment: datetime) -> dict[str, list[str]]:
    """The products that customers looked at last, the newest first."""
    events = shop.events
    seen = events.filter(events.type.isin(["product_viewed", "product_added"]), events.time < ibis.literal(moment))
    seen = shop.identities.named(seen.select("customer_id", "anonymous_id", "time", "product_id"), moment)
    seen = seen.filter(seen.customer_id.isin(list(customers)), seen.product_id.notnull())
    newest = seen.group_by("customer_id", "product_id").agg(time=seen.time.max())
    rows = shop.engine.to_arrow(newest).sort_by([("time", "descending"), ("product_id", "ascending")])
    found: dict[str, list[str]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["customer_id"], []).append(row["product_id"])
    return {customer: products[:MOST_PRODUCTS] for customer, products in found.items()}
