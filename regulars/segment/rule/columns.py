"""What rules ask of customers: columns that the events tell, what customers said of themselves, and what the other
capabilities know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from regulars import capability as capabilities
from regulars.customers import customers_as_of
from regulars.errors import NotEnoughError, NotFoundError
from regulars.events.schema import TIME
from regulars.rules import Column, kinds
from regulars.rules.operators import DIGITS
from regulars.rules.tree import Kind
from regulars.segment.rule.events import DONE_TO, events_as_of

if TYPE_CHECKING:
    from regulars.shop import Shop

OWN: dict[str, Column] = {
    "customer_id": Column(Kind.TEXT, "the customer"),
    "orders": Column(Kind.NUMBER, "orders so far", "orders"),
    "spend": Column(Kind.NUMBER, "spend so far", "money"),
    "last_order": Column(Kind.TIME, "the last order; beside a duration, how long ago it was"),
    "first_order": Column(Kind.TIME, "the first order"),
    "last_seen": Column(Kind.TIME, "when the customer last did anything"),
    "first_seen": Column(Kind.TIME, "when the customer first did anything"),
    "categories": Column(Kind.LIST, "categories bought from"),
    "brands": Column(Kind.LIST, "brands bought"),
    "channels": Column(Kind.LIST, "channels used"),
}
"""Columns that come from the events themselves; a list beside a number is how many it holds."""

TRAITS: dict[str, Column] = {
    "country": Column(Kind.TEXT, "the country, of the traits or the newest order"),
    "region": Column(Kind.TEXT, "the region of that country"),
    "city": Column(Kind.TEXT, "the city, as the customer said"),
    "language": Column(Kind.TEXT, "the language, as the customer said"),
}
"""What customers said of themselves, and `customers_as_of` gives."""
_OF_VIEW = {"country": "jurisdiction_country", "region": "jurisdiction_region"}

DESCRIBING = ("profile", "churn", "segment")
"""The capabilities whose tables are columns of rules, where they have any; the first that names one has it."""

KEYS = ("customer_id", "as_of")


def of_events(shop: Shop, as_of: datetime, wanted: Collection[str]) -> pa.Table:
    """Who the customers are as of a moment (known by id, or with an order), by id, with columns of `OWN`."""
    wanted = [name for name in OWN if name in wanted and name != "customer_id"]
    rows = events_as_of(shop, as_of, {_FIELDS[name] for name in wanted if name in _FIELDS})
    is_order = rows.type == "order_completed"
    made = {name: _OWN[name](rows, is_order) for name in wanted}
    found = rows.group_by("customer_id").agg(is_customer=(rows.is_named | is_order).any(), **made)
    nothing = ibis.literal([], type="array<string>")
    lists = {name: found[name].fill_null(nothing).sort() for name in wanted if OWN[name].kind is Kind.LIST}
    found = found.filter(found.is_customer).mutate(**lists).select("customer_id", *wanted).order_by("customer_id")
    fields = [pa.field(name, TYPES[OWN[name].kind]) for name in found.columns]
    return shop.engine.to_arrow(found).cast(pa.schema(fields))


def known_as_of(shop: Shop, as_of: datetime) -> pa.Table:
    """Pairs (customer_id, as_of) of all that rules are asked of (known by id, or with an order), by id."""
    return _pairs(of_events(shop, as_of, ())["customer_id"], as_of)


def _pairs(customers: pa.ChunkedArray, as_of: datetime) -> pa.Table:
    return pa.table({"customer_id": customers, "as_of": pa.repeat(pa.scalar(as_of, TIME), len(customers))})


def _distinct(texts: Any, where: Any = True) -> Any:
    return texts.collect(where=texts.notnull() & where, distinct=True)


_FIELDS = {"spend": "value", "categories": "category", "brands": "brand", "channels": "channel"}
"""The field of events that a column is made of."""
_OWN: dict[str, Callable[[ibis.Table, Any], Any]] = {
    "orders": lambda rows, is_order: rows.event.nunique(where=is_order),
    "spend": lambda rows, is_order: rows.value.sum(where=is_order).fill_null(0.0).round(DIGITS),
    "last_order": lambda rows, is_order: rows.time.max(where=is_order),
    "first_order": lambda rows, is_order: rows.time.min(where=is_order),
    "last_seen": lambda rows, is_order: rows.time.max(where=rows.type.notin(DONE_TO)),
    "first_seen": lambda rows, is_order: rows.time.min(where=rows.type.notin(DONE_TO)),
    "categories": lambda rows, is_order: _distinct(rows.category, is_order),
    "brands": lambda rows, is_order: _distinct(rows.brand, is_order),
    "channels": lambda rows, is_order: _distinct(rows.channel),
}
TYPES = {
    Kind.TEXT: pa.string(),
    Kind.TIME: TIME,
    Kind.LIST: pa.list_(pa.string()),
    Kind.NUMBER: pa.float64(),
    Kind.TRUTH: pa.bool_(),
}


def of_traits(shop: Shop, customers: pa.ChunkedArray, as_of: datetime) -> pa.Table:
    """The columns of `TRAITS` of customers, in their order; null where nothing is known."""
    known = customers_as_of(shop, as_of)
    place = pc.index_in(customers, known["customer_id"].combine_chunks())
    return pa.table({name: known[_OF_VIEW.get(name, name)].take(place) for name in TRAITS})


def of_capability(shop: Shop, name: str, customers: pa.ChunkedArray, as_of: datetime) -> pa.Table:
    """What another capability knows of customers, in their order; no columns where it has learned nothing yet."""
    pairs = _pairs(customers, as_of)
    if name in capabilities.names() and hasattr(capabilities.load(name), "table"):
        with suppress(NotFoundError, NotEnoughError):
            if name == "profile":
                return shop.tables.of(name, pairs).drop_columns(list(KEYS))
            # The others know of who has ordered; what they would say of anybody else is absent.
            ordered = shop.customers(as_of)["customer_id"].combine_chunks()
            asked = pairs.filter(pc.is_in(customers, ordered))
            place = pc.index_in(customers, asked["customer_id"].combine_chunks())
            return shop.tables.of(name, asked).drop_columns(list(KEYS)).take(place)
    return pairs.select([])


def described(table: pa.Table) -> dict[str, Column]:
    """The columns of a table that rules can ask for, with what the table says of each."""
    found = {}
    for name, kind in kinds(table.schema).items():
        said = {key.decode(): value.decode() for key, value in (table.schema.field(name).metadata or {}).items()}
        found[name] = Column(kind, said.get("meaning", ""), said.get("unit", ""))
    return found


class Columns(Mapping[str, Column]):
    """The columns of rules: those of the events, of traits, and of the capabilities, each name from the first that has
    it. What the capabilities know is asked only when a name is none of the others, or all are: it takes seconds.

    Parameters
    ----------
    customer : any one, for whom the capabilities are asked which columns they have.
    words : names that are no columns, for they mean something else.
    """

    def __init__(self, shop: Shop, customer: str, as_of: datetime, words: Collection[str]) -> None:
        self._ask = shop, pa.chunked_array([[customer]], pa.string()), as_of
        self._words = words

    @cached_property
    def _learned(self) -> dict[str, tuple[Column, str]]:
        shop, customer, as_of = self._ask
        found: dict[str, tuple[Column, str]] = {}
        for source in DESCRIBING:
            # Of nobody, if its columns are always the same: it costs nothing.
            columns = described(of_capability(shop, source, customer.slice(0, 0), as_of))
            columns = columns or described(of_capability(shop, source, customer, as_of))
            for name, about in columns.items():
                if name not in OWN and name not in TRAITS and name not in self._words:
                    found.setdefault(name, (about, source))
        return found

    def __getitem__(self, name: str) -> Column:
        if name in OWN or name in TRAITS:
            return OWN.get(name) or TRAITS[name]
        if name in self._words:
            raise KeyError(name)
        return self._learned[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter([*OWN, *TRAITS, *self._learned])

    def __len__(self) -> int:
        return len(OWN) + len(TRAITS) + len(self._learned)

    def source(self, name: str) -> str:
        """Which source a column comes from: "events", "traits" or the name of a capability."""
        if name in OWN:
            return "events"
        return "traits" if name in TRAITS else self._learned[name][1]


def table_of(shop: Shop, as_of: datetime, columns: Columns, wanted: Collection[str]) -> pa.Table:
    """The customers as of a moment, with columns.

    Parameters
    ----------
    wanted : the columns to give; only the sources that they come from are asked.

    Returns
    -------
    One row a customer, by id: customer_id, then the columns wanted. What a capability did not know yet at that moment
    is null.
    """
    own = of_events(shop, as_of, wanted)
    customers = own["customer_id"]
    tables = {"events": own}
    for source in dict.fromkeys(columns.source(name) for name in wanted):
        if source == "traits":
            tables[source] = of_traits(shop, customers, as_of)
        elif source != "events":
            tables[source] = of_capability(shop, source, customers, as_of)
    found = {"customer_id": customers}
    for name in wanted:
        table = tables[columns.source(name)]
        is_known = name in table.column_names
        found[name] = table[name] if is_known else pa.nulls(len(customers), TYPES[columns[name].kind])
    return pa.table(found)
