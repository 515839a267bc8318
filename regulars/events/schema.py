"""What an event is: the columns of the log, their types, and the kinds of event.

Names follow the Segment e-commerce specification; one row is one line of an event (an order of
three products is three rows that share `event_id` and differ in `line`).
"""

from __future__ import annotations

import pyarrow as pa

MONEY = pa.decimal128(18, 4)
"""Money, in units of the row's currency; four digits after the point."""

TIME = pa.timestamp("us", tz="UTC")

EVENTS = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("received_at", TIME, nullable=False),
        pa.field("customer_id", pa.string()),
        pa.field("anonymous_id", pa.string()),
        pa.field("session_id", pa.string()),
        pa.field("type", pa.string(), nullable=False),
        pa.field("product_id", pa.string()),
        pa.field("quantity", pa.float64()),
        pa.field("unit_price", MONEY),
        pa.field("currency", pa.string()),
        pa.field("order_id", pa.string()),
        pa.field("query", pa.string()),
        pa.field("text", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("campaign_id", pa.string()),
        pa.field("variant", pa.string()),
        pa.field("propensity", pa.float64()),
        pa.field("device_id", pa.string()),
        pa.field("ip", pa.string()),
        pa.field("payment_id", pa.string()),
        pa.field("outcome", pa.string()),
        pa.field("properties", pa.string()),
    ]
)
"""The log. `(event_id, line)` is the identity; quantity is never negative (the type tells a return)."""

CATALOGUE = pa.schema(
    [
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("category", pa.string()),
        pa.field("brand", pa.string()),
        pa.field("list_price", MONEY),
        pa.field("unit_cost", MONEY),
        pa.field("stock", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("valid_from", TIME, nullable=False),
    ]
)
"""The products; of each column the value with the newest `valid_from` before a moment is the one that held then."""

RATES = pa.schema(
    [
        pa.field("currency", pa.string(), nullable=False),
        pa.field("rate", pa.float64(), nullable=False),
        pa.field("valid_from", TIME, nullable=False),
    ]
)
"""What one of a currency is worth in the shop's own, from a moment on until the next rate."""

TYPES: dict[str, str] = {
    "products_searched": "looked for products by words",
    "product_list_viewed": "saw a list or category",
    "product_list_filtered": "filtered or sorted a list",
    "promotion_viewed": "saw a promotion",
    "promotion_clicked": "clicked a promotion",
    "product_clicked": "clicked a product in a list",
    "product_viewed": "saw a product's page",
    "product_added": "put a product into the cart",
    "product_removed": "took a product out of the cart",
    "cart_viewed": "looked at the cart",
    "checkout_started": "began to pay",
    "checkout_step_viewed": "saw a step of the checkout",
    "checkout_step_completed": "finished a step of the checkout",
    "payment_info_entered": "entered how to pay",
    "order_completed": "bought",
    "order_updated": "changed an order",
    "order_cancelled": "cancelled an order",
    "order_refunded": "gave products of an order back",
    "coupon_entered": "typed a coupon",
    "coupon_applied": "had a coupon accepted",
    "coupon_denied": "had a coupon refused",
    "coupon_removed": "took a coupon off",
    "product_added_to_wishlist": "put a product on the wish list",
    "product_removed_from_wishlist": "took a product off the wish list",
    "wishlist_product_added_to_cart": "moved a product from the wish list into the cart",
    "product_shared": "shared a product",
    "cart_shared": "shared a cart",
    "product_reviewed": "reviewed a product",
    "customer_identified": "became known: what is anonymous_id is this customer; properties hold traits",
    "customer_aliased": "turned out to be another: what was anonymous_id is customer_id from now on",
    "customers_merged": "was joined with another by a person of the shop",
    "customers_unmerged": "was parted again from another by a person of the shop",
    "consent_given": "allowed a purpose (text: marketing, profiling, pricing, ads)",
    "consent_withdrawn": "took that back",
    "objection_made": "objected to a purpose (text: marketing, profiling, pricing, ads)",
    "objection_withdrawn": "took that back",
    "page_viewed": "saw another page or screen",
    "signed_up": "opened an account",
    "sign_in": "signed in, or tried to",
    "payment_attempted": "tried to pay",
    "payment_disputed": "disputed a payment (chargeback)",
    "fraud_reviewed": "had an attempt judged (outcome: fraud, honest or withdrawn; properties: attempt_id)",
    "message_sent": "was sent a message",
    "message_opened": "opened a message",
    "message_clicked": "clicked in a message",
    "experiment_viewed": "came into an arm of an experiment (variant; properties: experiment, generation)",
    "ad_bid": "had an ad bid for (outcome: bid), or would have had, were it not held out by lot (outcome: ghost)",
    "ad_shown": "was shown an ad",
    "ad_clicked": "clicked an ad",
    "support_asked": "asked customer service",
    "support_answered": "was answered by customer service",
    "support_rated": "said how satisfied with it (outcome: 1 to 5)",
    "support_labelled": "had a question labelled (text: the question; outcome: its intent, or no_intent)",
    "subscription_started": "began a subscription (properties: subscription_id, plan, period_days)",
    "subscription_renewed": "paid for another period of it",
    "subscription_paused": "put it on hold",
    "subscription_resumed": "took it up again",
    "subscription_cancelled": "ended it",
    "price_set": "had a list price set by the shop (no customer; properties: policy, expected, variance)",
    "price_quoted": "was told a price (properties: list_price, personalised, disclosure, why)",
    "trigger_fired": "set off a trigger (outcome: its name; product_id: what it is about)",
    "decision_made": "was decided upon by a capability",
}
"""Kinds of event that Regulars knows, each with what the customer did. Others are kept as they come."""

NOTED = (
    "ad_bid", "decision_made", "experiment_viewed", "fraud_reviewed", "price_quoted", "price_set", "support_labelled",
    "trigger_fired",
)  # fmt: skip
"""What the shop itself noted down of a customer: nothing that the customer did."""
