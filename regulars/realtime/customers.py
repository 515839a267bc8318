"""What is known of one customer as of the last event: a record of fixed size, brought forward by each event.

A record is a sum of what its events say, whatever their order: events that come late are counted as if they had come
in time, and the records of a visitor and of the customer it turned out to be become one.
"""

from __future__ import annotations

import hashlib
import math
from datetime import datetime
from functools import lru_cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from regulars.clock import micros, moment_of
from regulars.realtime.kinds import CONTACT, DAY, GAP, KIND, KINDS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NEWEST = 32
"""So many of the newest events are kept."""
CONTACTS = 16
REGISTERS = 128
"""Of HyperLogLog: its error is 1.04 / sqrt(128), 9 %; of few products it is exact but for collisions."""
FADED = ("product_viewed", "product_added", "order_completed")
NOWHERE = -(1 << 52)
"""Before any position in a stream."""
HALF_LIVES = (1, 30)
"""Days in which what was done counts half."""

CUSTOMER = np.dtype([
    ("position", "<i8"), ("count", "<i8"), ("first", "<i8"), ("last", "<i8"), ("spend", "<f8"),
    ("counts", "<i4", (len(KINDS),)),
    ("faded", "<f8", (len(FADED) + 1, len(HALF_LIVES))),
    ("times", "<i8", (NEWEST,)), ("products", "<i8", (NEWEST,)), ("values", "<f8", (NEWEST,)),
    ("kinds", "<i2", (NEWEST,)), ("contacts", "<i8", (CONTACTS,)), ("seen", "u1", (REGISTERS,)),
])  # fmt: skip
"""One customer.

position : in the stream of events, of the last one that is in here; `NOWHERE` before the first.
count, first, last : how many events, and the times of the earliest and the latest, microseconds since 1970.
spend : money of orders.
counts : of each of `KINDS`.
faded : views, things put into the cart, lines ordered, money; each by both `HALF_LIVES`, as of `last`.
times, products, values, kinds : the newest events by time, the latest last; the first `min(count, NEWEST)` are filled.
    A product is its code (`code`), 0 for none; a value is price times quantity, 0 where unknown.
contacts : times of the newest messages to the customer, the latest last.
seen : registers of HyperLogLog over the products of all events.
"""

_VIEWED, _ADDED, _ORDERED = (KIND[name] for name in FADED)


@lru_cache(1 << 17)
def code(product: str | None) -> int:
    """A number of a product that is the same in every process: 63 bits of a hash; 0 for none.

    >>> code("tea") == code("tea"), code(None)
    (True, 0)
    """
    if product is None:
        return 0
    digest = hashlib.blake2b(product.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 1) or 1


def fresh(count: int) -> Any:
    """(count,) records of customers who have done nothing yet."""
    rows = np.zeros(count, CUSTOMER)
    rows["position"] = NOWHERE
    return rows


@numba.njit(cache=True)
def note(rows: Any, row: Ints, time: Ints, kind: Ints, product: Ints, value: Floats, position: Ints) -> None:
    """Bring records forward by events; one that a record has already, by its position, changes nothing.

    Parameters
    ----------
    rows : records, changed in place.
    row : (n,) whose event it is, a place in `rows`.
    time : (n,) microseconds since 1970; kind : (n,) places in `KINDS`; product : (n,) codes; value : (n,) money.
    position : (n,) in the stream, ascending.
    """
    for k in range(len(row)):
        one = rows[row[k]]
        if position[k] > one.position:
            one.position = position[k]
            _note(one, time[k], kind[k], product[k], value[k])


@numba.njit(cache=True)
def _note(one: Any, time: int, kind: int, product: int, value: float) -> None:
    filled = min(one.count, NEWEST)
    if one.count == 0:
        one.first = time
        one.last = time
    one.first = min(one.first, time)
    _forward(one, time)
    one.count += 1
    one.counts[kind] += 1
    spent = value if kind == _ORDERED else 0.0
    one.spend += spent
    for half in range(2):
        weight = 2.0 ** ((time - one.last) / (HALF_LIVES[half] * DAY))
        if kind == _VIEWED:
            one.faded[0, half] += weight
        elif kind == _ADDED:
            one.faded[1, half] += weight
        elif kind == _ORDERED:
            one.faded[2, half] += weight
        one.faded[3, half] += weight * spent
    _keep(one, filled, time, kind, product, value)
    if kind == CONTACT:
        _contact(one, time)
    if product:
        _see(one.seen, product)


@numba.njit(cache=True)
def _forward(one: Any, time: int) -> None:
    """Let sums fade until a time, if it is later than theirs."""
    if time > one.last:
        for half in range(2):
            factor = 2.0 ** ((one.last - time) / (HALF_LIVES[half] * DAY))
            for what in range(4):
                one.faded[what, half] *= factor
        one.last = time


@numba.njit(cache=True)
def _keep(one: Any, filled: int, time: int, kind: int, product: int, value: float) -> None:
    at = filled
    while at > 0 and one.times[at - 1] > time:
        at -= 1
    if filled == NEWEST:
        if at == 0:
            return
        for j in range(at - 1):
            one.times[j], one.kinds[j] = one.times[j + 1], one.kinds[j + 1]
            one.products[j], one.values[j] = one.products[j + 1], one.values[j + 1]
        at -= 1
    else:
        for j in range(filled, at, -1):
            one.times[j], one.kinds[j] = one.times[j - 1], one.kinds[j - 1]
            one.products[j], one.values[j] = one.products[j - 1], one.values[j - 1]
    one.times[at], one.kinds[at], one.products[at], one.values[at] = time, kind, product, value


@numba.njit(cache=True)
def _contact(one: Any, time: int) -> None:
    if time <= one.contacts[0]:
        return
    at = 0
    while at + 1 < CONTACTS and one.contacts[at + 1] < time:
        one.contacts[at] = one.contacts[at + 1]
        at += 1
    one.contacts[at] = time


@numba.njit(cache=True)
def _see(registers: Any, product: int) -> None:
    place = product % REGISTERS
    rest = product // REGISTERS
    rank = 1
    while rank < 56 and rest % 2 == 0:
        rest //= 2
        rank += 1
    registers[place] = max(registers[place], rank)


@numba.njit(cache=True)
def merge(one: Any, other: Any, position: int) -> None:
    """Let the first record be that of both customers, by an event at a position; (1,) each."""
    into, of = one[0], other[0]
    if position <= into.position:
        return
    into.position = position
    if of.count == 0:
        return
    if into.count == 0:
        into.first, into.last = of.first, of.last
    filled, length = min(into.count, NEWEST), min(of.count, NEWEST)
    _forward(into, of.last)
    into.first = min(into.first, of.first)
    for half in range(2):
        factor = 2.0 ** ((of.last - into.last) / (HALF_LIVES[half] * DAY))
        for what in range(4):
            into.faded[what, half] += of.faded[what, half] * factor
    into.count += of.count
    into.spend += of.spend
    for kind in range(len(into.counts)):
        into.counts[kind] += of.counts[kind]
    for j in range(length):
        _keep(into, filled, of.times[j], of.kinds[j], of.products[j], of.values[j])
        filled = min(filled + 1, NEWEST)
    for j in range(CONTACTS):
        if of.contacts[j]:
            _contact(into, of.contacts[j])
    for j in range(REGISTERS):
        into.seen[j] = max(into.seen[j], of.seen[j])


def distinct(registers: npt.NDArray[np.uint8]) -> float:
    """How many different products, by their registers; an estimate.

    Source
    ------
    Flajolet, Fusy, Gandouet and Meunier (2007), HyperLogLog, figure 3; below 2.5 registers' worth linear counting.
    """
    m = len(registers)
    alpha = 0.7213 / (1 + 1.079 / m)
    raw = alpha * m * m / float(np.exp2(-registers.astype(float)).sum())
    empty = int((registers == 0).sum())
    return m * math.log(m / empty) if raw <= 2.5 * m and empty else raw


def known(row: Any, moment: datetime) -> dict[str, Any]:
    """What a record says of its customer as of a moment, in words that rules can ask for; see `COLUMNS`."""
    now = micros(moment)
    count = int(row["count"])
    times = row["times"][: min(count, NEWEST)]
    contacts = row["contacts"]
    session = session_length(times, now)
    fading = np.exp2((int(row["last"]) - now) / (np.array(HALF_LIVES) * DAY))
    views, added, ordered, spend = np.round(row["faded"] * fading, 6)
    return {
        "events": float(count),
        "views": float(row["counts"][KIND["product_viewed"]]),
        "cart_adds": float(row["counts"][KIND["product_added"]]),
        "order_lines": float(row["counts"][KIND["order_completed"]]),
        "spend": round(float(row["spend"]), 4),
        "first_seen": moment_of(row["first"]) if count else None,
        "last_seen": moment_of(row["last"]) if count else None,
        "session_events": float(session),
        "session_minutes": round((now - int(times[-session])) / (60 * 10**6), 3) if session else 0.0,
        "products_seen": float(round(distinct(row["seen"]))),
        "views_1d": float(views[0]), "views_30d": float(views[1]),
        "cart_adds_1d": float(added[0]), "cart_adds_30d": float(added[1]),
        "order_lines_30d": float(ordered[1]), "spend_30d": float(spend[1]),
        "contacts_1d": float(((contacts > now - DAY) & (contacts < now)).sum()),
        "contacts_7d": float(((contacts > now - 7 * DAY) & (contacts < now)).sum()),
    }  # fmt: skip


def session_length(times: Ints, now: int) -> int:
    """How many of the newest events, the latest last, are of the session under way.

    >>> session_length(np.array([0, 100, 101]) * 60_000_000, 110 * 60_000_000)
    2
    """
    if not len(times) or now - int(times[-1]) > GAP:
        return 0
    breaks = np.flatnonzero(np.diff(times) > GAP)
    return len(times) - (int(breaks[-1]) + 1 if len(breaks) else 0)
