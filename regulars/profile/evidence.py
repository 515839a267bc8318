"""What a log can tell: since when it carries each kind of evidence.

A shop that began to record searches in June knows nothing of searches as of May: a feature of them
is then absent, never zero. So each need of a feature is a condition on events, and what counts is when
the first event that meets it came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis

EVIDENCE: dict[str, tuple[str, Callable[[ibis.Table], Any]]] = {
    "orders": ("order_completed events", lambda e: e.type == "order_completed"),
    "refunds": ("order_refunded events", lambda e: e.type == "order_refunded"),
    "cancellations": ("order_cancelled events", lambda e: e.type == "order_cancelled"),
    "categories": (
        "order_completed events of products with a category in the catalogue",
        lambda e: (e.type == "order_completed") & e.category_since.notnull(),
    ),
    "brands": (
        "order_completed events of products with a brand in the catalogue",
        lambda e: (e.type == "order_completed") & e.brand_since.notnull(),
    ),
    "channels": ("events with a channel", lambda e: e.channel.notnull()),
    "devices": ("events with a device_id", lambda e: e.device_id.notnull()),
    "sessions": ("events with a session_id", lambda e: e.session_id.notnull()),
    "cart sessions": (
        "product_added events with a session_id",
        lambda e: e.session_id.notnull() & (e.type == "product_added"),
    ),
    "views": ("product_viewed events", lambda e: e.type == "product_viewed"),
    "carts": ("product_added events", lambda e: e.type == "product_added"),
    "checkouts": ("checkout_started events", lambda e: e.type == "checkout_started"),
    "searches": ("products_searched events", lambda e: e.type == "products_searched"),
    "wishes": ("product_added_to_wishlist events", lambda e: e.type == "product_added_to_wishlist"),
    "reviews": ("product_reviewed events", lambda e: e.type == "product_reviewed"),
    "coupons": ("coupon_applied events", lambda e: e.type == "coupon_applied"),
    "messages": ("message_sent events", lambda e: e.type == "message_sent"),
    "support": ("support_asked events", lambda e: e.type == "support_asked"),
    "sign_ins": ("sign_in events", lambda e: e.type == "sign_in"),
    "ads": ("ad_clicked events", lambda e: e.type == "ad_clicked"),
    "disputes": ("payment_disputed events", lambda e: e.type == "payment_disputed"),
}
"""What features need: in words, and as a condition on events (with `category_since` and `brand_since`, when the
catalogue first named those of the product)."""

ALSO = {"categories": "category_since", "brands": "brand_since"}
"""What must have been known besides the event: the column that says since when it was."""


def first_times(events: ibis.Table) -> ibis.Table:
    """One row: when the first event came that is evidence of each need; null where none did."""
    found = {}
    for need, (_, holds) in EVIDENCE.items():
        since = ibis.greatest(events.time, events[ALSO[need]]) if need in ALSO else events.time
        found[f"first_{need}"] = since.min(where=holds(events))
    return events.aggregate(**found)
