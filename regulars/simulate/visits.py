"""A day of visits: who comes when, what is searched, seen, put into the cart and paid; the inner loop.

For each customer the numbers are drawn from a stream of its own, so that blocks of customers can be
computed in any order and on any number of cores, and give the same bytes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from regulars.simulate.choice import (
    MOST,
    OFFERED,
    Numbers,
    People,
    Rules,
    Shelf,
    Stream,
    choose,
    consider,
    units,
    wanted,
    weigh,
)
from regulars.simulate.randomness import begin, gamma, poisson, uniform
from regulars.simulate.raw import CHANNEL, CODES, OUTCOME, RAW, Rows

BLOCK = 16_384
"""Customers computed at once."""

LONGEST = 128
"""The most needs of one visit."""

SEARCHED, LISTED, VIEWED = CODES["products_searched"], CODES["product_list_viewed"], CODES["product_viewed"]
ADDED, CHECKOUT, PAID = CODES["product_added"], CODES["checkout_started"], CODES["payment_attempted"]
COUPON, BOUGHT = CODES["coupon_applied"], CODES["order_completed"]
IDENTIFIED, SIGN_IN = CODES["customer_identified"], CODES["sign_in"]
WEB, APP = CHANNEL["web"], CHANNEL["app"]
APPROVED, DECLINED, DONE = OUTCOME["approved"], OUTCOME["declined"], OUTCOME["done"]
RECOMMENDED, BY_COUPON, BY_DISCOUNT = OUTCOME["recommended"], OUTCOME["coupon"], OUTCOME["discount"]
DAY_SECONDS = 86_400.0
MOST_VISITS = 20

Counts = npt.NDArray[np.int64]
Visit = tuple[int, int, int, int, int]
"""Session, customer, device, address, channel."""
Desk = tuple[Numbers, Numbers, Numbers, npt.NDArray[np.float64]]
"""Room for the products looked at: which, from where, at which position, and their weights."""
Cart = tuple[Numbers, npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Room for what is bought: products, prices, units."""


@njit(cache=True, nogil=True)
def _put(
    out: Rows, count: Counts, visit: Visit, clock: float, kind: int, signed: int, product: int, price: float
) -> Any:
    """Write the next row, or over the last if there is no room, and hand it out for what else is known.

    count : (2,) rows so far, and the number of the next event.
    """
    row = out[min(count[0], len(out) - 1)]
    count[0] += 1
    session, customer, device, ip, channel = visit
    row.event = np.uint64(count[1])
    count[1] += 1
    row.session = np.uint64(session)
    row.order = np.uint64(0)
    # Microseconds of the local day; the world makes moments of them.
    row.time = np.int64(min(clock, DAY_SECONDS - 0.001) * 1_000_000.0)
    row.price = np.int64(round(price * 100.0)) * 100 if price >= 0.0 else -1
    row.customer = customer
    row.product = product
    row.device = device
    row.ip = ip
    row.payment = -1
    row.query = -1
    row.text = -1
    row.campaign = -1
    row.traits = -1
    row.quantity = np.float32(0.0)
    row.propensity = np.float32(0.0)
    row.line = 0
    row.type = np.uint8(kind)
    row.signed = np.uint8(signed)
    row.outcome = np.uint8(0)
    row.channel = np.uint8(channel)
    return row


@njit(cache=True, nogil=True)
def _show_offers(
    out: Rows,
    count: Counts,
    visit: Visit,
    clock: float,
    signed: int,
    share: float,
    people: People,
    shelf: Shelf,
    looked: int,
    desk: Desk,
) -> None:
    """Write which recommendations stand before a list, as one event: a line each, numbered by its place."""
    seen, source, position, _ = desk
    offer = people.offered[visit[1]]
    if offer < 0:
        return
    first = count[1]
    for k in range(looked):
        if source[k] == OFFERED:
            count[1] = first
            row = _put(out, count, visit, clock, LISTED, signed, seen[k], shelf.price[seen[k]] * (1.0 - share))
            row.line = position[k]
            row.outcome = RECOMMENDED
            row.campaign = people.campaigns[offer]
            row.propensity = people.chances[offer]


@njit(cache=True, nogil=True)
def _look_around(
    out: Rows,
    count: Counts,
    stream: Stream,
    visit: Visit,
    clock: float,
    signed: int,
    share: float,
    people: People,
    shelf: Shelf,
    rules: Rules,
    desk: Desk,
    cart: Cart,
) -> tuple[float, int]:
    """Meet the needs of a visit; what is chosen lies in the cart. The clock afterwards, and how many lines."""
    seen, source, position, weight = desk
    products, prices, amounts = cart
    i = visit[1]
    filled, last = 0, -1
    mean = (rules.needs - 1.0) * gamma(stream, rules.needs_shape) / rules.needs_shape
    for need in range(min(1 + poisson(stream, min(mean, 100.0)), LONGEST)):
        category = wanted(stream, people, i)
        clock += 3.0 - 7.0 * math.log(1.0 - uniform(stream))
        by_words = uniform(stream) < rules.search
        row = _put(out, count, visit, clock, SEARCHED if by_words else LISTED, signed, -1, -1.0)
        if by_words:  # one in five in the other language
            row.query = 2 * category + (1 if uniform(stream) < 0.2 else 0)
        looked = consider(stream, people, shelf, rules, i, category, last, need, seen, source, position)
        _show_offers(out, count, visit, clock, signed, share, people, shelf, looked, desk)
        total = weigh(people, shelf, rules, i, category, share, looked, seen, source, position, weight)
        taken = choose(stream, looked, weight, total)
        for k in range(looked):
            if k == taken or (weight[k] > 0.0 and uniform(stream) < rules.viewed):
                clock += 2.0 - 6.0 * math.log(1.0 - uniform(stream))
                price = shelf.price[seen[k]] * (1.0 - share)
                row = _put(out, count, visit, clock, VIEWED, signed, seen[k], price)
                if source[k] == OFFERED:
                    row.outcome = RECOMMENDED
                    row.campaign = people.campaigns[people.offered[i]]
        if taken < 0:
            continue
        j = seen[taken]
        is_new = True
        for k in range(filled):
            is_new = is_new and products[k] != j
        if is_new:
            price = shelf.price[j] * (1.0 - share)
            products[filled], prices[filled], amounts[filled] = j, price, units(stream, people, rules, i, price)
            clock += 2.0
            row = _put(out, count, visit, clock, ADDED, signed, j, price)
            row.quantity = np.float32(amounts[filled])
            filled += 1
            last = j
    return clock, filled


@njit(cache=True, nogil=True)
def _check_out(
    out: Rows,
    count: Counts,
    stream: Stream,
    visit: Visit,
    clock: float,
    signed: int,
    offer: int,
    payment: int,
    declined: float,
    filled: int,
    cart: Cart,
) -> None:
    """Pay for the cart; `offer` is by what the price was lower, as an outcome's number, or 0."""
    products, prices, amounts = cart
    clock += 20.0
    if signed == 0:
        row = _put(out, count, visit, clock, SIGN_IN, 1, -1, -1.0)
        row.outcome = DONE
        _put(out, count, visit, clock, IDENTIFIED, 1, -1, -1.0)
    _put(out, count, visit, clock, CHECKOUT, 1, -1, -1.0)
    if offer:
        row = _put(out, count, visit, clock + 5.0, COUPON, 1, -1, -1.0)
        row.outcome = np.uint8(offer)
    paid = 0.0
    for k in range(filled):
        paid += round(prices[k] * 100.0) / 100.0 * amounts[k]
    is_paid = False
    while not is_paid:
        clock += 30.0
        row = _put(out, count, visit, clock, PAID, 1, -1, paid)
        row.payment = payment
        row.order = np.uint64(visit[0])
        is_paid = uniform(stream) >= declined
        row.outcome = APPROVED if is_paid else DECLINED
    for k in range(filled):
        row = _put(out, count, visit, clock + 1.0, BOUGHT, 1, products[k], prices[k])
        count[1] -= 1  # the lines of an order are one event
        row.quantity = np.float32(amounts[k])
        row.line = k
        row.order = np.uint64(visit[0])
        row.payment = payment
    count[1] += 1


@njit(cache=True, nogil=True)
def visit_day(
    out: Rows, low: int, high: int, people: People, shelf: Shelf, rules: Rules, hours: npt.NDArray[np.float64]
) -> int:
    """The visits of customers low to high on a day.

    Parameters
    ----------
    out : room for rows; what does not fit is not written.
    hours : (24,) cumulative shares of visits by hour.

    Returns
    -------
    How many rows there are. More than there is room for: call again with more room.
    """
    stream = np.empty(1, np.uint64)
    desk = (np.empty(MOST, np.int32), np.empty(MOST, np.int32), np.empty(MOST, np.int32), np.empty(MOST, np.float64))
    cart = (np.empty(LONGEST, np.int32), np.empty(LONGEST), np.empty(LONGEST))
    count = np.zeros(2, np.int64)
    for i in range(low, high):
        if people.rate[i] <= 0.0:
            continue
        begin(stream, rules.seed, rules.day, i)
        first = (rules.day << 48) | (i << 20)
        count[1] = first
        for v in range(min(poisson(stream, people.rate[i]), MOST_VISITS)):
            hour = 0
            u = uniform(stream)
            while hour < 23 and hours[hour] <= u:
                hour += 1
            clock = min((hour + uniform(stream)) * 3600.0, DAY_SECONDS - 60.0)
            is_app = uniform(stream) < people.uses_app[i]
            # Apps run on a device of the customer's own, numbered after all shared ones.
            device = len(people.rate) + i if is_app else people.device[i]
            visit = (first + v + 1, i, device, people.ip[i], APP if is_app else WEB)
            signed = 0 if uniform(stream) < rules.signed_out else 1
            coupon = people.coupon[i] if uniform(stream) < rules.redeemed else 0.0
            share = max(coupon, people.discount[i])
            clock, filled = _look_around(
                out, count, stream, visit, clock, signed, share, people, shelf, rules, desk, cart
            )
            if filled > 0 and uniform(stream) >= rules.abandon:
                offer = 0 if share == 0.0 else BY_COUPON if coupon >= people.discount[i] else BY_DISCOUNT
                payment, declined = people.payment[i], rules.declined
                _check_out(out, count, stream, visit, clock, signed, offer, payment, declined, filled, cart)
    return int(count[0])


def day_of(low: int, high: int, people: People, shelf: Shelf, rules: Rules, hours: npt.NDArray[np.float64]) -> Rows:
    """The rows of a block of customers on a day, times in microseconds of the local day."""
    # Each offer may add three rows to each need.
    offers = 3.0 if (people.offered[low:high] >= 0).any() else 0.0
    expected = float(people.rate[low:high].sum()) * (2 + rules.needs * (2.5 + rules.viewed * rules.examined + offers))
    room = int(expected * 1.3) + 1000
    while True:
        out = np.empty(room, RAW)
        count = visit_day(out, low, high, people, shelf, rules, hours)
        if count <= room:
            return out[:count]
        room = count
