"""Who is in a segment as of a moment, who came and who went between two, and whom two segments share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers import withheld
from regulars.errors import InputError
from regulars.events.schema import TIME
from regulars.segment.rule.columns import table_of
from regulars.segment.rule.events import events_as_of
from regulars.segment.rule.words import Words

if TYPE_CHECKING:
    from regulars.segment.rule.saved import Segment
    from regulars.shop import Shop

MOVES = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("segment", pa.string(), nullable=False),
        pa.field("version", pa.int32(), nullable=False),
        pa.field("move", pa.string(), nullable=False),
        pa.field("since", TIME, nullable=False),
        pa.field("until", TIME, nullable=False),
    ]
)
"""What `moves` gives: `move` is "entered" or "left", between `since` and `until`."""


@dataclass(frozen=True)
class Members:
    """Who is in a segment.

    Attributes
    ----------
    table : customer_id and may_contact (whether marketing was not forbidden), by id. Whoever forbade profiling is not
        in it.
    left_out : how many the rule is true of who forbade profiling.
    customers : how many there are in all.
    notes : what should be known of the log; see `Words.notes`.
    """

    table: pa.Table
    left_out: int
    customers: int
    notes: tuple[str, ...]


def members(shop: Shop, rule: str, as_of: datetime, *, words: Words | None = None) -> Members:
    """Of whom a rule is true as of a moment.

    Only what the rule asks for is computed: in the engine, from events before the moment.

    Parameters
    ----------
    words : what the rule may speak of, where it is at hand; default: that of the newest event, so that a rule which
        is right today can be asked of any day. What was not known yet on that day is unknown.

    Raises
    ------
    RuleError
        If the rule cannot be read.
    NotEnoughError
        If there are no customers yet.
    """
    words = words or Words.of(shop, max(as_of, shop.now))
    found = words.rule(rule)
    wanted = sorted(found.columns - {"customer_id"})
    customers = table_of(shop, as_of, words.columns, wanted)
    engine = shop.engine
    events = events_as_of(shop, as_of, found.fields) if found.events else None
    kept = found.filter(engine.table(customers), events=events, as_of=as_of)
    ids = engine.to_arrow(kept.select("customer_id").order_by("customer_id"))["customer_id"].combine_chunks()
    is_left_out = pc.is_in(ids, withheld(shop, "profiling", as_of))
    ids = ids.filter(pc.invert(is_left_out))
    may_contact = pc.invert(pc.is_in(ids, withheld(shop, "marketing", as_of)))
    table = pa.table({"customer_id": ids, "may_contact": may_contact})
    left_out = int(pc.sum(is_left_out).as_py() or 0)
    return Members(table, left_out, customers.num_rows, tuple(words.notes(found)))


def moves(shop: Shop, segment: Segment, since: datetime, until: datetime, *, words: Words | None = None) -> pa.Table:
    """Who entered a segment and who left it between two moments, in the columns of `MOVES`, by move and id.

    Membership is by the segment's rule at both moments: what moved is the customers, not the rule.

    Raises
    ------
    InputError
        If the first moment is not before the second.
    """
    if not since < until:
        raise InputError(f"{since:%Y-%m-%d %H:%M} is not before {until:%Y-%m-%d %H:%M}: nothing can move between them.")
    words = words or Words.of(shop, max(until, shop.now))
    before, after = (members(shop, segment.rule, moment, words=words).table["customer_id"] for moment in (since, until))
    parts = []
    for move, some, others in (("entered", after, before), ("left", before, after)):
        ids = some.filter(pc.invert(pc.is_in(some, others.combine_chunks()))).combine_chunks()
        count = len(ids)
        columns = [
            ids,
            pa.repeat(segment.name, count),
            pa.repeat(pa.scalar(segment.version, pa.int32()), count),
            pa.repeat(move, count),
            pa.repeat(pa.scalar(since, TIME), count),
            pa.repeat(pa.scalar(until, TIME), count),
        ]
        parts.append(pa.table(columns, schema=MOVES))
    return pa.concat_tables(parts)


@dataclass(frozen=True)
class Overlap:
    """How many customers two segments have, and how many they share.

    Attributes
    ----------
    jaccard : those in both over those in one or the other; 0 where both are empty.
    lift : how many times more are in both than if the one said nothing of the other; 1 where one is empty.
    """

    first: int
    second: int
    both: int
    customers: int

    @property
    def jaccard(self) -> float:
        """Those in both, of those in any."""
        either = self.first + self.second - self.both
        return self.both / either if either else 0.0

    @property
    def lift(self) -> float:
        """Those in both, of those that chance would bring together."""
        by_chance = self.first * self.second / self.customers if self.customers else 0.0
        return self.both / by_chance if by_chance else 1.0


def overlap(shop: Shop, first: str, second: str, as_of: datetime, *, words: Words | None = None) -> Overlap:
    """How many customers two rules share as of a moment; see `members`.

    >>> Overlap(first=30, second=20, both=10, customers=100).jaccard, Overlap(30, 20, 12, 100).lift
    (0.25, 2.0)
    """
    words = words or Words.of(shop, max(as_of, shop.now))
    one, two = (members(shop, rule, as_of, words=words) for rule in (first, second))
    both = pc.is_in(one.table["customer_id"], two.table["customer_id"].combine_chunks())
    return Overlap(one.table.num_rows, two.table.num_rows, int(pc.sum(both).as_py() or 0), one.customers)
