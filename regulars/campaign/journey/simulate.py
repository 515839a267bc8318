"""What a journey would have done over days that have passed: whom it would have sent what, and whom not.

Customers did what they did without the messages: what the messages would have changed is not in it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.journey.audience import Audience, rule_in
from regulars.campaign.journey.entering import Candidates, candidates
from regulars.campaign.journey.happenings import Happenings
from regulars.campaign.journey.step import Branch, Journey, Send
from regulars.campaign.journey.walk import INSIDE, OUTCOMES, Ints, Walkers, World, answers, walk
from regulars.campaign.offer import suspected
from regulars.campaign.sending import refusals
from regulars.campaign.sending.channels import address_of
from regulars.campaign.sending.hours import DAY, best_hours, local_day, next_at, quiet_until, zones
from regulars.clock import micros, moment_of
from regulars.customers import customers_as_of

if TYPE_CHECKING:
    from regulars.shop import Shop

WEEK = 7


@dataclass(frozen=True)
class Simulated:
    """What would have been.

    Attributes
    ----------
    since, until : the days.
    entered, customers : how often somebody would have entered, and how many did.
    messages, recipients : how many messages would have been sent, to how many customers.
    by_step : messages of each step that sends.
    reached : how often each step would have been reached.
    skipped : messages that would not have been sent, by reason.
    held : messages that would have left later than asked for, for quiet hours or caps.
    outcomes : how often each way out was taken; "inside" for those who would still be there.
    """

    since: datetime
    until: datetime
    entered: int
    customers: int
    messages: int
    recipients: int
    by_step: dict[str, int]
    reached: dict[str, int]
    skipped: dict[str, int]
    held: int
    outcomes: dict[str, int]

    @property
    def said(self) -> str:
        """In one sentence."""
        days = (self.until - self.since) / timedelta(days=1)
        return (
            f"In {days:.0f} days it would have sent {self.messages:,} messages to {self.recipients:,} customers, of "
            f"{self.customers:,} who entered."
        )


def simulate(
    shop: Shop, journey: Journey, audience: Audience, until: datetime, days: int = 30, *, with_address: bool = False
) -> Simulated:
    """What a journey would have done in the days before a moment.

    Rules are asked as of the day's beginning (UTC). Consents, objections and addresses are those of the end: what was
    said in between counts for the days before too, so that no message is counted that could not be sent now.

    Parameters
    ----------
    with_address : as if every customer could be reached by every channel.
    """
    since = until - timedelta(days=days)
    found = _all_candidates(shop, journey, audience, since, until)
    known = customers_as_of(shop, until)
    customers = found.customer.unique()
    zone = _zones(shop, known, customers)

    @cache
    def members(step: Branch, at: int) -> pa.Array:
        return audience.members(rule_in(audience, step.rule, step.segment), moment_of(at))

    happened = Happenings(shop, journey.awaited, customers, since, until)
    world = World(customers, zone, happened, answers(customers, members, DAY))
    walkers, sends, visits = _walk_all(journey, world, found, micros(until))
    owner, step, at = sends
    counted = _sent(shop, journey, known, customers, walkers.customer[owner], step, at, zone, until, with_address)
    outcomes = Counter(OUTCOMES.get(each, "inside") for each in walkers.outcome.tolist())
    return Simulated(
        since,
        until,
        len(walkers.step),
        len(np.unique(walkers.customer)),
        int(counted.is_sent.sum()),
        len(np.unique(walkers.customer[owner][counted.is_sent])),
        {
            journey.steps[k].name: int((counted.is_sent & (step == k)).sum())
            for k in range(len(journey.steps))
            if isinstance(journey.steps[k], Send)
        },
        visits,
        dict(counted.skipped.most_common()),
        counted.held,
        dict(outcomes),
    )


def _all_candidates(shop: Shop, journey: Journey, audience: Audience, since: datetime, until: datetime) -> Candidates:
    """Those of rules and segments by the day, as a nightly run would see them; all others at once."""
    if journey.trigger.kind not in ("segment", "rule"):
        return candidates(shop, journey.trigger, since, until, audience)

    class Remembered:
        """Each day's end is the next one's beginning: asked once."""

        vocabulary, segments = audience.vocabulary, audience.segments
        members = staticmethod(lru_cache(maxsize=3)(audience.members))

    parts, start, remembered = [], since, Remembered()
    while start < until:
        end = min(start + timedelta(days=1), until)
        parts.append(candidates(shop, journey.trigger, start, end, remembered))
        start = end
    return Candidates(
        pa.concat_arrays([part.customer for part in parts]),
        np.concatenate([part.at for part in parts]),
        pa.concat_arrays([part.key for part in parts]),
        pa.concat_arrays([part.about for part in parts]),
        pa.concat_arrays([part.price_before for part in parts]),
    )


def _walk_all(
    journey: Journey, world: World, found: Candidates, until: int
) -> tuple[Walkers, tuple[Ints, Ints, Ints], dict[str, int]]:
    """Let candidates in as they would have been, in rounds: of each customer the first one that may, then the next."""
    place = pc.index_in(found.customer, world.customers).to_numpy().astype(np.int64)
    order = np.lexsort((found.at, place))
    place, at = place[order], found.at[order]
    free_at = np.zeros(len(world.customers), np.int64)
    left = np.ones(len(place), bool)
    parts: list[Walkers] = []
    owners: list[Ints] = []
    steps: list[Ints] = []
    times: list[Ints] = []
    reached = np.zeros(len(journey.steps) + 1, np.int64)
    count = 0
    again = journey.trigger.again
    while True:
        left &= at >= free_at[place]
        open_ = np.flatnonzero(left)
        _, first = np.unique(place[open_], return_index=True)
        chosen = open_[first]
        if not len(chosen):
            break
        walkers = Walkers.entering(place[chosen], at[chosen])
        sends = walk(journey, walkers, world, until)
        owner, step, when, _ = sends.arrays()
        owners, steps, times = [*owners, owner + count], [*steps, step], [*times, when]
        reached += sends.reached
        count += len(chosen)
        parts.append(walkers)
        left[chosen] = False
        never = np.iinfo(np.int64).max
        pause = never if again is None else again // timedelta(microseconds=1)
        back = np.minimum(at[chosen], never - pause) + pause if again is not None else np.full(len(chosen), never)
        free_at[place[chosen]] = np.where(walkers.outcome == INSIDE, never, np.maximum(back, walkers.at))
    names = [step.name for step in journey.steps]
    nothing = np.zeros(0, np.int64)
    merged = Walkers(*(np.concatenate([nothing, *(getattr(part, name) for part in parts)]) for name in _FIELDS))
    arrays = tuple(np.concatenate([nothing, *each]) for each in (owners, steps, times))
    return merged, (arrays[0], arrays[1], arrays[2]), dict(zip(names, reached.tolist(), strict=False))


_FIELDS = ("customer", "entered", "step", "at", "hops", "outcome")


@dataclass(frozen=True)
class _Counted:
    is_sent: Any
    skipped: Counter[str]
    held: int


def _sent(
    shop: Shop,
    journey: Journey,
    known: pa.Table,
    customers: pa.Array,
    who: Ints,
    step: Ints,
    at: Ints,
    zone: Any,
    until: datetime,
    with_address: bool,
) -> _Counted:
    """Which messages would have left, by permissions, addresses, quiet hours and caps."""
    settings = shop.config.sending
    sends = {k: each for k, each in enumerate(journey.steps) if isinstance(each, Send)}
    channel = np.array([sends[k].channel for k in step.tolist()], dtype=object)
    ids = customers.take(pa.array(who))
    reasons = np.array(refusals(shop, ids, pa.array(channel, pa.string()), until, settings.consent).to_pylist(), object)
    if not with_address:
        _without_address(known, customers, who, channel, reasons)
    farms, victims = suspected(shop, customers, until, settings.most_suspicion)
    offers = np.array([bool(sends[k].offer) for k in step.tolist()], bool)
    is_free = _is_none(reasons)
    reasons[is_free & np.asarray(victims)[who]] = "the account may be in other hands"
    reasons[_is_none(reasons) & offers & np.asarray(farms)[who]] = "suspected of abusing promotions: no coupon"
    may = _is_none(reasons)
    when = at.copy()
    best = np.array([sends[k].at_best_hour for k in step.tolist()], bool)
    if best.any():
        hours = best_hours(shop, until, known, _zones(shop, known, known["customer_id"].combine_chunks()))
        mine = np.flatnonzero(best)
        hour = hours.hours(ids.take(pa.array(mine)).to_pylist(), settings.quiet_from, settings.quiet_until)
        when[mine] = next_at(at[mine], zone[who[mine]], hour * 60)
    asked = when.copy()
    when = quiet_until(when, zone[who], settings.quiet_from, settings.quiet_until)
    day, is_dropped = _capped(who, local_day(when, zone[who]), when, may, settings)
    asked_day = local_day(asked, zone[who])
    reasons[may & is_dropped] = f"held for {settings.hold_days} days: frequency caps"
    held = int((may & ~is_dropped & ((when > asked) | (day > asked_day))).sum())
    skipped = Counter(each for each in reasons.tolist() if each is not None)
    return _Counted(may & ~is_dropped, skipped, held)


def _is_none(values: Any) -> Any:
    return np.frompyfunc(lambda value: value is None, 1, 1)(values).astype(bool)


def _without_address(known: pa.Table, customers: pa.Array, who: Ints, channel: Any, reasons: Any) -> None:
    place = pc.index_in(customers, known["customer_id"].combine_chunks())
    for name in np.unique(channel.astype(str)):
        field = {"email": "email", "sms": "phone"}.get(str(name))
        if field and address_of(str(name), {field: None}) is None:
            has = known[field].take(place).is_valid().to_numpy()
            reasons[(channel == name) & ~has[who] & _is_none(reasons)] = f"no address for {name}"


def _capped(who: Ints, day: Ints, when: Ints, may: Any, settings: Any) -> tuple[Ints, Any]:
    """The day on which each message leaves under the caps, and which are held for too long.

    Messages are taken in rounds: the first of each customer, then the second, and so on; so each round is done at once.
    """
    order = np.lexsort((when, who))
    order = order[may[order]]
    result, dropped = day.copy(), np.zeros(len(who), bool)
    owners, place = np.unique(who[order], return_inverse=True)
    starts = np.searchsorted(place, np.arange(len(owners)))
    number = np.arange(len(order)) - starts[place] if len(order) else np.zeros(0, np.int64)
    first = int(day.min()) - WEEK if len(day) else 0
    width = int(day.max()) - first + settings.hold_days + 2 if len(day) else 0
    sent = np.zeros((len(owners), width), np.int16)
    for turn in range(int(number.max()) + 1 if len(number) else 0):
        rows = np.flatnonzero(number == turn)
        message, owner = order[rows], place[rows]
        waits = np.ones(len(rows), bool)
        for later in range(settings.hold_days + 1):
            at = day[message] + later - first
            today = sent[owner, at]
            window = at[:, None] - np.arange(WEEK)[None, :]
            week = sent[owner[:, None], np.maximum(window, 0)].sum(1)
            fits = waits.copy()
            fits &= (today < settings.most_per_day) if settings.most_per_day else True
            fits &= (week < settings.most_per_week) if settings.most_per_week else True
            sent[owner[fits], at[fits]] += 1
            result[message[fits]] = day[message[fits]] + later
            waits &= ~fits
        dropped[message[waits]] = True
    return result, dropped


def _zones(shop: Shop, known: pa.Table, customers: pa.Array) -> Any:
    default = shop.config.shop.timezone
    place = pc.index_in(customers, known["customer_id"].combine_chunks())
    found = np.full(len(customers), default, dtype=object)
    there = place.is_valid().to_numpy(zero_copy_only=False)
    found[there] = zones(known.take(place.drop_null()), default)
    return found.astype(str)
