"""Who ordered: what came after a moment, for whoever learns from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from regulars.shop import Shop


def ordered_within(shop: Shop, pairs: pa.Table, days: int) -> npt.NDArray[np.bool_]:
    """Which customers ordered in the days from a moment on?

    By all ids that belong to the customer at the end of those days: whoever comes back on another
    device, and is known there later, has come back.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of.

    Returns
    -------
    (n,) truth values; whether there is an order with as_of <= time < as_of + days.
    """
    returned = np.zeros(pairs.num_rows, bool)
    found = _orders_within(shop, pairs, days).select("place").distinct()
    returned[shop.engine.to_arrow(found)["place"].to_numpy()] = True
    return returned


def bought_within(shop: Shop, pairs: pa.Table, days: int) -> pa.Table:
    """Which products customers ordered in the days from a moment on; see `ordered_within`.

    Returns
    -------
    Rows of place (the row of the pair) and product_id, each once, in this order.
    """
    rows = _orders_within(shop, pairs, days)
    found = rows.filter(rows.product_id.notnull()).select("place", "product_id").distinct()
    return shop.engine.to_arrow(found.order_by("place", "product_id"))


def _orders_within(shop: Shop, pairs: pa.Table, days: int) -> ibis.Table:
    """The lines of orders of each pair, with the row of the pair as `place`."""
    horizon: Any = ibis.interval(days=days)
    ends = pc.add(pairs["as_of"], pa.scalar(days * 86_400_000_000, pa.duration("us")))
    at_the_end = pairs.set_column(pairs.column_names.index("as_of"), "as_of", ends)
    members = shop.engine.table(shop.identities.members(at_the_end))
    lines = shop.identities.raw(shop.events)
    lines = lines.filter(lines.type == "order_completed").select("customer_id", "time", "product_id")
    met = lines.join(members, "customer_id")
    return met.filter(met.time < met.as_of, met.time >= met.as_of - horizon)
