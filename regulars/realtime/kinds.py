"""Which events count for what, and the few constants of time that all parts share."""

from __future__ import annotations

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
GAP = 30 * MINUTE
"""So long without an event, and the next one begins a new session."""

KINDS = (
    "other",
    "product_viewed",
    "product_clicked",
    "product_added",
    "product_removed",
    "product_added_to_wishlist",
    "order_completed",
    "order_refunded",
    "products_searched",
    "product_list_viewed",
    "checkout_started",
    "message_sent",
    "message_opened",
    "message_clicked",
    "sign_in",
    "support_asked",
)
"""Kinds of event that are told apart; a state holds the place of the kind, so new ones stand at the end."""

KIND = {name: number for number, name in enumerate(KINDS)}

TASTE = {
    "product_viewed": 1.0,
    "product_clicked": 1.0,
    "product_added": 2.0,
    "product_added_to_wishlist": 1.5,
    "order_completed": 3.0,
}
"""Events that say what goes with what and what is wanted, and what each counts in trends."""

CLICKED = ("product_viewed", "product_clicked", "product_added", "order_completed")
"""What takes up a product of a list that was shown."""
DISMISSED = "product_dismissed"
"""Who shows lists may say that a product of one was waved away."""
CONTACT = KIND["message_sent"]
