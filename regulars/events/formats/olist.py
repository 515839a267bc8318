"""Olist's linked files: orders, their items, products and customers, joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.formats.format import Rows, latest, plain_rows
from regulars.events.formats.orders import Orders
from regulars.events.identity import whole
from regulars.events.readers import Chunk, RawRows, Reject, Source, open_source

FILES = ("orders", "order_items", "products", "customers")
NOT_SENT = pa.array(["canceled", "unavailable"])


class OlistFolder:
    """A folder with Olist's files, opened: a row for each item with the columns of its order, product and customer.

    The line of a row is that of its item; of its order, where that has none.

    Raises
    ------
    InputError
        If one of the files is empty or broken.
    """

    encoding = "utf-8"
    gives_whole = False

    def __init__(self, path: Path) -> None:
        self.path = path if path.name else path.resolve()  # "." has no name for the log to give
        self.share_read = 0.0
        self._files: dict[str, Source] = {name: open_source(_file(path, name)) for name in FILES}
        self.headers = tuple(dict.fromkeys(header for file in self._files.values() for header in file.headers))

    @staticmethod
    def is_at(path: Path) -> bool:
        """Whether all of the files are in this folder."""
        return all(_file(path, name).is_file() for name in FILES)

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        table = self._joined().table.slice(0, rows)
        return [list(row) for row in zip(*(table[name].to_pylist() for name in self.headers), strict=True)]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """All rows as one piece, by order: an item may stand anywhere in its file."""
        joined = self._joined()
        self.share_read = 1.0
        yield partial(RawRows, joined.table.select(list(dict.fromkeys(columns))), joined.lines, joined.rejects)

    def _joined(self) -> RawRows:
        files = {name: _read(source) for name, source in self._files.items()}
        rejects = [
            reject._replace(reason=f"{reject.reason} (in {_file(self.path, name).name})")
            for name, rows in files.items()
            for reject in rows.rejects
        ]
        orders, items = files["orders"], files["order_items"]
        of_item = _places(items.table["order_id"], orders.table["order_id"])
        rejects += [
            Reject(
                int(items.lines[row]), "order_id", items.table["order_id"][row].as_py() or "", "there is no such order"
            )
            for row in np.flatnonzero(of_item < 0).tolist()
        ]
        item = np.flatnonzero(of_item >= 0)
        empty = np.setdiff1d(np.arange(len(orders.lines)), of_item)
        order_of_row = np.concatenate([of_item[item], empty])
        item_of_row = np.concatenate([item, np.full(len(empty), -1)])
        sorting = np.argsort(order_of_row, kind="stable")
        order_of_row, item_of_row = order_of_row[sorting], item_of_row[sorting]
        table = orders.table.take(pa.array(order_of_row))
        table = _beside(table, items.table, item_of_row)
        products, customers = files["products"].table, files["customers"].table
        table = _beside(table, products, _places(table["product_id"], products["product_id"]))
        table = _beside(table, customers, _places(table["customer_id"], customers["customer_id"]))
        lines = np.where(item_of_row < 0, orders.lines[order_of_row], items.lines[item_of_row])
        return RawRows(table, lines, sorted(rejects))


class Olist:
    """Olist's orders."""

    name = "olist"
    weakness = ""
    added: tuple[str, ...] = (
        "event_id",
        "line",
        "type",
        "time",
        "product",
        "quantity",
        "unit_price",
        "outcome",
        "freight",
        "seller",
    )

    def recognises(self, headers: Sequence[str]) -> bool:
        """By the names of three of the files' ids."""
        return {"customer_unique_id", "order_item_id", "order_purchase_timestamp"} <= set(headers)

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """What it makes columns of."""
        return (
            "order_id", "order_status", "order_purchase_timestamp", "order_approved_at", "order_delivered_carrier_date",
            "order_delivered_customer_date", "product_id", "price", "freight_value", "seller_id",
        )  # fmt: skip

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """Orders are whole in the only piece."""
        for piece in pieces:
            yield partial(_unfold, piece, tuple(columns))


def _unfold(piece: Chunk, columns: tuple[str, ...]) -> RawRows:
    rows = piece()
    orders = _Orders(rows.table)
    return RawRows(pa.table({name: orders.column(name) for name in columns}), rows.lines[orders.rows], rows.rejects)


class _Orders(Orders):
    CANCELLED = 1

    def __init__(self, table: pa.Table) -> None:
        super().__init__(table, "order_id")
        bought, status = self.of_order("order_purchase_timestamp"), self.of_order("order_status")
        later = ("order_approved_at", "order_delivered_carrier_date", "order_delivered_customer_date")
        self.add(once=False)
        self.add(once=True, where=pc.is_in(status, NOT_SENT))
        has_product = pc.is_valid(self.of_row("product_id"))
        self.made = {
            "event_id": lambda: self.event_id("olist:", self.of_order("order_id"), ("", ":cancelled")),
            "line": self.place,
            "type": lambda: self.by_kind("order_completed", "order_cancelled"),
            "time": lambda: self.by_kind(bought, latest([bought, *map(self.of_order, later)])),
            "product": lambda: self.only(self.ORDERED, self.of_row("product_id")),
            "quantity": lambda: self.only(self.ORDERED, pc.if_else(has_product, "1", None)),
            "unit_price": lambda: self.only(self.ORDERED, self.of_row("price")),
            "outcome": lambda: self.only(self.CANCELLED, status),
            "freight": lambda: self.only(self.ORDERED, self.of_row("freight_value")),
            "seller": lambda: self.only(self.ORDERED, self.of_row("seller_id")),
        }


def _file(folder: Path, name: str) -> Path:
    return folder / f"olist_{name}_dataset.csv"


def _read(source: Source) -> RawRows:
    pieces = [plain_rows(chunk()) for chunk in source.chunks(source.headers)]
    return RawRows(
        pa.concat_tables([piece.table for piece in pieces]).combine_chunks(),
        np.concatenate([piece.lines for piece in pieces]),
        [reject for piece in pieces for reject in piece.rejects],
    )


def _places(ids: pa.ChunkedArray, among: pa.ChunkedArray) -> Rows:
    """Where each id stands; -1 where nowhere."""
    found = pc.index_in(ids, whole(among), skip_nulls=True)
    return np.asarray(whole(found).fill_null(-1)).astype(np.int64)


def _beside(table: pa.Table, other: pa.Table, places: Rows) -> pa.Table:
    """A table with the columns of another that it has not, from these rows of it; -1 for nothing."""
    at = pa.array(places, mask=places < 0)
    for name in other.column_names:
        if name not in table.column_names:
            table = table.append_column(name, whole(other[name]).take(at))
    return table
