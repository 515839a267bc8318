"""Events as the simulation holds them: numbers in fixed places, which become text only when they leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

TYPES = (
    "", "products_searched", "product_list_viewed", "product_viewed", "product_added", "checkout_started",
    "payment_attempted", "coupon_applied", "order_completed", "order_refunded", "product_reviewed",
    "customer_identified", "consent_given", "consent_withdrawn", "objection_made", "signed_up", "sign_in",
    "payment_disputed", "message_sent", "message_opened", "message_clicked", "ad_shown", "ad_clicked",
    "support_asked", "support_answered",
)  # fmt: skip
"""What a type's number means."""
CODES = {name: code for code, name in enumerate(TYPES)}

OUTCOMES = (
    "", "approved", "declined", "done", "failed", "recommended", "coupon", "discount", "refund", "replacement",
    "return label", "tracking",
)  # fmt: skip
OUTCOME = {name: code for code, name in enumerate(OUTCOMES)}

CHANNELS = ("", "web", "app", "email", "sms", "push", "search", "social", "friend")
CHANNEL = {name: code for code, name in enumerate(CHANNELS)}

RAW = np.dtype(
    [
        ("event", np.uint64),  # day (16 bits), customer (28), number in the day (20)
        ("time", np.int64),  # microseconds since 1970, UTC
        ("session", np.uint64),  # 0 where there is none, as in order
        ("order", np.uint64),
        ("price", np.int64),  # ten-thousandths of the currency; -1 where there is none
        ("customer", np.int32),  # -1 where there is none, as in all that follow
        ("product", np.int32),
        ("device", np.int32),
        ("ip", np.int32),
        ("payment", np.int32),
        ("query", np.int32),
        ("text", np.int32),
        ("campaign", np.int32),
        ("traits", np.int32),
        ("quantity", np.float32),  # 0 where there is none
        ("propensity", np.float32),  # 0 where there is none
        ("line", np.int16),
        ("type", np.uint8),
        ("signed", np.uint8),  # whether the event says whose it is
        ("outcome", np.uint8),
        ("channel", np.uint8),
    ]
)

Rows = npt.NDArray[np.void]

NONE = -1
UNKNOWN = ("product", "device", "ip", "payment", "query", "text", "campaign", "traits", "price")

# The visits of a customer's day number their events from 0, all else that happens from here.
AFTERWARDS = 1 << 19


def blank(count: int) -> Rows:
    """Rows of which nothing is known yet."""
    rows = np.zeros(count, RAW)
    for name in UNKNOWN:
        rows[name] = NONE
    rows["signed"] = 1
    return rows


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after the other. As bytes: NumPy copies records field by field, at a fifth of the speed."""
    return np.concatenate([_as_bytes(part) for part in parts]).view(RAW).ravel()


def taken(rows: Rows, places: npt.NDArray[np.int64]) -> Rows:
    """The rows at some places, in their order."""
    return np.take(_as_bytes(rows), places, axis=0).view(RAW).ravel()


def _as_bytes(rows: Rows) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), RAW.itemsize)


def event_numbers(
    day: int, customers: npt.NDArray[np.int64] | npt.NDArray[np.int32], first: int
) -> npt.NDArray[np.uint64]:
    """A number for each event that no other has: by day, customer, and order of the customer's events that day.

    >>> [hex(n) for n in event_numbers(1, np.array([7, 7, 9]), 0).tolist()]
    ['0x1000000700000', '0x1000000700001', '0x1000000900000']
    """
    order = np.argsort(customers, kind="stable")
    ordered = customers[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(order) else order
    within = np.empty(len(order), np.uint64)
    within[order] = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    number = (np.uint64(day) << np.uint64(48)) | (customers.astype(np.uint64) << np.uint64(20))
    return number + np.uint64(first) + within
