"""Who shares what: customers joined to devices, cards, addresses, phones and IPs by the rows that name both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from regulars.fraud.stream import KIND, UNKNOWN, Ints, Stream

LIMITS: Mapping[str, int] = {"device": 20, "payment": 20, "address": 30, "phone": 20, "ip": 50}
"""Kinds of entities that customers can share, and by how many at most; what more share is a hub, which joins nobody."""
STRONG = ("device", "payment", "address", "phone")
"""Kinds that few share by chance. An IP joins neighbours and offices as well as rings."""
DAY = 86_400_000_000
"""Microseconds."""
NEVER = np.iinfo(np.int64).max
"""When a customer without a row was first seen."""

Flags = npt.NDArray[np.bool_]


class Hub(NamedTuple):
    """An entity that so many customers share that it was cut: a proxy, an office, a till, or a farm of its own."""

    kind: str
    code: int
    customers: int


@dataclass(frozen=True)
class Links:
    """A graph of customers and what they were seen with; row c is the customer of code c.

    Attributes
    ----------
    kinds : of entities, in order of their columns.
    starts : (kinds + 1,) the first column of each kind: entity `code` of kind k is column `starts[k] + code`.
    rows : (customers, entities) CSR: how many rows name both.
    first : (links,) in order of `rows.indices`: microseconds since 1970 when both were first seen together.
    is_taken : (links,) the customer was known before, and first came to this device by a sign-in that failed: so do
        accounts that are taken over, and they stand beside a ring, not in it.
    seen : (customers,) microseconds since 1970 when first seen at all; NEVER where there is no row.
    hubs : what was cut, the largest first.
    """

    kinds: tuple[str, ...]
    starts: Ints
    rows: Any  # scipy.sparse.csr_array
    first: Ints
    is_taken: Flags
    seen: Ints
    hubs: tuple[Hub, ...]

    @property
    def opened(self) -> Ints:
        """(customers,) when each account was opened; NEVER where that is unknown.

        Who is seen on the log's first day was there before: a log often begins in the middle of a shop's life.
        """
        found: Ints = np.where(self.seen > self.seen.min(initial=NEVER - DAY) + DAY, self.seen, NEVER)
        return found

    @property
    def customer(self) -> Ints:
        """(links,) the customer of each link."""
        return np.repeat(np.arange(self.rows.shape[0]), np.diff(self.rows.indptr))

    @property
    def entity(self) -> Ints:
        """(links,) the column of each link."""
        found: Ints = self.rows.indices.astype(np.int64)
        return found

    def kind_of(self, entity: Ints) -> Ints:
        """(n,) the place in `kinds` of each column."""
        found: Ints = np.searchsorted(self.starts, entity, side="right") - 1
        return found

    def is_of(self, kinds: tuple[str, ...]) -> Flags:
        """(links,) whether the entity is of one of some kinds."""
        return np.isin(self.kind_of(self.entity), [place for place, kind in enumerate(self.kinds) if kind in kinds])

    def sharing(self, which: Flags) -> Ints:
        """(entities,) how many customers each has by some of the links."""
        return np.bincount(self.entity[which], minlength=self.rows.shape[1])


def links(stream: Stream, limits: Mapping[str, int] = LIMITS) -> Links:
    """Join customers to what their rows name.

    Parameters
    ----------
    stream : what was known; for a graph as of T, `stream.before(T)`.
    limits : by how many customers an entity of each kind may be shared; kinds that it does not name are left out.

    Examples
    --------
    Ada and Bo come from one device, then two hundred customers pass a proxy:

    >>> devices, ips = np.full(202, -1, np.int32), np.zeros(202, np.int32)
    >>> devices[:2] = 0
    >>> codes = {"customer": np.arange(202, dtype=np.int32), "device": devices, "ip": ips}
    >>> many = Stream(np.arange(202), np.zeros(202, np.int8), np.ones(202), np.arange(202), codes, {})
    >>> found = links(many)
    >>> found.rows.shape, found.rows.nnz, found.hubs
    ((202, 2), 2, (Hub(kind='ip', code=0, customers=202),))
    """
    kinds = tuple(kind for kind in limits if kind in stream.codes)
    # A label names the entities of its attempt again: it is no new row.
    whose = customers_of(stream)
    own = np.flatnonzero((stream.about == np.arange(len(stream))) & (whose >= 0))
    customer = whose[own].astype(np.int64)
    customers = _count(stream, "customer")
    starts = np.cumsum([0, *(_count(stream, kind) for kind in kinds)])
    seen = np.full(customers, NEVER)
    seen[customer[::-1]] = stream.time[own[::-1]]  # the first is written last
    parts, hubs = [], []
    for kind, start in zip(kinds, starts, strict=False):
        code = stream.codes[kind][own]
        there = np.flatnonzero(code >= 0)
        pair, first, count = _distinct(customer[there], code[there].astype(np.int64))
        first = own[there[first]]
        sharing = np.bincount(pair[1], minlength=1)
        is_hub = sharing > limits[kind]
        hubs += [Hub(kind, int(hub), int(sharing[hub])) for hub in np.flatnonzero(is_hub)]
        kept = ~is_hub[pair[1]]
        by_failing = (stream.kind[first] == KIND["sign_in_failed"]) & (stream.time[first] > seen[pair[0]])
        parts.append((pair[0][kept], pair[1][kept] + start, count[kept], first[kept], by_failing[kept]))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.empty(0, np.int64)] * 5
    order = np.argsort(joined[0], kind="stable")  # of one customer the kinds follow each other, so columns rise
    of, entity, count, first, by_failing = (column[order] for column in joined)
    indptr = np.searchsorted(of, np.arange(customers + 1))
    return Links(
        kinds,
        starts,
        sparse.csr_array((count.astype(np.float64), entity, indptr), shape=(customers, int(starts[-1]))),
        stream.time[first],
        by_failing.astype(bool),
        seen,
        tuple(sorted(hubs, key=lambda hub: -hub.customers)),
    )


def customers_of(stream: Stream) -> npt.NDArray[np.int32]:
    """(n,) the code of the customer of each row; -1 where it names none, and all over in a log that knows none."""
    return stream.codes.get("customer", np.full(len(stream), UNKNOWN, np.int32))


def _count(stream: Stream, entity: str) -> int:
    most = int(stream.codes[entity].max(initial=UNKNOWN)) if entity in stream.codes else UNKNOWN
    return max(most + 1, len(stream.names.get(entity, ())))


def _distinct(customer: Ints, code: Ints) -> tuple[tuple[Ints, Ints], Ints, Ints]:
    """Distinct pairs by customer and code, the place of the first row of each, and how many rows it has."""
    key = customer * (int(code.max(initial=0)) + 1) + code
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    starts = np.flatnonzero(np.diff(sorted_key, prepend=-1))
    first = order[starts]
    return (customer[first], code[first]), first, np.diff(starts, append=len(key))
