"""From where are stolen passwords tried: many accounts from one neighbourhood of the network, most of them in vain?

Behind a proxy many sign in, and most of them get in. Asked is whether of the accounts that were tried within a window
more failed than fail elsewhere; each neighbourhood counts once in what is usual, so that an attack cannot make itself
usual. Who got in during an attack, from where they never came, may be taken over.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.fraud.abuse import findings, rows
from regulars.fraud.abuse.rows import DAY, HOUR, Coded, Codes, Floats, Ints, coded
from regulars.fraud.abuse.statistics import at_least, false_share, sums
from regulars.fraud.features import kernels
from regulars.fraud.network import addresses
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPES = ("sign_in", "order_completed")
WINDOWS = (HOUR // 6, HOUR, DAY)
"""Within so long attacks are looked for."""
SPENT_WITHIN = 2 * DAY
"""What an account orders so soon after it was got into counts as lost."""
SURE = 0.05
"""Windows so unlikely, among all of their neighbourhood, are part of the attack."""
SECOND = 1_000_000


class SignIns(NamedTuple):
    """Who signed in, or tried to, from where; and what was ordered.

    Attributes
    ----------
    customers : names of the customers.
    customer : (n,) by code.
    time : (n,) microseconds since 1970, in order.
    is_failed : (n,) bool.
    ip_range : (n,) neighbourhoods of the network by code, -1 where unknown; and their names.
    order_customer, order_time, order_amount : (orders,) what was ordered; amounts NaN where unknown.
    """

    customers: pa.Array
    customer: Codes
    time: Ints
    is_failed: npt.NDArray[np.bool_]
    ip_range: Coded
    order_customer: Codes
    order_time: Ints
    order_amount: Floats


class _Attacks(NamedTuple):
    """Neighbourhoods attacks came from: which, how sure, first and last moment; in the densest window how many
    accounts, how many failed, and how long it is."""

    ip_range: Ints
    score: Floats
    begins: Ints
    ends: Ints
    tried: Ints
    failed: Ints
    window: Ints


def find(signed: SignIns, currency: str) -> pa.Table:
    """Attacks, most money first. The score is the share of the failures that is beyond what is usual, less the share of
    false alarms; the customers are the accounts that may be taken over."""
    usual = _usual(signed)
    attacks = _attacks(signed, usual)
    if not len(attacks.ip_range):
        return findings.FINDINGS.empty_table()
    attack, customer, entered = _taken(signed, attacks)
    money = _spent(signed, attack, customer, entered, len(attacks.ip_range))
    names = signed.ip_range.named(attacks.ip_range)
    accounts = [
        signed.customers.take(pa.array(customer[attack == one])).to_pylist() for one in range(len(attacks.ip_range))
    ]
    evidence = [
        _told(name, int(attacks.tried[one]), int(attacks.failed[one]), int(attacks.window[one]), usual,
              len(accounts[one]), float(money[one]), currency)
        for one, name in enumerate(names)
    ]  # fmt: skip
    return findings.table(
        "sign_ins", ["ip_range"] * len(names), names, accounts, attacks.score, money, attacks.begins, evidence
    )


def _usual(signed: SignIns) -> float:
    """The share of the accounts seen from a neighbourhood that ever failed there: the mean over neighbourhoods."""
    known = np.flatnonzero(signed.ip_range.codes >= 0)
    place, customer = signed.ip_range.codes[known], signed.customer[known]
    ranges = len(signed.ip_range.names)
    tried = np.unique(np.stack([place, customer]), axis=1)[0]
    failed = np.unique(np.stack([place, customer])[:, signed.is_failed[known]], axis=1)[0]
    all_of = np.bincount(tried, minlength=ranges)
    shares = np.bincount(failed, minlength=ranges) / np.maximum(all_of, 1)
    return float((shares.sum() + 0.05) / (ranges + 1))


def _attacks(signed: SignIns, usual: float) -> _Attacks:
    ranges = len(signed.ip_range.names)
    order, starts = kernels.grouped(signed.ip_range.codes, ranges)
    failed, failed_starts = kernels.grouped(np.where(signed.is_failed, signed.ip_range.codes, -1), ranges)
    count = len(order)
    place = np.repeat(np.arange(ranges), np.diff(starts))
    ends = signed.time[order] + 1  # a window holds the sign-in that it ends with
    where = np.arange(count)
    least, tried_then, failed_then, window_then = (np.full(count, fill) for fill in (1.0, 0.0, 0.0, 0.0))
    for window in WINDOWS:
        tried, fails = np.zeros(count, np.float32), np.zeros(count, np.float32)
        for those, begin, out in ((order, starts, tried), (failed, failed_starts, fails)):
            kernels.distinct(
                signed.time[those], begin, ends, starts, where, signed.customer[those], window // SECOND,
                len(signed.time), out,
            )  # fmt: skip
        chance = at_least(fails, tried, usual)
        better = (chance < least) & (fails >= 2)
        least[better], tried_then[better], failed_then[better] = chance[better], tried[better], fails[better]
        window_then[better] = window
    raised = np.minimum(least * np.diff(starts)[place] * len(WINDOWS), 1.0)
    best = np.lexsort((raised, place))[np.minimum(starts[:-1], max(count - 1, 0))] if count else starts[:-1]
    by_range = raised[best] if count else np.ones(ranges)
    beyond = np.maximum(1 - usual * tried_then[best] / np.maximum(failed_then[best], 1), 0) if count else by_range
    score = np.where(by_range < 1, beyond * (1 - false_share(by_range)), 0)
    found = np.flatnonzero(score >= findings.LEAST)
    sure = np.flatnonzero(raised <= SURE)
    begins, until = np.full(ranges, np.iinfo(np.int64).max), np.zeros(ranges, np.int64)
    np.minimum.at(begins, place[sure], ends[sure] - 1 - window_then[sure].astype(np.int64))
    np.maximum.at(until, place[sure], ends[sure])
    first = best[found]
    whole = (what[first].astype(np.int64) for what in (tried_then, failed_then, window_then))
    return _Attacks(found, score[found], begins[found], until[found], *whole)


def _taken(signed: SignIns, attacks: _Attacks) -> tuple[Ints, Codes, Ints]:
    """Accounts that were got into: of which attack, whose, when first. They never came from there before, and either
    failed in the attack or are known from elsewhere."""
    ranges = len(signed.ip_range.names)
    of = np.full(ranges + 1, -1)
    of[attacks.ip_range] = np.arange(len(attacks.ip_range))
    attack = of[signed.ip_range.codes]
    there = np.flatnonzero(attack >= 0)
    during = np.zeros(len(attack), bool)
    begun = attacks.begins[attack[there]]
    during[there] = (signed.time[there] >= begun) & (signed.time[there] <= attacks.ends[attack[there]] + DAY)
    count = len(signed.customers)
    pair = attack.astype(np.int64) * count + signed.customer
    earlier = there[signed.time[there] < begun]
    got_in = np.flatnonzero(during & ~signed.is_failed)
    got_in = got_in[~np.isin(pair[got_in], pair[earlier[~signed.is_failed[earlier]]])]
    pairs, first = np.unique(pair[got_in], return_index=True)  # in order of time
    got_in = got_in[first]
    failed_too = np.isin(pairs, pair[during & signed.is_failed])
    seen = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(seen, signed.customer[~signed.is_failed], signed.time[~signed.is_failed])
    np.minimum.at(seen, signed.order_customer, signed.order_time)
    known = seen[signed.customer[got_in]] < attacks.begins[attack[got_in]]
    got_in = got_in[failed_too | known]
    return attack[got_in], signed.customer[got_in], signed.time[got_in]


def _spent(signed: SignIns, attack: Ints, customer: Codes, entered: Ints, attacks: int) -> Floats:
    """(attacks,) what accounts ordered soon after they were got into."""
    if not len(attack):
        return np.zeros(attacks)
    order = np.argsort(customer, kind="stable")
    place = np.minimum(np.searchsorted(customer[order], signed.order_customer), len(order) - 1)
    at = order[place]
    waited = signed.order_time - entered[at]
    lost = (customer[at] == signed.order_customer) & (waited >= 0) & (waited <= SPENT_WITHIN)
    return sums(attack[at[lost]], np.nan_to_num(signed.order_amount[lost]), attacks)


def _told(
    name: str, tried: int, failed: int, window: int, usual: float, taken: int, money: float, currency: str
) -> tuple[str, str]:
    long = f"{window // (60 * SECOND)} minutes" if window < HOUR else f"{window // HOUR} hours"
    english = [
        f"{tried} accounts tried from {name} within {long}, {failed} of them in vain; usual are {shown(usual, 'share')}"
    ]
    zh_long = f"{window // (60 * SECOND)} 分钟" if window < HOUR else f"{window // HOUR} 小时"
    chinese = [f"{zh_long}内从 {name} 尝试登录 {tried} 个账户，其中 {failed} 个失败；通常为 {shown(usual, 'share')}"]
    if taken:
        english.append(
            f"{taken} accounts then signed in from there for the first time and ordered for "
            f"{shown(money, 'money', currency)}"
        )
        chinese.append(f"随后 {taken} 个账户首次从该处登录，下单共 {shown(money, 'money', currency)}")
    return findings.join(english), findings.join(chinese, chinese=True)


def read(shop: Shop, as_of: datetime) -> SignIns:
    """Who signed in before a moment, and what was ordered."""
    found = shop.engine.to_arrow(rows.whole(rows.lines(shop, as_of, TYPES)))
    time, customer = rows.moments(found), coded(found["customer_id"])
    signed = np.flatnonzero(rows.are(found, "type", "sign_in"))
    order = np.flatnonzero(rows.are(found, "type", "order_completed"))
    _, near = addresses(found["ip"].combine_chunks().take(pa.array(signed)))
    return SignIns(
        customer.names, customer.codes[signed], time[signed], rows.are(found, "outcome", "failed")[signed],
        coded(near), customer.codes[order], time[order], rows.amounts(found)[order],
    )  # fmt: skip
