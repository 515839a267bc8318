"""Whose account was taken over: a new device or failed sign-ins, changed details, then an order unlike the past?

Each sign weighs as much as it is rare in this log: the logarithm of how much likelier it is after a takeover than in
any order. What a log says nothing of weighs nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import expit, logit

from regulars.fraud.abuse import findings, rows
from regulars.fraud.abuse.rows import DAY, Codes, Floats, Ints, coded
from regulars.fraud.abuse.statistics import sums
from regulars.fraud.network import addresses
from regulars.fraud.properties import Properties
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPES = ("order_completed", "payment_attempted", "sign_in", "customer_identified")
BEFORE = DAY
"""Signs count that came so shortly before the order."""
PRIOR, PRIORS = 0.001, (0.0001, 0.005)
"""So many orders are of accounts taken over at first, and between what the log may say that they are."""
ANCHOR = 20.0
"""What is said of takeovers weighs as much as so many of them in the log."""
STEPS = 30
"""Of EM."""
HIGH = 0.95
"""An amount is high if it is more times the customer's mean than in so many orders of the shop."""
PAST_ORDERS = 3
"""After so many orders one knows what a customer buys."""


class Sign(NamedTuple):
    """What may tell of a takeover: how often it is there after one, as one judges to begin with; its words."""

    after_takeover: float
    english: str
    chinese: str


SIGNS = {
    "new_device": Sign(0.9, "from a device or network never seen with this customer", "使用该顾客从未用过的设备或网络"),
    "failed": Sign(0.3, "after failed sign-ins", "之前有登录失败"),
    "changed": Sign(0.4, "after address, e-mail or phone had changed", "之前更改了地址、邮箱或电话"),
    "high": Sign(0.6, "an unusually high amount for this customer", "金额对该顾客异常高"),
    "unlike": Sign(0.5, "of a category never ordered before", "属于从未购买过的类别"),
}


class Orders(NamedTuple):
    """Orders and payments, one row each, with what came before.

    Attributes
    ----------
    customers : names of the customers.
    customer : (n,) by code.
    time : (n,) microseconds since 1970.
    amount : (n,) in the shop's currency; NaN where unknown.
    past : (n,) mean amount of the customer's orders before; NaN where there is none.
    signs : {name of SIGNS: (n,) 1 or 0, NaN where nothing can be said}; `high` is made of the amounts.
    """

    customers: pa.Array
    customer: Codes
    time: Ints
    amount: Floats
    past: Floats
    signs: dict[str, Floats]


class Weights(NamedTuple):
    """What is added up: log-odds.

    Attributes
    ----------
    prior : before anything is known of an order.
    signs : {name: what it adds where it is there, and where it is not}.
    """

    prior: float
    signs: dict[str, tuple[float, float]]


def weights(signs: dict[str, Floats]) -> Weights:
    """How much each sign weighs in this log, and how many orders are of accounts taken over.

    Two sorts of orders: how frequent each sign is in either, and how many there are of each, is what makes the log
    likeliest (EM). So takeovers do not make their own signs usual. After a takeover, the signs begin as frequent as
    `SIGNS` says, as if so many orders as `ANCHOR` were known: in a log with few takeovers that is what holds.

    Parameters
    ----------
    signs : {name of SIGNS: (n,) 1 or 0, NaN where nothing can be said}.

    Source
    ------
    Dempster, Laird and Rubin (1977), Maximum Likelihood from Incomplete Data via the EM Algorithm.

    Examples
    --------
    Failed sign-ins before one of a hundred orders; details never change in this log, which says nothing:

    >>> failed, changed = np.zeros(100), np.full(100, np.nan)
    >>> failed[0] = 1
    >>> found = weights({"failed": failed, "changed": changed})
    >>> {name: tuple(round(weight, 1) for weight in both) for name, both in found.signs.items()}
    {'failed': (3.0, -0.3)}
    """
    names = [name for name, values in signs.items() if np.nanmax(np.nan_to_num(values), initial=0) > 0]
    if not names:
        return Weights(float(logit(PRIOR)), {})
    values = np.array([signs[name] for name in names])
    # The orders have few patterns of signs; -1 where nothing can be said.
    patterns, times = np.unique(np.nan_to_num(values, nan=-1.0), axis=1, return_counts=True)
    there, absent = patterns > 0, patterns == 0
    judged = after = np.array([SIGNS[name].after_takeover for name in names])
    usual = _frequency(there, absent, times.astype(float))
    prior = PRIOR
    for _ in range(STEPS):
        odds = logit(prior) + np.log(after / usual) @ there + np.log((1 - after) / (1 - usual)) @ absent
        taken = expit(odds)
        usual = _frequency(there, absent, times * (1 - taken))
        known = (there | absent) @ (times * taken)
        after = (there @ (times * taken) + ANCHOR * judged) / (known + ANCHOR)
        prior = float(np.clip((times @ taken) / max(times.sum(), 1), *PRIORS))
    added = zip(np.log(after / usual).tolist(), np.log((1 - after) / (1 - usual)).tolist(), strict=True)
    return Weights(float(logit(prior)), dict(zip(names, added, strict=True)))


def _frequency(there: npt.NDArray[np.bool_], absent: npt.NDArray[np.bool_], times: Floats) -> Floats:
    found: Floats = (there @ times + 0.5) / ((there | absent) @ times + 1)
    return found


def find(orders: Orders, currency: str) -> pa.Table:
    """Customers whose account was probably taken over, most money first. The score is the chance of it; money is what
    was ordered so."""
    signs = {**orders.signs, "high": _high(orders)}
    prior, weighed = weights(signs)
    odds = np.full(len(orders.time), prior)
    for name, (there, absent) in weighed.items():
        odds += np.select([signs[name] > 0, signs[name] == 0], [there, absent], 0.0)
    score = expit(odds)
    taken = np.flatnonzero(score >= findings.LEAST)
    # Of each customer the order that tells most.
    order = taken[np.lexsort((-score[taken], orders.customer[taken]))]
    customers, first = np.unique(orders.customer[order], return_index=True)
    chosen = order[first]
    place = np.searchsorted(customers, orders.customer[taken])
    money = sums(place, np.nan_to_num(orders.amount[taken]), len(customers))
    since = np.full(len(customers), np.iinfo(np.int64).max)
    np.minimum.at(since, place, orders.time[taken])
    evidence = [
        _told({name: weighed[name][0] for name in weighed if signs[name][row] > 0}, float(orders.amount[row]),
              float(orders.past[row]), currency)
        for row in chosen.tolist()
    ]  # fmt: skip
    names = orders.customers.take(pa.array(customers)).to_pylist()
    return findings.table(
        "takeover", ["customer"] * len(names), names, [[name] for name in names], score[chosen], money, since, evidence
    )


def _high(orders: Orders) -> Floats:
    """(n,) whether an amount is high for its customer, by what is usual in this shop; NaN without a past."""
    times = orders.amount / np.where(orders.past > 0, orders.past, np.nan)
    known = np.isfinite(times)
    if not known.any():
        return np.full(len(times), np.nan)
    bar = np.quantile(times[known], HIGH)
    return np.where(known, (times > bar).astype(float), np.nan)


def _told(signs: dict[str, float], amount: float, past: float, currency: str) -> tuple[str, str]:
    english, chinese = [], []
    for name, weight in sorted(signs.items(), key=lambda sign: -sign[1]):
        odds = f"x {np.exp(weight):,.0f}" if weight > 1 else f"x {np.exp(weight):.1f}"
        times = f" ({shown(amount, 'money', currency)}, usual {shown(past, 'money', currency)})"
        times_zh = f"（{shown(amount, 'money', currency)}，平常 {shown(past, 'money', currency)}）"
        english.append(f"{SIGNS[name].english}{times if name == 'high' else ''} (odds {odds})")
        chinese.append(f"{SIGNS[name].chinese}{times_zh if name == 'high' else ''}（几率 {odds}）")
    return findings.join(english), findings.join(chinese, chinese=True)


def read(shop: Shop, as_of: datetime) -> Orders:
    """Orders and payments before a moment; what is known of each is known before it."""
    lines = rows.with_categories(shop, as_of, rows.lines(shop, as_of, TYPES))
    dearest = lines.category.argmax(lines.value.fill_null(0.0))
    found = shop.engine.to_arrow(rows.whole(lines, category=dearest))
    time, customer = rows.moments(found), coded(found["customer_id"])
    properties = Properties(found["properties"].combine_chunks())
    row = _first_of_orders(found)
    amount = rows.amounts(found)
    category = coded(found["category"])
    _, near = addresses(found["ip"].combine_chunks())
    device = coded(pc.coalesce(found["device_id"].combine_chunks(), near))
    address = coded(properties.text("address"))
    moved = _changed(found, customer.codes, properties)
    is_order = np.zeros(len(time), bool)
    is_order[row.order] = True
    signs = {
        "new_device": _is_new(customer.codes, time, device.codes)[row.first],
        "failed": _within(customer.codes, time, rows.are(found, "outcome", "failed"), row.first),
        "changed": np.fmax(
            _within(customer.codes, time, moved, row.first), _is_new(customer.codes, time, address.codes)[row.first]
        ),
        "unlike": _unlike(customer.codes, category.codes, row.order),
    }
    whole = np.where(np.isfinite(amount[row.order]), amount[row.order], amount[row.first])
    return Orders(
        customer.names, customer.codes[row.first], time[row.first], whole,
        _past_mean(customer.codes[row.first], whole), signs,
    )  # fmt: skip


class _Rows(NamedTuple):
    """Of each order its first row, and the row that says what was ordered (the same where no other does); in order of
    time."""

    first: Ints
    order: Ints


def _first_of_orders(found: pa.Table) -> _Rows:
    is_order, is_paid = rows.are(found, "type", "order_completed"), rows.are(found, "type", "payment_attempted")
    those = np.flatnonzero(is_order | is_paid)
    order = coded(pc.coalesce(found["order_id"], found["event_id"])).codes[those]
    _, first, place = np.unique(order, return_index=True, return_inverse=True)
    said = those[first]
    bought = is_order[those]
    said[place[bought]] = those[bought]
    by_time = np.argsort(those[first], kind="stable")
    return _Rows(those[first][by_time], said[by_time])


def _is_new(customer: Codes, time: Ints, value: Codes) -> Floats:
    """(n,) whether a row's value was never seen with its customer until shortly before, though others were; NaN where
    it names none, or nothing was seen before."""
    has = np.flatnonzero(value >= 0)
    pair = customer[has].astype(np.int64) * (int(value.max(initial=0)) + 1) + value[has]
    _, first, place = np.unique(pair, return_index=True, return_inverse=True)
    seen = time[has][first][place]
    began = np.full(int(customer.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(began, customer[has], time[has])
    found = np.full(len(value), np.nan)
    known = began[customer[has]] < time[has] - BEFORE
    found[has[known]] = seen[known] >= time[has[known]] - BEFORE
    return found


def _within(customer: Codes, time: Ints, happened: npt.NDArray[np.bool_], asked: Ints) -> Floats:
    """(asked,) whether something happened to the customer shortly before; NaN in a log where it never does."""
    if not happened.any():
        return np.full(len(asked), np.nan)
    order = np.argsort(customer, kind="stable")  # by customer, then in order of time
    last = np.where(happened[order], np.arange(len(order)), -1)
    newest = np.maximum.accumulate(last)
    found = np.zeros(len(order))
    source = order[np.maximum(newest, 0)]
    found[order] = (newest >= 0) & (customer[source] == customer[order]) & (time[order] - time[source] <= BEFORE)
    return found[asked]


def _changed(found: pa.Table, customer: Codes, properties: Properties) -> npt.NDArray[np.bool_]:
    """(n,) rows that name another address, e-mail or phone than the customer had before."""
    changed = np.zeros(len(customer), bool)
    said = rows.are(found, "type", "customer_identified")
    for name in ("address", "email", "phone"):
        value = coded(properties.text(name)).codes
        those = np.flatnonzero(said & (value >= 0))
        those = those[np.argsort(customer[those], kind="stable")]
        before, then = those[:-1], those[1:]
        changed[then[(customer[before] == customer[then]) & (value[before] != value[then])]] = True
    return changed


def _unlike(customer: Codes, category: Codes, order: Ints) -> Floats:
    """(orders,) whether a category is new to a customer with a past; NaN without one."""
    who, what = customer[order], category[order]
    earlier = _rank(who)
    has = np.flatnonzero(what >= 0)
    _, first = np.unique(who[has].astype(np.int64) * (int(what.max(initial=0)) + 1) + what[has], return_index=True)
    is_first = np.zeros(len(order), bool)
    is_first[has[first]] = True
    return np.where((what >= 0) & (earlier >= PAST_ORDERS), is_first.astype(float), np.nan)


def _rank(customer: Codes) -> Ints:
    """(n,) how many rows of the same customer stand before each."""
    order = np.argsort(customer, kind="stable")
    ordered = customer[order]
    start = np.searchsorted(ordered, ordered)
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) - start
    return found


def _past_mean(customer: Codes, amount: Floats) -> Floats:
    """(n,) the mean of the customer's amounts before each; NaN where there is none."""
    order = np.argsort(customer, kind="stable")
    known = np.isfinite(amount[order])
    start = np.searchsorted(customer[order], customer[order])
    total = np.concatenate([[0.0], np.cumsum(np.where(known, amount[order], 0))])
    many = np.concatenate([[0], np.cumsum(known)])
    place = np.arange(len(order))
    past = many[place] - many[start]
    found = np.empty(len(order))
    found[order] = np.where(past > 0, (total[place] - total[start]) / np.maximum(past, 1), np.nan)
    return found
