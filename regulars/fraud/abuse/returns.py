"""Who abuses returns: gives back far more than peers who bought the same, whole orders, late, or refunds for nothing?

Peers bought of the same categories: who buys dresses gives back more than who buys candles. A customer's share is drawn
towards that of peers by as much as the few orders leave open, and only what stays above nearly all peers counts.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from regulars.fraud.abuse import findings, rows
from regulars.fraud.abuse.rows import Codes, Floats, Ints, coded
from regulars.fraud.abuse.statistics import Shares, false_share, shares, sums
from regulars.fraud.properties import numbers
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

LEAST_ORDERS = 3
"""Of fewer orders nobody is accused: two dresses may both not fit."""
HABIT = 2
"""So many orders given back whole, or refunded for nothing, are the fewest that a habit has."""
MOST_LINES = 5
"""Orders of so many lines or more are alike."""
WHOLE = 0.99
"""An order is given back whole from this share of its value on: delivery may be kept back."""
LATE = 0.95
"""Late returns accuse from this score on."""
LEAST_SHARE, MOST_SHARE = 1e-4, 1 - 1e-4
"""Between these lies what peers are expected to give back, so that a category that nobody gives back accuses nobody
for certain."""
NOTHING_CAME = (
    r"not[_ -]?received|never (arrived|came)|missing|lost in|undelivered|without[_ -]return"
    r"|没有?收到|未收到|未送达|丢件|仅退款"
)
"""Reasons of refunds for which nothing came back."""


class Bought(NamedTuple):
    """Lines of orders, and what was given back of each.

    Attributes
    ----------
    customers : names of the customers.
    customer, order : (lines,) by code.
    category : (lines,) by code; -1 where unknown.
    time : (lines,) of the order, microseconds since 1970.
    value : (lines,) what was paid; at least 0.
    refunded : (lines,) what of it was given back, at most the value.
    waited : (lines,) microseconds from the order to the first refund; -1 where there is none.
    kept : (lines,) bool: money was given back, and the goods did not come back.
    """

    customers: pa.Array
    customer: Codes
    order: Codes
    category: Codes
    time: Ints
    value: Floats
    refunded: Floats
    waited: Ints
    kept: npt.NDArray[np.bool_]


class _Orders(NamedTuple):
    """Orders, (orders,) each: whose; the share given back; what peers would have; whether all; whether for nothing;
    when; the value given back, and beyond what peers would; how many lines."""

    customer: Ints
    share: Floats
    expected: Floats
    is_whole: npt.NDArray[np.bool_]
    for_nothing: npt.NDArray[np.bool_]
    time: Ints
    refunded: Floats
    beyond: Floats
    lines: Ints


def find(bought: Bought, currency: str) -> pa.Table:
    """Customers whose returns are above those of nearly all peers, most money first. The score is the chance that the
    true share is above that of 99 in 100 peers; of late returns, less the share of false alarms."""
    count = len(bought.customers)
    orders = _orders(bought)
    many = np.bincount(orders.customer, minlength=count).astype(float)
    mix = np.clip(_mean(orders.customer, orders.expected, many), LEAST_SHARE, MOST_SHARE)
    by_value = shares(sums(orders.customer, orders.share, count), many, mix)
    by_whole = _flagged(orders, orders.is_whole, many)
    by_nothing = _flagged(orders, orders.for_nothing, many)
    late, returned = _late(bought, count)
    by_late = np.zeros(count)
    by_late[returned > 0] = 1 - false_share(late[returned > 0])
    # When goods were delivered is not known: what came late goes back late, so this sign alone must be striking.
    by_late[by_late < LATE] = 0
    signs = np.stack([by_value.above, by_whole, by_nothing, by_late])
    signs[:, many < LEAST_ORDERS] = 0
    score = signs.max(0, initial=0.0)
    found = np.flatnonzero(score >= findings.LEAST)
    since = np.full(count, np.iinfo(np.int64).max)
    has = orders.refunded > 0
    np.minimum.at(since, orders.customer[has], orders.time[has])
    beyond = np.maximum(sums(orders.customer, orders.beyond, count), 0)
    refunded = sums(orders.customer, orders.refunded, count)
    wholes = sums(orders.customer, orders.is_whole, count)
    for_nothing = sums(orders.customer, orders.for_nothing, count)
    evidence = [
        _told(signs[:, who], by_value, who, int(many[who]), float(mix[who]), int(wholes[who]), int(for_nothing[who]),
              int(returned[who]), float(refunded[who]), currency)
        for who in found.tolist()
    ]  # fmt: skip
    names = bought.customers.take(pa.array(found)).to_pylist()
    return findings.table(
        "returns", ["customer"] * len(found), names, [[name] for name in names], score[found], beyond[found],
        since[found], evidence,
    )  # fmt: skip


def _orders(bought: Bought) -> _Orders:
    orders = int(bought.order.max(initial=-1)) + 1
    peers = _peers(bought)
    value, refunded, expected = (
        sums(bought.order, what, orders) for what in (bought.value, bought.refunded, peers * bought.value)
    )
    customer, time = np.zeros(orders, np.int64), np.zeros(orders, np.int64)
    customer[bought.order], time[bought.order] = bought.customer, bought.time
    there = np.flatnonzero(value > 0)
    value, refunded, expected = value[there], refunded[there], expected[there]
    for_nothing = sums(bought.order, bought.kept, orders)[there] > 0
    share = refunded / value
    lines = np.bincount(bought.order, minlength=orders)[there]
    return _Orders(
        customer[there], share, expected / value, share >= WHOLE, for_nothing, time[there], refunded,
        refunded - expected, lines,
    )  # fmt: skip


def _peers(bought: Bought) -> Floats:
    """(lines,) what share of the value of a line others give back of its category; drawn towards that of all."""
    category = bought.category + 1
    value, back = (sums(category, what, int(category.max(initial=0)) + 1) for what in (bought.value, bought.refunded))
    usual = back.sum() / max(value.sum(), 1e-9)
    pair = bought.customer.astype(np.int64) * len(value) + category
    distinct, own = np.unique(pair, return_inverse=True)
    own_value, own_back = (sums(own, what, len(distinct))[own] for what in (bought.value, bought.refunded))
    # As much as a mean customer buys stands for what all do: a category of two buyers says little by itself.
    weight = value.sum() / max(len(np.unique(bought.customer)), 1)
    rest = np.maximum(value[category] - own_value, 0)
    found: Floats = (np.maximum(back[category] - own_back, 0) + usual * weight) / (rest + weight + 1e-9)
    return found


def _mean(customer: Ints, what: Floats, many: Floats) -> Floats:
    return sums(customer, what, len(many)) / np.maximum(many, 1)


def _flagged(orders: _Orders, flag: npt.NDArray[np.bool_], many: Floats) -> Floats:
    """(customers,) the chance that more of a customer's orders are something than of nearly all peers'.

    Peers' orders have as many lines, for one line comes back whole more easily than twenty, and categories of which as
    much comes back. What happened once is no habit.
    """
    size = np.minimum(orders.lines, MOST_LINES)
    pair = orders.customer * (MOST_LINES + 1) + size
    cells = len(many) * (MOST_LINES + 1)
    own, own_flag = np.bincount(pair, minlength=cells)[pair], sums(pair, flag, cells)[pair]
    all_of, all_flag = (sums(size, what, MOST_LINES + 1) for what in (None, flag))
    usual = flag.sum() / max(len(flag), 1)
    expected = (all_flag[size] - own_flag + usual) / (all_of[size] - own + 1)
    back = sums(size, orders.expected, MOST_LINES + 1) / np.maximum(all_of, 1)
    expected *= orders.expected / np.maximum(back[size], 1e-9)
    times = sums(orders.customer, flag, len(many))
    mix = np.clip(_mean(orders.customer, expected, many), LEAST_SHARE, MOST_SHARE)
    return np.where(times >= HABIT, shares(times, many, mix).above, 0.0)


def _late(bought: Bought, count: int) -> tuple[Floats, Ints]:
    """(count,) the chance that returns come so late in the time in which returns come, and how many there are.

    Of each return, what share of all returns waited as long or longer: uniform where nobody uses goods first. Their
    product is Fisher's test.
    """
    # Lines of an order that come back together are one return.
    has = np.flatnonzero(bought.waited >= 0)
    order, first = np.unique(bought.order[has], return_index=True)
    rows_ = has[first]
    waited, customer = bought.waited[rows_], bought.customer[rows_]
    ordered = np.sort(waited)
    longer = (len(order) - np.searchsorted(ordered, waited, side="left")) / max(len(order), 1)
    times = np.bincount(customer, minlength=count)
    total = sums(customer, -2 * np.log(longer), count)
    return np.where(times > 0, stats.chi2.sf(total, np.maximum(2 * times, 1)), 1.0), times


def _told(
    signs: Floats, by_value: Shares, who: int, orders: int, mix: float, wholes: int, for_nothing: int, returned: int,
    refunded: float, currency: str,
) -> tuple[str, str]:  # fmt: skip
    share, low, high, bar = (float(what[who]) for what in by_value[:4])
    english = [
        f"gave back {shown(share, 'share')} of what was bought in {orders} orders (95 % interval {shown(low, 'share')} "
        f"to {shown(high, 'share')}), peers with the same categories {shown(mix, 'share')}, 99 in 100 of them less "
        f"than {shown(bar, 'share')}",
        f"{shown(refunded, 'money', currency)} refunded",
    ]
    chinese = [
        f"在 {orders} 个订单中退回了 {shown(share, 'share')}"
        f"（95% 区间 {shown(low, 'share')} 至 {shown(high, 'share')}）",
        f"购买同类商品的顾客为 {shown(mix, 'share')}，其中 99% 低于 {shown(bar, 'share')}",
        f"共退款 {shown(refunded, 'money', currency)}",
    ]
    if signs[1] >= findings.LEAST:
        english.append(f"{wholes} whole orders given back")
        chinese.append(f"整单退回 {wholes} 次")
    if signs[2] >= findings.LEAST:
        english.append(f"{for_nothing} refunds for which nothing came back")
        chinese.append(f"{for_nothing} 次退款而未退货")
    if signs[3] >= findings.LEAST:
        english.append(f"its {returned} returns came later than nearly all returns do")
        chinese.append(f"{returned} 次退货都比绝大多数退货更晚")
    return findings.join(english), findings.join(chinese, chinese=True)


def read(shop: Shop, as_of: datetime) -> Bought:
    """What was bought before a moment, and what of it was given back by then. A refund counts for the lines of its
    order with its product; without a product for all lines of the order, in equal shares of their value."""
    lines = rows.with_categories(shop, as_of, rows.lines(shop, as_of, ("order_completed", "order_refunded")))
    columns = (
        "event_id", "line", "time", "type", "customer_id", "order_id", "product_id", "category", "properties", "value",
    )  # fmt: skip
    found = shop.engine.to_arrow(lines.select(*columns).order_by("time", "event_id", "line"))
    is_order = rows.are(found, "type", "order_completed")
    order = coded(pc.coalesce(found["order_id"], found["event_id"]))
    product = coded(found["product_id"])
    time, value = rows.moments(found), found["value"].combine_chunks().to_numpy(zero_copy_only=False).astype(float)
    bought = np.flatnonzero(is_order)
    width = len(product.names) + 1
    key = order.codes.astype(np.int64) * width + product.codes + 1
    refund = np.flatnonzero(~is_order)
    kept = _kept(found, refund)
    own = np.maximum(np.nan_to_num(value[bought]), 0)
    back, waited, nothing = np.zeros(len(bought)), np.full(len(bought), np.iinfo(np.int64).max), np.zeros(len(bought))
    has_product = product.codes[refund] >= 0
    for those, keys in ((has_product, key), (~has_product, order.codes.astype(np.int64))):
        told, at = refund[those], keys[bought]
        distinct, place = np.unique(at, return_inverse=True)
        where = np.searchsorted(distinct, keys[told])
        is_there = (where < len(distinct)) & (
            distinct[np.minimum(where, len(distinct) - 1)] == keys[told] if len(distinct) else False
        )
        told, where = told[is_there], where[is_there]
        # A refund that says no amount is of all.
        amount = sums(where, np.where(np.isfinite(value[told]), value[told], np.inf), len(distinct))
        whole = sums(place, own, len(distinct))
        back += own * np.minimum(amount / np.maximum(whole, 1e-9), 1)[place]
        when = np.full(len(distinct), np.iinfo(np.int64).max)
        np.minimum.at(when, where, time[told])
        waited = np.minimum(waited, when[place])
        nothing += sums(where, kept[those][is_there], len(distinct))[place]
    waited = np.where(waited < np.iinfo(np.int64).max, np.maximum(waited - time[bought], 0), -1)
    customer = coded(found["customer_id"])
    return Bought(
        customer.names, customer.codes[bought], order.codes[bought], coded(found["category"]).codes[bought],
        time[bought], own, np.minimum(back, own), waited, nothing > 0,
    )  # fmt: skip


def _kept(found: pa.Table, refund: Ints) -> npt.NDArray[np.bool_]:
    """(refunds,) which say that nothing came back: by a flag, else by their reason."""
    told = found.take(pa.array(refund))
    came = numbers(rows.said(told, "returned", "is_returned", "goods_returned", "return_received"))
    reason = pc.utf8_lower(rows.said(told, "reason", "refund_reason", "return_reason"))
    by_reason = np.asarray(pc.fill_null(pc.match_substring_regex(reason, NOTHING_CAME), False))
    return np.where(np.isfinite(came), came == 0, by_reason)
