"""Who is who as of a moment: ids, and the customer that each belongs to.

Read off the events that join ids. Nothing is stored beside the log: an event keeps its own id for ever,
and which customer that is depends on the moment that is asked about.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.engine import Engine

JOINS = ("customer_identified", "customer_aliased", "customers_merged", "customers_unmerged")
"""Types of events that join ids or part them, in the order of the kinds in `joining`."""

MOST_CUSTOMERS = 5
"""An id that meets more customers is of a shared device or a mistake: it is held back."""
MOST_IDS = 100
"""A customer has at most so many ids; more are a mistake that would swallow a shop."""

NO_IDENTITIES = r"^([0-]*|-1|null|anonymous|void|undefined|none|n/a|abc123|test@.*)$"
"""What programs write where they know nobody; upper or lower case."""
LEAST_REPEATED = 4
"""From so many equal characters on (1111, xxxxx) an id is none; 11 and 222 are numbers of customers."""

REASONS = (
    "",
    "no identity",
    "another customer had it first",
    "held back: it met too many customers",
    "its customer is held back",
    "the customer would have too many ids",
    "parted by a person",
)
"""Why a join was refused, by the verdicts of `joining`."""

INTERVALS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("valid_from", TIME, nullable=False),
        pa.field("valid_to", TIME),
    ]
)
"""Which id belongs to which customer, and when: from after `valid_from` until `valid_to`."""

REFUSALS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("other_id", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("time", TIME, nullable=False),
    ]
)


class Identities:
    """Ids and customers of a log, as of any moment.

    The raw id of an event is its customer_id, or its anonymous_id where that is empty.

    Attributes
    ----------
    intervals : id, customer_id, valid_from, valid_to: as of T the id belongs to the customer if
        valid_from < T <= valid_to; null is for ever. An id without a row is its own customer.
    refusals : id (the one that is the reason, where one of the two is), other_id, reason, time: joins
        that were not made.
    is_plain : whether every id is its own customer and no event has an anonymous id alone.

    Examples
    --------
    >>> from datetime import UTC
    >>> from regulars.engine import Engine
    >>> from regulars.events.schema import EVENTS
    >>> said = {"event_id": "e1", "line": 0, "time": datetime(2024, 5, 1, tzinfo=UTC), "type": "customer_identified"}
    >>> said |= {"received_at": said["time"], "anonymous_id": "a7", "customer_id": "ada"}
    >>> engine = Engine()
    >>> who = Identities.of(engine, engine.table(pa.Table.from_pylist([said], schema=EVENTS)))
    >>> days = [datetime(2024, 5, day, tzinfo=UTC) for day in (1, 2)]
    >>> pairs = pa.table({"customer_id": ["a7", "a7"], "as_of": pa.array(days, TIME)})
    >>> who.customers(pairs).to_pylist()
    ['a7', 'ada']
    """

    def __init__(self, engine: Engine, intervals: pa.Table, refusals: pa.Table, *, is_plain: bool) -> None:
        self._engine = engine
        self.intervals, self.refusals, self.is_plain = intervals, refusals, is_plain
        self._rows = engine.table(intervals)

    @classmethod
    def of(cls, engine: Engine, events: ibis.Table) -> Identities:
        """From the events of a log."""
        # Where no event has an anonymous id, this reads no more than the statistics of the files.
        nothing = cls(engine, INTERVALS.empty_table(), REFUSALS.empty_table(), is_plain=True)
        if not engine.to_arrow(events.filter(events.anonymous_id.notnull()).select("line").limit(1)).num_rows:
            return nothing
        joins = events.filter(events.type.isin(JOINS), events.customer_id.notnull(), events.anonymous_id.notnull())
        joins = joins.order_by("time", "event_id", "line").select("time", "type", "customer_id", "anonymous_id")
        found = engine.to_arrow(joins)
        intervals, refusals = _resolved(found) if found.num_rows else (nothing.intervals, nothing.refusals)
        return cls(engine, intervals, refusals, is_plain=False)

    def beside(self, engine: Engine) -> Identities:
        """The same for another engine."""
        return Identities(engine, self.intervals, self.refusals, is_plain=self.is_plain)

    def customers(self, pairs: pa.Table) -> pa.ChunkedArray:
        """Whose ids these are.

        Parameters
        ----------
        pairs : (n,) customer_id, any id, and as_of.

        Returns
        -------
        (n,) the customer that each belongs to as of its moment.
        """
        if not self.intervals.num_rows:
            return pairs["customer_id"]
        asked = self._engine.table(_numbered(pairs))
        rows = self._rows
        met = asked.join(rows, [asked.customer_id == rows.id, *_holds(rows, asked.as_of)])
        found = self._engine.to_arrow(met.select("place", rows.customer_id))
        at = np.full(pairs.num_rows, -1)
        at[found["place"].to_numpy()] = np.arange(found.num_rows)
        return pc.coalesce(found[1].take(pa.array(at, mask=at < 0)), pairs["customer_id"])

    def members(self, pairs: pa.Table) -> pa.Table:
        """All ids of customers.

        Parameters
        ----------
        pairs : (n,) customer_id, any id of the customer, and as_of.

        Returns
        -------
        place (the row of the pair), customer_id (each raw id that belongs to its customer), as_of.
        """
        columns = ["place", "customer_id", "as_of"]
        own = _numbered(pairs.set_column(pairs.column_names.index("customer_id"), "customer_id", self.customers(pairs)))
        if not self.intervals.num_rows:
            return own.select(columns)
        asked, rows = self._engine.table(own), self._rows
        met = asked.join(rows, [asked.customer_id == rows.customer_id, *_holds(rows, asked.as_of)])
        others = self._engine.to_arrow(met.select("place", rows.id, "as_of")).rename_columns(columns)
        return pa.concat_tables([own.select(columns), others.cast(own.select(columns).schema)])

    def named(self, events: ibis.Table, as_of: datetime) -> ibis.Table:
        """The events, their `customer_id` being the customer that each belongs to as of a moment."""
        events = self.raw(events)
        if not self.intervals.num_rows:
            return events
        rows = self._rows.filter(*_holds(self._rows, ibis.literal(as_of, "timestamp('UTC')")))
        rows = rows.select(joined_id="id", belongs_to="customer_id")
        met = events.left_join(rows, events.customer_id == rows.joined_id)
        return met.mutate(customer_id=ibis.coalesce(met.belongs_to, met.customer_id)).drop("joined_id", "belongs_to")

    def refused(self, as_of: datetime) -> pa.Table:
        """What was not joined before a moment: id, reason, times (how often), first; the most frequent first."""
        rows = self.refusals.filter(pc.less(self.refusals["time"], pa.scalar(as_of, TIME)))
        found = rows.group_by(["id", "reason"]).aggregate([("time", "count"), ("time", "min")])
        found = found.rename_columns({"time_count": "times", "time_min": "first"})
        return found.sort_by([("times", "descending"), ("id", "ascending"), ("reason", "ascending")])

    def events_of(self, events: ibis.Table, pairs: pa.Table) -> ibis.Table:
        """The events that name any id of some customers: all that can be known of them."""
        ids = self.members(pairs)["customer_id"].unique().to_pylist()
        return events.filter(events.customer_id.isin(ids) | events.anonymous_id.isin(ids).fill_null(False))

    def raw(self, events: ibis.Table) -> ibis.Table:
        """The events, their `customer_id` being the raw id."""
        if self.is_plain:
            return events
        return events.mutate(customer_id=ibis.coalesce(events.customer_id, events.anonymous_id))


def _numbered(pairs: pa.Table) -> pa.Table:
    place = pa.array(np.arange(pairs.num_rows))
    return pairs.select(["customer_id", "as_of"]).append_column("place", place)


def _holds(rows: ibis.Table, moment: Any) -> tuple[Any, Any]:
    return rows.valid_from < moment, rows.valid_to.isnull() | (moment <= rows.valid_to)


def is_identity(ids: pa.Array) -> npt.NDArray[np.bool_]:
    """Which ids say who somebody is?

    >>> is_identity(pa.array(["ada", "-1", "Anonymous ", "0000-0000", "xxxxx", "222", "test@tea.example"])).tolist()
    [True, False, False, False, False, True, False]
    """
    words = pc.utf8_lower(pc.utf8_trim_whitespace(ids))
    lengths = pc.utf8_length(words)
    repeated = pc.equal(pc.binary_repeat(pc.utf8_slice_codeunits(words, 0, 1), lengths), words)
    repeated = pc.and_(repeated, pc.greater_equal(lengths, LEAST_REPEATED))
    nobody = pc.or_(pc.match_substring_regex(words, NO_IDENTITIES), repeated)
    return np.asarray(pc.invert(nobody))


def _resolved(joins: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Intervals and refusals, from joins in the order of time."""
    # Late, for it loads a compiler, which a log without joins does not need.
    from regulars.customers.joining import resolve  # noqa: PLC0415

    count = joins.num_rows
    codes, ids = _encoded([joins["anonymous_id"], joins["customer_id"]])
    kinds = pc.index_in(joins["type"], pa.array(JOINS)).combine_chunks().to_numpy().astype(np.int8)
    may_join = is_identity(ids)
    old, new = codes[:count], codes[count:]
    found = resolve(kinds, old, new, may_join, MOST_CUSTOMERS, MOST_IDS)
    times = joins["time"].combine_chunks().cast(pa.int64()).to_numpy()
    refused = np.flatnonzero(found.verdicts)
    is_old = may_join[new[refused]]
    refusals = [
        ids.take(pa.array(np.where(is_old, old[refused], new[refused]))),
        ids.take(pa.array(np.where(is_old, new[refused], old[refused]))),
        pa.array(REASONS).take(pa.array(found.verdicts[refused])),
        pa.array(times[refused]).cast(TIME),
    ]
    return _intervals(found.ids, found.customers, times[found.at], ids), pa.table(refusals, schema=REFUSALS)


def _encoded(columns: list[pa.ChunkedArray]) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """One code for each distinct text of several columns, one after the other; and the texts by code."""
    chunks = [chunk.cast(pa.large_string()) for column in columns for chunk in column.chunks]
    encoded = pa.concat_arrays(chunks).dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.cast(pa.string())


def _intervals(
    ids: npt.NDArray[np.int32], customers: npt.NDArray[np.int32], times: npt.NDArray[np.int64], texts: pa.Array
) -> pa.Table:
    """Changes of customer, in the order of time, as intervals."""
    order = np.argsort(ids, kind="stable")
    ids, customers, times = ids[order], customers[order], times[order]
    # Of several changes at one moment, the last one counts.
    is_last = np.append((ids[1:] != ids[:-1]) | (times[1:] != times[:-1]), True)[: len(ids)]
    ids, customers, times = ids[is_last], customers[is_last], times[is_last]
    follows = np.append(False, ids[1:] == ids[:-1])[: len(ids)]
    is_new = customers != np.where(follows, np.roll(customers, 1), ids)
    ids, customers, times = ids[is_new], customers[is_new], times[is_new]
    is_followed = np.append(ids[1:] == ids[:-1], False)[: len(ids)]
    ends = pa.array(np.roll(times, -1), mask=~is_followed).cast(TIME)
    is_another = np.flatnonzero(customers != ids)
    rows = pa.array(is_another)
    columns = [
        texts.take(pa.array(ids[is_another])),
        texts.take(pa.array(customers[is_another])),
        pa.array(times[is_another]).cast(TIME),
        ends.take(rows),
    ]
    return pa.table(columns, schema=INTERVALS)
