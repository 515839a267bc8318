"""Shopify's export of orders: a row for each product; what is of the whole order stands on its first row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.formats.format import latest, whole_orders
from regulars.events.formats.orders import Orders
from regulars.events.readers import Chunk, RawRows
from regulars.events.values import to_number

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
    weakness = ""
    added: tuple[str, ...] = (
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


class _Orders(Orders):
    REFUNDED, CANCELLED, CONSENTED = 1, 2, 3

    def __init__(self, table: pa.Table) -> None:
        super().__init__(table, "Name")
        self.id = pc.coalesce(_without_apostrophe(self.of_order("Id")), self.of_order("Name"))
        email, *phones = (_without_apostrophe(self.of_order(name)) for name in ("Email", "Phone", "Billing Phone"))
        self.customer = pc.coalesce(pc.utf8_lower(pc.utf8_trim_whitespace(email)), *phones)
        status, cancelled = self.of_order("Financial Status"), self.of_order("Cancelled at")
        consent = self.of_order("Accepts Marketing")
        self.add(once=False)
        self.add(once=True, where=pc.greater(to_number(self.of_order("Refunded Amount")).values, 0.0))
        self.add(once=True, where=pc.or_kleene(pc.is_valid(cancelled), pc.equal(status, "voided")))
        self.add(once=True, where=pc.and_(pc.is_valid(self.customer), pc.is_valid(consent)))
        agreed = pc.if_else(pc.equal(pc.utf8_lower(consent), "yes"), "consent_given", "consent_withdrawn")
        sku = _without_apostrophe(self.of_row("Lineitem sku"))
        self.made = {
            "event_id": lambda: self.event_id("shopify:", self.id, ("", ":refunded", ":cancelled", ":consent")),
            "line": self.place,
            "type": lambda: self.by_kind("order_completed", "order_refunded", "order_cancelled", agreed),
            "time": self._time,
            "customer": lambda: self.take(self.customer),
            # Who gave neither address nor phone is known by this one order.
            "guest": lambda: self.take(pc.if_else(pc.is_null(self.customer), self.id, None)),
            "product": lambda: self.only(self.ORDERED, pc.coalesce(sku, self.of_row("Lineitem name"))),
            "quantity": lambda: self.by_kind(self.of_row("Lineitem quantity"), "1", None, None),
            "unit_price": lambda: self.by_kind(
                self.of_row("Lineitem price"), self.of_order("Refunded Amount"), None, None
            ),
            "text": lambda: self.by_kind(None, None, None, "marketing"),
            "outcome": lambda: self.only(self.CANCELLED, status),
            "country": lambda: self.take(self._of_place("Country")),
            "region": lambda: self.take(self._of_place("Province")),
        }

    def column(self, name: str) -> pa.Array:
        """A column of the lines; what is of a product stands on its own line only."""
        if name.startswith(OF_A_LINE):
            return self.only(self.ORDERED, self.of_row(name))
        return super().column(name) if name in self.made else _without_apostrophe(super().column(name))

    def _time(self) -> pa.Array:
        created, cancelled = self.of_order("Created at"), self.of_order("Cancelled at")
        # The export does not say when money went back.
        last = latest([created, self.of_order("Paid at"), self.of_order("Fulfilled at"), cancelled])
        return self.by_kind(created, last, pc.coalesce(cancelled, last), created)

    def _of_place(self, what: str) -> pa.Array:
        return pc.coalesce(self.of_order(f"Shipping {what}"), self.of_order(f"Billing {what}"))


def _without_apostrophe(texts: pa.Array) -> pa.Array:
    """Shopify writes one before what a spreadsheet would take for a number."""
    return pc.replace_substring_regex(texts, r"^'([+\d])", r"\1")
