"""Events as detectors take them: one query of the engine for each detector, texts as codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine.json import extract

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

HOUR = 3_600_000_000
DAY = 24 * HOUR
"""Microseconds."""


class Coded(NamedTuple):
    """Texts by number: `codes` (n,), -1 where there is none; `names` by code."""

    codes: Codes
    names: pa.Array

    def name(self, code: int) -> str:
        """The text of a code."""
        return str(self.names[int(code)].as_py())

    def named(self, codes: Ints | Codes) -> list[str]:
        """The texts of codes."""
        found: list[str] = self.names.take(pa.array(codes)).to_pylist()
        return found


def coded(column: pa.Array | pa.ChunkedArray) -> Coded:
    """A column of texts as numbers, in the order of first appearance.

    >>> found = coded(pa.array(["小明", None, "ada", "小明"]))
    >>> found.codes.tolist(), found.names.to_pylist()
    ([0, -1, 1, 0], ['小明', 'ada'])
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = whole.cast(pa.string()).dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Coded(codes, encoded.dictionary)


def lines(shop: Shop, as_of: datetime, types: Sequence[str]) -> ibis.Table:
    """The lines of events of some types before a moment; customers as they are known as of then; `value` is the
    line's, in the shop's currency."""
    events = shop.events
    asked = events.filter(events.type.isin(list(types)), events.time < ibis.literal(as_of))
    named = shop.identities.named(asked, as_of).filter(ibis._.customer_id.notnull())
    return named.mutate(value=named.unit_price.cast("float64") * named.quantity.fill_null(1.0))


def whole(lines: ibis.Table, **more: ibis.Value) -> ibis.Table:
    """Events from their lines, one row each, by time; of an order one row, however many events tell of it.

    Returns
    -------
    event_id, type, time, customer_id, session_id, order_id, device_id, ip, payment_id, product_id (the dearest line's),
    text, outcome, properties, amount (null where no line has a price), and `more`.
    """
    names = ("customer_id", "session_id", "order_id", "device_id", "ip", "payment_id", "text", "outcome", "properties")
    # A file without ids of events gives each line of an order one of its own.
    is_order = (lines.type == "order_completed") & lines.order_id.notnull()
    found = lines.group_by("type", of=ibis.ifelse(is_order, lines.order_id, lines.event_id)).agg(
        event_id=lines.event_id.min(),
        time=lines.time.min(),
        amount=lines.value.sum(),
        product_id=lines.product_id.argmax(lines.value.fill_null(0.0)),
        **{name: lines[name].max() for name in names},
        **more,
    )
    return found.order_by("time", "event_id").drop("of")


def with_categories(shop: Shop, as_of: datetime, lines: ibis.Table) -> ibis.Table:
    """Lines with the category of their product, as the catalogue named it before a moment; null where it did not."""
    catalogue = shop.catalogue
    said = catalogue.filter(catalogue.category.notnull(), catalogue.valid_from < ibis.literal(as_of))
    category = said.group_by("product_id").agg(category=said.category.argmax(said.valid_from))
    return lines.left_join(category, "product_id").drop("product_id_right")


def said(rows: pa.Table, *keys: str) -> pa.Array:
    """(n,) what the first of some keys that is there says in the properties of rows; null where none is."""
    found = extract(pc.fill_null(rows["properties"].combine_chunks(), "{}"), [(key,) for key in keys]).columns
    return pc.coalesce(*found)


def moments(rows: pa.Table) -> Ints:
    """(n,) times of rows, microseconds since 1970, UTC."""
    found: Ints = rows["time"].combine_chunks().cast(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def amounts(rows: pa.Table) -> Floats:
    """(n,) amounts of rows; NaN where unknown."""
    found: Floats = rows["amount"].combine_chunks().to_numpy(zero_copy_only=False).astype(float)
    return found


def are(rows: pa.Table, column: str, value: str) -> npt.NDArray[np.bool_]:
    """(n,) whether a column has a value; false where it has none."""
    return np.asarray(pc.fill_null(pc.equal(rows[column], value), False))
