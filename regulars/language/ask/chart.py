"""A chart over the shop's events: which measure, by what, of which events, over which days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import altair as alt
import ibis
import pyarrow as pa
from altair.typing import ChartType

from regulars.evaluation import palette
from regulars.language.ask.known import events_before

if TYPE_CHECKING:
    from regulars.rules import Rule
    from regulars.shop import Shop

MOST_ROWS = 500
"""A chart has so many points at most; of times the newest, of all else the largest."""


@dataclass(frozen=True)
class Measure:
    """A number of events: in words, of which type, how it is computed, and its unit."""

    meaning: str
    type: str
    compute: Callable[[ibis.Table], Any]
    unit: str


MEASURES: dict[str, Measure] = {
    "revenue": Measure("what orders were worth", "order_completed", lambda t: t.value.sum(), "money"),
    "orders": Measure("orders", "order_completed", lambda t: t.order.nunique(), "orders"),
    "order value": Measure(
        "what an order was worth on average", "order_completed", lambda t: t.value.sum() / t.order.nunique(), "money"
    ),
    "pieces": Measure("pieces sold", "order_completed", lambda t: t.quantity.sum(), "pieces"),
    "customers": Measure("customers who ordered", "order_completed", lambda t: t.customer_id.nunique(), "customers"),
    "new customers": Measure(
        "customers who ordered for the first time", "order_completed", lambda t: t.customer_id.nunique(), "customers"
    ),
    "refunds": Measure("what was paid back", "order_refunded", lambda t: t.value.sum(), "money"),
    "cancellations": Measure("orders cancelled", "order_cancelled", lambda t: t.order.nunique(), "orders"),
    "views": Measure("views of products", "product_viewed", lambda t: t.count(), "views"),
    "visitors": Measure(
        "customers who looked at products", "product_viewed", lambda t: t.customer_id.nunique(), "customers"
    ),
    "searches": Measure("searches", "products_searched", lambda t: t.count(), "searches"),
    "messages": Measure("messages sent", "message_sent", lambda t: t.count(), "messages"),
}
"""What can be counted."""

TIMES = ("day", "week", "month", "quarter", "year")
"""Dimensions in the order of time; a period is named by its first day."""
DIMENSIONS: dict[str, str] = {
    **{name: f"each {name}" for name in TIMES},
    "weekday": "Monday to Sunday",
    "hour": "of the day, UTC",
    "product": "by title, else by id",
    "category": "of the product",
    "brand": "of the product",
    "channel": "through which it came",
    "campaign": "which it belongs to",
    "customer": "who did it",
    "query": "words searched for",
}
"""By what it can be split."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Chart:
    """A chart that was asked for. `str` writes it as it is read.

    Attributes
    ----------
    measure : of `MEASURES`.
    by : of `DIMENSIONS`; "" for one number.
    days : of so many last days; None for all.
    since, before : of days from the first on, and before the second; None for all.
    top : so many of the largest; None for all.
    where : of events for which it is true.
    """

    measure: str
    by: str = ""
    days: int | None = None
    since: date | None = None
    before: date | None = None
    top: int | None = None
    where: Rule | None = None

    def __str__(self) -> str:
        parts = [
            self.measure,
            f"by {self.by}" if self.by else "",
            f"last {self.days} days" if self.days else "",
            f"since {self.since}" if self.since else "",
            f"before {self.before}" if self.before else "",
            f"top {self.top}" if self.top else "",
            f"where {self.where.text}" if self.where else "",
        ]
        return " ".join(filter(None, parts))

    def run(self, shop: Shop, as_of: datetime) -> pa.Table:
        """The numbers, as of a moment.

        Returns
        -------
        A column named as the dimension, if there is one, and one named as the measure; of times ascending, else the
        largest first.
        """
        rows = events_before(shop, as_of).filter(ibis._.type == MEASURES[self.measure].type)
        if self.measure == "new customers":
            first = ibis._.time.min().over(group_by="customer_id")
            rows = rows.filter(ibis._.customer_id.notnull()).mutate(first=first).filter(ibis._.time == ibis._.first)
        begin = as_of - timedelta(days=self.days) if self.days else _midnight(self.since)
        if begin is not None:
            rows = rows.filter(ibis._.time >= ibis.literal(begin, "timestamp('UTC')"))
        if self.before is not None:
            rows = rows.filter(ibis._.time < ibis.literal(_midnight(self.before), "timestamp('UTC')"))
        if self.where is not None:
            rows = self.where.filter(rows)
        # Two digits: an engine adds floats in any order.
        value = {self.measure: MEASURES[self.measure].compute(rows).cast("float64").round(2).fill_null(0.0)}
        if not self.by:
            return shop.engine.to_arrow(rows.agg(**value))
        rows = rows.mutate(**{self.by: _dimension(rows, self.by)}).filter(ibis._[self.by].notnull())
        value = {self.measure: MEASURES[self.measure].compute(rows).cast("float64").round(2).fill_null(0.0)}
        found = rows.group_by(self.by).agg(**value)
        if self.by in TIMES and self.top is None:
            found = found.order_by(ibis.desc(self.by)).limit(MOST_ROWS).order_by(self.by)
        elif self.by in ("weekday", "hour") and self.top is None:
            found = found.order_by(self.by)
        else:
            found = found.order_by(ibis.desc(self.measure), self.by).limit(min(self.top or MOST_ROWS, MOST_ROWS))
        table = shop.engine.to_arrow(found)
        return _with_weekdays(table) if self.by == "weekday" else table


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _dimension(rows: ibis.Table, by: str) -> Any:
    if by in TIMES:
        return rows.time.truncate({"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}[by]).date()
    if by in ("weekday", "hour"):
        return rows.time.day_of_week.index() if by == "weekday" else rows.time.hour()
    if by == "product":
        return ibis.coalesce(rows.title, rows.product_id)
    return rows[{"campaign": "campaign_id", "customer": "customer_id"}.get(by, by)]


def _with_weekdays(table: pa.Table) -> pa.Table:
    names = pa.array([WEEKDAYS[number] for number in table["weekday"].to_pylist()])
    return table.set_column(table.column_names.index("weekday"), "weekday", names)


def drawn(chart: Chart, table: pa.Table) -> ChartType:
    """A line over time, else bars; of one number the number itself. All names come from the table as data."""
    rows = alt.InlineData(values=[{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()])
    base = alt.Chart(rows, title=str(chart)[:100])
    title = f"{chart.measure} ({MEASURES[chart.measure].unit})"
    made: ChartType
    if not chart.by:
        made = base.mark_text(size=28).encode(text=alt.Text(f"{chart.measure}:Q", format=",.2~f"))
    elif chart.by in TIMES:
        x, y = alt.X(f"{chart.by}:T", title=chart.by), alt.Y(f"{chart.measure}:Q", title=title)
        made = base.mark_line(color=palette.MODEL, point=True).encode(x=x, y=y)
    else:
        x, y = alt.X(f"{chart.measure}:Q", title=title), alt.Y(f"{chart.by}:N", sort=None, title=chart.by)
        made = base.mark_bar(color=palette.MODEL).encode(x=x, y=y)
    return made


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
