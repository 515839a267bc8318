"""What became known of attempts, and when: disputes, verdicts of reviewers, and columns of tables.

A label counts from the moment that it was known, never before. An attempt that nobody disputed is unknown until
disputes would have come, and honest from then on.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Self

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.engine.json import extract
from regulars.events.schema import TIME
from regulars.fraud.properties import Properties, truths
from regulars.fraud.stream import KIND, LATEST, Ints

if TYPE_CHECKING:
    from regulars.shop import Shop

DAY = 86_400_000_000
"""Microseconds."""
TYPES = ("payment_disputed", "fraud_reviewed")


class Known(NamedTuple):
    """(m,) each: the place of an attempt, when something became known of it, what (a kind of `stream.KINDS`), and when
    it was taken back (`LATEST` of what stands)."""

    attempt: Ints
    known_at: Ints
    kind: npt.NDArray[np.int8]
    withdrawn_at: Ints

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Of several."""
        return cls(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    @classmethod
    def of(
        cls, attempt: Ints, known_at: Ints, is_fraud: npt.NDArray[np.bool_], withdrawn_at: Ints | None = None
    ) -> Self:
        """From labels that say yes or no; by default all stand."""
        withdrawn_at = np.full(len(attempt), LATEST) if withdrawn_at is None else withdrawn_at
        kind = np.where(is_fraud, KIND["fraud"], KIND["honest"]).astype(np.int8)
        return cls(attempt, known_at, kind, withdrawn_at)


def known_of(
    shop: Shop, until: datetime, attempts: pa.Table, properties: Properties
) -> tuple[Known, npt.NDArray[np.bool_]]:
    """All that became known of attempts; and (n,) of which attempts a label would be known by now, whichever it is.

    Of others, frauds are known before honest ones: whoever learned from them would take fraud for frequent.

    Parameters
    ----------
    attempts : (n,) in order of time: event_id, time, customer_id, order_id, payment_id, outcome.
    properties : of the attempts.
    """
    settings = shop.config.fraud
    is_declined = np.asarray(pc.fill_null(pc.equal(attempts["outcome"], "declined"), False))
    time = attempts["time"].combine_chunks().cast(pa.int64()).to_numpy()
    told = truths(properties.text("is_fraud"))
    has = np.flatnonzero(np.isfinite(told))
    late = times(properties.text("label_known_at"))[has]
    late = np.where(late < 0, time[has] + _delay(shop, time, settings.label_delay_days), late)
    parts = [Known.of(has, late, told[has] > 0)]
    events, judged = _of_events(shop, until, attempts, time)
    parts.append(events)
    if (events.withdrawn_at == LATEST).any():
        # Only of a shop that hears of frauds does silence say anything.
        ripe = time + settings.dispute_days * DAY
        first = np.full(len(time), LATEST)
        stood = events.withdrawn_at > ripe[events.attempt]
        np.minimum.at(first, events.attempt[stood], events.known_at[stood])
        # Where no money moved, nobody disputes: silence tells nothing of what was declined.
        quiet = (first > ripe) & ~is_declined
        quiet[has] = False
        rows = np.flatnonzero(quiet)
        parts.append(Known.of(rows, ripe[rows], np.zeros(len(rows), bool)))
    declined = np.flatnonzero(is_declined)
    kind, never = np.full(len(declined), KIND["declined"], np.int8), np.full(len(declined), LATEST)
    parts.append(Known(declined, time[declined], kind, never))
    is_even = time + settings.dispute_days * DAY <= micros(until)
    is_even[has] = True
    is_even[judged] = True
    return Known.joined(parts), is_even


def _delay(shop: Shop, time: Ints, days: int) -> int:
    """How late a column's labels are known: as the settings say, but in a log of a few days a tenth of its span, for
    else nothing would ever be known."""
    span = micros(shop.now) - int(time.min(initial=LATEST))
    return min(days * DAY, max(span // 10, 0))


def _of_events(shop: Shop, until: datetime, attempts: pa.Table, time: Ints) -> tuple[Known, Ints]:
    """Disputes and verdicts, each with the attempt that it is about: by its id, else its order, else the newest by
    the same customer with the same means of payment; and the attempts that have a verdict. Of several, one that was
    not declined: whoever disputes has lost money."""
    events = shop.events
    told = events.filter(events.type.isin(TYPES), events.time < ibis.literal(until))
    told = shop.identities.raw(told)
    columns = ("time", "type", "customer_id", "order_id", "payment_id", "outcome", "properties", "event_id", "line")
    found = shop.engine.to_arrow(told.select(*columns).order_by("time", "event_id", "line"))
    said = Properties(found["properties"].combine_chunks())
    when = found["time"].combine_chunks().cast(pa.int64()).to_numpy()
    order, moved = found["order_id"].combine_chunks(), _undeclined(attempts)
    place = _places(said.text("attempt_id"), attempts["event_id"])
    place = np.where(place >= 0, place, _places(order, moved["order_id"]))
    place = np.where(place >= 0, place, _places(order, attempts["order_id"]))
    place = np.where(place >= 0, place, _newest(found, moved, when, time))
    place = np.where(place >= 0, place, _newest(found, attempts, when, time))
    is_disputed, is_confirmed = pc.equal(found["type"], TYPES[0]), pc.equal(found["outcome"], "fraud")
    is_fraud = np.asarray(pc.fill_null(pc.or_kleene(is_disputed, is_confirmed), False))
    gone = withdrawn(found)
    there = np.flatnonzero((place >= 0) & (gone > when))
    is_judged = np.asarray(pc.equal(found["type"], TYPES[1])) & (gone == LATEST)
    return Known.of(place[there], when[there], is_fraud[there], gone[there]), place[there][is_judged[there]]


def withdrawn(told: pa.Table) -> Ints:
    """(m,) when each dispute or verdict was taken back by its reviewer; `LATEST` of what stands. An event that takes
    another back says nothing itself: its own time.

    Parameters
    ----------
    told : (m,) event_id, time and properties, by time.
    """
    when = told["time"].combine_chunks().cast(pa.int64()).to_numpy()
    takes = extract(pc.fill_null(told["properties"].combine_chunks(), "{}"), [("withdraws",)]).columns[0]
    by = np.flatnonzero(np.asarray(pc.is_valid(takes)))
    first = pc.index_in(told["event_id"].combine_chunks(), takes.drop_null())
    is_gone = np.flatnonzero(np.asarray(pc.is_valid(first)))
    found = np.full(len(when), LATEST)
    found[is_gone] = when[by[first.drop_null().to_numpy()]]
    found[by] = when[by]
    return found


def _undeclined(attempts: pa.Table) -> pa.Table:
    """The same, those that were declined without order and means of payment."""
    is_declined = pc.fill_null(pc.equal(attempts["outcome"], "declined"), False)
    for name in ("order_id", "payment_id"):
        told = pc.if_else(is_declined, None, attempts[name])
        attempts = attempts.set_column(attempts.column_names.index(name), name, told)
    return attempts


def _places(wanted: pa.Array, ids: pa.ChunkedArray) -> Ints:
    """(m,) the place of each id among others, -1 where it is not."""
    found = pc.fill_null(pc.index_in(wanted, ids.combine_chunks(), skip_nulls=True), -1)
    places: Ints = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return places


def _newest(told: pa.Table, attempts: pa.Table, when: Ints, time: Ints) -> Ints:
    """(m,) the place of the newest attempt before each, by the same customer and the same means of payment."""
    count = len(time)
    both = [pa.concat_arrays([*attempts[name].chunks, *told[name].chunks]) for name in ("customer_id", "payment_id")]
    pair = pc.binary_join_element_wise(*both, "\x1f").dictionary_encode()  # null where one of the two is
    code = pc.fill_null(pair.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.lexsort((np.concatenate([time, when]), code))
    place = np.where(order < count, order, -1)
    last = np.maximum.accumulate(np.where(place >= 0, np.arange(len(order)), -1))
    found = np.full(len(code), -1)
    near = np.where(last >= 0, order[np.maximum(last, 0)], -1)
    is_same = (near >= 0) & (code[np.maximum(near, 0)] == code[order]) & (code[order] >= 0)
    found[order] = np.where(is_same, near, -1)
    return found[count:]


def times(texts: pa.Array) -> Ints:
    """(n,) moments as microseconds since 1970, -1 where there is none."""
    encoded = texts.dictionary_encode()
    found = np.array([_moment(text) for text in encoded.dictionary.to_pylist()] + [-1], np.int64)
    known: Ints = found[pc.fill_null(encoded.indices, len(found) - 1).to_numpy(zero_copy_only=False)]
    return known


def _moment(text: str) -> int:
    try:
        return int(
            pa.scalar(datetime.fromisoformat(text.strip().replace("Z", "+00:00"))).cast(TIME).cast(pa.int64()).as_py()
        )
    except (ValueError, pa.ArrowInvalid):
        return -1
