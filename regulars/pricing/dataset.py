"""The training table of prices: what was sold of each product in each week, at which price, and what else moved it."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from regulars.pricing.competitor import FRESH_DAYS, seen_between
from regulars.pricing.products import price_changes, price_history
from regulars.pricing.response.demand import COMPETITOR, PROMOTION
from regulars.pricing.suggest import Belief, believe

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LEAST_WEEKS, MOST_WEEKS = 12, 104
LEAST_CUSTOMERS = 50
SET, PROMOTED = "price_set", "promotion_viewed"


@dataclass(frozen=True)
class Dataset:
    """Products by weeks: (n,) ids and (n, w) each; the last week ends at the moment.

    Attributes
    ----------
    lines, units : of orders.
    log_price : logarithm of the price of everyone that held, in the smallest coin; the mean over the week's days.
    group : (n,) number of each product's category; `categories` names them.
    expected : of the logarithm of the price, over the lot, where one drew it; else NaN.
    stocked : share of the week's days that ended with some to sell, as far as the catalogue tells of stock.
    controls : name -> what else moves demand: the mean logarithm of competitors' prices, NaN where none was fresh; and
        that of 1 and the times that a promotion of the product was seen. Only what the shop has.
    """

    ids: list[str]
    categories: list[str]
    group: Numbers
    lines: Floats
    units: Floats
    log_price: Floats
    expected: Floats
    stocked: Floats
    controls: Mapping[str, Floats]

    def where(self, rows: npt.NDArray[np.bool_]) -> Dataset:
        """Some of the products."""
        names = [name for name, is_in in zip(self.ids, rows, strict=True) if is_in]
        return Dataset(
            names, self.categories, self.group[rows], self.lines[rows], self.units[rows], self.log_price[rows],
            self.expected[rows], self.stocked[rows], {name: column[rows] for name, column in self.controls.items()},
        )  # fmt: skip

    @cached_property
    def belief(self) -> Belief:
        """What these weeks say of how demand answers prices."""
        return believe(
            self.lines, self.units, self.log_price, self.group, expected=self.expected, stocked=self.stocked,
            controls=self.controls,
        )  # fmt: skip


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
    log_price = _by_day(history.append_column("log_price", pc.ln(history["coins"])), "log_price", number, begin, count)
    keep = ~np.isnan(log_price[:, 0])
    lines, units = (_counted(sold, name, number, count) for name in ("lines", "units"))
    group, categories = _categories(shop, ids, until)
    expected = _by_day(_lots(shop, until), "expected", number, begin, count)
    stock = _by_day(_stock(shop, until), "stock", number, begin, count)
    controls = {
        COMPETITOR: _competitors(shop, number, begin, until, count),
        PROMOTION: np.log1p(_counted(_promoted(shop, begin, until), "seen", number, count)),
    }
    whole = Dataset(
        ids, categories, group, lines, units, _by_week(log_price), _by_week(expected), _by_week(~(stock <= 0)),
        {name: column for name, column in controls.items() if np.nanmax(column, initial=0.0) > 0},
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
    found = lines.group_by("product_id", week=_week(lines.time, begin)).agg(
        lines=lines.count(), units=lines.quantity.sum()
    )
    return shop.engine.to_arrow(found.order_by("product_id", "week"))


def _promoted(shop: Shop, begin: datetime, until: datetime) -> pa.Table:
    """product_id, week, seen: how often promotions that name a product were seen."""
    events = shop.events
    views = events.filter(
        events.type == PROMOTED, events.time >= ibis.literal(begin), events.time < ibis.literal(until),
        events.product_id.notnull(),
    )  # fmt: skip
    found = views.group_by("product_id", week=_week(views.time, begin)).agg(seen=views.count())
    return shop.engine.to_arrow(found.order_by("product_id", "week"))


def _week(time: ir.TimestampValue, begin: datetime) -> ir.IntegerValue:
    return ((time.epoch_seconds() - int(begin.timestamp())) // int(WEEK.total_seconds())).cast("int64")


def _counted(table: pa.Table, column: str, ids: pa.Array, weeks: int) -> Floats:
    """(n, w) of a table by product and week; 0 where it has none."""
    found = np.zeros((len(ids), weeks))
    place = pc.index_in(table["product_id"], ids)
    known = np.asarray(pc.is_valid(place))
    # Weeks are counted in whole seconds: what is in the last part of one is in the last week.
    week = np.minimum(table["week"].to_numpy()[known], weeks - 1)
    np.add.at(found, (np.asarray(place.drop_null()), week), table[column].to_numpy()[known])
    return found


def _stock(shop: Shop, until: datetime) -> pa.Table:
    """product_id, since, stock: what the catalogue tells of it."""
    catalogue = shop.catalogue
    told = catalogue.filter(catalogue.valid_from < ibis.literal(until), catalogue.stock.notnull())
    rows = told.select("product_id", "stock", since="valid_from")
    return shop.engine.to_arrow(rows.order_by("product_id", "since"))


def _competitors(shop: Shop, ids: pa.Array, begin: datetime, until: datetime, weeks: int) -> Floats:
    """(n, w) mean logarithm of competitors' prices; of one that was seen it holds while it is fresh."""
    seen = seen_between(shop.state, begin - FRESH_DAYS * DAY, until)
    whose = pc.binary_join_element_wise(seen["product_id"], seen["competitor"], "\x00").combine_chunks()
    names = pc.unique(whose)
    rows = pa.table({"product_id": whose, "since": seen["seen_at"], "log_price": pc.ln(seen["coins"])})
    by_day = _by_day(rows, "log_price", names, begin, weeks, fresh_days=FRESH_DAYS)
    product = pc.index_in(seen["product_id"].take(pc.index_in(names, whose)), ids)
    known = np.asarray(pc.is_valid(product))
    total, count = np.zeros((2, len(ids), weeks * 7))
    for column, of_each in ((total, np.nan_to_num(by_day)), (count, np.isfinite(by_day))):
        np.add.at(column, np.asarray(product.drop_null()), of_each[known])
    of_week, days = (column.reshape(len(ids), -1, 7).sum(2) for column in (total, count))
    found: Floats = np.divide(of_week, days, out=np.full(days.shape, np.nan), where=days > 0)
    return found


def _lots(shop: Shop, until: datetime) -> pa.Table:
    """product_id, since, expected: of every price that was asked, NaN where no lot drew it."""
    events = shop.events
    said = events.filter(events.type == SET, events.time < ibis.literal(until), events.product_id.notnull())
    rows = shop.engine.to_arrow(said.select("product_id", "properties", since="time").order_by("product_id", "since"))
    notes = [json.loads(text or "{}") for text in rows["properties"].to_pylist()]
    expected = [float(note["expected"]) if note.get("variance") else np.nan for note in notes]
    said_of = {"product_id": rows["product_id"], "since": rows["since"]}
    chosen = pa.table({**said_of, "expected": pa.array(expected, pa.float64())})
    changes = price_changes(shop, until)
    others = changes.filter(pc.invert(changes["is_set"])).select(["product_id", "since"])
    others = others.append_column("expected", pa.array(np.full(len(others), np.nan)))
    return pa.concat_tables([chosen, others.cast(chosen.schema)]).sort_by([("since", "ascending")])


def _by_day(
    history: pa.Table, column: str, ids: pa.Array, begin: datetime, weeks: int, *, fresh_days: int | None = None
) -> Floats:
    """(n, days) what held at the end of each day; NaN before the first, and where it is not fresh any more."""
    days = weeks * 7
    found = np.full((len(ids), days), np.nan)
    place = pc.index_in(history["product_id"], ids)
    known = np.asarray(pc.is_valid(place))
    values = history[column].to_numpy()
    day = (history["since"].cast(pa.int64()).to_numpy() - int(begin.timestamp() * 1_000_000)) // 86_400_000_000
    rows = np.flatnonzero(known & (day < days))
    which, at, held = np.asarray(pc.fill_null(place, 0))[rows], np.maximum(day[rows], 0), values[rows]
    order = np.lexsort((day[rows], which))
    # In order of time: of two of one day, and of all before the first day, the last holds.
    source = np.full(found.shape, -1)
    source[which[order], at[order]] = order
    last = np.maximum.accumulate(np.where(source >= 0, np.arange(days), -1), axis=1)
    known_at = (last >= 0) & (np.arange(days) - last < (days if fresh_days is None else fresh_days))
    chosen = np.take_along_axis(source, np.maximum(last, 0), axis=1)
    found[known_at] = held[chosen[known_at]]
    return found


def _by_week(by_day: Floats | npt.NDArray[np.bool_]) -> Floats:
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
