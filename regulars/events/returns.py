"""Returns: which order a refunded product was bought in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars.events.duplicates import Hashes, in_sorted
from regulars.events.identity import hash_rows, whole
from regulars.events.values import plain

PURCHASE = ["customer_id", "product_id", "time", "order_id", "type"]


def tie(refunds: pa.Table, files: Sequence[Path], latest: datetime) -> pa.Table:
    """Give each refund the id of the order that it belongs to, where that can be found.

    A refund whose order id is that of a purchase of the same product by the same customer has it
    already. Else it is the newest such purchase before the refund; the refund's own number is kept
    in its properties as `refund_id`. A refund without such a purchase stays as it is.

    Parameters
    ----------
    refunds : rows of `order_refunded`, in the columns of the log.
    files : data files to look for purchases in.
    latest : of the refunds' times; no purchase after it matters.
    """
    who = hash_rows(refunds, ("customer_id", "product_id"))
    wanted = np.unique(who)
    found = [_purchases(path, wanted, latest) for path in files]
    purchases = pa.concat_tables([table for table in found if table.num_rows] or [_purchases_schema().empty_table()])
    if purchases.num_rows == 0:
        return refunds
    bought_by = hash_rows(purchases, ("customer_id", "product_id"))
    own = hash_rows(refunds, ("customer_id", "product_id", "order_id"))
    has_own = in_sorted(own, np.unique(hash_rows(purchases, ("customer_id", "product_id", "order_id"))))
    times = purchases["time"].cast(pa.int64()).to_numpy()
    order = np.lexsort((times, bought_by))
    bought_by, times = bought_by[order], times[order]
    # The last purchase with the same customer and product at or before the refund: where
    # (hash, time) would be put into the purchases ordered by both, one to the left.
    moments = refunds["time"].cast(pa.int64()).to_numpy()
    group_start = np.searchsorted(bought_by, who, side="left")
    group_end = np.searchsorted(bought_by, who, side="right")
    at = _last_at_or_before(times, group_start, group_end, moments)
    # Two unknown customers are not the same one.
    is_known = np.asarray(pc.and_(pc.is_valid(refunds["customer_id"]), pc.is_valid(refunds["product_id"])))
    is_tied = (at >= group_start) & ~has_own & is_known
    originals = purchases["order_id"].take(pa.array(order[np.maximum(at, 0)])).combine_chunks()
    orders = pc.if_else(pa.array(is_tied), originals, refunds["order_id"].combine_chunks().cast(pa.string()))
    notes = _with_refund_ids(refunds, is_tied)
    table = refunds.set_column(refunds.column_names.index("order_id"), "order_id", orders)
    return table.set_column(table.column_names.index("properties"), "properties", notes)


def _last_at_or_before(times: np.ndarray, start: np.ndarray, end: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """For each row the last place in [start, end) with times <= moment, start - 1 if none: halving all at once."""
    low, high = start.copy(), end.copy()
    while (low < high).any():
        middle = (low + high) // 2
        goes_up = (low < high) & (times[np.minimum(middle, len(times) - 1)] <= moments)
        low = np.where(goes_up, middle + 1, low)
        high = np.where(goes_up, high, np.maximum(np.minimum(high, middle), low))
    return low - 1


def _purchases_schema() -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in PURCHASE]).set(2, pa.field("time", pa.timestamp("us", "UTC")))


def _purchases(path: Path, wanted: Hashes, latest: datetime) -> pa.Table:
    texts = [name for name in PURCHASE if name != "time"]
    # As dictionaries, so that each distinct customer and product is hashed once.
    table = pq.read_table(path, columns=PURCHASE, read_dictionary=texts)
    is_wanted = in_sorted(hash_rows(table, ("customer_id", "product_id")), wanted)
    table = table.filter(pa.array(is_wanted))
    is_purchase = pc.and_(pc.equal(table["type"], "order_completed"), pc.less_equal(table["time"], latest))
    table = table.filter(is_purchase)
    return pa.table({name: plain(whole(table[name])) for name in PURCHASE})


def _with_refund_ids(refunds: pa.Table, is_tied: np.ndarray) -> pa.Array:
    """The refund's own order number, kept in its properties."""
    texts = refunds["properties"].to_pylist()
    own = refunds["order_id"].to_pylist()
    for row in np.flatnonzero(is_tied):
        if own[row] is not None and "@" not in own[row]:
            said = json.loads(texts[row]) if texts[row] else {}
            texts[row] = json.dumps(said | {"refund_id": own[row]}, ensure_ascii=False, sort_keys=True)
    return pa.array(texts, pa.string())


def untied(events: pa.Table) -> pa.Table:
    """Events as their file said them: refunds without the order that they were tied to.

    That order depends on what else the log held at the time: it is no part of what a refund says.
    """
    is_refund = pc.equal(events["type"], "order_refunded")
    if not pc.any(is_refund).as_py():
        return events
    properties = [_without_refund_id(text) for text in events["properties"].to_pylist()]
    orders = pc.if_else(is_refund, None, events["order_id"])
    events = events.set_column(events.column_names.index("order_id"), "order_id", orders)
    return events.set_column(events.column_names.index("properties"), "properties", pa.array(properties, pa.string()))


def _without_refund_id(properties: str | None) -> str | None:
    if properties is None or '"refund_id"' not in properties:
        return properties
    said = json.loads(properties)
    if said.pop("refund_id", None) is None:  # something else in it is called so
        return properties
    return json.dumps(said, ensure_ascii=False, sort_keys=True) if said else None
