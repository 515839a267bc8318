"""What was decided about each attempt, and what is known of it now, read off the log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.decisions import TYPE
from regulars.engine.json import extract
from regulars.errors import NotEnoughError
from regulars.events.schema import TIME
from regulars.fraud.attempts import attempts
from regulars.fraud.labels import withdrawn
from regulars.fraud.properties import numbers
from regulars.fraud.stream import LATEST

if TYPE_CHECKING:
    from regulars.shop import Shop

REVIEWED = "fraud_reviewed"


def scored(shop: Shop, until: datetime) -> pa.Table:
    """Attempts that fraud decided about before a moment, as it first did, with what was known of them by then.

    Returns
    -------
    (n,) by time: attempt_id, time, risk, action, policy, is_fraud (null where nothing is known), known_at (null with
    it), is_reviewed: whether a reviewer judged it, and did not take that back by then.

    Raises
    ------
    NotEnoughError
        If nothing was decided.
    """
    found = _decided(shop, until)
    of = attempts(shop, until)
    place = pc.index_in(found["attempt_id"].combine_chunks(), of.table["event_id"].combine_chunks())
    found = found.filter(place.is_valid())
    row = place.drop_null()
    label, known = of.stream.labels()
    where = row.to_numpy()
    is_known = label[where] >= 0
    time = of.table["time"].combine_chunks().take(row)
    table = pa.table(
        {
            "attempt_id": found["attempt_id"],
            "time": time,
            "risk": numbers(found["risk"].combine_chunks()),
            "action": found["action"],
            "policy": found["policy"],
            "is_fraud": pa.array(label[where] == 1, mask=~is_known),
            "known_at": pa.array(np.where(is_known, known[where], 0), pa.int64(), mask=~is_known).cast(TIME),
            "is_reviewed": _is_reviewed(shop, until, found["attempt_id"]),
        }
    )
    return table.sort_by("time")


def _decided(shop: Shop, until: datetime) -> pa.Table:
    """The first decision about each attempt, its fields as texts."""
    events = shop.events
    # A decision bears the moment that it was made as of, and is known at it.
    told = events.filter(
        events.type == TYPE, events.event_id.startswith("fraud-"), events.time <= ibis.literal(until)
    ).select("properties", "time", "event_id")
    rows = shop.engine.to_arrow(told.order_by("time", "event_id"))
    fields = ("attempt_id", "risk", "action", "policy")
    columns = extract(pc.fill_null(rows["properties"].combine_chunks(), "{}"), [(name,) for name in fields]).columns
    found = pa.table(dict(zip(fields, columns, strict=True)))
    found = found.filter(found["attempt_id"].is_valid())
    if not found.num_rows:
        raise NotEnoughError(
            "fraud: nothing was decided yet, so there is nothing to watch. First: regulars decide fraud"
        )
    codes = found["attempt_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    return found.take(pa.array(np.sort(first)))


def _is_reviewed(shop: Shop, until: datetime, names: pa.ChunkedArray) -> pa.Array:
    events = shop.events
    told = events.filter(events.type == REVIEWED, events.time < ibis.literal(until))
    rows = shop.engine.to_arrow(told.select("event_id", "time", "properties").order_by("time", "event_id"))
    rows = rows.filter(pa.array(withdrawn(rows) == LATEST))["properties"].combine_chunks()
    judged = extract(pc.fill_null(rows, "{}"), [("attempt_id",)]).columns[0].drop_null()
    is_in: npt.NDArray[np.bool_] = np.asarray(pc.is_in(names.combine_chunks(), judged))
    return pa.array(is_in)
