"""Features of everything but orders: returns, views, carts, searches, messages, service, and more.

Their level is the events themselves, other than orders: `type`, `age_days`, `value`, `product_id`.
"""

from __future__ import annotations

import ibis

from regulars.profile.features.feature import Feature, within


def _is(e: ibis.Table, *types: str) -> ibis.Value:
    return e.type.isin(types)


def _count(name: str, meaning: str, unit: str, needs: str, types: tuple[str, ...], days: int | None = None) -> Feature:
    def value(e: ibis.Table) -> ibis.Value:
        return (_is(e, *types) if days is None else _is(e, *types) & within(e, days)).sum()

    return Feature(name if days is None else f"{name}_{days}d", meaning, unit, days, needs, value, 0)


def _since(name: str, meaning: str, needs: str, *types: str) -> Feature:
    return Feature(name, meaning, "days", None, needs, lambda e: e.age_days.min(where=_is(e, *types)))


def _rate(name: str, meaning: str, needs: str, done: str, of: str) -> Feature:
    return Feature(
        name,
        meaning,
        "share",
        None,
        needs,
        lambda e: _is(e, done).sum() / _is(e, of).sum().nullif(0).cast("float64"),
    )


SUPPORT = ("support_asked",)
VIEWED = ("product_viewed",)
ADDED = ("product_added",)

FEATURES = (
    _count("refunds", "products given back", "products", "refunds", ("order_refunded",)),
    _count("refunds", "products given back in the last 90 days", "products", "refunds", ("order_refunded",), 90),
    Feature(
        "refunded", "money given back for returns", "money", None, "refunds",
        lambda e: e.value.sum(where=_is(e, "order_refunded")), 0,
    ),
    _since("refund_recency_days", "days since the last return", "refunds", "order_refunded"),
    _count("cancellations", "orders cancelled", "orders", "cancellations", ("order_cancelled",)),
    _count("views", "product pages seen", "views", "views", VIEWED),
    _count("views", "product pages seen in the last 30 days", "views", "views", VIEWED, 30),
    _count("views", "product pages seen in the last 7 days", "views", "views", VIEWED, 7),
    Feature(
        "viewed_products", "different products seen", "products", None, "views",
        lambda e: e.product_id.nunique(where=_is(e, *VIEWED)), 0,
    ),
    _since("view_recency_days", "days since the last product page", "views", *VIEWED),
    _count("cart_adds", "products put into the cart", "products", "carts", ADDED),
    _count("cart_adds", "products put into the cart in the last 30 days", "products", "carts", ADDED, 30),
    _rate("cart_remove_share", "share of products taken out again", "carts", "product_removed", "product_added"),
    _since("cart_recency_days", "days since something was put into the cart", "carts", *ADDED),
    _rate("view_to_cart_share", "products put into the cart a page seen", "carts", "product_added", "product_viewed"),
    _count("checkouts", "checkouts begun", "checkouts", "checkouts", ("checkout_started",)),
    _count("searches", "searches", "searches", "searches", ("products_searched",)),
    _count("searches", "searches in the last 30 days", "searches", "searches", ("products_searched",), 30),
    _count("wishes", "products put on the wish list", "products", "wishes", ("product_added_to_wishlist",)),
    _count("reviews", "reviews written", "reviews", "reviews", ("product_reviewed",)),
    _count("coupons", "coupons used", "coupons", "coupons", ("coupon_applied",)),
    _count("messages", "messages sent to them in the last 90 days", "messages", "messages", ("message_sent",), 90),
    _rate("message_open_share", "share of messages opened", "messages", "message_opened", "message_sent"),
    _rate("message_click_share", "share of messages clicked", "messages", "message_clicked", "message_sent"),
    _since("message_open_recency_days", "days since a message was opened", "messages", "message_opened"),
    _count("support_contacts", "questions to customer service", "questions", "support", SUPPORT),
    _count("support_contacts", "questions to service in the last 90 days", "questions", "support", SUPPORT, 90),
    _since("support_recency_days", "days since the last question to customer service", "support", *SUPPORT),
    _count("sign_ins", "sign-ins in the last 30 days", "sign-ins", "sign_ins", ("sign_in",), 30),
    _count("ad_clicks", "clicks on ads in the last 90 days", "clicks", "ads", ("ad_clicked",), 90),
    _count("disputes", "payments disputed", "payments", "disputes", ("payment_disputed",)),
)  # fmt: skip

SESSIONS = (
    Feature("sessions", "visits", "visits", None, "sessions", lambda s: s.count(), 0),
    Feature(
        "sessions_30d", "visits in the last 30 days", "visits", 30, "sessions", lambda s: within(s, 30).sum(), 0
    ),
    Feature(
        "session_recency_days", "days since the last visit", "days", None, "sessions", lambda s: s.age_days.min()
    ),
    Feature(
        "session_events_mean", "events a visit", "events", None, "sessions", lambda s: s.events.mean()
    ),
    Feature(
        "cart_abandonment", "share of visits with a filled cart that ended without an order", "share", None,
        "cart sessions",
        lambda s: (s.has_cart & ~s.has_order).sum() / s.has_cart.sum().nullif(0).cast("float64"),
    ),
)  # fmt: skip
"""Of visits: one row a session, with `age_days` (of its last event), `events`, `has_cart`, `has_order`."""
