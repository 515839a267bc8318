"""What exports of orders share: rows of products, runs of which are orders, and the events that come of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.formats.format import Rows, first_rows
from regulars.events.identity import whole

Mask = npt.NDArray[np.bool_]


class Orders:
    """Whole orders, and the lines of events that they become: one for each product, and those of the order itself.

    Attributes
    ----------
    first : (rows,) the first row of each row's order.
    rows : (lines,) the row that each line is of; kinds : what it is of it, `ORDERED` or a later number.
    made : {column: how it is made}; others are the file's, the same on all lines of an order.
    """

    ORDERED = 0
    """The kind of a line for each row; further kinds are numbered from 1, in the order of `add`."""

    def __init__(self, table: pa.Table, name: str) -> None:
        self.table = table
        names = whole(table[name])
        self.first = first_rows(names) if len(names) else np.empty(0, np.int64)
        self._parts: list[Rows] = []
        self.made: dict[str, Callable[[], pa.Array]] = {}

    def of_row(self, name: str) -> pa.Array:
        """A column of the rows; nulls where the file has no such column."""
        if name not in self.table.column_names:
            return pa.nulls(self.table.num_rows, pa.string())
        return whole(self.table[name])

    def of_order(self, name: str) -> pa.Array:
        """For each row a column of its order: the cell of the order's first row, unless it has its own."""
        own = self.of_row(name)
        return pc.coalesce(own, own.take(pa.array(self.first)))

    def add(self, *, once: bool, where: pa.Array | None = None) -> None:
        """Lines of the next kind: for each row, or once an order; all, or those where something holds."""
        holds = np.ones(len(self.first), bool) if where is None else np.asarray(pc.fill_null(where, False))
        if once:
            holds &= self.first == np.arange(len(self.first))
        self._parts.append(np.flatnonzero(holds))
        self.rows: Rows = np.concatenate(self._parts)
        self.kinds = np.repeat(np.arange(len(self._parts)), [len(part) for part in self._parts])

    def column(self, name: str) -> pa.Array:
        """A column of the lines."""
        return self.made[name]() if name in self.made else self.take(self.of_order(name))

    def place(self) -> pa.Array:
        """Which row of its order each line is of."""
        return self.only(self.ORDERED, pa.array(np.arange(len(self.first)) - self.first))

    def take(self, values: pa.Array) -> pa.Array:
        """For each line the value of its row."""
        return values.take(pa.array(self.rows))

    def only(self, kind: int, values: pa.Array) -> pa.Array:
        """The same, on lines of one kind only."""
        return pc.if_else(pa.array(self.kinds == kind), self.take(values), None)

    def by_kind(self, *columns: pa.Array | str | None) -> pa.Array:
        """For each line the value of its row in the column of its kind; a text, or nothing, for all rows alike."""
        count = len(self.first)
        arrays = [
            pa.array([column] * count, pa.string()) if column is None or isinstance(column, str) else column
            for column in columns
        ]
        return pa.concat_arrays(arrays).take(pa.array(self.kinds * count + self.rows))

    def event_id(self, prefix: str, ids: pa.Array, ends: Sequence[str]) -> pa.Array:
        """The platform, the order's id, and what of the order the event is: the same in every export."""
        return pc.binary_join_element_wise(prefix, self.take(ids), self.by_kind(*ends), "")
