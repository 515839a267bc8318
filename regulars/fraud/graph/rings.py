"""Rings: groups of at least three customers that share what few share, how firm each is, and how likely an abuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from regulars.fraud.graph.components import Groups, groups
from regulars.fraud.graph.evidence import SIGNS, Evidence, Floats, evidence
from regulars.fraud.graph.links import DAY, NEVER, Links, customers_of, links
from regulars.fraud.stream import KIND, Ints, Stream
from regulars.logistic import probability

SMALLEST = 3
"""Customers of a ring: two are a couple."""
BIAS = -7.5
WEIGHTS = {
    "size": 1.5,
    "shared_card": 1.5,
    "coupon": 1.0,
    "refunded": 0.75,
    "declined": 0.5,
    "cards": 1.5,
    "failed": 2.0,
    "fraud": 1.0,
}
"""Log-odds for each sign. Fitted (logistic, no sign negative) on simulated shops, with labels and without, then rounded
by hand. Honest customers of simulated shops never share a card and hardly have a second one, real ones do: those two
weights were more than halved. Declines, which there come with a new card each, were given a weight of their own."""
HOUR = 3_600_000_000


class Shared(NamedTuple):
    """An entity that customers of a ring share, and how many of them."""

    kind: str
    value: str
    customers: int


@dataclass(frozen=True)
class Rings:
    """The rings of a shop as of a moment, numbered from 1: the likeliest abuse first, of these the largest.

    Attributes
    ----------
    table : one row a ring: `ring`, `customers`, `score` (0 to 1), the shared `devices`, `cards`, `addresses`, `phones`
        and `ips`, `density` (of all pairs of a customer and a shared entity that is no IP, how many are linked),
        `opened_days` (within how many the half of its accounts that lies nearest together, but at least three, was
        opened; null if unknown), `orders`, `amount` (of attempts that were not declined, in the shop's currency),
        `first_with_coupon` (share of first orders), `refunds`, `frauds` (known), `taken` (accounts of others that it
        came into, the first sign-in failing).
    group : (rings,) the group of each.
    names : of customers and entities, by code.
    """

    table: pa.Table
    group: Ints
    links: Links
    groups: Groups
    evidence: Evidence
    names: Mapping[str, pa.Array]

    def __len__(self) -> int:
        return len(self.group)

    def members(self, ring: int) -> Ints:
        """The codes of its customers, the first seen first."""
        order, starts = self._order
        group = self.group[ring - 1]
        return order[starts[group] : starts[group + 1]]

    def taken(self, ring: int) -> Ints:
        """The codes of customers whose accounts it came into."""
        customer, behind = self._taken
        return np.unique(customer[behind == self.group[ring - 1]])

    def shared(self, ring: int) -> list[Shared]:
        """What at least two of its customers share, kind by kind, what most share first."""
        rows = self.links.rows[self.members(ring)]
        entity, customers = np.unique(rows.indices, return_counts=True)
        entity, customers = entity[customers > 1], customers[customers > 1]
        kind = self.links.kind_of(entity)
        order = np.lexsort((entity, -customers, kind))
        places = zip(kind[order].tolist(), entity[order].tolist(), customers[order].tolist(), strict=True)
        return [
            Shared(self.links.kinds[k], str(self.names[self.links.kinds[k]][e - int(self.links.starts[k])]), n)
            for k, e, n in places
        ]

    @cached_property
    def _order(self) -> tuple[Ints, Ints]:
        of = self.groups.of_customer
        order = np.lexsort((self.links.seen, of))
        return order, np.searchsorted(of[order], np.arange(len(self.groups.customers) + 1))

    @cached_property
    def _taken(self) -> tuple[Ints, Ints]:
        """The customer of each account that was taken over, and the group that came."""
        came = self.links.is_taken
        return self.links.customer[came], self.groups.of_entity[self.links.entity[came]]


def ring_scores(stream: Stream) -> Floats:
    """(customers,) how likely each is of a ring that abuses the shop; 0 for whoever shares nothing.

    It takes no label; known frauds are one sign of several.

    Parameters
    ----------
    stream : what was known; for scores as of T, `stream.before(T)`.

    Examples
    --------
    Six accounts of one device, each order paid by another card; six neighbours, each with a device and a card:

    >>> customer = np.repeat(np.arange(12, dtype=np.int32), 4)
    >>> codes = {"customer": customer, "device": np.where(customer < 6, 0, customer).astype(np.int32)}
    >>> codes["payment"] = np.where(customer < 6, np.arange(48), customer + 100).astype(np.int32)
    >>> twelve = Stream(np.arange(48), np.zeros(48, np.int8), np.ones(48), np.arange(48), codes, {})
    >>> np.flatnonzero(ring_scores(twelve) > 0.5).tolist()
    [0, 1, 2, 3, 4, 5]
    """
    found = links(stream)
    joined = groups(found)
    return scores(joined, evidence(stream, found, joined))[joined.of_customer]


def scores(joined: Groups, known: Evidence) -> Floats:
    """(groups,) how likely each is a ring that abuses the shop; 0 for a customer alone."""
    log_odds = known.values @ np.array([WEIGHTS[sign] for sign in SIGNS]) + BIAS
    return np.where(joined.customers > 1, probability(log_odds), 0.0)


def rings(stream: Stream) -> Rings:
    """Find and measure all rings.

    Parameters
    ----------
    stream : what was known; for rings as of T, `stream.before(T)`.
    """
    found = links(stream)
    joined = groups(found)
    known = evidence(stream, found, joined)
    score = scores(joined, known)
    group = np.flatnonzero(joined.customers >= SMALLEST)
    oldest = np.full(len(joined.customers), NEVER)
    np.minimum.at(oldest, joined.of_customer, found.seen)
    # The time of the oldest account breaks ties, then the number of the group, which follows the order of the log.
    group = group[np.lexsort((group, oldest[group], -joined.customers[group], -score[group]))]
    opened_days = _opened_days(found, joined)[group]
    columns = {
        "ring": np.arange(1, len(group) + 1),
        "customers": joined.customers[group],
        "score": score[group].round(4),
        **_shared(found, joined, group),
        "opened_days": pa.array(opened_days, mask=np.isinf(opened_days)),
        **_deeds(stream, found, joined, known, group),
    }
    return Rings(pa.table(columns), group, found, joined, known, stream.names)


NAMES = {"device": "devices", "payment": "cards", "address": "addresses", "phone": "phones", "ip": "ips"}


def _shared(found: Links, joined: Groups, group: Ints) -> dict[str, Ints | Floats]:
    """How many entities of each kind at least two customers of a ring share, and how densely."""
    number = len(joined.customers)
    of = joined.of_customer[found.customer]
    inside = ~found.is_taken & (joined.customers[of] >= SMALLEST)
    pair, count = np.unique(of[inside] * found.rows.shape[1] + found.entity[inside], return_counts=True)
    behind, entity = np.divmod(pair[count > 1], max(found.rows.shape[1], 1))
    count = count[count > 1]
    kind = found.kind_of(entity)
    shared: dict[str, Ints | Floats] = {}
    for name, heading in NAMES.items():
        is_kind = kind == found.kinds.index(name) if name in found.kinds else np.zeros(len(kind), bool)
        shared[heading] = np.bincount(behind[is_kind], minlength=number)[group]
    strong = kind != found.kinds.index("ip") if "ip" in found.kinds else np.ones(len(kind), bool)
    linked = np.bincount(behind[strong], weights=count[strong], minlength=number)
    possible = joined.customers * np.bincount(behind[strong], minlength=number)
    return shared | {"density": (linked / np.maximum(possible, 1))[group].round(4)}


def nearest(customers: Ints) -> Ints:
    """Of so many customers, how many are looked at for how near together they opened accounts."""
    return np.maximum((customers + 1) // 2, SMALLEST)


def _opened_days(found: Links, joined: Groups) -> Floats:
    """(groups,) within how many days the accounts of `nearest` that lie nearest together were opened; else infinite."""
    opened = found.opened
    order = np.lexsort((opened, joined.of_customer))
    order = order[opened[order] < NEVER]
    group, opened = joined.of_customer[order], opened[order]
    last = np.arange(len(order)) + nearest(joined.customers[group]) - 1
    is_inside = last < len(order)
    is_inside[is_inside] = group[last[is_inside]] == group[is_inside]
    spans = np.full(len(joined.customers), np.inf)
    np.minimum.at(spans, group[is_inside], (opened[last[is_inside]] - opened[is_inside]) / DAY)
    return spans.round(3)


def _deeds(stream: Stream, found: Links, joined: Groups, known: Evidence, group: Ints) -> dict[str, Ints | Floats]:
    number = len(joined.customers)
    attempt = stream.attempts
    behind = joined.of_rows(stream, found)
    is_declined = np.zeros(len(stream), bool)
    is_declined[stream.about[stream.kind == KIND["declined"]]] = True
    paid = attempt[(behind[attempt] >= 0) & ~is_declined[attempt]]
    cents = np.bincount(behind[paid], weights=stream.cents[paid], minlength=number)
    customers = found.rows.shape[0]
    first = np.full(customers, NEVER)
    customer = customers_of(stream)
    buyer = customer[attempt]
    np.minimum.at(first, buyer[buyer >= 0], stream.time[attempt][buyer >= 0])
    coupon = np.flatnonzero((stream.kind == KIND["coupon"]) & (customer >= 0))
    had = np.full(customers, NEVER)
    np.minimum.at(had, customer[coupon], stream.time[coupon])
    # A shop may tell of the coupon just after the payment.
    with_coupon = (first < NEVER) & (had < NEVER) & (np.minimum(had, NEVER - HOUR) <= np.minimum(first, NEVER - HOUR))
    bought = np.bincount(joined.of_customer[first < NEVER], minlength=number)
    promoted = np.bincount(joined.of_customer[with_coupon], minlength=number)
    came = np.unique(found.customer[found.is_taken] * number + joined.of_entity[found.entity[found.is_taken]])
    return {
        "orders": np.bincount(behind[paid], minlength=number)[group],
        "amount": cents[group] / 100,
        "first_with_coupon": (promoted / np.maximum(bought, 1))[group].round(4),
        "refunds": known.count["refunded"][group].astype(np.int64),
        "frauds": known.count["fraud"][group].astype(np.int64),
        "taken": np.bincount(came % number, minlength=number)[group],
    }
