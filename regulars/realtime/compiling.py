"""What numba compiles, compiled before anybody waits: it takes seconds once after an installation, and is kept then."""

from __future__ import annotations

from datetime import UTC, datetime

from regulars.realtime.live import Live, numbered

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


def compile_all() -> None:
    """Let a live state of its own see each kind of event once, and be asked.

    >>> compile_all()
    """
    live = Live()
    steps = [
        ("ada", "product_viewed", "tea"), ("ada", "product_viewed", "pot"), ("bob", "product_viewed", "tea"),
        ("bob", "product_list_viewed", "pot"), ("bob", "product_clicked", "pot"), ("ada", "order_completed", "pot"),
        ("ada", "customer_identified", None),
    ]  # fmt: skip
    for number, (customer, kind, product) in enumerate(steps, 1):
        row = {
            "type": kind, "time": MOMENT, "customer_id": customer, "anonymous_id": "bob", "product_id": product,
            "unit_price": 1.0, "quantity": 1.0, "properties": {"recommendation_id": "first"},
        }  # fmt: skip
        live.add(numbered(number, [row]))
        live.candidates(customer, 2, MOMENT, draw="first")
