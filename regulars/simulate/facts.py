"""Stylised facts: what a shop's log looks like from afar, beside the real shops that the presets are after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine import Engine
from regulars.errors import NotEnoughError
from regulars.shop import Shop

WITHIN = 0.25
"""A fact holds if it is so near, as a share, to the real shop's."""


class Real(NamedTuple):
    """A real shop's facts, and how it was seen, so that another can be seen so.

    Attributes
    ----------
    customers, days : how many were seen, and for how long.
    cohort_days : only customers whose first order is within so many days of the log's first; None for all.
    sampled : share of the order lines that are known; 1 for all.
    """

    source: str
    customers: int
    days: int
    cohort_days: int | None
    sampled: float
    facts: dict[str, float]


REAL = {
    "gifts": Real(
        "UCI Online Retail",
        customers=4338,
        days=374,
        cohort_days=None,
        sampled=1.0,
        facts={
            "revenue_gini": 0.7151,
            "repeat_rate": 0.6554,
            "orders_per_customer": 4.2508,
            "gap_days_q25": 6.9403,
            "gap_days_q50": 22.0128,
            "gap_days_q75": 51.2568,
            "lines_per_order": 21.5772,
            "lines_per_order_q50": 15.0,
            "units_per_order_q50": 156.0,
            "order_value_skew": 1.5928,
            "top_products_share": 0.7899,
            "returned_share": 0.0224,
            "forenoon_share": 0.3489,
            "evening_share": 0.0475,
            "busiest_hours_share": 0.5565,
            "weekend_share": 0.1177,
            "busiest_weekday_share": 0.2175,
        },
    ),
    "grocery": Real(
        "journey (dunnhumby), a sample of its basket lines",
        customers=2377,
        days=365,
        cohort_days=None,
        sampled=0.051,
        facts={
            "revenue_gini": 0.5188,
            "repeat_rate": 0.9558,
            "orders_per_customer": 19.8011,
            "gap_days_q25": 3.8719,
            "gap_days_q50": 7.8824,
            "gap_days_q75": 16.1178,
            "lines_per_order": 1.5849,
            "lines_per_order_q50": 1.0,
            "units_per_order_q50": 1.0,
            "order_value_skew": 1.5906,
            "top_products_share": 0.6708,
            "forenoon_share": 0.1763,
            "evening_share": 0.4289,
            "busiest_hours_share": 0.3808,
            "weekend_share": 0.341,
            "busiest_weekday_share": 0.1777,
        },
    ),
    "fashion": Real(
        "CDNOW",
        customers=23_502,
        days=546,
        cohort_days=84,
        sampled=1.0,
        facts={
            "revenue_gini": 0.6335,
            "repeat_rate": 0.4899,
            "orders_per_customer": 2.8726,
            "gap_days_q25": 12.0,
            "gap_days_q50": 34.0,
            "gap_days_q75": 94.0,
            "units_per_order_q50": 2.0,
            "order_value_skew": 1.3855,
            "weekend_share": 0.2823,
            "busiest_weekday_share": 0.1528,
        },
    ),
}
"""What `facts_of` finds in the real shops; tests/simulate/test_facts.py computes it again."""


class Row(NamedTuple):
    """A fact beside the real shop's; `holds` is None where the real shop does not tell it."""

    fact: str
    meaning: str
    simulated: float | None
    real: float | None
    holds: bool | None


MEANINGS = {
    "revenue_gini": "inequality of revenue between customers (Gini)",
    "repeat_rate": "share of customers with a second order",
    "orders_per_customer": "mean orders of a customer",
    "gap_days_q25": "days between orders, lower quarter",
    "gap_days_q50": "days between orders, middle",
    "gap_days_q75": "days between orders, upper quarter",
    "lines_per_order": "mean lines of an order",
    "lines_per_order_q50": "middle lines of an order",
    "units_per_order_q50": "middle units of an order",
    "order_value_skew": "mean order value over the middle one",
    "top_products_share": "share of revenue of the top fifth of products",
    "returned_share": "lines returned for each line bought",
    "forenoon_share": "share of orders before noon",
    "evening_share": "share of orders from 17 o'clock",
    "busiest_hours_share": "share of orders in the busiest four hours",
    "weekend_share": "share of orders on Saturday and Sunday",
    "busiest_weekday_share": "share of orders on the busiest weekday",
}


def facts(shop: Shop, preset: str = "") -> dict[str, float]:
    """The facts of a shop's log, by name; only those that the log can tell.

    Parameters
    ----------
    preset : seen as the real shop that it is after was: its cohort, its sample. Default: all.

    Raises
    ------
    NotEnoughError
        If there are fewer than 20 orders of known customers.
    """
    timezone = shop.config.shop.timezone
    if preset not in REAL:
        return facts_of(shop.engine, shop.events, timezone)
    real = REAL[preset]
    return facts_of(shop.engine, shop.events, timezone, cohort_days=real.cohort_days, sampled=real.sampled)


def facts_of(
    engine: Engine, events: ibis.Table, timezone: str, *, cohort_days: int | None = None, sampled: float = 1.0
) -> dict[str, float]:
    """As `facts`, of events in the columns of the log."""
    bought = events.filter(
        events.type == "order_completed", events.customer_id.notnull(), events.unit_price > 0, events.quantity > 0
    )
    refunded = events.filter(events.type == "order_refunded", events.customer_id.notnull())
    if sampled < 1:
        bought, refunded = _sample(bought, sampled), _sample(refunded, sampled)
    money = bought.unit_price.cast("float64") * bought.quantity
    # Lines of one customer at one moment are one order where the log names none.
    order = ibis.coalesce(bought.order_id, bought.time.cast("string"))
    orders = bought.group_by("customer_id", order=order).agg(
        time=bought.time.min(), lines=bought.count(), units=bought.quantity.sum(), revenue=money.sum()
    )
    table = engine.to_arrow(orders.order_by("customer_id", "time", "order"))
    by_product = bought.filter(bought.product_id.notnull()).group_by("product_id").agg(revenue=money.sum())
    products = engine.to_arrow(by_product)["revenue"].to_numpy()
    returned = engine.to_arrow(refunded.count()).as_py()
    if table.num_rows < 20:
        raise NotEnoughError(f"{table.num_rows} orders of known customers; at least 20 are needed for facts.")
    lines = int(np.sum(table["lines"].to_numpy()))
    if cohort_days is not None:
        table = _cohort(table, cohort_days)
    found = _orders(table)
    ordered = np.sort(products)[::-1]
    if len(ordered) > 10:
        found["top_products_share"] = float(ordered[: -(-len(ordered) // 5)].sum() / ordered.sum())
    if returned:
        found["returned_share"] = returned / lines
    return found | _times(table["time"], timezone)


def _sample(lines: ibis.Table, share: float) -> ibis.Table:
    # By a hash of each line, so that the same lines are taken every time.
    number = (lines.event_id + lines.line.cast("string")).hash() % 100_000
    return lines.filter(number.abs() < int(share * 100_000))


def _cohort(orders: pa.Table, days: int) -> pa.Table:
    first = orders.group_by("customer_id").aggregate([("time", "min")])
    limit = pc.add(pc.min(orders["time"]), pa.scalar(timedelta(days=days)))
    early = first.filter(pc.less(first["time_min"], limit))["customer_id"]
    return orders.filter(pc.is_in(orders["customer_id"], early.combine_chunks()))


def _orders(orders: pa.Table) -> dict[str, float]:
    """Facts of orders that are sorted by customer and time."""
    customer = orders["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    seconds = orders["time"].cast(pa.int64()).to_numpy() / 1e6
    revenue, units, lines = (orders[name].to_numpy() for name in ("revenue", "units", "lines"))
    count = np.bincount(customer)
    gaps = np.diff(seconds)[np.diff(customer) == 0] / 86_400
    found = {
        "revenue_gini": gini(np.bincount(customer, revenue)),
        "repeat_rate": float((count > 1).mean()),
        "orders_per_customer": float(count.mean()),
    }
    if len(gaps):
        quarters = np.quantile(gaps, [0.25, 0.5, 0.75]).tolist()
        found |= dict(zip(("gap_days_q25", "gap_days_q50", "gap_days_q75"), quarters, strict=True))
    if lines.max() > 1:
        found |= {"lines_per_order": float(lines.mean()), "lines_per_order_q50": float(np.median(lines))}
    found["units_per_order_q50"] = float(np.median(units))
    found["order_value_skew"] = float(revenue.mean() / np.median(revenue))
    return found


def _times(times: pa.ChunkedArray, timezone: str) -> dict[str, float]:
    """Facts of the clock and the week; of the week alone where only days are known."""
    local = pc.local_timestamp(times.cast(pa.timestamp("us", timezone)))
    by_day = np.bincount(pc.day_of_week(local).to_numpy(), minlength=7) / len(local)
    found = {"weekend_share": float(by_day[5:].sum()), "busiest_weekday_share": float(by_day.max())}
    if pc.count_distinct(pc.hour(local)).as_py() > 1:
        by_hour = np.bincount(pc.hour(local).to_numpy(), minlength=24) / len(local)
        found |= {
            "forenoon_share": float(by_hour[:12].sum()),
            "evening_share": float(by_hour[17:].sum()),
            "busiest_hours_share": float(np.sort(by_hour)[-4:].sum()),
        }
    return found


def gini(amounts: npt.NDArray[Any]) -> float:
    """How unequal amounts are: 0 all the same, near 1 all with one.

    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 4.0]))
    (0.0, 0.75)
    """
    ordered = np.sort(amounts)
    count = len(ordered)
    return float((2 * np.arange(1, count + 1) - count - 1) @ ordered / (count * ordered.sum()))


def beside_real(found: dict[str, float], preset: str) -> list[Row]:
    """Facts beside those of the real shop that a preset is after; all known ones if it is after none."""
    real = REAL[preset].facts if preset in REAL else {}
    rows = []
    for name, meaning in MEANINGS.items():
        ours, theirs = found.get(name), real.get(name)
        holds = None if ours is None or theirs is None else abs(ours - theirs) <= WITHIN * abs(theirs)
        if ours is not None or theirs is not None:
            rows.append(Row(name, meaning, ours, theirs, holds))
    return rows


def share_holding(rows: list[Row]) -> float:
    """The share of facts that hold, of those that the real shop tells; one that ours lacks does not hold."""
    told = [row for row in rows if row.real is not None]
    return sum(bool(row.holds) for row in told) / len(told)
