"""Customers by weeks as of a moment, from the log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.customers import customers_as_of, later_worth
from regulars.errors import NotEnoughError
from regulars.events.schema import TIME
from regulars.lifecycle.stages import Panel
from regulars.lifecycle.stages.panel import DAYS

if TYPE_CHECKING:
    from regulars.shop import Shop

DAY = 86_400_000_000


class Known(NamedTuple):
    """The customers as of a moment, by id, and what each did in the weeks before it.

    Attributes
    ----------
    ids : (n,). panel : their weeks; the last ends at the moment. begin : when the first begins.
    """

    ids: pa.Array
    panel: Panel
    begin: datetime


def known_as_of(shop: Shop, as_of: datetime) -> Known:
    """Everybody who is known, or has ordered, before a moment.

    Raises
    ------
    NotEnoughError
        If nobody is, or the log holds less than a week before it.
    """
    first: datetime | None = shop.engine.to_arrow(shop.events.time.min()).as_py()
    days = 0 if first is None else (as_of - first).days
    weeks = min(days // DAYS, shop.config.lifecycle.history_weeks)
    if weeks < 1:
        raise NotEnoughError(
            f"lifecycle: the log holds {max(days, 0)} days before {as_of:%Y-%m-%d}; at least 7 are needed to see a "
            "week. Choose a later as-of time, or import more history."
        )
    begin = as_of - timedelta(days=weeks * DAYS)
    seen = customers_as_of(shop, as_of).select(["customer_id", "first_time"])
    buyers = shop.customers(as_of)["customer_id"]
    ids = pc.unique(pa.chunked_array([*seen["customer_id"].chunks, *buyers.chunks], pa.string())).sort()
    place = pc.index_in(ids, seen["customer_id"].combine_chunks())
    since = seen["first_time"].cast(TIME).cast(pa.int64()).take(place)
    known_on = (np.asarray(pc.fill_null(since, micros(as_of) - 1)) - micros(begin)) / DAY
    pairs = pa.table({"customer_id": ids, "as_of": pa.repeat(pa.scalar(begin, TIME), len(ids))})
    rows = later_worth(shop, pairs, np.full(len(ids), float(weeks * DAYS)))
    panel = Panel.of(
        rows["place"].to_numpy(), rows["days"].to_numpy(), rows["margin"].to_numpy(),
        np.asarray(rows["is_order"], bool), known_on, weeks,
    )  # fmt: skip
    return Known(ids, panel, begin)
