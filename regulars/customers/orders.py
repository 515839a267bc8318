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


def later_worth(shop: Shop, pairs: pa.Table, days: npt.NDArray[np.float64]) -> pa.Table:
    """What customers ordered and gave back from a moment on, and the margin of it.

    By all ids that belong to the customer at the end of those days, as in `ordered_within`. Margin is what was paid
    less what the products cost by the newest catalogue, turned round for what is given back. A product without a known
    cost has the middle share of those with one; where no cost is known at all, margin is what was paid.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of.
    days : (n,) how far to look after each moment.

    Returns
    -------
    One row an order or return: place (the row of the pair, ascending), days (after the moment, ascending within a
    place), margin, is_order.
    """
    lasting = pa.array((np.asarray(days) * 86_400_000_000).astype(np.int64), pa.duration("us"))
    ends = pa.table(
        {"place": np.arange(pairs.num_rows), "begin": pairs["as_of"], "end": pc.add(pairs["as_of"], lasting)}
    )
    at_the_end = pairs.set_column(pairs.column_names.index("as_of"), "as_of", ends["end"])
    members = shop.engine.table(shop.identities.members(at_the_end))
    lines = _with_cost(shop, shop.identities.raw(shop.events))
    met = lines.join(members, "customer_id").drop("as_of").join(shop.engine.table(ends), "place")
    met = met.filter(met.time >= met.begin, met.time < met.end)
    met = met.mutate(days=(met.time.epoch_seconds() - met.begin.epoch_seconds()) / 86400.0)
    one = met.group_by("place", "order_id", "is_order").agg(days=met.days.min(), margin=met.margin.sum())
    found = shop.engine.to_arrow(one.select("place", "days", "margin", "is_order", "order_id"))
    return found.sort_by([(name, "ascending") for name in ("place", "days", "order_id")]).drop_columns(["order_id"])


def _with_cost(shop: Shop, events: ibis.Table) -> ibis.Table:
    """Lines of orders and returns, with what the shop earns by each."""
    lines = events.filter(events.type.isin(["order_completed", "order_refunded"]))
    catalogue = shop.catalogue
    said = catalogue.filter(catalogue.unit_cost.notnull())
    cost = said.group_by("product_id").agg(cost=said.unit_cost.cast("float64").argmax(said.valid_from))
    lines = lines.left_join(cost, "product_id")
    paid, pieces = lines.unit_price.cast("float64"), lines.quantity.fill_null(1.0)
    share = (1 - lines.cost / paid.nullif(0)).clip(-1, 1)
    middle = shop.engine.to_arrow(lines.aggregate(middle=share.median()))["middle"][0].as_py()
    is_order = lines.type == "order_completed"
    each = pieces * paid * share.fill_null(1.0 if middle is None else middle)
    margin = ibis.ifelse(is_order, each, -each).fill_null(0.0)
    return lines.select("customer_id", "time", "order_id", is_order=is_order, margin=margin)


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
