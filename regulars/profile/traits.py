"""What is told of one customer besides features: interests, prices, habits, the next order; from tallies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from scipy.stats import binom, norm

from regulars.profile.base import Levels, Usual, column
from regulars.profile.rhythm import GONE, Pauses
from regulars.profile.shares import LEVEL, shares

SURE = 0.9
"""What is less certain is shown with its confidence, but not said in words."""
WINDOW = {"hour": 3, "weekday": 1, "channel": 1}
"""A preferred hour is one of three that follow one another: nobody orders by the clock."""
AROUND = {"hour": 24, "weekday": 7}
"""Habits that go round, and how many there are of each."""


class Interest(NamedTuple):
    """One kind that a customer chooses.

    Attributes
    ----------
    share, low, high : of the customer's choices, shrunk to the shop's; nine in ten such intervals hold the truth.
    of_all : the shop's share.
    confidence : chance that the customer's share is above the shop's.
    orders, occasions : that it rests on; occasions are orders and days of looking.
    days_since : the last of them.
    """

    name: str
    share: float
    low: float
    high: float
    of_all: float
    confidence: float
    orders: int
    occasions: int
    days_since: float


class Preference(NamedTuple):
    """A habit: the hour, weekday or channel that a customer prefers.

    Attributes
    ----------
    name : the first of three hours as "18", a weekday as "0" (Monday), a channel; None for no preference.
    share, low, high : of days (of acts, for hours) that fall on it, shrunk to the shop's.
    of_all : the shop's share.
    confidence : one less the chance that so many would fall on any one by accident, were all alike.
    days : that it rests on.
    """

    name: str | None
    share: float
    low: float
    high: float
    of_all: float
    confidence: float
    days: int


class PriceLevel(NamedTuple):
    """What is paid over what is usual in the same categories: 0.8 is a fifth below.

    Attributes
    ----------
    confidence : chance that it is below the shop's middle.
    """

    level: float
    low: float
    high: float
    of_all: float
    confidence: float
    orders: int


class Discounts(NamedTuple):
    """What share of purchases is below the list price.

    Attributes
    ----------
    share, low, high, of_all, confidence : as of an `Interest`.
    """

    share: float
    low: float
    high: float
    of_all: float
    confidence: float
    orders: int


class NextOrder(NamedTuple):
    """When the next order comes, if one does: eight in ten come between the ends."""

    earliest: datetime
    expected: datetime
    latest: datetime
    pauses: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        moments = {name: getattr(self, name).isoformat() for name in ("earliest", "expected", "latest")}
        return {**moments, "pauses": self.pauses}


def interests(rows: pa.Table, usual: Usual) -> list[Interest]:
    """The kinds that a customer chooses; first those that are surely more than usual, by share.

    Parameters
    ----------
    rows : of one customer, from `tallies.interests`. Kinds that the shop does not know of are left out.
    """
    of_all = np.array([usual.share.get(name, np.nan) for name in rows["name"].to_pylist()])
    known = ~np.isnan(of_all)
    rows, of_all = rows.filter(pa.array(known)), of_all[known]
    weight, total = column(rows, "weight"), column(rows, "total")
    found = shares(usual.choices * weight, usual.choices * total, of_all, usual.strength)
    order = np.lexsort((np.array(rows["name"].to_pylist(), str), -found.share, found.confidence < SURE))
    names, since = rows["name"].to_pylist(), column(rows, "age_days")
    orders, occasions = column(rows, "orders"), column(rows, "occasions")
    return [
        Interest(
            name=names[k],
            share=_rounded(found.share[k]),
            low=_rounded(found.low[k]),
            high=_rounded(found.high[k]),
            of_all=_rounded(of_all[k]),
            confidence=_rounded(found.confidence[k]),
            orders=int(orders[k]),
            occasions=int(occasions[k]),
            days_since=round(float(since[k]), 1),
        )
        for k in order.tolist()
    ]


def preference(habit: str, names: Sequence[str], days: Sequence[float], usual: Usual) -> Preference:
    """Which hour, weekday or channel a customer prefers, if any.

    A preference must be more than what chance makes of no preference at all: the chance that any window gets so many is
    at most the sum of the chances of each (Bonferroni).

    Parameters
    ----------
    habit : "hour", "weekday" or "channel".
    names, days : what was used, and on how many days.

    Examples
    --------
    Six of seven days on a Friday; then one on each day of the week:

    >>> week = Usual({str(day): 1 / 7 for day in range(7)}, strength=5.0)
    >>> preference("weekday", ["4", "0"], [6, 1], week).name
    '4'
    >>> preference("weekday", list("0123456"), [1] * 7, week).name is None
    True
    """
    all_names = [str(k) for k in range(AROUND[habit])] if habit in AROUND else sorted({*usual.share, *names})
    counts, base = np.zeros(len(all_names)), np.array([usual.share.get(name, 0.0) for name in all_names])
    counts[[all_names.index(name) for name in names]] = days
    width, total = WINDOW[habit], float(counts.sum())
    windows = np.sum([np.roll(counts, -shift) for shift in range(width)], axis=0)
    best = int(np.argmax(windows))
    hits = float(windows[best])
    of_all = float(np.sum([np.roll(base, -shift) for shift in range(width)], axis=0)[best])
    chance = len(all_names) * binom.sf(hits - 1, total, width / len(all_names))
    found = shares(np.array([hits]), np.array([total]), np.array([of_all]), usual.strength)
    confidence = float(np.clip(1 - chance, 0.0, 1.0))
    return Preference(
        name=all_names[best] if confidence >= SURE and len(all_names) > 1 else None,
        share=_rounded(found.share[0]),
        low=_rounded(found.low[0]),
        high=_rounded(found.high[0]),
        of_all=_rounded(of_all),
        confidence=_rounded(confidence),
        days=int(total),
    )


def price_level(orders: float, total: float, usual: Levels) -> PriceLevel:
    """What a customer pays beside others in the same categories, shrunk to the shop's middle.

    Parameters
    ----------
    orders, total : `compared_orders` and `level_sum` of `tallies.prices`.

    Examples
    --------
    Five orders, each a third below what is usual:

    >>> found = price_level(5, 5 * np.log(2 / 3), Levels(middle=0.0, between=0.1, within=0.1))
    >>> round(found.level, 2), found.confidence > 0.98
    (0.71, True)
    """
    certainty = 1 / usual.between + orders / usual.within
    middle = (usual.middle / usual.between + total / usual.within) / certainty
    spread = certainty**-0.5
    ends = middle + spread * norm.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return PriceLevel(
        level=_rounded(np.exp(middle)),
        low=_rounded(np.exp(ends[0])),
        high=_rounded(np.exp(ends[1])),
        of_all=_rounded(np.exp(usual.middle)),
        confidence=_rounded(norm.cdf((usual.middle - middle) / spread)),
        orders=int(orders),
    )


def discount_affinity(orders: float, discounted: float, usual: Usual) -> Discounts:
    """What share of a customer's purchases is below the list price, and whether more than others'.

    Parameters
    ----------
    orders, discounted : `listed_orders` and `discounted_sum` of `tallies.prices`.
    """
    of_all = usual.share.get("below", 0.0)
    found = shares(np.array([discounted]), np.array([orders]), np.array([of_all]), usual.strength)
    return Discounts(
        share=_rounded(found.share[0]),
        low=_rounded(found.low[0]),
        high=_rounded(found.high[0]),
        of_all=_rounded(of_all),
        confidence=_rounded(found.confidence[0]),
        orders=int(orders),
    )


def sensitivity(level: PriceLevel | None, discounts: Discounts | None) -> str | None:
    """How much a customer looks at prices: "high", "low", "middling"; None where nothing tells it.

    High where it surely pays less than others in the same categories, or surely buys more of what is reduced; low where
    what is known surely says the opposite.
    """
    known = [each.confidence for each in (level, discounts) if each is not None]
    if not known:
        return None
    return "high" if max(known) >= SURE else "low" if max(known) <= 1 - SURE else "middling"


def next_order(gaps: dict[str, Any], pauses: Pauses, as_of: datetime) -> NextOrder | None:
    """When a customer orders next; None for who stays away longer than nineteen in twenty of its pauses.

    Parameters
    ----------
    gaps : a row of `tallies.gaps`, of two days with an order at least.
    """
    days, total, squares, since = (
        np.array([float(gaps[name] or 0.0)]) for name in ("order_days", "log_sum", "log_square_sum", "last_days")
    )
    *found, passed = pauses.next_order(days, total, squares, since)
    if passed[0] > GONE:
        return None
    earliest, expected, latest = (as_of + timedelta(days=round(float(each[0]), 2)) for each in found)
    return NextOrder(earliest, expected, latest, int(gaps["order_days"]) - 1)


def _rounded(value: float) -> float:
    return round(float(value), 4)
