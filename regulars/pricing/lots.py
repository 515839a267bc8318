"""What came of the personal discounts that were decided before: the data from which decisions learn how to go on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pyarrow as pa

from regulars import decisions
from regulars.events.schema import TIME
from regulars.pricing.evaluate import NAME
from regulars.pricing.explore import Strength, strength
from regulars.pricing.products import Products

if TYPE_CHECKING:
    from regulars.shop import Shop

DAY = 86_400_000_000
LEAST_DAYS = 7
"""So long a discount must have stood before it teaches anything."""
NUMBERS = ("share", "expected_log", "spend", "elasticity", "horizon_days")


def strength_of(shop: Shop, as_of: datetime, products: Products) -> Strength:
    """How much the discounts that a lot drew before a moment moved customers.

    A discount stands until the next decision about its customer, personal or not, or the end of its horizon. What was
    bought counts at the list prices of now, so that it does not look smaller for being sold for less.
    """
    made = decided(shop, as_of)
    begin, end = (made[name].cast(pa.int64()).to_numpy() for name in ("time", "end"))
    numbers = {name: made[name].to_numpy() for name in NUMBERS}
    stood = (end - begin) / DAY
    ripe = (stood >= LEAST_DAYS) & made["is_personal"].to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(ripe)
    bought = _bought(shop, made.take(pa.array(rows)), end[rows], as_of, products)
    share, expected, spend, elasticity, horizon = (numbers[name][rows] for name in NUMBERS)
    return strength(bought, spend * stood[rows] / horizon, np.log1p(-share), expected, elasticity)


def decided(shop: Shop, as_of: datetime) -> pa.Table:
    """The decisions before a moment, by customer and time; of those of one moment the newest.

    Returns
    -------
    customer_id, time, end (until when each stands: the next one, the end of its horizon, or the moment), is_personal,
    policy, expected_cost, and `NUMBERS`.
    """
    events = shop.events
    said = events.filter(events.type == decisions.TYPE, events.time < ibis.literal(as_of), events.customer_id.notnull())
    note = said.properties.cast("json")
    said = said.filter(note["capability"].str == NAME)
    note = said.properties.cast("json")
    columns = {name: note[name].float for name in (*NUMBERS, "expected_cost")}
    columns |= {"is_personal": note["mode"].str == "personal", "policy": note["policy"].str}
    said = said.select("customer_id", "time", "received_at", **columns)
    said = said.filter(said.expected_log.notnull(), said.horizon_days > 0)
    newest = said.group_by("customer_id", "time").agg(**{name: said[name].argmax(said.received_at) for name in columns})
    made = shop.engine.to_arrow(newest.order_by("customer_id", "time"))
    who, begin = made["customer_id"].to_numpy(zero_copy_only=False), made["time"].cast(pa.int64()).to_numpy()
    moment = int(as_of.timestamp() * 1_000_000)
    is_last = np.append(who[1:] != who[:-1], True) if len(who) else np.zeros(0, bool)
    following = np.where(is_last, moment, np.append(begin[1:], moment)[: len(begin)])
    end = np.minimum(following, begin + (made["horizon_days"].to_numpy() * DAY).astype(np.int64))
    return made.append_column("end", pa.array(end, pa.int64()).cast(TIME))


def _bought(shop: Shop, made: pa.Table, end: np.ndarray, as_of: datetime, products: Products) -> np.ndarray:
    """(n,) what the customer of each decision bought while it stood, in the shop's currency at list prices."""
    events = shop.events
    lines = events.filter(
        events.type == "order_completed", events.time < ibis.literal(as_of), events.unit_price > 0,
        events.product_id.notnull(),
    )  # fmt: skip
    lines = shop.identities.named(
        lines.select("customer_id", "anonymous_id", "product_id", "unit_price", "quantity", "time"), as_of
    )
    prices = pa.table({"product_id": pa.array(products.ids, pa.string()), "listed": products.amounts})
    lines = lines.left_join(shop.engine.table(prices), "product_id").drop("product_id_right")
    worth = lines.listed.fill_null(lines.unit_price.cast("float64")) * lines.quantity.fill_null(1.0)
    lines = lines.select("customer_id", "time", worth=worth)
    stood = shop.engine.table(
        pa.table(
            {
                "customer_id": made["customer_id"],
                "place": np.arange(made.num_rows),
                "begin": made["time"].cast(TIME),
                "end": pa.array(end, pa.int64()).cast(TIME),
            }
        )
    )
    met = lines.join(stood, "customer_id")
    met = met.filter(met.time >= met.begin, met.time < met.end)
    found = shop.engine.to_arrow(met.group_by("place").agg(worth=met.worth.sum()).order_by("place"))
    bought = np.zeros(made.num_rows)
    bought[found["place"].to_numpy()] = found["worth"].to_numpy().round(4)
    return bought
