"""Who enters a journey between two moments, when, and what it is about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.journey.audience import Audience, rule_in
from regulars.campaign.journey.happenings import events_of
from regulars.campaign.journey.step import Awaited, Trigger
from regulars.campaign.sending.hours import DAY, in_utc, zones
from regulars.clock import micros
from regulars.customers import customers_as_of
from regulars.errors import NotEnoughError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]
MOST_PRODUCTS = 5


class Candidates(NamedTuple):
    """Who could enter, (n,) each, by time.

    Attributes
    ----------
    customer : ids.
    at : microseconds since 1970.
    key : what lets each in, by a name that it never has twice.
    about : the product, if it is about one; "" else.
    price_before : of a product that got cheaper, as text; "" else.
    """

    customer: pa.Array
    at: Ints
    key: pa.Array
    about: pa.Array
    price_before: pa.Array


SCHEMA = pa.schema(
    [("customer_id", pa.string()), ("time", TIME), ("key", pa.string()), ("about", pa.string()),
     ("price_before", pa.string())]
)  # fmt: skip


def candidates(shop: Shop, trigger: Trigger, since: datetime, until: datetime, audience: Audience) -> Candidates:
    """Who could enter in [since, until).

    A segment or rule lets in who is meant at the end and was not at the beginning: a customer that came and went in
    between is not seen.
    """
    match trigger.kind:
        case "event":
            rows = _by_event(shop, trigger, since, until)
        case "segment" | "rule":
            rows = _by_rule(trigger, since, until, audience)
        case "birthday":
            rows = _by_birthday(shop, trigger.what, since, until)
        case _:
            rows = _by_product(shop, trigger, since, until)
    rows = rows.sort_by([("time", "ascending"), ("customer_id", "ascending"), ("key", "ascending")])
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    at = columns["time"].cast(pa.int64()).to_numpy()
    return Candidates(columns["customer_id"], at, columns["key"], columns["about"], columns["price_before"])


def rule_of(trigger: Trigger, audience: Audience) -> str:
    """The rule of a trigger by rule or segment."""
    return trigger.what if trigger.kind == "rule" else rule_in(audience, "", trigger.what)


def products_around(
    shop: Shop, event: str, customers: Sequence[str], since: datetime, until: datetime
) -> dict[str, list[str]]:
    """The products of events of a type, of each customer, the newest first: what lies in the cart, say."""
    rows = events_of(shop, Awaited(event), since, until)
    rows = rows.filter(rows.customer_id.isin(list(customers)), rows.product_id.notnull())
    newest = rows.group_by("customer_id", "product_id").agg(time=rows.time.max())
    found: dict[str, list[str]] = {}
    for row in shop.engine.to_arrow(newest).sort_by([("time", "descending"), ("product_id", "ascending")]).to_pylist():
        found.setdefault(row["customer_id"], []).append(row["product_id"])
    return {customer: products[:MOST_PRODUCTS] for customer, products in found.items()}


def _table(customer: Any, time: Any, key: Any, about: Any = None, before: Any = None) -> pa.Table:
    nothing = pa.repeat("", len(customer))
    return pa.table(
        [customer, time, key, nothing if about is None else about, nothing if before is None else before],
        names=SCHEMA.names,
    ).cast(SCHEMA)


def _by_event(shop: Shop, trigger: Trigger, since: datetime, until: datetime) -> pa.Table:
    rows = events_of(shop, Awaited(trigger.what, trigger.where), since, until)
    # One a customer and event, whatever its lines.
    first = rows.group_by("customer_id", "event_id").agg(
        time=rows.time.min(), about=rows.product_id.argmin(rows.line, where=rows.product_id.notnull()).fill_null("")
    )
    found = shop.engine.to_arrow(first)
    key = pc.binary_join_element_wise(found["event_id"], found["customer_id"], " ")
    return _table(found["customer_id"], found["time"], key, found["about"])


def _by_rule(trigger: Trigger, since: datetime, until: datetime, audience: Audience) -> pa.Table:
    rule = rule_of(trigger, audience)
    now = audience.members(rule, until)
    try:
        before = audience.members(rule, since)
    except NotEnoughError:  # no customers yet
        before = pa.array([], pa.string())
    new = now.filter(pc.invert(pc.is_in(now, before)))
    at = until - timedelta(microseconds=1)
    key = pc.binary_join_element_wise(new, f"{since.isoformat()}", " ")
    return _table(new, pa.repeat(pa.scalar(at, TIME), len(new)), key)


def _by_birthday(shop: Shop, trait: str, since: datetime, until: datetime) -> pa.Table:
    """Midnight of the day, where the customer is; of a 29 February, in other years the 28th."""
    known = customers_as_of(shop, until)
    named = known.filter(pc.fill_null(pc.match_substring(known["attributes"], f'"{trait}"'), False))
    said = [_day(json.loads(text).get(trait)) for text in named["attributes"].to_pylist()]
    has = np.array([day is not None for day in said], bool)
    named, days = named.filter(pa.array(has)), [day for day in said if day is not None]
    zone = zones(named, shop.config.shop.timezone)
    rows = []
    for year in range(since.year - 1, until.year + 2):
        dates = [np.datetime64(_date(year, *day), "D").astype(np.int64) for day in days]
        at = in_utc(np.array(dates, np.int64) * DAY, zone)
        inside = (at >= micros(since)) & (at < micros(until))
        customer = named["customer_id"].filter(pa.array(inside))
        key = pc.binary_join_element_wise(customer, f"birthday {year}", " ")
        rows.append(_table(customer, pa.array(at[inside]).cast(TIME), key))
    return pa.concat_tables(rows)


def _day(value: Any) -> tuple[int, int] | None:
    """Month and day of a date such as 1990-02-28 or --02-28."""
    parts = str(value)[:10].rpartition("T")[2].split("-")[-2:] if value else []
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        return None
    month, day = int(parts[0]), int(parts[1])
    return (month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _date(year: int, month: int, day: int) -> str:
    last = (np.datetime64(f"{year:04d}-{month:02d}", "M") + 1).astype("datetime64[D]") - 1
    return str(min(last, np.datetime64(f"{year:04d}-{month:02d}-01") + day - 1))


def _by_product(shop: Shop, trigger: Trigger, since: datetime, until: datetime) -> pa.Table:
    """Customers who did something with a product that changed since."""
    said = shop.catalogue
    said = said.filter(said.valid_from < ibis.literal(until))
    versions = said.group_by("product_id", "valid_from").agg(price=said.list_price.max(), stock=said.stock.max())
    order = ibis.window(group_by="product_id", order_by="valid_from")
    steps = versions.mutate(old_price=versions.price.lag().over(order), old_stock=versions.stock.lag().over(order))
    steps = steps.filter(steps.valid_from >= ibis.literal(since))
    if trigger.kind == "price_drop":
        price, old = steps.price.cast("float64"), steps.old_price.cast("float64")
        steps = steps.filter(old > 0, price <= old * (1 - trigger.share) + 1e-9)
        is_there = steps.stock.fill_null(1) > 0
        steps = steps.filter(is_there)
    else:
        steps = steps.filter(steps.old_stock <= 0, steps.stock > 0)
    looked = events_of(shop, Awaited(trigger.what, trigger.where), since - trigger.within, until)
    met = looked.join(steps, looked.product_id == steps.product_id)
    met = met.filter(met.time < met.valid_from, met.time >= met.valid_from - ibis.interval(days=trigger.within.days))
    newest = met.group_by("customer_id", "product_id", "valid_from").agg(
        time=met.time.max(), before=met.old_price.max().cast("string").fill_null("")
    )
    rows = shop.engine.to_arrow(newest)
    # Of several products that changed at once, the one that was looked at last.
    rows = rows.sort_by([("customer_id", "ascending"), ("time", "descending"), ("product_id", "ascending")])
    stamp = rows["valid_from"].cast(TIME)
    key = pc.binary_join_element_wise(
        rows["product_id"], rows["customer_id"], stamp.cast(pa.int64()).cast(pa.string()), " "
    )
    before = pc.utf8_rtrim(pc.utf8_rtrim(rows["before"], "0"), ".") if rows.num_rows else rows["before"]
    return _first_of_each(_table(rows["customer_id"], stamp, key, rows["product_id"], before))


def _first_of_each(rows: pa.Table) -> pa.Table:
    """The first row of each customer and time."""
    pairs = pc.binary_join_element_wise(rows["customer_id"], rows["time"].cast(pa.int64()).cast(pa.string()), " ")
    _, first = np.unique(np.array(pairs.to_pylist(), dtype=str), return_index=True)
    return rows.take(pa.array(np.sort(first)))
