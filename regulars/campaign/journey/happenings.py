"""What customers did, laid out so that the next thing each did after a time is found by bisection."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.journey.step import Awaited
from regulars.events.schema import TIME
from regulars.rules import Rule
from regulars.rules.tree import Kind

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]
NEVER = int(np.iinfo(np.int64).max)

FIELDS: dict[str, Kind] = {
    "product_id": Kind.TEXT, "quantity": Kind.NUMBER, "price": Kind.NUMBER, "value": Kind.NUMBER,
    "channel": Kind.TEXT, "campaign_id": Kind.TEXT, "variant": Kind.TEXT, "query": Kind.TEXT, "outcome": Kind.TEXT,
    "order_id": Kind.TEXT, "text": Kind.TEXT,
}  # fmt: skip
"""What `where` of a journey may ask of an event."""


def events_of(shop: Shop, awaited: Awaited, since: datetime, until: datetime) -> ibis.Table:
    """Events of a type in [since, until), with the fields that rules may ask: who did it, as of the end.

    Returns
    -------
    customer_id, time, event_id, line, and `FIELDS`.
    """
    events = shop.events
    log = events.filter(
        events.type == awaited.event, events.time >= ibis.literal(since), events.time < ibis.literal(until)
    )
    rows = shop.identities.named(log, until)
    rows = rows.filter(rows.customer_id.notnull())
    price = rows.unit_price.cast("float64")
    made = {"price": price, "value": price * rows.quantity}
    columns = {name: made.get(name, rows[name] if name not in made else None) for name in FIELDS}
    found = rows.select("customer_id", "time", "event_id", "line", **columns)
    return Rule.of(awaited.where, FIELDS).filter(found) if awaited.where.strip() else found


class Happenings:
    """When each of some customers did each of some things.

    Parameters
    ----------
    shop, since, until : events in [since, until).
    awaited : what is asked for.
    customers : (n,) ids; questions name them by their places.
    """

    def __init__(
        self, shop: Shop, awaited: Iterable[Awaited], customers: pa.Array, since: datetime, until: datetime
    ) -> None:
        self._times: dict[tuple[str, str], tuple[Ints, Ints]] = {}
        for each in awaited:
            key = each.event, each.where
            if key not in self._times:
                rows = shop.engine.to_arrow(events_of(shop, each, since, until).select("customer_id", "time"))
                self._times[key] = _sorted(rows, customers)

    def next(self, awaited: Awaited, places: Ints, after: Ints) -> Ints:
        """(n,) when each next does it, after a time; NEVER if not.

        Parameters
        ----------
        places : (n,) of the customers.
        after : (n,) microseconds since 1970.
        """
        owner, times = self._times[awaited.event, awaited.where]
        if not len(times):
            return np.full(len(places), NEVER)
        # By (owner, rank of the time): one key that sorts as both do.
        ranked = np.unique(times)
        width = len(ranked) + 1
        keys = owner * width + np.searchsorted(ranked, times)
        asked = places * width + np.searchsorted(ranked, after, side="right")
        found = np.searchsorted(keys, asked)
        at = np.minimum(found, len(times) - 1)
        return np.where((found < len(times)) & (owner[at] == places), times[at], NEVER)


def _sorted(rows: Any, customers: pa.Array) -> tuple[Ints, Ints]:
    place = pc.index_in(rows["customer_id"], customers)
    rows, place = rows.filter(pc.is_valid(place)), place.drop_null().to_numpy().astype(np.int64)
    times = rows["time"].cast(TIME).cast(pa.int64()).to_numpy()
    order = np.lexsort((times, place))
    return place[order], times[order]
