"""What sessions teach, one event at a time: which visits had a product, what follows what, what is wanted now.

All of it is arrays that compiled functions change in place, so that learning a log of millions is the same code as
learning the last event. Products and customers are numbers here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from regulars.realtime import pool
from regulars.realtime.kinds import DAY, GAP, HOUR, MINUTE
from regulars.realtime.pool import longer

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RECENT = 512
"""Of each product so many of the newest visits are kept: neighbours are looked for among them."""
LONGEST = 64
"""So many different products of a visit are kept, the last ones."""
MOST_VISITS = 1 << 22
"""Of more visits than this the oldest are forgotten."""
FOLLOWERS = 64
"""Of each product so many of those that follow it are counted."""
WINDOW = 8
"""What followed a product so many places later still counts as following it."""
FADING, BACKWARD = 0.5, 0.1
"""What a place further away counts, and what coming before counts of coming after."""
TOP = 256
"""So many of the most wanted products are kept in order."""
HOT, STEADY, LASTING = HOUR, 7 * DAY, 180 * DAY
"""Half-lives of what is wanted now, of what is wanted of late, and of what follows what."""
HOURLY = 120.0
"""What one customer can teach fades to nothing towards so many products within an hour."""
FLOOR, SHARE = 20.0, 0.2
"""What a product's trend may rise within a minute: by so much, and by such a share of what it is."""
FAR = 100.0
"""After so many half-lives the moment is moved that weights are counted from, lest they become too large."""
VISITS, SINCE_HOT, SINCE_STEADY, SINCE_LASTING = 0, 1, 2, 3
"""Places in `clock`."""


class Tables(NamedTuple):
    """What was learned. P products, C customers, V visits (of visit n in slot n modulo V).

    Weights that fade are kept by forward decay: an event at t counts 2 ** ((t - since) / half-life), and what it
    counts today is that, divided by the same of today. So nothing has to be touched as time passes, and the order of
    two products changes only when one of them is wanted again.

    Source
    ------
    Cormode, Shkapenyuk, Srivastava and Xu (2009), Forward Decay: A Practical Time Decay Model for Streaming Systems,
    section 3; Metwally, Agrawal and El Abbadi (2005), Efficient Computation of Frequent and Top-k Elements in Data
    Streams, for what follows a product; but who is new there does not take over the count of who makes room, for most
    pairs are met once.

    Attributes
    ----------
    session, last : (C,) the visit under way, -1 for none; the time of the last event.
    used : (C,) float, how much each taught of late, as of `last`.
    visit, owner : (V,) which visit stands in the slot, -1 for none; whose it is.
    items, item_size, item_count : (V,) where its products stand in the pool, each once, the last clicked last.
    had : (P,) in how many visits.
    postings, posting_size, posting_count : (P,) where its newest visits stand in the pool, in a ring.
    hot, steady : (P,) float, how much it is wanted, by both half-lives.
    minute, risen : (P,) the last minute in which it was wanted, and by how much it rose in that.
    follower, following, next : (P, FOLLOWERS) what follows it, 0 for nothing; how often, near or far; and how often as
        the very next one, of those that are counted for it.
    top_hot, top_steady : (TOP,) the most wanted, the first first; 0 for none.
    pool, free : see `pool`.
    clock : (4,) how many visits there were, and from when weights are counted.
    """

    session: Ints
    last: Ints
    used: Floats
    visit: Ints
    owner: Ints
    items: Ints
    item_size: Ints
    item_count: Ints
    had: Ints
    postings: Ints
    posting_size: Ints
    posting_count: Ints
    hot: Floats
    steady: Floats
    minute: Ints
    risen: Floats
    follower: npt.NDArray[np.int32]
    following: npt.NDArray[np.float32]
    next: npt.NDArray[np.float32]
    top_hot: Ints
    top_steady: Ints
    pool: Ints
    free: Ints
    clock: Ints


OF_CUSTOMERS = ("session", "last", "used")
OF_VISITS = ("visit", "owner", "items", "item_size", "item_count")
OF_PRODUCTS = (
    "had", "postings", "posting_size", "posting_count", "hot", "steady", "minute", "risen", "follower", "following",
    "next",
)  # fmt: skip
FRESH = {"session": -1, "visit": -1, "minute": -1}
"""What stands where nothing has happened; else 0."""


def empty(since: int) -> Tables:
    """Nothing learned yet; `since` is the time of the first event or one before it."""
    numbers, free = pool.empty()
    nothing: dict[str, Any] = {name: np.zeros(0, np.int64) for name in Tables._fields}
    nothing |= {name: np.zeros(0) for name in ("used", "hot", "steady", "risen")}
    nothing |= {"follower": np.zeros((0, FOLLOWERS), np.int32)}
    nothing |= {name: np.zeros((0, FOLLOWERS), np.float32) for name in ("following", "next")}
    nothing |= {name: np.zeros(TOP, np.int64) for name in ("top_hot", "top_steady")}
    clock = np.array([0, since, since, since], np.int64)
    return Tables(**{**nothing, "pool": numbers, "free": free, "clock": clock})


def with_room(tables: Tables, customers: int, products: int, events: int) -> Tables:
    """The tables, longer where so many customers, products (0 among them) and coming events would not fit."""
    changed: dict[str, Any] = {}
    visits = min(int(tables.clock[VISITS]) + events, MOST_VISITS)
    for names, count in ((OF_CUSTOMERS, customers), (OF_VISITS, visits), (OF_PRODUCTS, products)):
        if count > len(getattr(tables, names[0])):
            most = MOST_VISITS if names is OF_VISITS else count * 2
            size = min(max(1 << 10, 1 << (count - 1).bit_length()), most)
            changed |= {name: _longer(getattr(tables, name), size, FRESH.get(name, 0)) for name in names}
    numbers = pool.with_room(tables.pool, tables.free, events * (RECENT + LONGEST))
    return tables._replace(**changed, pool=numbers)


def _longer(array: npt.NDArray[Any], size: int, fresh: int) -> npt.NDArray[Any]:
    grown = np.full((size, *array.shape[1:]), fresh, array.dtype)
    grown[: len(array)] = array
    return grown


@numba.njit(cache=True)
def learn(tables: Tables, customer: Ints, product: Ints, time: Ints, weight: Floats) -> None:
    """Learn events in the order in which they came.

    Parameters
    ----------
    customer : (n,) numbers; product : (n,) from 1; time : (n,) microseconds since 1970; weight : (n,) see `TASTE`.
    """
    for k in range(len(customer)):
        _learn(tables, customer[k], product[k], time[k], weight[k])


@numba.njit(cache=True)
def _learn(tables: Tables, customer: int, product: int, time: int, weight: float) -> None:
    last = tables.last[customer]
    now = max(time, last)  # what comes late counts as now: the visit has gone on meanwhile
    _advance(tables, now)
    faded = tables.used[customer] * 2.0 ** ((last - now) / HOUR) if tables.session[customer] >= 0 else 0.0
    trust = max(0.0, 1.0 - faded / HOURLY)
    tables.used[customer] = faded + 1.0
    slot = _slot(tables, customer, now, last)
    tables.last[customer] = now
    start, count = tables.items[slot], tables.item_count[slot]
    at = -1
    for j in range(count):
        if tables.pool[start + j] == product:
            at = j
    if at < 0:  # once a visit, else one customer who goes to and fro would teach what many could not undo
        _follow(tables, start, count, product, now, trust)
        tables.had[product] += 1
        _post(tables, product, tables.visit[slot])
        _want(tables, product, now, weight * trust)
    _click(tables, slot, product, at)


@numba.njit(cache=True)
def _advance(tables: Tables, now: int) -> None:
    if (now - tables.clock[SINCE_HOT]) / HOT > FAR:
        tables.hot[:] *= 2.0 ** ((tables.clock[SINCE_HOT] - now) / HOT)
        tables.clock[SINCE_HOT] = now
    if (now - tables.clock[SINCE_STEADY]) / STEADY > FAR:
        tables.steady[:] *= 2.0 ** ((tables.clock[SINCE_STEADY] - now) / STEADY)
        tables.clock[SINCE_STEADY] = now
    if (now - tables.clock[SINCE_LASTING]) / LASTING > FAR:
        faded = np.float32(2.0 ** ((tables.clock[SINCE_LASTING] - now) / LASTING))
        tables.following[:] *= faded
        tables.next[:] *= faded
        tables.clock[SINCE_LASTING] = now


@numba.njit(cache=True)
def _slot(tables: Tables, customer: int, now: int, last: int) -> int:
    """Where the visit of an event stands, which may begin with it."""
    visit, count = tables.session[customer], len(tables.visit)
    slot = visit % count
    if visit >= 0 and now - last <= GAP and tables.visit[slot] == visit:
        return int(slot)
    visit = tables.clock[VISITS]
    tables.clock[VISITS] = visit + 1
    tables.session[customer] = visit
    slot = visit % count
    tables.visit[slot], tables.owner[slot], tables.item_count[slot] = visit, customer, 0
    return int(slot)


@numba.njit(cache=True)
def _click(tables: Tables, slot: int, product: int, at: int) -> None:
    """Let a product stand last in its visit; `at` is where it stands already, -1 if nowhere."""
    if at < 0 and tables.item_count[slot] == tables.item_size[slot] < LONGEST:
        longer(tables.pool, tables.free, tables.items, tables.item_size, slot, LONGEST)
    start, count = tables.items[slot], tables.item_count[slot]
    if at < 0 and count < tables.item_size[slot]:
        tables.item_count[slot] = count + 1
    else:
        for j in range(max(at, 0), count - 1):  # of a full visit the first is forgotten
            tables.pool[start + j] = tables.pool[start + j + 1]
    tables.pool[start + tables.item_count[slot] - 1] = product


@numba.njit(cache=True)
def _post(tables: Tables, product: int, visit: int) -> None:
    if tables.posting_count[product] == tables.posting_size[product] < RECENT:
        longer(tables.pool, tables.free, tables.postings, tables.posting_size, product, RECENT)
    place = tables.posting_count[product] % tables.posting_size[product]
    tables.pool[tables.postings[product] + place] = visit
    tables.posting_count[product] += 1


@numba.njit(cache=True)
def _follow(tables: Tables, start: int, count: int, product: int, now: int, trust: float) -> None:
    one = trust * 2.0 ** ((now - tables.clock[SINCE_LASTING]) / LASTING)
    for distance in range(min(count, WINDOW)):
        other = tables.pool[start + count - 1 - distance]
        worth = one * FADING**distance
        _count(tables, other, product, worth, one if distance == 0 else 0.0)
        _count(tables, product, other, worth * BACKWARD, 0.0)


@numba.njit(cache=True)
def _count(tables: Tables, before: int, product: int, worth: float, directly: float) -> None:
    """What is counted least makes room."""
    names, weights, nexts = tables.follower[before], tables.following[before], tables.next[before]
    least = 0
    for j in range(len(names)):
        if names[j] == product:
            weights[j] += worth
            nexts[j] += directly
            return
        if weights[j] < weights[least]:
            least = j
    names[least], weights[least], nexts[least] = product, worth, directly


@numba.njit(cache=True)
def _want(tables: Tables, product: int, now: int, weight: float) -> None:
    minute = now // MINUTE
    if tables.minute[product] != minute:
        tables.minute[product], tables.risen[product] = minute, 0.0
    scale = 2.0 ** ((now - tables.clock[SINCE_STEADY]) / STEADY)
    room = FLOOR + SHARE * tables.steady[product] / scale - tables.risen[product]
    weight = min(weight, max(room, 0.0))
    tables.risen[product] += weight
    tables.steady[product] += weight * scale
    tables.hot[product] += weight * 2.0 ** ((now - tables.clock[SINCE_HOT]) / HOT)
    _raise(tables.top_hot, tables.hot, product)
    _raise(tables.top_steady, tables.steady, product)


@numba.njit(cache=True)
def _raise(top: Ints, weights: Floats, product: int) -> None:
    """Let a product that is wanted more than before stand where it belongs. Nobody else rises, so this is exact."""
    if top[-1] and weights[product] <= weights[top[-1]]:
        return
    at = len(top) - 1
    for j in range(len(top)):
        if top[j] in (product, 0):
            at = j
            break
    top[at] = product
    while at > 0 and weights[top[at - 1]] < weights[product]:
        top[at] = top[at - 1]
        at -= 1
        top[at] = product
