"""Who is to be found: all ids of a customer, and what stands in their events and in nobody else's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import clock
from regulars.customers.known import require_known
from regulars.events.commit import Commit
from regulars.events.schema import EVENTS, TIME
from regulars.privacy.accounts import accounts
from regulars.privacy.finder import LEAST, Finder, Mask

if TYPE_CHECKING:
    from regulars.shop import Shop

IDS = ("customer_id", "anonymous_id")
LINKS = ("order_id", "session_id")
"""What belongs to one customer by its nature: a row that has it is that customer's, though it names nobody."""
OWN = ("event_id", *LINKS, "device_id", "ip", "payment_id", "query", "text")
"""Columns whose values say who somebody is, where nobody else has them."""


@dataclass(frozen=True)
class People:
    """Some customers, as they can be found.

    Attributes
    ----------
    ids : all ids that are theirs, joined ones too.
    orders, sessions : their numbers. Apart, for session 42 is not order 42.
    texts : all else that stands in their events alone.
    """

    ids: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def with_(self, other: People) -> People:
        """Both."""
        return People(
            self.ids | other.ids, self.orders | other.orders, self.sessions | other.sessions, self.texts | other.texts
        )

    @property
    def finder(self) -> Finder:
        """Finds them anywhere."""
        return Finder(self.ids, self.orders | self.sessions | self.texts)

    def rows(self, events: pa.Table) -> Mask:
        """Which rows of the log are theirs."""
        named = _among(events["customer_id"], self.ids) | _among(events["anonymous_id"], self.ids)
        linked = _among(events["order_id"], self.orders) | _among(events["session_id"], self.sessions)
        found: Mask = named | (linked & ~_is_named(events))
        return found


def ids_of(shop: Shop, customers: Sequence[str]) -> frozenset[str]:
    """All ids of customers, each named by any of its ids: those that were joined with it and not parted since.

    Raises
    ------
    NotFoundError
        If neither the log nor support knows one; the message names similar ids.
    """
    moment = after_all(shop)
    known = frozenset(accounts(shop)).intersection(customers)
    for customer in customers:
        if customer not in known:
            require_known(shop, customer, moment)
    pairs = pa.table({"customer_id": list(customers), "as_of": pa.array([moment] * len(customers), TIME)})
    return known | frozenset(shop.identities.members(pairs)["customer_id"].to_pylist())


def people_of(shop: Shop, snapshot: Commit, ids: frozenset[str]) -> People:
    """What can be found of customers by their ids, from all events of a version."""

    def theirs(rows: pa.Table) -> Mask:
        found: Mask = _among(rows["customer_id"], ids) | _among(rows["anonymous_id"], ids)
        return found

    return replace(only_in(shop, snapshot, theirs, lambda rows: _is_named(rows) & ~theirs(rows)), ids=ids)


def only_in(
    shop: Shop, snapshot: Commit, mine: Callable[[pa.Table], Mask], others: Callable[[pa.Table], Mask]
) -> People:
    """The ids, numbers and texts that stand in some rows of a version and not in some others.

    Parameters
    ----------
    mine, others : which rows, by their columns; (n,) bool each.
    """
    values: dict[str, set[str]] = {name: set() for name in (*IDS, *OWN)}
    noted: set[str] = set()
    for rows in _files(shop, snapshot):
        own = rows.filter(pa.array(mine(rows)))
        for name, found in values.items():
            found.update(own[name].drop_null().unique().to_pylist())
        noted.update(text for said in own["properties"].drop_null().unique().to_pylist() for text in _leaves(said))
    noted = {text for text in noted if len(text.strip()) >= LEAST}
    ids = set().union(*(values.pop(name) for name in IDS))
    said_too = Finder([], noted)
    for rows in _files(shop, snapshot):
        rest = rows.filter(pa.array(others(rows)))
        for name, found in values.items():
            found.difference_update(_held(rest[name], found))
        for name in IDS:
            ids -= _held(rest[name], ids)
        said = rest["properties"].filter(pa.array(said_too.cells(rest["properties"])))
        for one in said.unique().to_pylist():
            noted -= set(_leaves(one))
    # What the shop says of its products is nobody's, though only one customer ever asked for it.
    catalogue = shop.log.read("catalogue")
    said_by_shop = [catalogue[name] for name in ("product_id", "title", "category", "brand", "text")]
    known = "\n".join(text for column in said_by_shop for text in column.drop_null().unique().to_pylist())
    texts = noted.union(*values.values())
    return People(
        frozenset(ids),
        frozenset(values["order_id"]),
        frozenset(values["session_id"]),
        frozenset(text for text in texts if len(text.strip()) >= LEAST and text not in known and not _is_plain(text)),
    )


def _held(column: pa.ChunkedArray, values: set[str]) -> set[str]:
    return set(column.filter(pc.is_in(column, pa.array(values, pa.string()))).to_pylist())


def _is_plain(text: str) -> bool:
    """Numbers of money and the like, and moments: they say nothing about who somebody is."""
    return text.strip().replace(".", "", 1).replace("-", "").isdecimal() and len(text.strip()) <= LEAST + 3


def after_all(shop: Shop) -> datetime:
    """A moment by which all is known that the log says."""
    newest: datetime | None = shop.engine.to_arrow(shop.events.time.max()).as_py()
    return max(clock.now(), newest or clock.now()) + timedelta(microseconds=1)


def _files(shop: Shop, snapshot: Commit) -> Iterator[pa.Table]:
    columns = [*OWN, *IDS, "type", "time", "properties"]
    for path in shop.log.paths(snapshot, "events"):
        yield pq.read_table(path, columns=columns).cast(pa.schema([EVENTS.field(name) for name in columns]))


def _leaves(text: str) -> Iterator[str]:
    """The texts in a JSON document."""
    try:
        waiting = [json.loads(text)]
    except ValueError:
        return
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _among(column: pa.ChunkedArray, values: frozenset[str]) -> Any:
    return np.asarray(pc.fill_null(pc.is_in(column, pa.array(sorted(values), pa.string())), False))


def _is_named(events: pa.Table) -> Any:
    return np.asarray(pc.or_(pc.is_valid(events["customer_id"]), pc.is_valid(events["anonymous_id"])))
