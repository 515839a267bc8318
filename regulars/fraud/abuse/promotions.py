"""Who farms promotions: accounts behind one device, address or card that order with coupons and only with them?

That many share something accuses nobody: households do, and behind a proxy stand thousands. Asked is whether those
who share it order with coupons alone more often than other accounts with as many orders, and opened their accounts
closer together than others do who share something. So a hub whose customers are like all others links nobody, however
many they are, and no bar on their number is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from regulars.fraud.abuse import findings, rows
from regulars.fraud.abuse.rows import DAY, Coded, Codes, Floats, Ints, coded
from regulars.fraud.abuse.statistics import at_least, false_share, sums, together
from regulars.fraud.attempts import dialled, plain
from regulars.fraud.properties import Properties, numbers
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPES = ("order_completed", "coupon_applied", "signed_up", "sign_in", "customer_identified")
ENTITIES = ("device", "ip", "payment", "address", "phone")
MOST_ORDERS = 5
"""Accounts with so many orders or more are alike: compared are those with as many."""
KEYS = ("coupon", "coupon_code", "coupon_id", "coupon_name", "promo_code", "discount_code")


class Use(NamedTuple):
    """How customers use coupons.

    Attributes
    ----------
    customers : names of the customers.
    opened : (customers,) when each was first seen, microseconds since 1970.
    customer : (orders,) whose, by code.
    time : (orders,) microseconds since 1970.
    has_coupon : (orders,) bool.
    taken_off : (orders,) what the coupon took off; NaN where unknown.
    code : (orders,) the coupon; -1 where its name is not known.
    links : {entity: (customer (n,), value (n,))} which customers were seen with what.
    """

    customers: pa.Array
    opened: Ints
    customer: Codes
    time: Ints
    has_coupon: npt.NDArray[np.bool_]
    taken_off: Floats
    code: Codes
    links: Mapping[str, tuple[Codes, Coded]]


class _Accounts(NamedTuple):
    """Of each customer: orders, whether there are any and all were with a coupon, what was taken off, place in the
    order of opening as a share of all, since when."""

    orders: Ints
    is_pure: npt.NDArray[np.bool_]
    taken_off: Floats
    opened: Floats
    since: Ints


class _Shared(NamedTuple):
    """Values that customers share and that are suspect: their entity, the value, chance, score; and who has them."""

    entity: npt.NDArray[np.int64]
    value: Ints
    chance: Floats
    score: Floats
    member: Ints
    of: Ints


def find(use: Use, currency: str) -> pa.Table:
    """Farms: groups of accounts behind shared entities. The score is the share of the accounts that is more than
    chance would bring together, less the share of false alarms among findings so striking."""
    accounts = _accounts(use)
    shared = _shared(use, accounts)
    count = len(use.customers)
    if not len(shared.value):
        return findings.FINDINGS.empty_table()
    links = coo_array(
        (np.ones(len(shared.member)), (shared.member, count + shared.of)),
        shape=(count + len(shared.value), count + len(shared.value)),
    )
    _, group = connected_components(links, directed=False)
    of_value = group[count:]
    farms, farm = np.unique(of_value, return_inverse=True)
    # Of each farm the value that most of its accounts have.
    seen = np.bincount(shared.of, minlength=len(of_value))
    order = np.lexsort((-seen, farm))
    first = order[np.searchsorted(farm[order], np.arange(len(farms)))]
    score = np.zeros(len(farms))
    np.maximum.at(score, farm, shared.score)
    chance = np.ones(len(farms))
    np.minimum.at(chance, farm, shared.chance)
    member = np.unique(shared.member)
    place = np.searchsorted(farms, group[member])
    member, place = member[np.argsort(place, kind="stable")], np.sort(place, kind="stable")
    bounds = np.searchsorted(place, np.arange(len(farms) + 1))
    money = sums(place, accounts.taken_off[member], len(farms))
    since = np.full(len(farms), np.iinfo(np.int64).max)
    np.minimum.at(since, place, accounts.since[member])
    orders = sums(place, accounts.orders[member], len(farms))
    codes = _codes(use, member, place, len(farms))
    names = list(use.links)
    subjects = [names[entity] for entity in shared.entity[first]]
    ids = [
        use.links[subject][1].name(value) for subject, value in zip(subjects, shared.value[first].tolist(), strict=True)
    ]
    accused = [member[low:high] for low, high in pairwise(bounds)]
    evidence = [
        _told(subjects[one], ids[one], len(who), int(orders[one]), int(codes[one]), float(money[one]),
              float(np.ptp(use.opened[who])) / DAY, float(chance[one]), currency)
        for one, who in enumerate(accused)
    ]  # fmt: skip
    customers = [use.customers.take(pa.array(who)).to_pylist() for who in accused]
    return findings.table("promotions", subjects, ids, customers, score, money, since, evidence)


def _accounts(use: Use) -> _Accounts:
    count = len(use.customers)
    orders = np.bincount(use.customer, minlength=count)
    with_coupon = sums(use.customer, use.has_coupon, count)
    off = np.where(use.has_coupon, np.nan_to_num(use.taken_off), 0.0)
    since = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(since, use.customer, use.time)
    # By rank: on days on which many accounts are opened, it says little that some were opened together.
    opened = (np.argsort(np.argsort(use.opened, kind="stable"), kind="stable") + 0.5) / max(count, 1)
    is_pure = (orders > 0) & (with_coupon == orders)
    return _Accounts(orders, is_pure, sums(use.customer, off, count), opened, since)


def _shared(use: Use, accounts: _Accounts) -> _Shared:
    """Values behind which more accounts live on coupons than chance would bring together."""
    parts = [
        (number, *_tested(customer, values.codes, len(values.names), accounts))
        for number, (customer, values) in enumerate(use.links.values())
    ]
    entity = np.concatenate([np.full(len(value), number) for number, value, *_ in parts] or [np.empty(0, np.int64)])
    value = np.concatenate([part[1] for part in parts] or [np.empty(0, np.int64)])
    chance = np.concatenate([part[2] for part in parts] or [np.empty(0)])
    beyond = np.concatenate([part[3] for part in parts] or [np.empty(0)])
    most = np.concatenate([part[4] for part in parts] or [np.empty(0)])
    score = beyond * (1 - false_share(chance))
    # Two farms behind one proxy would be one if a value linked that most of its accounts share in all innocence.
    kept = np.flatnonzero((score >= findings.LEAST) & (most >= findings.LEAST))
    entity, value, chance, score = entity[kept], value[kept], chance[kept], score[kept]
    member, of = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number, (customer, values) in enumerate(use.links.values()):
        place = np.full(len(values.names) + 1, -1)
        mine = np.flatnonzero(entity == number)
        place[value[mine]] = mine
        has = np.flatnonzero((place[values.codes] >= 0) & accounts.is_pure[customer])
        member.append(customer[has].astype(np.int64))
        of.append(place[values.codes[has]])
    return _Shared(entity, value, chance, score, np.concatenate(member), np.concatenate(of))


def _tested(customer: Codes, value: Codes, values: int, accounts: _Accounts) -> tuple[Ints, Floats, Floats, Floats]:
    """Values of one entity that two customers or more with orders share: the value; how likely it is that they are as
    they are by chance; what share of those who live on coupons is beyond what is expected; what share they are."""
    those = np.flatnonzero((value >= 0) & (accounts.orders[customer] > 0))
    customer, value = customer[those], value[those]
    size = np.bincount(value, minlength=values)
    shared = np.flatnonzero(size >= 2)
    kept = size[value] >= 2
    customer, place = customer[kept], np.searchsorted(shared, value[kept])
    count, size = len(shared), size[shared]
    pure = accounts.is_pure[customer]
    found = sums(place, pure, count)
    few = np.minimum(accounts.orders, MOST_ORDERS)
    all_of, all_pure = (sums(few, weights, MOST_ORDERS + 1) for weights in (None, accounts.is_pure))
    cell = place * (MOST_ORDERS + 1) + few[customer]
    cells = count * (MOST_ORDERS + 1)
    own, own_pure = (
        sums(cell, weights, cells).reshape(count, MOST_ORDERS + 1) for weights in (None, pure.astype(float))
    )  # (count, MOST_ORDERS + 1)
    usual = accounts.is_pure.sum() / max(int((accounts.orders > 0).sum()), 1)
    # Of accounts with as many orders that do not share it; where there is none, of all.
    share = (all_pure - own_pure + usual) / (all_of - own + 1)
    # The more orders, the less likely that all had a coupon: where only farms have so many, they are not what is usual.
    share = np.minimum.accumulate(share[:, 1:], axis=1)
    expected = (own[:, 1:] * share).sum(1)
    by_coupons = at_least(found, size, np.clip(expected / np.maximum(size, 1), 0, 1))
    close, usually = (_close(accounts.opened[customer], place, which, count) for which in (pure, np.ones_like(pure)))
    # Households open their accounts close together too: what counts is how many others who share are as close.
    closer = (np.searchsorted(np.sort(usually), close, side="right") + 1) / (count + 1)
    chance = together(np.stack([by_coupons, np.minimum(closer, 1.0)]))
    return shared, chance, np.maximum(found - expected, 0) / np.maximum(found, 1), found / np.maximum(size, 1)


def _close(opened: Floats, place: Ints, which: npt.NDArray[np.bool_], count: int) -> Floats:
    """(count,) the chance that some accounts of each value were opened so close together: of the range of so many
    uniform draws."""
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, place[which], opened[which])
    np.maximum.at(high, place[which], opened[which])
    many = np.bincount(place[which], minlength=count)
    width = np.where(many >= 2, np.clip(high - low, 0, 1), 1.0)
    found: Floats = np.minimum(many * width ** (many - 1.0) - (many - 1) * width ** many.astype(float), 1.0)
    return np.where(many >= 2, found, 1.0)


def _codes(use: Use, member: Ints, place: Ints, farms: int) -> Ints:
    """(farms,) by how many accounts of each the coupon was used that most of them used; 0 where none has a name."""
    of = np.full(len(use.customers), -1)
    of[member] = place
    named = np.flatnonzero((of[use.customer] >= 0) & use.has_coupon & (use.code >= 0))
    found = np.zeros(farms, np.int64)
    if len(named):
        once = np.unique(np.stack([of[use.customer[named]], use.code[named], use.customer[named]]), axis=1)
        pairs, times = np.unique(once[:2], axis=1, return_counts=True)
        np.maximum.at(found, pairs[0], times)
    return found


def _told(
    subject: str, name: str, accounts: int, orders: int, one_code: int, money: float, days: float, chance: float,
    currency: str,
) -> tuple[str, str]:  # fmt: skip
    off = shown(money, "money", currency)
    english = [
        f"{accounts} accounts share {subject} {name} or are linked to it",
        f"all their {orders} orders used a coupon, {off} taken off",
        f"opened within {days:,.0f} days",
    ]
    chinese = [
        f"{accounts} 个账户共用{findings.SUBJECTS_ZH[subject]} {name} 或与之相连",
        f"其全部 {orders} 个订单都用了优惠券，共减 {off}",
        f"账户在 {days:,.0f} 天内开设",
    ]
    if one_code >= 2:
        english.append(f"{one_code} of them used the same code")
        chinese.append(f"其中 {one_code} 个用了同一券码")
    # Beyond a million, the model of chance is no longer worth its digits.
    english.append(f"by chance once in {1 / chance:,.0f}" if chance > 1e-6 else "by chance less than once in a million")
    chinese.append(f"偶然出现的机会约为 {1 / chance:,.0f} 分之一" if chance > 1e-6 else "偶然出现的机会不到百万分之一")
    return findings.join(english), findings.join(chinese, chinese=True)


def read(shop: Shop, as_of: datetime) -> Use:
    """How customers used coupons before a moment. A coupon counts for the order that it names, for an order that names
    it, and for its customer's next order within a day."""
    lines = rows.lines(shop, as_of, TYPES)
    bought = lines.filter(lines.type == "order_completed", lines.product_id.notnull())
    usual = bought.group_by("product_id").agg(usual=bought.unit_price.cast("float64").median())
    lines = lines.left_join(usual, "product_id").drop("product_id_right")
    found = shop.engine.to_arrow(rows.whole(lines, usual=(lines.usual * lines.quantity.fill_null(1.0)).sum()))
    time, customer = rows.moments(found), coded(found["customer_id"])
    opened = np.full(len(customer.names), np.iinfo(np.int64).max)
    np.minimum.at(opened, customer.codes, time)
    is_order = rows.are(found, "type", "order_completed")
    is_coupon = rows.are(found, "type", "coupon_applied")
    own = rows.said(found, *KEYS)
    before = _coupon_before(customer.codes, time, is_order, is_coupon)
    by_order = _coupon_of_order(found, is_coupon)
    coupon = np.where(by_order >= 0, by_order, before)
    order = np.flatnonzero(is_order)
    of = coupon[order]
    has = of >= 0
    from_event = pa.array(np.maximum(of, 0), mask=~has)
    name = pc.coalesce(own.take(pa.array(order)), own.take(from_event))
    said = rows.said(found, "discount", "discount_amount", "coupon_value")
    off = numbers(pc.coalesce(said.take(from_event), said.take(pa.array(order))))
    usual_paid = found["usual"].combine_chunks().to_numpy(zero_copy_only=False).astype(float)[order]
    off = np.where(np.isfinite(off), np.abs(off), np.maximum(usual_paid - rows.amounts(found)[order], 0))
    has = has | np.asarray(pc.is_valid(own.take(pa.array(order))))
    return Use(
        customer.names, opened, customer.codes[order], time[order], has, off, coded(name).codes,
        _links(found, customer.codes),
    )  # fmt: skip


def _coupon_before(
    customer: Codes, time: Ints, is_order: npt.NDArray[np.bool_], is_coupon: npt.NDArray[np.bool_]
) -> Ints:
    """(n,) of each order the coupon event that stands just before it among its customer's, within a day; else -1."""
    those = np.flatnonzero(is_order | is_coupon)
    those = those[np.argsort(customer[those], kind="stable")]
    found = np.full(len(customer), -1)
    first, then = those[:-1], those[1:]
    near = (customer[first] == customer[then]) & (time[then] - time[first] <= DAY) & is_order[then] & is_coupon[first]
    found[then[near]] = first[near]
    return found


def _coupon_of_order(found: pa.Table, is_coupon: npt.NDArray[np.bool_]) -> Ints:
    """(n,) of each row the coupon event that names its order; else -1."""
    named = np.flatnonzero(is_coupon & np.asarray(pc.is_valid(found["order_id"])))
    if not len(named):
        return np.full(found.num_rows, -1)
    ids = found["order_id"].combine_chunks()
    at = pc.index_in(ids, ids.take(pa.array(named)), skip_nulls=True)
    place = pc.fill_null(at, -1).to_numpy(zero_copy_only=False)
    return np.where(place >= 0, named[np.maximum(place, 0)], -1)


def _links(found: pa.Table, customer: Codes) -> dict[str, tuple[Codes, Coded]]:
    """Which customers were seen with what, each pair once."""
    properties = Properties(found["properties"].combine_chunks())
    columns = {
        "device": found["device_id"].combine_chunks(),
        "ip": found["ip"].combine_chunks(),
        "payment": pc.coalesce(properties.text("card"), found["payment_id"].combine_chunks()),
        "address": plain(properties.text("address")),
        "phone": dialled(properties.text("phone")),
    }
    links = {}
    for entity in ENTITIES:
        values = coded(columns[entity])
        has = np.flatnonzero(values.codes >= 0)
        if len(has):
            pairs = np.unique(np.stack([customer[has], values.codes[has]]), axis=1)
            links[entity] = pairs[0].astype(np.int32), Coded(pairs[1].astype(np.int32), values.names)
    return links
