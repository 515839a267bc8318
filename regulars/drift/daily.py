"""What each day of a log was like, counted: how many events of a kind, out of how many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine import Engine
from regulars.events.schema import NOTED

Floats = npt.NDArray[np.float64]

DAYS = 175
"""So many last days are counted: four weeks to compare with, and how far days were from such weeks before."""
NEW_DAYS = 7
"""For so long after its first event a product is one that was not known."""
FAR = 1.25
"""A price so many times its product's middle one is dear; so small a part of it, cheap."""
MOST = 20
"""So many types, channels and categories are counted, those with the most rows."""
PARTS = ("0-6", "6-12", "12-18", "18-24")
"""Of the day, by the shop's clock."""
OWN = (*NOTED, "message_sent", "ad_shown", "support_answered")
"""What the shop did itself, which knows when it does more or less of it."""


_EVENTS = ibis.coalesce(ibis._.order_id, ibis._.event_id)
"""What is one thing: a file of order lines has a row, and perhaps an event, for each."""
_VISITOR = ibis.coalesce(ibis._.session_id, ibis._.customer_id, ibis._.anonymous_id)


class Signal(NamedTuple):
    """Something that is counted each day.

    Attributes
    ----------
    kind : "visits", "type", "channel", "category", "hours", "new", "foreign", "nobody", "unseen", "repeated", "dear"
        or "cheap".
    name : which type, channel, category or part of the day.
    """

    kind: str
    name: str = ""


class Daily(NamedTuple):
    """What was counted.

    Attributes
    ----------
    first : the day of the first row below; days are those of UTC, and follow each other.
    signals : what the columns are; the first is visits.
    counts : (days, signals) how many.
    of : (days, signals) out of how many, or a visit; of visits themselves 1.
    visits : (days since the log began,) the visits of all days, the last of them that of the other arrays.
    """

    first: date
    signals: list[Signal]
    counts: Floats
    of: Floats
    visits: Floats


def daily(engine: Engine, events: ibis.Table, catalogue: ibis.Table, *, currency: str, timezone: str) -> Daily | None:
    """Count the days of a log that are over: all but that of its newest event. None if there is no such day.

    Parameters
    ----------
    events : the log as it is, its prices in the currencies in which they came.
    catalogue : tells categories.
    currency, timezone : the shop's.
    """
    outside = events.filter(~events.type.isin(OWN)).mutate(day=ibis._.time.date())
    span = engine.to_arrow(outside.agg(begin=outside.day.min(), end=outside.day.max())).to_pylist()[0]
    if span["begin"] is None or span["begin"] == span["end"]:
        return None
    return _Counting(engine, outside, catalogue, span["begin"], span["end"]).counted(currency, timezone)


class _Counting:
    """The queries; each answers with a few rows a day."""

    def __init__(self, engine: Engine, outside: ibis.Table, catalogue: ibis.Table, begin: date, end: date) -> None:
        self._engine, self._outside, self._catalogue = engine, outside, catalogue
        self._begin, self._end = begin, end
        self._first = max(begin, end - timedelta(days=DAYS))
        self._days = (end - self._first).days
        self._recent = outside.filter(outside.day >= self._first, outside.day < end)

    def counted(self, currency: str, timezone: str) -> Daily:
        visits = self._visits()
        whole = self._whole(currency)
        signals, counts, of = [Signal("visits")], [visits[-self._days :]], [np.ones(self._days)]
        products, hours = whole["products"], self._hours(timezone)
        for kind, named, total in (
            ("type", self._named(self._recent.type), visits[-self._days :]),
            ("channel", self._named(self._recent.channel), visits[-self._days :]),
            ("category", self._categories(), products),
            ("hours", hours, np.sum(list(hours.values()), axis=0)),
            ("new", {"": self._new_customers()}, whole["customers"]),
            ("foreign", {"": whole["foreign"]}, whole["priced"]),
            ("nobody", {"": whole["nobody"]}, whole["rows"]),
            ("unseen", {"": self._unseen()}, products),
            ("repeated", {"": self._repeated()}, whole["rows"]),
            *((kind, {"": number}, whole["priced"]) for kind, number in self._far()),
        ):
            for name, number in named.items():
                signals.append(Signal(kind, name))
                counts.append(number)
                of.append(total)
        return Daily(self._first, signals, np.stack(counts, 1), np.stack(of, 1), visits)

    def _visits(self) -> Floats:
        """Of all days since the log began: sessions, or where none are told, customers."""
        who = ibis.coalesce(self._outside.customer_id, self._outside.anonymous_id)
        by_day = self._outside.group_by("day").agg(sessions=self._outside.session_id.nunique(), customers=who.nunique())
        found = self._by_day(by_day, self._begin)
        return found["sessions"] if found["sessions"].any() else found["customers"]

    def _whole(self, currency: str) -> dict[str, Floats]:
        rows = self._recent
        priced = rows.unit_price.notnull()
        who = ibis.coalesce(rows.customer_id, rows.anonymous_id)
        counted = rows.group_by("day").agg(
            rows=rows.count(),
            customers=who.nunique(),
            nobody=who.isnull().sum(),
            products=rows.product_id.count(),
            priced=priced.sum(),
            foreign=(priced & (rows.currency.upper() != currency)).sum(),
        )
        return self._by_day(counted, self._first)

    def _named(self, column: Any) -> dict[str, Floats]:
        counted = self._recent.filter(column.notnull()).group_by("day", name=column).agg(count=_EVENTS.nunique())
        return self._by_name(counted)

    def _categories(self) -> dict[str, Floats]:
        newest = self._catalogue.group_by("product_id").agg(name=self._catalogue.category.max())
        rows = self._recent.inner_join(newest.filter(newest.name.notnull()), "product_id")
        return self._by_name(rows.group_by("day", "name").agg(count=rows.count()))

    def _hours(self, timezone: str) -> dict[str, Floats]:
        rows = self._recent.mutate(hour=self._recent.time.hour(), who=_VISITOR)
        table = self._engine.to_arrow(rows.group_by("day", "hour").agg(count=rows.who.nunique()))
        # UTC has every hour once, whatever the shop's clock does in spring and autumn.
        moments = pc.add(
            table["day"].cast(pa.timestamp("s", "UTC")),
            pc.multiply(table["hour"].cast(pa.int64()), 3600).cast(pa.duration("s")),
        )
        part = pc.hour(pc.local_timestamp(moments.cast(pa.timestamp("s", timezone)))).to_numpy() // 6
        found = np.zeros((len(PARTS), self._days))
        np.add.at(found, (part, self._place(table, self._first)), table["count"].to_numpy())
        return dict(zip(PARTS, found, strict=True))

    def _new_customers(self) -> Floats:
        who = ibis.coalesce(self._outside.customer_id, self._outside.anonymous_id)
        begun = self._outside.filter(who.notnull()).group_by(who=who).agg(day=self._outside.day.min())
        counted = (
            begun.filter(begun.day >= self._first, begun.day < self._end).group_by("day").agg(count=ibis._.count())
        )
        return self._by_day(counted, self._first)["count"]

    def _unseen(self) -> Floats:
        known = self._outside.filter(self._outside.product_id.notnull())
        known = known.group_by("product_id").agg(begun=known.day.min())
        rows = self._recent.inner_join(known, "product_id")
        fresh = rows.filter(rows.day < rows.begun + ibis.interval(days=NEW_DAYS))
        return self._by_day(fresh.group_by("day").agg(count=fresh.count()), self._first)["count"]

    def _repeated(self) -> Floats:
        """Rows that say again what another says of the same moment."""
        rows = self._recent
        same = rows.group_by(
            "day", "time", "type", "customer_id", "anonymous_id", "session_id", "product_id", "order_id", "line"
        ).agg(times=rows.count())
        return self._by_day(same.group_by("day").agg(count=(same.times - 1).sum()), self._first)["count"]

    def _far(self) -> Iterator[tuple[str, Floats]]:
        rows = self._recent.filter(self._recent.unit_price > 0, self._recent.product_id.notnull())
        rows = rows.mutate(price=rows.unit_price.cast("float64"))
        usual = rows.group_by("product_id").agg(usual=rows.price.median())
        beside = rows.inner_join(usual, "product_id")
        counted = beside.group_by("day").agg(
            dear=(beside.price > beside.usual * FAR).sum(), cheap=(beside.price < beside.usual / FAR).sum()
        )
        found = self._by_day(counted, self._first)
        yield from ((kind, found[kind]) for kind in ("dear", "cheap"))

    def _by_day(self, counted: ibis.Table, first: date) -> dict[str, Floats]:
        """(days,) each column of a table with a row a day; 0 where there is none."""
        table = self._engine.to_arrow(counted.filter(counted.day >= first, counted.day < self._end))
        place = self._place(table, first)
        found = {name: np.zeros((self._end - first).days) for name in table.schema.names if name != "day"}
        for name, column in found.items():
            column[place] = table[name].to_numpy()
        return found

    def _by_name(self, counted: ibis.Table) -> dict[str, Floats]:
        """(days,) for each name, those with the most rows."""
        table = self._engine.to_arrow(counted)
        names, code = np.unique(table["name"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
        found = np.zeros((len(names), self._days))
        found[code, self._place(table, self._first)] = table["count"].to_numpy()
        most = np.argsort(-found.sum(1), kind="stable")[:MOST]
        return {str(names[place]): found[place] for place in most}

    def _place(self, table: pa.Table, first: date) -> npt.NDArray[np.int64]:
        days: npt.NDArray[np.int64] = table["day"].cast(pa.int32()).to_numpy().astype(np.int64)
        return days - (first - date(1970, 1, 1)).days
