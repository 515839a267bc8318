"""Who moved from one segment or cell to another between two moments, who entered and who left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers import withheld
from regulars.errors import InputError, NotEnoughError
from regulars.events.schema import TIME
from regulars.segment.dataset import Known, known_as_of
from regulars.segment.describe import described
from regulars.segment.model import SegmentModel
from regulars.segment.rfm import NAMES, Rfm
from regulars.segment.training import NAME, kept_as_of

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]

OUTSIDE = "not yet a customer"
NONE = "in no segment"


class Migration(NamedTuple):
    """Moves between two moments.

    Attributes
    ----------
    matrix : from, to, customers, share (of those who were in `from`); largest first.
    moves : one row for each entering and leaving: customer_id, time, event ("segment_entered" or "segment_left"),
        segment. Whoever objected to profiling is counted, and not named here.
    """

    matrix: pa.Table
    moves: pa.Table


def migration(shop: Shop, start: datetime, end: datetime, by: str = "segment") -> Migration:
    """Customers by where they were at one moment and where at another, by one and the same segments or cells.

    Both moments are judged by one model, the newest from before `end`: else a move could be of the borders, not of
    customers.

    Parameters
    ----------
    by : "segment" or "rfm".

    Raises
    ------
    InputError
        If the moments are not in order.
    NotEnoughError
        If there are no customers, or no segments and it is by segments.
    """
    if start >= end:
        raise InputError(f"{start:%Y-%m-%d} is not before {end:%Y-%m-%d}: the earlier moment goes first.")
    # Without a model of that time, one from later shows the moves all the same: both moments have its borders.
    kept = kept_as_of(shop, end) or kept_as_of(shop, shop.now)
    model = kept.model if kept is not None and kept.is_used else None
    if by == "segment" and model is None:
        why = "nothing was learned" if kept is None else "no clusters that are firmer than chance were found"
        raise NotEnoughError(
            f"segment: there are no segments to move between: {why}. RFM cells are there all the same "
            "(regulars segments --by rfm); or learn again with more history: regulars learn segment"
        )
    pairs = shop.customers(end)
    if not pairs.num_rows:
        raise NotEnoughError(
            f"segment: no customer has an order before {end:%Y-%m-%d}; at least 1 is needed. Choose a later moment."
        )
    earlier = shop.customers(start)
    behavior = None if model is None else model.behavior
    before = as_named(shop, known_as_of(shop, earlier, behavior), end) if earlier.num_rows else None
    now = known_as_of(shop, pairs, behavior)
    rfm = Rfm.of(now.profiles) if kept is None else kept.model.rfm
    found = moved(before, now, rfm, model, by)
    may = pc.invert(pc.is_in(found.moves["customer_id"], withheld(shop, "profiling", end)))
    return Migration(found.matrix, found.moves.filter(may))


def as_named(shop: Shop, known: Known, moment: datetime) -> Known:
    """The same customers under the ids that they have as of a later moment: who joined an account is not a new one."""
    pairs = known.profiles.select(["customer_id"])
    named = shop.identities.customers(pairs.append_column("as_of", pa.repeat(pa.scalar(moment, TIME), len(known))))
    place = known.profiles.column_names.index("customer_id")
    return replace(known, profiles=known.profiles.set_column(place, "customer_id", named))


def moved(before: Known | None, now: Known, rfm: Rfm, model: SegmentModel | None, by: str) -> Migration:
    """See `migration`; of customers as they were and as they are, by segments or cells that are given.

    Parameters
    ----------
    before : None if there were no customers.
    """
    then = None if before is None else membership(before, rfm, model, by)
    here = membership(now, rfm, model, by)
    was = pa.array([OUTSIDE] * here.num_rows, pa.string())
    if then is not None:
        was = pc.fill_null(then["segment"].take(pc.index_in(here["customer_id"], then["customer_id"])), OUTSIDE)
    table = pa.table({"customer_id": here["customer_id"], "from": was, "to": here["segment"]})
    counted = table.group_by(["from", "to"]).aggregate([("customer_id", "count")])
    counted = counted.rename_columns({"customer_id_count": "customers"})
    sizes = table.group_by("from").aggregate([("customer_id", "count")])
    whole = sizes["customer_id_count"].take(pc.index_in(counted["from"], sizes["from"]))
    share = pc.round(pc.divide(counted["customers"].cast(pa.float64()), whole.cast(pa.float64())), 4)
    matrix = counted.append_column("share", share).select(["from", "to", "customers", "share"])
    order = [("customers", "descending"), ("from", "ascending"), ("to", "ascending")]
    away = table.filter(pc.not_equal(table["from"], table["to"])).sort_by("customer_id")
    left = away.filter(pc.not_equal(away["from"], OUTSIDE))
    end = now.profiles["as_of"][0].as_py()
    parts = [
        _moves(left["customer_id"], end, "segment_left", left["from"]),
        _moves(away["customer_id"], end, "segment_entered", away["to"]),
    ]
    return Migration(matrix.sort_by(order), pa.concat_tables(parts))


def membership(known: Known, rfm: Rfm, model: SegmentModel | None, by: str) -> pa.Table:
    """Where customers are as of their moment: customer_id, segment (a name)."""
    found = described(known, rfm, model)
    column = found["rfm_cell"] if by == "rfm" else pc.fill_null(found["segment"], NONE)
    return pa.table({"customer_id": found["customer_id"], "segment": column})


def written(shop: Shop, found: Migration, end: datetime) -> list[Path]:
    """Keep a migration for whoever reads it, as `shop.tables.read("segment", "migration")` and `"moves"`; its files."""
    files = shop.tables.write(NAME, "migration", found.matrix, end)
    return files + shop.tables.write(NAME, "moves", found.moves, end)


def overlap(shop: Shop, moment: datetime) -> pa.Table:
    """How segments and RFM cells overlap as of a moment.

    Returns
    -------
    segment, rfm_cell, customers, share_of_segment, lift (times as many as if the two had nothing to do with each
    other); by segment and cell, those with nobody left out.

    Raises
    ------
    NotEnoughError
        If there are no segments.
    """
    kept = kept_as_of(shop, moment)
    if kept is None or not kept.is_used:
        raise NotEnoughError(
            f"segment: there are no segments as of {moment:%Y-%m-%d} to overlap. Learn: regulars learn segment"
        )
    known = known_as_of(shop, shop.customers(moment), kept.model.behavior)
    one, other = (membership(known, kept.model.rfm, kept.model, by) for by in ("segment", "rfm"))
    names = sorted(set(one["segment"].to_pylist()))
    rows = np.array(pc.index_in(one["segment"], pa.array(names, pa.string())))
    columns = np.array(pc.index_in(other["segment"], pa.array(NAMES, pa.string())))
    count = np.zeros((len(names), len(NAMES)))
    np.add.at(count, (rows, columns), 1)
    expected = count.sum(axis=1, keepdims=True) * count.sum(axis=0) / max(count.sum(), 1)
    at = np.nonzero(count)
    return pa.table(
        {
            "segment": pa.array(np.array(names, object)[at[0]], pa.string()),
            "rfm_cell": pa.array(np.array(NAMES, object)[at[1]], pa.string()),
            "customers": pa.array(count[at].astype(np.int64)),
            "share_of_segment": pa.array((count / count.sum(axis=1, keepdims=True))[at].round(4)),
            "lift": pa.array((count[at] / expected[at]).round(3)),
        }
    )


def _moves(customers: pa.ChunkedArray, time: datetime, event: str, segment: pa.ChunkedArray) -> pa.Table:
    count = len(customers)
    columns = [customers, pa.repeat(pa.scalar(time, TIME), count), pa.repeat(event, count), segment]
    return pa.table(columns, names=["customer_id", "time", "event", "segment"])
