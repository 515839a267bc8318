"""A customer's own events: what sentences rest on, and how much is known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.profile.levels import known_of
from regulars.profile.local_time import DAY, local_seconds
from regulars.profile.tallies import ACTS
from regulars.profile.written import answers

if TYPE_CHECKING:
    from regulars.profile.levels import Source
    from regulars.shop import Shop

Bools = npt.NDArray[np.bool_]

NEWEST = 3
"""So many events are named of those that a sentence rests on."""
ENOUGH_ORDER_DAYS = 5
ENOUGH_DAYS = 180


class Evidence(NamedTuple):
    """The events that a sentence rests on.

    Attributes
    ----------
    events : how many; an order of several lines is one.
    first, last : when.
    newest : ids of the last three, the newest first.
    """

    events: int
    first: datetime
    last: datetime
    newest: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "events": self.events, "first": self.first.isoformat(), "last": self.last.isoformat(),
            "newest": list(self.newest),
        }  # fmt: skip


class Quality(NamedTuple):
    """How much is known of a customer.

    Attributes
    ----------
    known : in [0, 1], the mean of the parts.
    parts : {part: in [0, 1]}.
    """

    known: float
    parts: dict[str, float]

    @property
    def missing(self) -> list[str]:
        """The parts of which less than half is known, the least known first."""
        return [name for name, value in sorted(self.parts.items(), key=lambda part: part[1]) if value < 0.5]


@dataclass(frozen=True)
class Own:
    """The events of one customer before a moment, by time.

    Attributes
    ----------
    table : event_id, time, type, product_id, order_id, channel, device_id, is_priced, is_listed (the catalogue has a
        list price), is_timed (not at midnight to the second), category, brand, title.
    """

    table: pa.Table
    as_of: datetime

    @classmethod
    def of(cls, shop: Shop, source: Source) -> Own:
        """From a source of one pair."""
        (found,) = answers(shop.engine, source, [_rows])
        return cls(found, source.last)

    def of_types(self, types: Collection[str]) -> Bools:
        """(n,) which events are of some types."""
        found: Bools = pc.is_in(self.table["type"], pa.array(list(types))).to_numpy()
        return found

    def having(self, column: str) -> Bools:
        """(n,) where a column says something, and not no."""
        values = self.table[column]
        is_there = pc.fill_null(values, False) if pa.types.is_boolean(values.type) else pc.is_valid(values)
        found: Bools = is_there.to_numpy()
        return found

    def saying(self, column: str, value: str) -> Bools:
        """(n,) where a column says this."""
        found: Bools = pc.fill_null(pc.equal(self.table[column], value), False).to_numpy()
        return found

    def with_style(self, name: str) -> Bools:
        """(n,) where the product's title has a style."""
        titles = pc.utf8_lower(self.table["title"])
        found: Bools = pc.fill_null(pc.match_substring(titles, name), False).to_numpy()
        return found

    def first_in(self, column: str, where: Bools, recent: Bools) -> list[str]:
        """What a column says in recent rows, and said in none before them; by name."""
        values = self.table[column]
        new = pc.unique(values.filter(pa.array(where & recent))).drop_null()
        old = pc.unique(values.filter(pa.array(where & ~recent)))
        return sorted(new.filter(pc.invert(pc.is_in(new, old))).to_pylist())

    def since(self, days: float) -> Bools:
        """(n,) which events are of the last so many days."""
        found: Bools = pc.greater_equal(self.table["time"], pa.scalar(self.as_of - timedelta(days=days))).to_numpy()
        return found

    def evidence(self, where: Bools) -> Evidence | None:
        """The events of some rows; None where there are none."""
        rows = self.table.filter(pa.array(where))
        if not rows.num_rows:
            return None
        # The lines of an order may have come as events of their own.
        key = pc.coalesce(rows["order_id"], rows["event_id"])
        events = rows.append_column("key", key).group_by(["type", "key"]).aggregate(
            [("time", "min"), ("event_id", "max")]
        ).sort_by([("time_min", "ascending"), ("event_id_max", "ascending")])  # fmt: skip
        newest = events["event_id_max"].slice(max(events.num_rows - NEWEST, 0)).to_pylist()[::-1]
        times = events["time_min"]
        return Evidence(events.num_rows, times[0].as_py(), times[-1].as_py(), tuple(newest))

    def quality(self, order_days: float) -> Quality:
        """How much is known of the customer, and of what too little is.

        Parts: orders (five days with one are enough), history (180 days), freshness (half after 180 days without an
        event), looking (whether anything but orders is known); and the shares of order lines whose product has a
        category, a price, a list price, and of acts with a time of day and a channel.
        """
        lines, acts = self.of_types(["order_completed"]), self.of_types(ACTS)
        times = self.table["time"]
        first, last = (times[k].as_py() if len(times) else self.as_of for k in (0, -1))

        def share(column: str, of: Bools) -> float:
            return float(self.having(column)[of].mean()) if of.any() else 0.0

        parts = {
            "orders": min(order_days / ENOUGH_ORDER_DAYS, 1.0),
            "history": min((self.as_of - first) / timedelta(days=ENOUGH_DAYS), 1.0),
            "freshness": 0.5 ** ((self.as_of - last) / timedelta(days=ENOUGH_DAYS)),
            "looking": float((acts & ~lines).any()),
            "categories": share("category", lines),
            "prices": share("is_priced", lines),
            "list prices": share("is_listed", lines),
            "hours": share("is_timed", acts),
            "channels": share("channel", acts),
        }
        parts = {name: round(value, 4) for name, value in parts.items()}
        return Quality(round(float(np.mean(list(parts.values()))), 4), parts)


def _rows(source: Source) -> ibis.Table:
    events = source.events
    rows = source.before(
        events, "event_id", "line", "type", "product_id", "order_id", "channel", "device_id", "unit_price"
    )
    wall = local_seconds(rows.time, source.zone, source.first, source.last)
    rows = rows.mutate(is_timed=wall % DAY != 0, is_priced=rows.unit_price > 0)
    listed = source.catalogue.filter(source.catalogue.list_price > 0)
    listed = listed.filter(listed.valid_from < source.pairs.as_of.max()).select("product_id").distinct()
    listed = listed.mutate(is_listed=True)
    rows = rows.left_join(listed, "product_id").drop("product_id_right")
    for kind in ("category", "brand", "title"):
        known = known_of(source, kind).drop("as_of")
        rows = rows.left_join(known, "product_id").drop("product_id_right")
    columns = [
        "event_id", "line", "time", "type", "product_id", "order_id", "channel", "device_id", "is_priced",
        "is_listed", "is_timed", "category", "brand", "title",
    ]  # fmt: skip
    return rows.select(columns).order_by("time", "event_id", "line")
