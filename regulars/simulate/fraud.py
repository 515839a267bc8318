"""Rings: accounts that share devices, addresses and cards, and what they do; disputes come weeks later, or never."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.simulate.aftermath import Later
from regulars.simulate.customers import Customers
from regulars.simulate.params import FraudParams
from regulars.simulate.randomness import generator
from regulars.simulate.raw import CHANNEL, CODES, NONE, OUTCOME, Rows, blank

PURPOSE = 7
SCENARIOS = ("stolen cards", "card testing", "account takeover", "promotion farm", "return abuse")
STOLEN, TESTING, TAKEOVER, PROMOTION, RETURNS = range(len(SCENARIOS))
FIRST_STOLEN = 1 << 30
"""Stolen cards are numbered from here."""
FARMED_SHARE = 0.3
"""What a promotion takes off for a new account."""

Numbers = npt.NDArray[np.int64]


class Acts(NamedTuple):
    """What rings did on a day, (f,) each: by whom, on whose account, in which order (0: none), disputed when."""

    ring: Numbers
    scenario: Numbers
    customer: Numbers
    order: npt.NDArray[np.uint64]
    disputed_day: Numbers


def scenario_of(ring: Numbers) -> Numbers:
    """What a ring does: number in SCENARIOS."""
    return ring % len(SCENARIOS)


def act(
    day: int,
    seed: int,
    said: FraudParams,
    customers: Customers,
    is_active: npt.NDArray[np.bool_],
    price: npt.NDArray[np.float64],
    on_sale: npt.NDArray[np.bool_],
) -> tuple[Rows, list[Later], Acts]:
    """What the rings do on a day: the events of now, those to come, and the truth about them."""
    rng = generator(seed, PURPOSE, day)
    rings = int(customers.ring.max()) + 1
    ring = np.repeat(np.arange(rings), rng.poisson(said.acts_per_month / 30, rings))
    first = np.searchsorted(customers.ring[customers.honest :], np.arange(rings + 1)) + customers.honest
    member = first[ring] + (rng.random(len(ring)) * (first[ring + 1] - first[ring])).astype(np.int64)
    is_there = customers.arrives[member] <= day
    ring, member = ring[is_there], member[is_there]
    kind = scenario_of(ring)
    # A ring takes over honest accounts, from its own devices.
    victim = rng.integers(0, max(customers.honest, 1), len(ring))
    taken = (kind == TAKEOVER) & is_active[victim]
    kept = (kind != TAKEOVER) | taken
    ring, member, kind, taken, victim = ring[kept], member[kept], kind[kept], taken[kept], victim[kept]
    customer = np.where(taken, victim, member)
    count = len(ring)
    device, ip = customers.device[member], customers.ip[member]
    stolen = FIRST_STOLEN + day * 4096 + rng.integers(0, 4096, count)
    payment = np.where(kind == STOLEN, stolen, np.where(taken, customers.payment[victim], customers.payment[member]))
    at = (rng.random(count) * 20 * 3600e6 + 2 * 3600e6).astype(np.int64)
    order = (np.uint64(day) << np.uint64(48)) | (customer.astype(np.uint64) << np.uint64(20)) | np.uint64(1 << 19)
    order = order + np.arange(count, dtype=np.uint64)
    product, amount = _loot(rng, count, kind, price, on_sale)
    paid = price[product] * np.where(kind == PROMOTION, 1 - FARMED_SHARE, 1.0)

    def rows(which: npt.NDArray[np.bool_], type_: str, seconds: float, outcome: str = "") -> Rows:
        found = blank(int(which.sum()))
        found["customer"], found["device"], found["ip"] = customer[which], device[which], ip[which]
        found["session"], found["channel"] = order[which], CHANNEL["web"]
        found["type"], found["outcome"] = CODES[type_], OUTCOME[outcome]
        found["time"] = at[which] + int(seconds * 1e6)
        return found

    buys = (kind != TESTING) & (product >= 0)
    parts = [rows(taken, "sign_in", 10 * k, "failed") for k in range(3)]
    parts += [rows(np.ones(count, bool), "sign_in", 40, "done"), rows(buys, "checkout_started", 100)]
    parts.append(rows(buys & (kind == PROMOTION), "coupon_applied", 110, "coupon"))
    pay, buy = rows(buys, "payment_attempted", 130, "approved"), rows(buys, "order_completed", 131)
    for found in (pay, buy):
        found["payment"], found["order"] = payment[buys], order[buys]
        found["price"] = np.rint(paid[buys] * 100).astype(np.int64) * 100
    pay["price"] *= amount[buys].astype(np.int64)
    buy["product"], buy["quantity"] = product[buys], amount[buys]
    is_disputed = buys & ((kind == STOLEN) | (kind == TAKEOVER)) & (rng.random(count) < said.disputed_share)
    disputed_day = np.where(is_disputed, day + 7 + rng.poisson(max(said.dispute_days - 7, 0.0), count), NONE)
    dispute = pay[is_disputed[buys]].copy()
    dispute["type"], dispute["outcome"], dispute["session"] = CODES["payment_disputed"], 0, 0
    dispute["device"], dispute["ip"], dispute["channel"] = NONE, NONE, 0
    returned = buy[(kind == RETURNS)[buys]].copy()
    returned["type"], returned["session"] = CODES["order_refunded"], 0
    later = [
        Later(disputed_day[is_disputed], dispute),
        Later(np.full(len(returned), day) + rng.integers(8, 25, len(returned)), returned),
    ]
    parts += [pay, buy, _testing(rng, rows(kind == TESTING, "payment_attempted", 60), day)]
    return np.concatenate(parts), later, Acts(ring, kind, customer, np.where(buys, order, 0), disputed_day)


def _loot(
    rng: np.random.Generator,
    count: int,
    kind: Numbers,
    price: npt.NDArray[np.float64],
    on_sale: npt.NDArray[np.bool_],
) -> tuple[Numbers, Numbers]:
    """What is bought: dear products where the card is another's, any where only a promotion is had."""
    there = np.flatnonzero(on_sale)
    if not len(there):
        return np.full(count, NONE), np.ones(count, np.int64)
    dear = there[np.argsort(price[there], kind="stable")][-max(1, len(there) // 10) :]
    chosen = np.where(
        (kind == STOLEN) | (kind == TAKEOVER),
        dear[rng.integers(0, len(dear), count)],
        there[rng.integers(0, len(there), count)],
    )
    return chosen, 1 + rng.integers(0, 3, count)


def _testing(rng: np.random.Generator, starts: Rows, day: int) -> Rows:
    """Bursts of small payments, each by another card, most of them declined."""
    tries = rng.integers(5, 21, len(starts))
    found = np.repeat(starts, tries)
    within = np.arange(len(found)) - np.repeat(np.cumsum(tries) - tries, tries)
    found["time"] += within * 15_000_000
    found["payment"] = FIRST_STOLEN + day * 4096 + rng.integers(0, 4096, len(found))
    found["price"] = rng.integers(50, 200, len(found)) * 100
    found["outcome"] = np.where(rng.random(len(found)) < 0.85, OUTCOME["declined"], OUTCOME["approved"])
    return found
