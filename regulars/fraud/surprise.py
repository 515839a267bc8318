"""How unusual was what a customer did just before an attempt, by the behaviour model?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.behaving import model_before
from regulars.clock import moment_of
from regulars.fraud.attempts import Attempts
from regulars.fraud.stream import Ints

if TYPE_CHECKING:
    from regulars.shop import Shop

COLUMN = "behavior_surprise"
WITHIN = 3600 * 1_000_000
"""Microseconds before an attempt: about a visit."""
CUSTOMERS = 50_000
"""So many customers' events are looked at at once."""


class Source(NamedTuple):
    """Which behaviour model: its version, and whether it is that version's earlier one."""

    version: int
    is_earlier: bool


@dataclass(frozen=True)
class Surprise:
    """(attempts,) mean surprise of the customer's events in the hour before each, nats an event, float32.

    NaN where there were none, and before the model's own time: of what it learned from it is not surprised.
    """

    source: Source
    values: npt.NDArray[np.float32]


def surprised(shop: Shop, found: Attempts, source: Source | None = None, places: Ints | None = None) -> Attempts:
    """Attempts with the surprise of the behaviour model.

    Parameters
    ----------
    source : by which model; default the newest that half of the attempts came after. Without one nothing is added.
    places : of which attempts; default all.
    """
    if source is None:
        kept = model_before(shop, moment_of(int(np.median(found.facts.time))))
        if kept is None:
            return found
        source = Source(kept.version, kept.is_earlier)
    places = np.arange(len(found)) if places is None else places
    values = np.full(len(found), np.nan, np.float32)
    values[places] = _values(shop, found, source, places)
    return replace(found, surprise=Surprise(source, values))


def _values(shop: Shop, found: Attempts, source: Source, places: Ints) -> npt.NDArray[np.float32]:
    from regulars import behavior  # noqa: PLC0415 a shop without such a model never waits for torch

    model = behavior.load(shop, source.version, is_earlier=source.is_earlier).model
    values = np.full(len(places), np.nan, np.float32)
    codes = found.stream.codes.get("customer")
    if codes is None:
        return values
    time = found.facts.time[places]
    owner = codes[found.stream.attempts[places]]
    asked = np.flatnonzero((time > model.until) & (owner >= 0))
    if not len(asked):
        return values
    names = found.stream.names["customer"]
    whose = np.unique(owner[asked])
    until = moment_of(int(time.max()))
    for low in range(0, len(whose), CUSTOMERS):
        some = whose[low : low + CUSTOMERS]
        events = behavior.surprise(shop, names.take(pa.array(some)).to_pylist(), until, model)
        events = events.filter(events["surprise"].is_valid())
        part = asked[(owner[asked] >= some[0]) & (owner[asked] <= some[-1])]
        code = pa.compute.index_in(events["customer_id"].combine_chunks(), names).to_numpy().astype(np.int64)
        happened = events["time"].combine_chunks().cast(pa.int64()).to_numpy()
        values[part] = _mean(code, happened, events["surprise"].to_numpy(), owner[part].astype(np.int64), time[part])
    return values


def _mean(
    owner: Ints, time: Ints, surprise: npt.NDArray[np.float64], asked_owner: Ints, asked_time: Ints
) -> npt.NDArray[np.float64]:
    """(m,) mean surprise of each one's events within `WITHIN` before its time; NaN where there are none.

    >>> _mean(np.array([0, 0, 1]), np.array([0, 9, 9]), np.array([1.0, 3.0, 8.0]), np.array([0, 1]), np.array([10, 9]))
    array([ 2., nan])
    """
    order = np.lexsort((time, owner))
    total = np.concatenate([[0.0], np.cumsum(surprise[order])])
    # Owner and time as one number: the moments that count, by rank, so that it fits 64 bits.
    moments = np.unique(np.concatenate([time, asked_time, asked_time - WITHIN]))
    key = owner[order] * len(moments) + np.searchsorted(moments, time[order])
    start = asked_owner * len(moments)
    high = np.searchsorted(key, start + np.searchsorted(moments, asked_time))
    low = np.searchsorted(key, start + np.searchsorted(moments, asked_time - WITHIN))
    with np.errstate(invalid="ignore"):
        found: npt.NDArray[np.float64] = np.where(high > low, (total[high] - total[low]) / (high - low), np.nan)
    return found
