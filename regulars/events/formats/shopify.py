"""Shopify's export of orders: a row for each product; what is of the whole order stands on its first row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.formats.format import Rows, first_rows, latest, whole_orders
from regulars.events.identity import whole
from regulars.events.readers import Chunk, RawRows
from regulars.events.values import to_number

ORDERED, REFUNDED, CANCELLED, CONSENTED = range(4)
OF_A_LINE = ("Lineitem", "Vendor")
"""How the columns begin that say something of a row; all others are of its order."""

READ = (
    "Id", "Name", "Email", "Phone", "Billing Phone", "Financial Status", "Accepts Marketing", "Created at", "Paid at",
    "Fulfilled at", "Cancelled at", "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku",
    "Refunded Amount", "Shipping Country", "Billing Country", "Shipping Province", "Billing Province",
)  # fmt: skip


class Shopify:
    """Orders > Export."""

    name = "shopify"
    added = (
        "event_id", "line", "type", "time", "customer", "guest", "product", "quantity", "unit_price", "text", "outcome",
        "country", "region",
    )  # fmt: skip

    def recognises(self, headers: Sequence[str]) -> bool:
        """By the columns of a product in an order."""
        return {"Name", "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price"} <= set(headers)

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """Those of its columns that the file has: older exports have fewer."""
        return tuple(name for name in READ if name in headers)

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """Orders are whole in each piece."""
        for rows in whole_orders(pieces, "Name"):
            yield partial(_unfold, rows, tuple(columns))


def _unfold(rows: RawRows, columns: tuple[str, ...]) -> RawRows:
    orders = _Orders(rows.table)
    table = pa.table({name: orders.column(name) for name in columns})
    return RawRows(table, rows.lines[orders.rows], rows.rejects)


class _Orders:
    """Whole orders, and the lines of events that they become.

    Attributes
    ----------
    rows : (lines,) the row that each line is of; kinds : what it is of it.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        names = whole(table["Name"])
        self.first = first_rows(names) if len(names) else np.empty(0, np.int64)
        self.id = pc.coalesce(_without_apostrophe(self.of_order("Id")), self.of_order("Name"))
        email = pc.utf8_lower(pc.utf8_trim_whitespace(self.of_order("Email")))
        phones = (_without_apostrophe(self.of_order(name)) for name in ("Phone", "Billing Phone"))
        self.customer = pc.coalesce(email, *phones)
        self._list_lines()

    def of_order(self, name: str) -> pa.Array:
        """For each row a column of its order; nulls where the file has no such column."""
        if name not in self.table.column_names:
            return pa.nulls(self.table.num_rows, pa.string())
        return whole(self.table[name]).take(pa.array(self.first))

    def _list_lines(self) -> None:
        rows = np.arange(self.table.num_rows)
        is_first = self.first == rows
        refunded = to_number(self.of_order("Refunded Amount")).values
        is_void = pc.equal(self.of_order("Financial Status"), "voided")
        is_cancelled = pc.or_(pc.is_valid(self.of_order("Cancelled at")), pc.fill_null(is_void, False))
        has_said = pc.and_(pc.is_valid(self.customer), pc.is_valid(self.of_order("Accepts Marketing")))
        parts = [
            rows,
            np.flatnonzero(is_first & _mask(pc.greater(refunded, 0.0))),
            np.flatnonzero(is_first & _mask(is_cancelled)),
            np.flatnonzero(is_first & _mask(has_said)),
        ]
        self.rows: Rows = np.concatenate(parts)
        self.kinds = np.repeat(np.arange(len(parts)), [len(part) for part in parts])

    def column(self, name: str) -> pa.Array:
        """A column of the lines."""
        made = {
            "event_id": self._event_id,
            "line": lambda: self._only(ORDERED, pa.array(np.arange(len(self.first)) - self.first)),
            "type": self._type,
            "time": self._time,
            "customer": lambda: self._take(self.customer),
            # Who gave neither address nor phone is known by this one order.
            "guest": lambda: self._take(pc.if_else(pc.is_null(self.customer), self.id, None)),
            "product": lambda: self._only(ORDERED, self._product()),
            "quantity": self._quantity,
            "unit_price": self._unit_price,
            "text": lambda: self._only(CONSENTED, pa.array(["marketing"] * len(self.first), pa.string())),
            "outcome": lambda: self._only(CANCELLED, self.of_order("Financial Status")),
            "country": lambda: self._take(self._of_place("Country")),
            "region": lambda: self._take(self._of_place("Province")),
        }
        if name in made:
            return made[name]()
        if name.startswith(OF_A_LINE):
            return self._only(ORDERED, whole(self.table[name]))
        return self._take(self.of_order(name))

    def _event_id(self) -> pa.Array:
        ends = pa.array(["", ":refunded", ":cancelled", ":consent"]).take(pa.array(self.kinds))
        return pc.binary_join_element_wise("shopify:", self._take(self.id), ends, "")

    def _type(self) -> pa.Array:
        agrees = pc.equal(pc.utf8_lower(self.of_order("Accepts Marketing")), "yes")
        types = pa.array(["order_completed", "order_refunded", "order_cancelled", "consent_withdrawn", "consent_given"])
        is_given = (self.kinds == CONSENTED) & _mask(self._take(agrees))
        return types.take(pa.array(self.kinds + is_given))

    def _time(self) -> pa.Array:
        created, cancelled = self.of_order("Created at"), self.of_order("Cancelled at")
        # The export does not say when money went back.
        last = latest([created, self.of_order("Paid at"), self.of_order("Fulfilled at"), cancelled])
        by_kind = [created, last, pc.coalesce(cancelled, last), created]
        return self._by_kind(by_kind)

    def _product(self) -> pa.Array:
        sku = whole(self.table["Lineitem sku"]) if "Lineitem sku" in self.table.column_names else None
        title = whole(self.table["Lineitem name"])
        return title if sku is None else pc.coalesce(_without_apostrophe(sku), title)

    def _quantity(self) -> pa.Array:
        nothing = pa.nulls(len(self.first), pa.string())
        return self._by_kind([whole(self.table["Lineitem quantity"]), pa.array(["1"] * len(nothing), pa.string()), nothing, nothing])

    def _unit_price(self) -> pa.Array:
        nothing = pa.nulls(len(self.first), pa.string())
        return self._by_kind([whole(self.table["Lineitem price"]), self.of_order("Refunded Amount"), nothing, nothing])

    def _of_place(self, what: str) -> pa.Array:
        return pc.coalesce(self.of_order(f"Shipping {what}"), self.of_order(f"Billing {what}"))

    def _by_kind(self, columns: Sequence[pa.Array]) -> pa.Array:
        """Of each line the cell of its row in the column of its kind."""
        return pa.concat_arrays(columns).take(pa.array(self.kinds * len(self.first) + self.rows))

    def _only(self, kind: int, values: pa.Array) -> pa.Array:
        """A column that lines of one kind have."""
        return pc.if_else(pa.array(self.kinds == kind), self._take(values), None)

    def _take(self, values: pa.Array) -> pa.Array:
        return values.take(pa.array(self.rows))


def _mask(values: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(values, False))


def _without_apostrophe(texts: pa.Array) -> pa.Array:
    """Shopify writes one before what a spreadsheet would take for a number."""
    return pc.replace_substring_regex(texts, "^'", "")
