"""Messages of a log that a lot sent: who got one on which day, and who could have got one and did not.

A message that tells the chance with which it was sent was drawn by lot among the customers of its day. Who else was
among them is not in the log: it is taken to be who had consented by that day, which the numbers must bear out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.actions import NONE, Action
from regulars.campaign.drawn import DRAWN, Drawn, Floats, Lot, Numbers
from regulars.campaign.sending.hours import DAY, in_utc, local_day
from regulars.campaign.sending.telling import PREFIX, TYPE
from regulars.clock import micros
from regulars.customers import ledger
from regulars.events.schema import NOTED, TIME
from regulars.experiment import places

if TYPE_CHECKING:
    from regulars.shop import Shop

SOURCE = "messages by lot"
CHOSEN = "messages that were chosen"
PURPOSE = "marketing"
FAR_OFF, BEYOND_LUCK = 0.1, 3.3
"""A lot that fell upon a tenth more or fewer customers than its chance says, and as many standard deviations away (one
in a thousand lies beyond), was drawn among others."""
LEFT_SHARE = 0.5
"""Of the rows, so many are of who was left alone: more would make the table longer, and little firmer."""
MOST_ROWS = 60_000


class Sent(NamedTuple):
    """Messages: (n,) the place of the customer in `Reachable.ids`, the day in the shop's calendar, the arm's number,
    and the chance (NaN where none is told)."""

    place: Numbers
    day: Numbers
    arm: Numbers
    chance: Floats
    arms: tuple[str, ...]


class Reachable(NamedTuple):
    """Customers whom the shop knew and could write to.

    Attributes
    ----------
    ids : (c,)
    since : (c,) when each was first seen, microseconds.
    at, owner, may : (k,) what was said of marketing, by time: when, whose, and whether it may be done from then on.
    has_said : whether anybody said anything; if not, all may be written to.
    """

    ids: pa.Array
    since: Numbers
    at: Numbers
    owner: Numbers
    may: npt.NDArray[np.bool_]
    has_said: bool

    def on(self, moment: int) -> npt.NDArray[np.bool_]:
        """(c,) who could be written to just before a moment."""
        found = self.since < moment
        if not self.has_said:
            return found
        allowed = np.zeros(len(self.ids), bool)
        until = int(np.searchsorted(self.at, moment))
        # By time: of several the last one stands.
        allowed[self.owner[:until]] = self.may[:until]
        return found & allowed


def messages_by_lot(shop: Shop, until: datetime, horizon_days: int) -> Drawn:
    """Draws of messages whose chance is told, and of customers who could have got one on the same day.

    Of who was left alone a share is kept, by a hash; the chances are those given that.
    """
    known = reachable(shop, until)
    sent = _sent(shop, known, until - timedelta(days=horizon_days))
    by_lot = np.isfinite(sent.chance)
    if not by_lot.any():
        return Drawn.nothing()
    some = Sent(sent.place[by_lot], sent.day[by_lot], sent.arm[by_lot], sent.chance[by_lot], sent.arms)
    zone = shop.config.shop.timezone
    rows: list[pa.Table] = []
    lots: list[Lot] = []
    expected, came, spread = np.zeros(len(some.arms)), np.zeros(len(some.arms)), np.zeros(len(some.arms))
    for day in np.unique(some.day):
        here = np.flatnonzero(some.day == day)
        chance = _chances(some, here)
        if chance is None or chance.sum() >= 1:
            continue
        moment = begin_of(int(day), zone)
        may = known.on(moment)
        arm = np.zeros(len(known.ids), np.int64)
        arm[some.place[here]] = some.arm[here] + 1
        expected += chance * may.sum()
        spread += chance * (1 - chance) * may.sum()
        came += np.bincount(arm[may], minlength=len(some.arms) + 1)[1:]
        rows.append(_rows(known, may, arm, moment, float(chance.sum()), len(lots), some.arms))
        lots.append(_lot(chance, some.arms))
    off = np.abs(came - expected)
    is_strange = (off > FAR_OFF * np.maximum(expected, 1)) & (off > BEYOND_LUCK * np.sqrt(np.maximum(spread, 1)))
    if is_strange.any() or not rows:
        said = "; ".join(
            f"{some.arms[k]}: {came[k]:,.0f} customers, {expected[k]:,.0f} expected" for k in np.flatnonzero(is_strange)
        )
        return Drawn.nothing(
            f"Messages in the log tell a chance, and it was not that of all who had consented ({said}): among whom the "
            "lot was drawn is not known, so they are left out."
            if is_strange.any()
            else "Messages in the log tell different chances on one day: among whom each was drawn is not known, so "
            "they are left out."
        )
    table = pa.concat_tables(rows)
    if table.num_rows > MOST_ROWS:
        salt = pc.binary_join_element_wise(table["customer_id"], table["lot"].cast(pa.string()), " ")
        table = table.filter(pa.array(places("thinned", salt) < MOST_ROWS / table.num_rows))
    return Drawn(table, tuple(lots))


def messages_chosen(shop: Shop, until: datetime, horizon_days: int) -> Drawn:
    """Messages of which no chance is told, beside customers who could have got one on the same day and did not.

    Chances are unknown: those of the lots are mere numbers of who was taken.
    """
    known = reachable(shop, until)
    sent = _sent(shop, known, until - timedelta(days=horizon_days))
    chosen = ~np.isfinite(sent.chance)
    zone = shop.config.shop.timezone
    rows: list[pa.Table] = []
    lots: list[Lot] = []
    for day in np.unique(sent.day[chosen]):
        here = np.flatnonzero(sent.day == day)
        moment = begin_of(int(day), zone)
        may = known.on(moment)
        arm = np.zeros(len(known.ids), np.int64)
        arm[sent.place[here]] = sent.arm[here] + 1
        share = np.bincount(arm[may], minlength=len(sent.arms) + 1)[1:] / max(int(may.sum()), 1)
        if not 0 < share.sum() < 1:
            continue
        rows.append(_rows(known, may, arm, moment, float(share.sum()), len(lots), sent.arms, CHOSEN))
        lots.append(_lot(share, sent.arms))
    return Drawn(pa.concat_tables([DRAWN.empty_table(), *rows]), tuple(lots))


def reachable(shop: Shop, until: datetime) -> Reachable:
    """Who was known and could be written to, at any moment before `until`."""
    events = shop.events
    seen = events.filter(~events.type.isin(NOTED), events.time < ibis.literal(until))
    named = shop.identities.named(seen.select("customer_id", "anonymous_id", "time"), until)
    named = named.filter(named.customer_id.notnull())
    first = shop.engine.to_arrow(named.group_by("customer_id").agg(since=named.time.min()).order_by("customer_id"))
    ids = first["customer_id"].combine_chunks()
    said = ledger(shop, until)
    is_meant = pc.or_(pc.is_null(said["purpose"]), pc.fill_null(pc.equal(said["purpose"], PURPOSE), False))
    said = said.filter(is_meant)
    owner = pc.index_in(said["customer_id"], ids)
    said = said.filter(pc.is_valid(owner))
    may = pc.is_in(said["type"], pa.array(["consent_given", "objection_withdrawn"]))
    return Reachable(
        ids,
        np.asarray(first["since"].cast(TIME).cast(pa.int64())),
        np.asarray(said["time"].cast(TIME).cast(pa.int64())),
        np.asarray(owner.drop_null(), np.int64),
        np.asarray(may, bool),
        bool(said.num_rows),
    )


def begin_of(day: int, zone: str) -> int:
    """When a day of the shop's calendar begins, in microseconds since 1970."""
    return int(in_utc(np.array([day * DAY]), np.array([zone]))[0])


def _sent(shop: Shop, known: Reachable, last: datetime) -> Sent:
    """Messages of others than our journeys, of one campaign each, on days that are over so long before."""
    events = shop.events
    # Of journeys the chance that is told is that of the text; who is written to a split decides.
    rows = events.filter(
        events.type == TYPE, events.campaign_id.notnull(), ~events.event_id.startswith(PREFIX),
        events.time < ibis.literal(last),
    )  # fmt: skip
    rows = shop.identities.named(
        rows.select("customer_id", "anonymous_id", "time", "campaign_id", "channel", "propensity", "event_id"), last
    )
    found = shop.engine.to_arrow(rows.filter(rows.customer_id.notnull()).order_by("time", "event_id"))
    place = pc.index_in(found["customer_id"], known.ids)
    found = found.filter(pc.is_valid(place))
    times = np.asarray(found["time"].cast(TIME).cast(pa.int64()), np.int64)
    zone = np.full(len(times), shop.config.shop.timezone)
    day = local_day(times, zone)
    is_whole = day * DAY + DAY <= micros(last)
    names = [
        Action(what, channel or "").name
        for what, channel in zip(found["campaign_id"].to_pylist(), found["channel"].to_pylist(), strict=True)
    ]
    arms, arm = np.unique(np.array(names, object).astype(str), return_inverse=True)
    chance = np.asarray(found["propensity"].to_numpy(zero_copy_only=False), np.float64)
    chance = np.where((chance > 0) & (chance < 1), chance, np.nan)
    whole = np.flatnonzero(is_whole)
    at = np.asarray(place.drop_null(), np.int64)
    return Sent(at[whole], day[whole], arm[whole].astype(np.int64), chance[whole], tuple(arms.tolist()))


def _chances(sent: Sent, here: Numbers) -> Floats | None:
    """(arms,) the chance of each arm on a day, 0 where nobody got it; None if one has several."""
    chance = np.zeros(len(sent.arms))
    for number in np.unique(sent.arm[here]):
        said = np.unique(sent.chance[here][sent.arm[here] == number])
        if len(said) > 1:
            return None
        chance[number] = said[0]
    return chance


def _lot(chance: Floats, arms: tuple[str, ...]) -> Lot:
    """The chances given that of who was left alone as many are kept as were written to."""
    scaled = chance / chance.sum() * (1 - LEFT_SHARE)
    return {NONE: LEFT_SHARE} | {name: float(one) for name, one in zip(arms, scaled, strict=True) if one > 0}


def _rows(
    known: Reachable,
    may: npt.NDArray[np.bool_],
    arm: Numbers,
    moment: int,
    chance: float,
    lot: int,
    arms: tuple[str, ...],
    source: str = SOURCE,
) -> pa.Table:
    """Who was written to, and a share of who could have been: so many that half of the rows are of those."""
    kept = chance / (1 - chance) * LEFT_SHARE / (1 - LEFT_SHARE)
    who = np.flatnonzero(may)
    is_kept = (arm[who] > 0) | (places(f"left alone {moment}", known.ids.take(pa.array(who))) < kept)
    who = who[is_kept]
    names = pa.array([NONE, *arms])
    count = len(who)
    return pa.table(
        [
            known.ids.take(pa.array(who)),
            pa.repeat(pa.scalar(moment, pa.int64()), count).cast(TIME),
            names.take(pa.array(arm[who])),
            pa.repeat(source, count),
            pa.repeat(pa.scalar(lot, pa.int64()), count),
        ],
        schema=DRAWN,
    )
