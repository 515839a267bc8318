"""Subscriptions as spells: from when until when each ran, how it ended, and which periods were paid for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.churn.dataset import Floats
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

RANKS = {
    "subscription_renewed": 0,
    "subscription_cancelled": 1,
    "subscription_paused": 2,
    "subscription_started": 3,
    "subscription_resumed": 4,
}
"""Types of events, in the order in which those of one moment count: a change of plan ends one and begins another."""
RENEWED, CANCELLED, PAUSED, STARTED = 0, 1, 2, 3
DAY = 86_400_000_000
"""In microseconds."""
GRACE, LEAST_GRACE, MOST_GRACE = 0.25, 3.0, 30.0
"""A renewal may be late by this share of the period, but at least and at most so many days."""
SAME_PAYMENT = 0.25
"""What is paid again before so much of the period is over is the same payment, told twice."""
LONGEST = 36_525.0
"""Days: a period that is said to be longer, or infinite, is for life."""
OWN_GAPS = 2
"""From so many pauses between renewals on, a subscription has a period of its own."""
OPEN, KEPT, LEFT, HELD, LAPSED = range(5)
"""What came of a period: not known yet, renewed, cancelled, paused, not paid again in time."""
ENDS = (None, None, "cancelled", "paused", "lapsed")


@dataclass(frozen=True)
class Periods:
    """What was paid for: one row for each payment, in the order of customers, subscriptions and time.

    Attributes
    ----------
    event_id : (n,) of the payment.
    spell : (n,) the row in the table of spells.
    number : (n,) 1 for the first period of a spell.
    begun : (n,) when, in microseconds since 1970.
    days : (n,) how long one lasts; NaN where nothing tells.
    outcome : (n,) one of `OPEN`, `KEPT`, `LEFT`, `HELD`, `LAPSED`.
    """

    event_id: pa.Array
    spell: Ints
    number: Ints
    begun: Ints
    days: Floats
    outcome: Ints


@dataclass(frozen=True)
class Spells:
    """Subscriptions of a shop as of a moment.

    Attributes
    ----------
    table : one row for each spell: customer_id, subscription_id (null where events name none), spell (1 is the first),
        plan, period_days, started_at, ended_at and ended_by ("cancelled", "lapsed", "paused"; null while it runs),
        days (until it ended, or is known to have run), renewals, gap_days (since the spell before it ended),
        is_start_known (whether its beginning stands in the log), cohort (the month of the first start).
    notes : what of the events tells nothing, in sentences.
    """

    table: pa.Table
    periods: Periods
    notes: tuple[str, ...]

    @property
    def running(self) -> Ints:
        """The rows of `periods` that are under way."""
        return np.flatnonzero(self.periods.outcome == OPEN)


def spells(shop: Shop, as_of: datetime) -> Spells:
    """Who subscribed from when until when, by events before a moment.

    A subscription begins with `subscription_started`, is paid for again by each `subscription_renewed`, and ends by
    `subscription_cancelled`, or by lapse: no renewal within a grace time after the period, at the end of what was paid
    for. Whoever comes back after that, or after `subscription_paused`, begins a new spell. How long a period is says
    `period_days` in the properties, else the usual pause between the subscription's own renewals, else between those
    of its plan, else of all. Where a shop logs no renewals nothing lapses.

    `subscription_id` in the properties keeps several subscriptions of one customer apart; `plan` is the property of
    that name, else the product.
    """
    log = _read(shop, as_of)
    until = int(as_of.timestamp()) * 1_000_000 + as_of.microsecond
    return _spells(log, until)


def exist(shop: Shop, as_of: datetime) -> bool:
    """Whether anything is known of subscriptions before a moment."""
    events = shop.events
    seen = events.filter(events.type.isin(list(RANKS)), events.time < ibis.literal(as_of))
    return bool(shop.engine.to_arrow(seen.select("line").limit(1)).num_rows)


def _read(shop: Shop, as_of: datetime) -> pa.Table:
    """The events of subscriptions, by customer, subscription and time."""
    events = shop.events
    events = events.filter(events.type.isin(list(RANKS)), events.time < ibis.literal(as_of))
    events = shop.identities.named(events, as_of)
    said = events.properties.cast("json")

    def text(name: str) -> ibis.Value:
        # A number is as good a name as a text.
        return ibis.coalesce(said[name].str, said[name].cast("string").nullif("null")).nullif("")

    rows = events.filter(events.customer_id.notnull()).mutate(
        subscription_id=text("subscription_id"),
        plan=ibis.coalesce(text("plan"), events.product_id),
        period_days=text("period_days").try_cast("float64"),
        rank=events.type.cases(*RANKS.items(), else_=-1),
    )
    keys = ("customer_id", "subscription_id", "time", "rank", "event_id")
    # An event of several products is one payment.
    rows = rows.group_by(*keys).agg(plan=rows.plan.min(), period_days=rows.period_days.max())
    return shop.engine.to_arrow(rows.order_by(*keys))


def _spells(log: pa.Table, until: int) -> Spells:
    owner = _changes(log, ("customer_id", "subscription_id"))
    time = log["time"].cast(pa.int64()).to_numpy()
    kind = log["rank"].to_numpy().astype(np.int64)
    pays = (kind != CANCELLED) & (kind != PAUSED)
    plan_code, plans = _plans(log["plan"], owner)
    said = log["period_days"].to_numpy()
    said = _carried(np.where(said > 0, np.minimum(said, LONGEST), np.nan), owner)
    days = _period_days(owner, time, pays, plan_code, said)
    keep = ~(pays & _after_payment(owner, pays) & (_since(time) < SAME_PAYMENT * days))
    rows = np.flatnonzero(keep)
    owner, time, kind, pays = owner[rows], time[rows], kind[rows], pays[rows]
    plan_code, days = plan_code[rows], days[rows]

    can_lapse = bool((kind == RENEWED).any())
    outcome, ended = _outcomes(owner, time, kind, pays, days, until, can_lapse=can_lapse)
    before = np.roll(outcome, 1)
    continues = _after_payment(owner, pays) & (before == KEPT)
    at = np.flatnonzero(pays)
    spell_of = np.cumsum(~continues[at]) - 1
    first = at[~continues[at]]
    last = at[np.append(np.flatnonzero(~continues[at])[1:], len(at)) - 1] if len(at) else at
    number = np.arange(len(at)) - (np.flatnonzero(~continues[at])[spell_of] if len(at) else 0) + 1

    same = np.append(False, owner[first][1:] == owner[first][:-1])[: len(first)]
    of_owner = np.arange(len(first)) - np.maximum.accumulate(np.where(same, 0, np.arange(len(first))))
    gap = np.where(same, (time[first] - np.roll(ended[last], 1)) / DAY, np.nan)
    begins = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    # A log may begin in the middle of a subscription: how long it had run is then unknown.
    known = ~(begins[first] & (kind[first] != STARTED))
    ends = outcome[last]
    is_over = ends != OPEN
    months = time[first[~same]].astype("datetime64[us]").astype("datetime64[M]").astype(str)
    source = log.take(pa.array(rows))
    table = pa.table(
        {
            "customer_id": source["customer_id"].take(pa.array(first)),
            "subscription_id": source["subscription_id"].take(pa.array(first)),
            "spell": of_owner + 1,
            "plan": plans.take(pa.array(plan_code[first], mask=plan_code[first] < 0)),
            "period_days": pa.array(days[last], mask=np.isnan(days[last])),
            "started_at": pa.array(time[first]).cast(TIME),
            "ended_at": pa.array(ended[last], mask=~is_over).cast(TIME),
            "ended_by": pa.array(np.array(ENDS, object)[ends], pa.string()),
            "days": (ended[last] - time[first]) / DAY,
            "renewals": number[np.append(spell_of[1:] != spell_of[:-1], True)[: len(at)]] - 1,
            "gap_days": pa.array(gap, mask=np.isnan(gap)),
            "is_start_known": known,
            "cohort": pa.array(months[np.cumsum(~same) - 1] if len(first) else [], pa.string()),
        }
    )
    periods = Periods(
        source["event_id"].combine_chunks().take(pa.array(at)), spell_of, number, time[at], days[at], outcome[at]
    )
    orphans = int((begins & (kind == CANCELLED)).sum())
    return Spells(table, periods, tuple(_notes(table, orphans, can_lapse=can_lapse)))


def _outcomes(
    owner: Ints, time: Ints, kind: Ints, pays: Bools, days: Floats, until: int, *, can_lapse: bool
) -> tuple[Ints, Ints]:
    """What came of the period that each row pays for, and until when it is known to have run; of others no meaning."""
    follows = np.append(owner[1:] == owner[:-1], False)[: len(owner)]
    next_time = np.where(follows, np.append(time[1:], 0)[: len(time)], until)
    next_kind = np.append(kind[1:], 0)[: len(kind)]
    paid = days if can_lapse else np.full(len(days), np.nan)
    never = np.isnan(paid)
    paid_until = time + np.where(never, 0, np.round(np.nan_to_num(paid) * DAY)).astype(np.int64)
    limit = paid_until + np.where(never, 0, np.round(np.nan_to_num(grace_days(paid)) * DAY)).astype(np.int64)
    is_late = ~never & (next_time > limit)
    came = np.select([next_kind == CANCELLED, next_kind == PAUSED], [LEFT, HELD], KEPT)
    outcome = np.select([is_late, follows], [LAPSED, came], OPEN)
    # One that is overdue, but within the grace, is known to have run for as long as was paid.
    known = np.where(never, until, np.minimum(until, paid_until))
    ended = np.select([outcome == LAPSED, outcome == OPEN], [paid_until, known], next_time)
    return np.where(pays, outcome, OPEN + 0 * outcome), ended


def grace_days(period_days: Floats) -> Floats:
    """(n,) how many days after its period a renewal is still one.

    >>> grace_days(np.array([7.0, 30.0, 365.0])).tolist()
    [3.0, 7.5, 30.0]
    """
    found: Floats = np.clip(GRACE * period_days, LEAST_GRACE, MOST_GRACE)
    return found


def _period_days(owner: Ints, time: Ints, pays: Bools, plan: Ints, said: Floats) -> Floats:
    """(n,) the length of a period: as said, else as the subscription's own renewals tell, its plan's, or all."""
    gap = _since(time)
    tells = pays & _after_payment(owner, pays) & (gap >= 0.5)
    of_owner, gaps = _lower_median(owner[tells], gap[tells], int(owner.max(initial=-1)) + 1)
    of_owner = np.where(gaps >= OWN_GAPS, of_owner, np.nan)
    of_plan, _ = _lower_median(plan[tells] + 1, gap[tells], int(plan.max(initial=-1)) + 2)
    of_all, _ = _lower_median(np.zeros(int(tells.sum()), np.int64), gap[tells], 1)
    found = np.where(np.isnan(said), of_owner[owner], said)
    found = np.where(np.isnan(found), of_plan[plan + 1], found)
    return np.where(np.isnan(found), of_all[0], found)


def _lower_median(group: Ints, values: Floats, groups: int) -> tuple[Floats, Ints]:
    """The lower median of each group, and how many values it has: a pause that skips a period is twice the usual one,
    and must not move it."""
    order = np.lexsort((values, group))
    counts = np.bincount(group, minlength=groups)
    begin = np.cumsum(counts) - counts
    found = np.full(groups, np.nan)
    some = counts > 0
    found[some] = values[order][(begin + (counts - 1) // 2)[some]]
    return found, counts


def _since(time: Ints) -> Floats:
    """(n,) days since the row before."""
    return np.diff(time, prepend=time[:1]) / DAY


def _after_payment(owner: Ints, pays: Bools) -> Bools:
    """(n,) whether the row before is a payment for the same subscription."""
    found: Bools = np.append(False, (owner[1:] == owner[:-1]) & pays[:-1])[: len(owner)]
    return found


def _changes(log: pa.Table, names: Sequence[str]) -> Ints:
    """(n,) a number for each run of rows that agree in some columns."""
    is_new = np.zeros(log.num_rows, bool)
    for name in names:
        codes = log[name].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
        is_new |= np.append(False, codes[1:] != codes[:-1])[: log.num_rows]
    return np.cumsum(is_new)


def _plans(plan: pa.ChunkedArray, owner: Ints) -> tuple[Ints, pa.Array]:
    """Of each row the plan said last, as a number; -1 where none was."""
    encoded = plan.combine_chunks().dictionary_encode()
    codes = encoded.indices.cast(pa.float64()).fill_null(float("nan")).to_numpy()
    found = _carried(codes, owner)
    return np.where(np.isnan(found), -1, found).astype(np.int64), encoded.dictionary


def _carried(values: Floats, owner: Ints) -> Floats:
    """(n,) the newest value of the same owner that is not NaN."""
    place = np.where(np.isnan(values), -1, np.arange(len(values)))
    place = np.maximum.accumulate(place) if len(place) else place
    is_own = (place >= 0) & (owner[place] == owner) if len(place) else np.zeros(0, bool)
    return np.where(is_own, values[place], np.nan) if len(place) else values


def _notes(table: pa.Table, orphans: int, *, can_lapse: bool) -> list[str]:
    count = table.num_rows
    again = count - table["gap_days"].null_count
    paused = sum(each == "paused" for each in table["ended_by"].to_pylist())
    unknown = count - int(np.count_nonzero(table["is_start_known"].to_numpy(zero_copy_only=False)))
    found = []
    if again:
        found.append(f"{again} of {count} spells began after a gap: paused, lapsed or cancelled, then taken up again.")
    if paused:
        found.append(f"{paused} spells ended in a pause: each counts until then, as neither kept nor lost.")
    if unknown:
        found.append(f"{unknown} spells began before the log does: how long one lasts is not told from them.")
    if orphans:
        found.append(f"{orphans} cancellations are of subscriptions without a start: left out.")
    if count and not can_lapse:
        found.append("The log has no renewals: who did not cancel counts as a subscriber still.")
    return found
