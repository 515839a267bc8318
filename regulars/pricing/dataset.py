"""The training table of prices: what was sold of each product in each week, at which price, and by which lot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import NotEnoughError
from regulars.pricing.products import price_history
from regulars.pricing.suggest import Belief, believe

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LEAST_WEEKS, MOST_WEEKS = 12, 104
LEAST_CUSTOMERS = 50
SET = "price_set"


@dataclass(frozen=True)
class Dataset:
    """Products by weeks: (n,) ids and (n, w) each; the last week ends at the moment.

    Attributes
    ----------
    lines, units : of orders.
    log_price : logarithm of the price of everyone that held, in the smallest coin; the mean over the week's days.
    group : (n,) number of each product's category; `categories` names them.
    expected : of the logarithm of the price, over the lot, where one drew it; else NaN.
    """

    ids: list[str]
    categories: list[str]
    group: Numbers
    lines: Floats
    units: Floats
    log_price: Floats
    expected: Floats

    def where(self, rows: npt.NDArray[np.bool_]) -> Dataset:
        """Some of the products."""
        names = [name for name, is_in in zip(self.ids, rows, strict=True) if is_in]
        parts = (self.lines, self.units, self.log_price, self.expected)
        return Dataset(names, self.categories, self.group[rows], *(part[rows] for part in parts))

    @cached_property
    def belief(self) -> Belief:
        """What these weeks say of how demand answers prices."""
        return believe(self.lines, self.units, self.log_price, self.group, expected=self.expected)


def dataset(shop: Shop, until: datetime, weeks: int | None = None) -> Dataset:
    """The weeks before a moment, of products that had a price when they began and were sold in them.

    Parameters
    ----------
    weeks : how many; by default all there are, up to 104.

    Raises
    ------
    NotEnoughError
        If fewer than 50 customers have ordered, or there are fewer than 12 weeks.
    """
    first, customers = _begin(shop, until)
    there = 0 if first is None else max((until - first) // WEEK, 0)
    if customers < LEAST_CUSTOMERS:
        raise NotEnoughError(
            f"pricing: {customers} customers ordered before {until:%Y-%m-%d}; at least {LEAST_CUSTOMERS} are needed to "
            "see how demand answers prices. Import more history."
        )
    if weeks is None and there < LEAST_WEEKS:
        raise NotEnoughError(
            f"pricing: {there} weeks of orders lie before {until:%Y-%m-%d}; at least {LEAST_WEEKS} are needed. Import "
            "more history, or choose a later time."
        )
    count = min(there, MOST_WEEKS) if weeks is None else weeks
    begin = until - count * WEEK
    sold = _sold(shop, begin, until)
    history = price_history(shop, until)
    ids = sorted(set(sold["product_id"].to_pylist()) & set(history["product_id"].to_pylist()))
    number = pa.array(ids, pa.string())
    log_price = _by_day(history, "log_price", number, begin, count)
    lots = _lots(shop, until)
    keep = ~np.isnan(log_price[:, 0])
    lines, units = np.zeros((2, len(ids), count))
    place = pc.index_in(sold["product_id"], number)
    known = np.asarray(pc.is_valid(place))
    place, week = np.asarray(pc.fill_null(place, 0))[known], sold["week"].to_numpy()[known]
    # Weeks are counted in whole seconds: what is in the last part of one is in the last week.
    week = np.minimum(week, count - 1)
    np.add.at(lines, (place, week), sold["lines"].to_numpy()[known])
    np.add.at(units, (place, week), sold["units"].to_numpy()[known])
    group, categories = _categories(shop, ids, until)
    whole = Dataset(
        ids, categories, group, lines, units, _by_week(log_price),
        _by_week(_by_day(lots, "expected", number, begin, count)),
    )  # fmt: skip
    return whole.where(keep & (lines.sum(1) > 0))


def _begin(shop: Shop, until: datetime) -> tuple[datetime | None, int]:
    """When orders began, and how many customers ordered."""
    events = shop.events
    orders = events.filter(events.type == "order_completed", events.time < ibis.literal(until))
    orders = shop.identities.named(orders.select("customer_id", "anonymous_id", "time"), until)
    found = shop.engine.to_arrow(orders.aggregate(first=orders.time.min(), customers=orders.customer_id.nunique()))
    row = found.to_pylist()[0]
    return row["first"], row["customers"]


def _sold(shop: Shop, begin: datetime, until: datetime) -> pa.Table:
    """product_id, week (from 0), lines, units. What was given away, or sold at no known price, was not sold."""
    events = shop.events
    lines = events.filter(
        events.type == "order_completed", events.time >= ibis.literal(begin), events.time < ibis.literal(until),
        events.product_id.notnull(), events.unit_price > 0, events.quantity > 0,
    )  # fmt: skip
    start = int(begin.timestamp())
    week = ((lines.time.epoch_seconds() - start) // int(WEEK.total_seconds())).cast("int64")
    found = lines.group_by("product_id", week=week).agg(lines=lines.count(), units=lines.quantity.sum())
    return shop.engine.to_arrow(found.order_by("product_id", "week"))


def _lots(shop: Shop, until: datetime) -> pa.Table:
    """product_id, since, expected: of every price that was set, NaN where no lot drew it."""
    events = shop.events
    said = events.filter(events.type == SET, events.time < ibis.literal(until), events.product_id.notnull())
    rows = shop.engine.to_arrow(said.select("product_id", "properties", since="time").order_by("product_id", "since"))
    notes = [json.loads(text or "{}") for text in rows["properties"].to_pylist()]
    expected = [float(note["expected"]) if note.get("variance") else np.nan for note in notes]
    said_of = {"product_id": rows["product_id"], "since": rows["since"]}
    return pa.table({**said_of, "expected": pa.array(expected, pa.float64())})


def _by_day(history: pa.Table, column: str, ids: pa.Array, begin: datetime, weeks: int) -> Floats:
    """(n, days) what held at the end of each day; NaN before the first."""
    days = weeks * 7
    found = np.full((len(ids), days), np.nan)
    place = pc.index_in(history["product_id"], ids)
    known = np.asarray(pc.is_valid(place))
    values = np.log(history["coins"].to_numpy()) if column == "log_price" else history[column].to_numpy()
    day = (history["since"].cast(pa.int64()).to_numpy() - int(begin.timestamp() * 1_000_000)) // 86_400_000_000
    rows = np.flatnonzero(known & (day < days))
    which, at, held = np.asarray(pc.fill_null(place, 0))[rows], np.maximum(day[rows], 0), values[rows]
    order = np.lexsort((day[rows], which))
    # In order of time: of two of one day, and of all before the first day, the last holds.
    source = np.full(found.shape, -1)
    source[which[order], at[order]] = order
    last = np.maximum.accumulate(np.where(source >= 0, np.arange(days), -1), axis=1)
    known_at = last >= 0
    chosen = np.take_along_axis(source, np.maximum(last, 0), axis=1)
    found[known_at] = held[chosen[known_at]]
    return found


def _by_week(by_day: Floats) -> Floats:
    found: Floats = by_day.reshape(len(by_day), -1, 7).mean(2)
    return found


def _categories(shop: Shop, ids: list[str], until: datetime) -> tuple[Numbers, list[str]]:
    catalogue = shop.catalogue
    known = catalogue.filter(catalogue.valid_from < ibis.literal(until), catalogue.category.notnull())
    newest = known.group_by("product_id").agg(category=known.category.argmax(known.valid_from))
    by_id = {row["product_id"]: row["category"] for row in shop.engine.to_arrow(newest).to_pylist()}
    names = [by_id.get(product, "") for product in ids]
    distinct = sorted(set(names))
    number = {name: place for place, name in enumerate(distinct)}
    return np.array([number[name] for name in names], np.int64), distinct
