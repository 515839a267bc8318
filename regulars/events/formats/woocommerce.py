"""WooCommerce's orders, as three plugins export them, and as its own reports do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.formats.format import Rows, latest, plain_rows, refused, whole_orders
from regulars.events.formats.orders import Orders
from regulars.events.identity import whole
from regulars.events.readers import Chunk, RawRows, Reject
from regulars.events.schema import MONEY
from regulars.events.values import to_money, to_number

NOTHING = pa.scalar(0, MONEY)
NOT_ORDERED = ("pending", "failed", "checkout-draft", "auto-draft")
"""States of an order that nobody has placed yet: its payment was tried."""

READ = (
    "order_id", "date", "order_date", "paid_date", "status", "order_total", "refunded_total", "customer_id",
    "billing_email", "customer_email", "billing_country", "shipping_country", "billing_state", "shipping_state",
)  # fmt: skip
ITEM = ("product_id", "sku", "name", "quantity", "total")
"""What is known of an item: as `item_name` where each has a row, as `name:…` inside a cell."""


class WooCommerce:
    """Customer/Order/Coupon Export and WebToffee's Order Export."""

    name = "woocommerce"
    weakness = ""
    added: tuple[str, ...] = (
        "event_id", "line", "type", "time", "customer", "guest", "product", "title", "quantity", "amount", "outcome",
        "country", "region",
    )  # fmt: skip

    def recognises(self, headers: Sequence[str]) -> bool:
        """By an order with its state and its items, in one cell or in columns."""
        has_items = {"line_items", "line_item_1", "item_name"} & set(headers)
        return bool(has_items) and {"order_id", "status", "order_currency"} <= set(headers)

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """Those of its columns that the file has."""
        wanted = {*READ, *(f"item_{name}" for name in ITEM)}
        return tuple(name for name in headers if name in wanted or name.startswith("line_item"))

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """Orders are whole in each piece."""
        for rows in whole_orders(pieces, "order_id"):
            yield partial(_lines, rows, tuple(columns))


class Analytics:
    """Analytics > Orders > Download: no addresses, no product ids, one sum for the whole order."""

    name = "woocommerce_analytics"
    weakness = (
        "This report names no addresses and no product ids: customers and products are their names, and each piece of "
        "an order gets the same price. An export by a plugin tells more: docs/formats.md."
    )
    added: tuple[str, ...] = (
        "event_id",
        "line",
        "type",
        "time",
        "customer",
        "guest",
        "product",
        "quantity",
        "amount",
        "outcome",
    )

    def recognises(self, headers: Sequence[str]) -> bool:
        """By its headings."""
        return {"Date", "Order #", "Status", "Product(s)", "Items sold", "Net Sales"} <= set(headers)

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """What it makes columns of."""
        return ("Date", "Order #", "Status", "Customer", "Product(s)", "Net Sales")

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """Each order is one row."""
        for piece in pieces:
            yield partial(_report, piece, tuple(columns))


class _Items(NamedTuple):
    """Items out of the cells of a column: the row that each stands on, and its columns as in `ITEM`."""

    rows: Rows
    columns: dict[str, pa.Array]


def _lines(rows: RawRows, columns: tuple[str, ...]) -> RawRows:
    table, lines, rejects = rows.table, rows.lines, list(rows.rejects)
    cells = [name for name in table.column_names if name.startswith("line_item")]
    if cells and "item_name" not in table.column_names:
        found = [_items_of_cell(whole(table[name])) for name in cells]
        unread: dict[int, str] = {}
        for name, items in zip(cells, found, strict=True):
            filled = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(whole(table[name])), ""), False)
            lost = np.setdiff1d(np.flatnonzero(filled), items.rows)
            problems = dict.fromkeys(lost.tolist(), "no items can be read in this cell")
            rejects += refused(rows, problems, whole(table[name]), name)
            unread |= problems
        table, own = _a_row_each(table, found, list(unread))
        lines = lines[own]
    return _events(table, lines, rejects, columns)


def _report(piece: Chunk, columns: tuple[str, ...]) -> RawRows:
    rows = plain_rows(piece())
    table = rows.table
    sums, too_odd = to_money(whole(table["Net Sales"]))
    said = {
        # An order and what was given back of it have one number and are two rows.
        "order_id": pa.array(np.arange(table.num_rows).astype(str), pa.string()),
        "number": whole(table["Order #"]),
        "date": whole(table["Date"]),
        "status": pc.if_else(pc.fill_null(pc.less(sums, NOTHING), False), "given-back", whole(table["Status"])),
        "customer_id": whole(table["Customer"]),
        "order_total": pc.coalesce(
            pc.abs(sums).cast(pa.string()), pc.if_else(too_odd, whole(table["Net Sales"]), None)
        ),
    }
    items = _items_of_report(whole(table["Product(s)"]))
    for name, values in said.items():
        table = table.append_column(f"_{name}", values)
    renamed = [name.removeprefix("_") if name[1:] in said else name for name in table.column_names]
    table, own = _a_row_each(table.rename_columns(renamed), [items], [])
    # Which product cost how much is not said: each piece of an order the same.
    counts = to_number(whole(table["item_quantity"])).values.fill_null(0.0).to_numpy(zero_copy_only=False)
    pieces = np.bincount(own, counts, minlength=rows.table.num_rows)[own]
    share = pa.array(np.divide(counts, pieces, out=np.ones(len(own)), where=pieces > 0))
    total = to_number(whole(table["order_total"])).values
    amounts = pc.coalesce(pc.multiply(total, share).cast(pa.string()), whole(table["order_total"]))
    table = table.append_column("item_total", amounts)
    return _events(table, rows.lines[own], rows.rejects, columns)


def _events(table: pa.Table, lines: Rows, rejects: list[Reject], columns: tuple[str, ...]) -> RawRows:
    orders = _Orders(table)
    return RawRows(pa.table({name: orders.column(name) for name in columns}), lines[orders.rows], rejects)


def _a_row_each(table: pa.Table, found: Sequence[_Items], left_out: Sequence[int]) -> tuple[pa.Table, Rows]:
    """A table with a row for each item, beside the cells of its order, and which row that was."""
    rows = np.concatenate([items.rows for items in found])
    order = np.argsort(rows, kind="stable")  # of one order by column
    without = np.setdiff1d(np.arange(table.num_rows), rows)  # an order without items is one row all the same
    own = np.concatenate([rows[order], without])
    at = np.concatenate([order, np.full(len(without), -1)])
    is_kept = ~np.isin(own, left_out)
    final = np.argsort(own, kind="stable")
    final = final[is_kept[final]]
    places = pa.array(at[final], mask=at[final] < 0)
    exploded = table.take(pa.array(own[final]))
    for name in found[0].columns:
        values = pa.concat_arrays([items.columns[name] for items in found])
        exploded = exploded.append_column(f"item_{name}", values.take(places))
    return exploded, own[final]


def _items_of_cell(cells: pa.Array) -> _Items:
    """Items like `id:1|name:Tea|product_id:7|quantity:2|total:9.00`, joined by `;`.

    A name may hold `;` and `|`: a new item, or field, begins only where a name with a colon follows.
    """
    parted = pc.replace_substring_regex(cells, r";\s*((?:id|name|product_id):)", "\x1e\\1")
    lists = pc.split_pattern(parted, "\x1e")
    texts, rows = lists.flatten(), np.asarray(pc.list_parent_indices(lists))
    is_item = np.asarray(pc.fill_null(pc.match_substring_regex(texts, r"(^|\|)(name|product_id|sku):"), False))
    texts = texts.filter(pa.array(is_item))
    return _Items(rows[is_item], {name: _field(texts, name) for name in ITEM})


def _field(texts: pa.Array, name: str) -> pa.Array:
    found = pc.extract_regex(texts, rf"(?s)(?:^|\|){name}:(?P<value>.*?)(?:\|[a-z_]+:|;?\s*$)")
    value = pc.replace_substring_regex(pc.struct_field(found, "value"), r"\\(.)", r"\1")
    return pc.if_else(pc.equal(value, ""), None, value)


def _items_of_report(cells: pa.Array) -> _Items:
    """Items like `2× Tea, 1× Cup`."""
    parted = pc.replace_substring_regex(cells, r",\s*(\d+)\s*[×x]\s*", "\x1e\\1× ")
    lists = pc.split_pattern(parted, "\x1e")
    found = pc.extract_regex(lists.flatten(), r"(?s)^\s*(?P<quantity>\d+)\s*[×x]\s*(?P<name>.+?)\s*$")
    is_item = np.asarray(pc.is_valid(found))
    columns = {name: pc.struct_field(found, name).filter(pa.array(is_item)) for name in ("name", "quantity")}
    return _Items(np.asarray(pc.list_parent_indices(lists))[is_item], columns)


class _Orders(Orders):
    REFUNDED, CANCELLED, TRIED = 1, 2, 3

    def __init__(self, table: pa.Table) -> None:
        super().__init__(table, "order_id")
        status = pc.replace_substring_regex(pc.utf8_lower(self.of_order("status")), "^wc-", "")
        is_tried = pc.is_in(status, pa.array(NOT_ORDERED))
        is_whole = pc.is_in(status, pa.array(["refunded", "given-back"]))
        total, refunded = self.of_order("order_total"), self.of_order("refunded_total")
        has_refund = pc.fill_null(pc.greater(to_number(refunded).values, 0.0), False)
        is_bought = pc.invert(pc.or_(is_tried, pc.is_in(status, pa.array(["given-back"]))))
        self.add(once=False, where=is_bought)
        self.add(once=True, where=pc.or_(has_refund, is_whole))
        self.add(once=True, where=pc.is_in(status, pa.array(["cancelled"])))
        self.add(once=True, where=is_tried)
        number = pc.coalesce(self.of_order("number"), self.of_order("order_id"))
        customer = self._customer()
        placed = pc.coalesce(self.of_order("date"), self.of_order("order_date"))
        # The exports do not say when money went back.
        last = latest([placed, self.of_order("paid_date")])
        product = [self.of_row(f"item_{name}") for name in ("product_id", "sku", "name")]
        has_item = pc.is_valid(pc.coalesce(*product))
        price = pc.if_else(has_item, self.of_row("item_total"), total)
        self.made = {
            "event_id": lambda: self.event_id("woocommerce:", number, ("", ":refunded", ":cancelled", ":tried")),
            "line": self.place,
            "type": lambda: self.by_kind("order_completed", "order_refunded", "order_cancelled", "payment_attempted"),
            "time": lambda: self.by_kind(placed, last, last, placed),
            "customer": lambda: self.take(customer),
            # A guest who left no address is known by this one order.
            "guest": lambda: self.take(pc.if_else(pc.is_null(customer), number, None)),
            "product": lambda: self.only(self.ORDERED, pc.coalesce(_but_zero(product[0]), *product[1:])),
            "title": lambda: self.only(self.ORDERED, product[2]),
            "quantity": lambda: self.by_kind(self.of_row("item_quantity"), "1", None, "1"),
            "amount": lambda: self.by_kind(price, pc.if_else(has_refund, refunded, total), None, total),
            "outcome": lambda: self.by_kind(None, None, status, status),
            "country": lambda: self.take(self._of_place("country")),
            "region": lambda: self.take(self._of_place("state")),
        }

    def _customer(self) -> pa.Array:
        email = pc.coalesce(self.of_order("billing_email"), self.of_order("customer_email"))
        return pc.coalesce(_but_zero(self.of_order("customer_id")), pc.utf8_lower(pc.utf8_trim_whitespace(email)))

    def _of_place(self, what: str) -> pa.Array:
        return pc.coalesce(self.of_order(f"shipping_{what}"), self.of_order(f"billing_{what}"))


def _but_zero(ids: pa.Array) -> pa.Array:
    """Ids; WooCommerce writes 0 for "none"."""
    return pc.if_else(pc.is_in(ids, pa.array(["0", ""])), None, ids)
