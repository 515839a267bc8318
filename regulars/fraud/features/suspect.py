"""Which columns fraud pushes one way: what is asked of attempts where nobody has told which are frauds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.fraud.features.own import OTHER

HELD = "customer|device|ip|payment|address|phone|email"
"""What one person holds; of products and shops many attempts are no sign of anything."""

HIGH = tuple(
    re.compile(pattern)
    for pattern in (
        rf"({HELD})_attempts_(1h|1d|1d_over_30d)",
        r"amount|amount_over_(customer|payment|product|merchant)_mean_(7d|30d|90d)",
        r"customer_larges_(1d|7d|30d)",
        rf"({HELD}|ip_range)_(customers|payments|devices)_(1h|7d|90d)",
        rf"({HELD})_declineds_(1h|1d)",
        rf"({HELD})_sign_in_faileds_(1h|1d)",
        r"(device|ip)_signed_ups_(1d|90d)",
        r"(device|address|payment)_coupons_90d",
        r"refunded_share|distance_km|email_digits|email_disorder|name_disorder|ip_malformed|last_place_kmh?|behavior_surprise",
        r"merchant_attempts_(1h|1d|1d_over_30d)",
    )
)
LOW = tuple(re.compile(pattern) for pattern in (r"account_age", r"customer_since_last_(signed_up|address_changed)"))


class Suspects(NamedTuple):
    """(m,) each: places of columns, and 1 where high values are suspect, -1 where low ones are."""

    columns: npt.NDArray[np.int64]
    side: npt.NDArray[np.float64]


def suspects(names: Sequence[str]) -> Suspects:
    """Of columns by name; other properties that are numbers count on both sides, for nothing is known of them.

    >>> suspects(["amount", "hour", "account_age", "property_v1"])
    Suspects(columns=array([0, 2, 3, 3]), side=array([ 1., -1.,  1., -1.]))
    """
    found: list[tuple[int, float]] = []
    for place, name in enumerate(names):
        is_open = name.startswith(OTHER)
        found += [(place, 1.0)] if is_open or any(each.fullmatch(name) for each in HIGH) else []
        found += [(place, -1.0)] if is_open or any(each.fullmatch(name) for each in LOW) else []
    return Suspects(np.array([place for place, _ in found], np.int64), np.array([side for _, side in found]))
