"""The ways by which customers came to an order, read off the log: for attribution."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis

from regulars.ads.measure import Path

if TYPE_CHECKING:
    from regulars.shop import Shop

TOUCHES = {"ad_clicked": "ad", "message_clicked": "message"}


def paths(shop: Shop, as_of: datetime, days: int) -> list[Path]:
    """Clicks on ads and messages of each customer, each channel with its campaign, and the order that followed.

    Parameters
    ----------
    days : a click counts for orders of so many days after it; and so far back from `as_of` is looked.

    Returns
    -------
    One path an order that had a click, or an order without any (no channels), and one for clicks that led nowhere.
    """
    events = shop.events
    since = as_of - timedelta(days=days)
    some = events.filter(
        events.type.isin([*TOUCHES, "order_completed"]),
        events.time < ibis.literal(as_of),
        events.time >= ibis.literal(since),
    )
    money = (some.unit_price.cast("float64") * some.quantity.cast("float64").fill_null(1.0)).fill_null(0.0)
    some = some.mutate(money=money)
    named = shop.identities.named(
        some.select(
            "customer_id",
            "anonymous_id",
            "event_id",
            "line",
            "time",
            "type",
            "channel",
            "campaign_id",
            "order_id",
            "money",
        ),
        as_of,
    )
    rows = shop.engine.to_arrow(
        named.filter(named.customer_id.notnull()).order_by("customer_id", "time", "event_id", "line")
    ).to_pylist()
    found: list[Path] = []
    by_customer: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        by_customer[row["customer_id"]].append(row)
    for each in by_customer.values():
        found += _of_one(each)
    return found


def _of_one(rows: list[dict[str, object]]) -> list[Path]:
    found: list[Path] = []
    touched: list[str] = []
    order: object = None
    for row in rows:
        if row["type"] == "order_completed":
            if row["order_id"] == order and order is not None and found:
                found[-1] = Path(found[-1].channels, found[-1].money + float(str(row["money"])))
                continue
            order = row["order_id"]
            found.append(Path(tuple(touched), float(str(row["money"]))))
            touched = []
        else:
            name = TOUCHES[str(row["type"])]
            touched.append(f"{name} {row['campaign_id'] or row['channel'] or 'unknown'}")
    if touched:
        found.append(Path(tuple(touched), 0.0))
    return found
