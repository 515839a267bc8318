"""Twelve ways in which what reaches a log breaks or changes, put into one from a moment on.

>>> from regulars.simulate import World
>>> from regulars.simulate.drifts import DRIFTS
>>> world = World("gifts", customers=200, seed=7, days=30)
>>> events = world.step()
>>> dear = DRIFTS["prices a hundredfold"](events, world.catalogue(), events["time"][0].as_py())
>>> max(dear["unit_price"].to_pylist(), key=lambda price: price or 0) > 100
True
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import EVENTS

Drift = Callable[[pa.Table, pa.Table, datetime], pa.Table]
"""Takes a log's events, its catalogue and a moment; gives the events as they would be, had something broken then."""

Mask = npt.NDArray[np.bool_]

DECLINE = 0.02
"""Of the customers who are left, so many stay away from each day on."""
BOTS = 20
"""So many visitors look at as many products as all others together, each in one long visit a day."""
SHIFT_HOURS = 8


def _since(events: pa.Table, moment: datetime) -> Mask:
    found: Mask = pc.greater_equal(events["time"], pa.scalar(moment, EVENTS.field("time").type)).to_numpy()
    return found


def _is(events: pa.Table, column: str, value: str) -> Mask:
    found: Mask = pc.fill_null(pc.equal(events[column], value), False).to_numpy()
    return found


def _set(events: pa.Table, column: str, mask: Mask, values: pa.ChunkedArray | pa.Scalar) -> pa.Table:
    changed = pc.if_else(pa.array(mask), values, events[column]).cast(EVENTS.field(column).type)
    return events.set_column(events.schema.get_field_index(column), events.schema.field(column), changed)


def _without(events: pa.Table, mask: Mask) -> pa.Table:
    return events.filter(pa.array(~mask))


def _lot(events: pa.Table, column: str) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each row, the same for the same text."""
    encoded = events[column].combine_chunks().dictionary_encode()
    drawn = np.random.default_rng(0).random(len(encoded.dictionary) + 1)
    place: npt.NDArray[np.int64] = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy().astype(np.int64)
    return drawn[place]


def _renamed(events: pa.Table, column: str, mask: Mask, prefix: str) -> pa.Table:
    """Ids with a prefix, those that are there."""
    return _set(events, column, mask, pc.binary_join_element_wise(prefix, events[column], ""))


def _dear(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """An import takes cents for whole units: prices are a hundred times as high."""
    prices = pc.multiply(events["unit_price"].cast(pa.decimal128(14, 4)), pa.scalar(100))
    return _set(events, "unit_price", _since(events, moment), prices)


def _foreign(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """Prices come in another currency."""
    mask = _since(events, moment) & pc.is_valid(events["currency"]).to_numpy()
    return _set(events, "currency", mask, pa.scalar("JPY"))


def _silent(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """What is put into a cart is told no more."""
    return _without(events, _since(events, moment) & _is(events, "type", "product_added"))


def _untracked(events: pa.Table, catalogue: pa.Table, moment: datetime) -> pa.Table:
    """The category that is looked at most tells no views any more."""
    viewed = _is(events, "type", "product_viewed")
    views = events.filter(pa.array(viewed)).group_by("product_id").aggregate([("product_id", "count")])
    known = catalogue.group_by("product_id").aggregate([("category", "max")])
    counted = views.join(known, "product_id").group_by("category_max").aggregate([("product_id_count", "sum")])
    most = counted.sort_by([("product_id_count_sum", "descending"), ("category_max", "ascending")])["category_max"][0]
    lost = known.filter(pc.equal(known["category_max"], most))["product_id"].combine_chunks()
    return _without(events, _since(events, moment) & viewed & pc.is_in(events["product_id"], lost).to_numpy())


def _late(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """Times are read in a wrong time zone."""
    hours = pa.scalar(SHIFT_HOURS * 3_600_000_000, pa.duration("us"))
    return _set(events, "time", _since(events, moment), pc.add(events["time"], hours))


def _twice(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """Every event comes twice, under two ids."""
    again = events.filter(pa.array(_since(events, moment)))
    return pa.concat_tables([events, _renamed(again, "event_id", np.ones(len(again), bool), "again-")])


def _bots(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """Bots look at as many products as all customers together."""
    views = events.filter(pa.array(_since(events, moment) & _is(events, "type", "product_viewed")))
    everyone = np.ones(len(views), bool)
    bot = np.random.default_rng(0).integers(0, BOTS, len(views)).astype(str)
    day = pc.strftime(views["time"], "%Y-%m-%d")
    views = _renamed(views, "event_id", everyone, "bot-")
    views = _set(views, "customer_id", everyone, pa.scalar(None, pa.string()))
    views = _set(views, "anonymous_id", everyone, pc.binary_join_element_wise("bot", pa.array(bot), "-"))
    views = _set(views, "session_id", everyone, pc.binary_join_element_wise("bot", pa.array(bot), day, "-"))
    return pa.concat_tables([events, views])


def _crowded(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """Twice as many new customers come: whoever is new has a twin."""
    first = events.group_by("customer_id").aggregate([("time", "min")])
    fresh = first.filter(pc.greater_equal(first["time_min"], pa.scalar(moment, EVENTS.field("time").type)))
    twins = events.filter(pc.is_in(events["customer_id"], fresh["customer_id"].drop_null().combine_chunks()))
    everyone = np.ones(len(twins), bool)
    for column in ("event_id", "customer_id", "session_id", "order_id", "device_id", "payment_id"):
        twins = _renamed(twins, column, everyone, "twin-")
    return pa.concat_tables([events, twins])


def _unsold(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """Every other order is not placed."""
    ordered = _is(events, "type", "order_completed") & (_lot(events, "order_id") < 0.5)
    return _without(events, _since(events, moment) & ordered)


def _new_ids(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """The products have other ids."""
    return _renamed(events, "product_id", _since(events, moment), "v2-")


def _channel(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """What comes by app is told no more."""
    return _without(events, _since(events, moment) & _is(events, "channel", "app"))


def _decline(events: pa.Table, _: pa.Table, moment: datetime) -> pa.Table:
    """Day by day a fiftieth of those who still come stay away."""
    days = pc.divide(
        pc.subtract(events["time"], pa.scalar(moment, EVENTS.field("time").type)).cast(pa.int64()), 86_400_000_000
    ).to_numpy()
    stays = _lot(events, "customer_id") < (1 - DECLINE) ** np.maximum(days + 1, 0)
    return _without(events, _since(events, moment) & ~stays)


DRIFTS: dict[str, Drift] = {
    "prices a hundredfold": _dear,
    "another currency": _foreign,
    "a type of event stops": _silent,
    "a category is not tracked": _untracked,
    "times in a wrong zone": _late,
    "every event comes twice": _twice,
    "bots": _bots,
    "new customers double": _crowded,
    "half of the orders": _unsold,
    "products have new ids": _new_ids,
    "the app tells nothing": _channel,
    "slow decline": _decline,
}
"""By name."""
