"""Journeys live: customers enter, move on and are sent messages, as of the present.

A run may be killed anywhere and begun again, and two may run at once: each change is one transaction that finds every
customer where it was looked at, or leaves it to the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from regulars import clock
from regulars.campaign.copy import Messages
from regulars.campaign.journey.audience import Audience, rule_in
from regulars.campaign.journey.check import Surroundings, problems
from regulars.campaign.journey.entering import Candidates, candidates, products_around
from regulars.campaign.journey.errors import JourneyError
from regulars.campaign.journey.happenings import Happenings
from regulars.campaign.journey.saved import Journeys, Version
from regulars.campaign.journey.step import Branch, Journey, WaitForTime
from regulars.campaign.journey.tables import entries, journeys, prepare
from regulars.campaign.journey.walk import Walkers, World, answers, walk
from regulars.campaign.journey.writing import ALONE, write
from regulars.campaign.offer import standing
from regulars.campaign.sending import DECIDED, Channel, Tally, channels, refuse_unready, send_due, tell
from regulars.campaign.sending import tables as of_sending
from regulars.campaign.sending.hours import best_hours, zones
from regulars.clock import micros, moment_of
from regulars.customers import customers_as_of
from regulars.errors import NotEnoughError, NotFoundError
from regulars.events.schema import TYPES

if TYPE_CHECKING:
    from regulars.shop import Shop

STARTED, STOPPED, RESUMED = "started", "stopped", "resumed"
"""Of a journey as a whole, in the log of sending."""
CART = timedelta(days=1)
"""What an event's message may speak of besides: products of the same kind of event, so long before."""


class Moved(NamedTuple):
    """What a run did in one journey: who entered, moved, left by which outcome, and messages asked for."""

    journey: str
    entered: int
    moved: int
    left: Mapping[str, int]
    messages: int


class Ran(NamedTuple):
    """What a run did: in each journey, in sending, and how many messages the log was told of."""

    moved: list[Moved]
    tally: Tally
    told: int


class Status(NamedTuple):
    """A journey that was started: whether customers still enter, and how many are inside and have left."""

    name: str
    version: int
    is_open: bool
    started_at: datetime
    inside: int
    done: int


def surroundings(shop: Shop, audience: Audience) -> Surroundings:
    """What journeys of a shop may speak of."""
    events = shop.events
    types = shop.engine.to_arrow(events.select("type").distinct())["type"].to_pylist()
    offers = frozenset(each.name for each in standing(shop.state))
    return Surroundings(audience, Messages(shop.folder), offers, frozenset({*TYPES, *types}))


def startable(shop: Shop, name: str, audience: Audience) -> Journey:
    """A journey that can be started as its file is now.

    Raises
    ------
    NotFoundError
        If there is no such journey.
    JourneyError
        If anything is wrong with it.
    ConfigError
        If nobody has approved its messages, or a channel that it needs is not set up.
    """
    journey = Journeys(shop).get(name)
    wrong = problems(journey, surroundings(shop, audience))
    if wrong:
        raise JourneyError(name, wrong)
    for step in journey.sends:
        refuse_unready(shop, step.message, (step.channel,), f'{name}, step "{step.name}": ')
    return journey


def start(shop: Shop, name: str, who: str, audience: Audience, moment: datetime) -> Version:
    """Let customers enter a journey from a moment on. If it is open, those who enter now enter its newest version.

    Raises
    ------
    NotFoundError, JourneyError, ConfigError
        As `startable` does.
    """
    version = Journeys(shop).keep(startable(shop, name, audience))
    with prepare(of_sending.prepare(shop.state)).write(alone=ALONE) as change:
        row = change.execute(sa.select(journeys).where(journeys.c.name == name)).one_or_none()
        values: dict[str, Any] = {"version": version.number, "is_open": True, "who": who}
        if row is None or not row.is_open:
            values |= {"started_at": moment, "seen_until": moment}
        if row is None:
            change.execute(sa.insert(journeys).values(name=name, **values))
        else:
            change.execute(sa.update(journeys).where(journeys.c.name == name).values(values))
        _say(change, name, version.number, STARTED, f"by {who}")
    return version


def stop(shop: Shop, name: str, who: str) -> None:
    """Let nobody enter a journey any more; who is inside finishes. NotFoundError if it was not started."""
    with prepare(of_sending.prepare(shop.state)).write(alone=ALONE) as change:
        done = change.execute(sa.update(journeys).where(journeys.c.name == name).values(is_open=False, who=who))
        if not done.rowcount:
            raise NotFoundError(f'"{name}" was not started. Those that were: regulars campaign journeys')
        _say(change, name, None, STOPPED, f"by {who}")


def resume(shop: Shop, name: str, who: str) -> None:
    """Take back that a journey was stopped. NotFoundError if it was not started, or is not stopped.

    Whoever would have entered meanwhile enters at the next run: it looks from where the last one ended.
    """
    with prepare(of_sending.prepare(shop.state)).write(alone=ALONE) as change:
        stopped = (journeys.c.name == name) & ~journeys.c.is_open
        if not change.execute(sa.update(journeys).where(stopped).values(is_open=True, who=who)).rowcount:
            raise NotFoundError(f'"{name}" is not stopped. How journeys stand: regulars campaign journeys')
        _say(change, name, None, RESUMED, f"by {who}")


def take_back(shop: Shop, name: str, who: str) -> int | None:
    """Take back the last start of a journey: the version that customers enter again, None if nobody enters any more.

    Raises
    ------
    NotFoundError
        If it was not started.
    """
    line = of_sending.log.c
    told = sa.select(line.what, line.version).where(line.journey == name, line.what.in_((STARTED, STOPPED, RESUMED)))
    with prepare(of_sending.prepare(shop.state)).read() as view:
        lines = view.execute(told.order_by(line.id)).all()
    starts = [place for place, each in enumerate(lines) if each.what == STARTED]
    before = lines[: starts[-1]] if starts else []
    if not before or before[-1].what == STOPPED:
        stop(shop, name, who)
        return None
    version = next(each.version for each in reversed(before) if each.what == STARTED)
    with shop.state.write(alone=ALONE) as change:
        change.execute(sa.update(journeys).where(journeys.c.name == name).values(version=version, who=who))
        _say(change, name, version, STARTED, f"again, by {who}")
    return int(version)


def status(shop: Shop) -> list[Status]:
    """The journeys that were started, by name."""
    inside = sa.func.sum(sa.case((entries.c.outcome.is_(None), 1), else_=0))
    counted = sa.select(entries.c.journey, sa.func.count().label("all"), inside.label("inside"))
    with prepare(shop.state).read() as view:
        counts = {row.journey: row for row in view.execute(counted.group_by(entries.c.journey))}
        rows = view.execute(sa.select(journeys).order_by(journeys.c.name)).all()
    found = []
    for row in rows:
        within = int(counts[row.name].inside) if row.name in counts else 0
        total = counts[row.name].all if row.name in counts else 0
        found.append(Status(row.name, row.version, row.is_open, row.started_at, within, total - within))
    return found


def inside(shop: Shop, name: str) -> dict[str, int]:
    """How many customers of a journey are at each step now; steps where nobody is are not in it."""
    counted = sa.select(entries.c.step, sa.func.count()).where(entries.c.journey == name, entries.c.outcome.is_(None))
    with prepare(shop.state).read() as view:
        return {row[0]: row[1] for row in view.execute(counted.group_by(entries.c.step))}


def run(shop: Shop, audience: Audience, moment: datetime, by: Mapping[str, Channel] | None = None) -> Ran:
    """Bring all journeys to a moment, and send what is due.

    Parameters
    ----------
    by : channels; default: those of `[sending]`.

    Raises
    ------
    NotEnoughError
        If the log has heard nothing for `[sending] stale_hours`: who ordered since is not known.
    """
    _refuse_stale(shop, moment)
    of_sending.prepare(prepare(shop.state))
    with shop.state.read() as view:
        rows = view.execute(sa.select(journeys).order_by(journeys.c.name)).all()
    there = channels(shop) if by is None else by
    known = cache(partial(customers_as_of, shop, moment))
    moved = [_advance(shop, row, audience, moment, known) for row in rows]
    tally = send_due(shop, moment, there, lambda waiting, at: overtaken(shop, waiting, at), known)
    return Ran(moved, tally, tell(shop))


def overtaken(shop: Shop, rows: Sequence[Any], moment: datetime) -> dict[int, str]:
    """Which messages that wait are no longer wanted: their customer has reached the goal meanwhile, or left."""
    found: dict[int, str] = {}
    # What was decided waits for nothing: who was drawn counts among the contacted, whatever came between.
    for name, number in sorted({(row.journey, row.version) for row in rows if row.journey != DECIDED}):
        journey = Journeys(shop).version(name, number)
        own = [row for row in rows if (row.journey, row.version) == (name, number)]
        ends = (*journey.leave, *((journey.goal,) if journey.goal else ()))
        customers = pa.array([row.customer_id for row in own], pa.string())
        entered = np.array([row.about["entered"] for row in own], np.int64)
        happened = Happenings(shop, ends, customers.unique(), moment_of(int(entered.min())), moment)
        place = pc.index_in(customers, customers.unique()).to_numpy().astype(np.int64)
        for awaited in ends:
            came = happened.next(awaited, place, entered) < micros(moment)
            found |= {own[k].id: f"overtaken: {awaited.event} came first" for k in np.flatnonzero(came).tolist()}
    return found


def _refuse_stale(shop: Shop, moment: datetime) -> None:
    newest, hours = shop.now, shop.config.sending.stale_hours
    if moment - newest > timedelta(hours=hours):
        raise NotEnoughError(
            f"campaign: the newest event is of {newest:%Y-%m-%d %H:%M} UTC, over {hours:g} hours before "
            f"{moment:%Y-%m-%d %H:%M}: who has ordered since is not known. Import what came since, or raise [sending] "
            "stale_hours. To replay a past day: --as-of TIME"
        )


def _advance(shop: Shop, row: Any, audience: Audience, moment: datetime, known: Callable[[], pa.Table]) -> Moved:
    name, kept = row.name, Journeys(shop)
    newest = kept.version(name, row.version)
    found, new_about = _found(shop, row, newest, audience, moment)
    entered, asked_for, moved, left = _enter(shop, row, newest, found, new_about, moment), 0, 0, dict[str, int]()
    with shop.state.read() as view:
        inside = view.execute(sa.select(entries).where(entries.c.journey == name, entries.c.outcome.is_(None))).all()
    for number in sorted({each.version for each in inside}):
        journey = newest if number == row.version else kept.version(name, number)
        own = [each for each in inside if each.version == number]
        some = _walk(shop, journey, own, audience, moment, known)
        moved += some[0]
        asked_for += some[1]
        for outcome, count in some[2].items():
            left[outcome] = left.get(outcome, 0) + count
    return Moved(name, entered, moved, left, asked_for)


def _found(
    shop: Shop, row: Any, journey: Journey, audience: Audience, moment: datetime
) -> tuple[Candidates | None, list[dict[str, Any]]]:
    if not row.is_open or row.seen_until >= moment:
        return None, []
    trigger = journey.trigger
    is_event = trigger.kind not in ("segment", "rule")
    since = max(row.started_at, row.seen_until - trigger.late) if is_event else row.seen_until
    found = candidates(shop, trigger, since, moment, audience)
    return found, about(shop, journey, found, since, moment)


def about(shop: Shop, journey: Journey, found: Candidates, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """(n,) what the message of each candidate may speak of."""
    products: dict[str, list[str]] = {}
    if journey.trigger.kind == "event" and len(found.customer):
        names = found.customer.unique().to_pylist()
        products = products_around(shop, journey.trigger.what, names, since - CART, until)
    rows = zip(
        found.customer.to_pylist(),
        found.about.to_pylist(),
        found.price_before.to_pylist(),
        found.at.tolist(),
        strict=True,
    )
    made = []
    for customer, product, before, at in rows:
        others = [each for each in products.get(customer, ()) if each != product]
        said: dict[str, Any] = {"entered": at, "products": [each for each in (product, *others) if each]}
        made.append(said | ({"price_before": before} if before else {}))
    return made


def _enter(
    shop: Shop, row: Any, journey: Journey, found: Candidates | None, abouts: list[dict[str, Any]], moment: datetime
) -> int:
    """Let candidates in who are not inside, were not lately, and have not come in by the same thing before."""
    if found is None:
        return 0
    new, again = [], journey.trigger.again
    with shop.state.write(alone=ALONE) as change:
        now = change.execute(sa.select(journeys).where(journeys.c.name == row.name)).one()
        if now.seen_until != row.seen_until or now.version != row.version or not now.is_open:
            return 0  # another run has been here meanwhile
        wanted = found.customer.to_pylist()
        known, last = _before(change, row.name, wanted)
        for customer, at, key, about in zip(wanted, found.at.tolist(), found.key.to_pylist(), abouts, strict=True):
            before = last.get(customer)
            if key in known or (before and (again is None or before[1] is None)):
                continue
            if before and again is not None and before[1] is not None:
                earliest = max(before[0] + again, before[1])
                if moment_of(at) < earliest:
                    continue
            last[customer] = (moment_of(at), None)
            known.add(key)
            new.append(
                {
                    "journey": row.name, "version": row.version, "customer_id": customer, "entry_key": key,
                    "entered_at": moment_of(at), "step": journey.steps[0].name, "at": moment_of(at), "hops": 0,
                    "about": about,
                }
            )  # fmt: skip
        if new:
            change.execute(sa.insert(entries), new)
        change.execute(sa.update(journeys).where(journeys.c.name == row.name).values(seen_until=moment))
    return len(new)


def _before(
    change: sa.Connection, journey: str, customers: list[str]
) -> tuple[set[str], dict[str, tuple[datetime, datetime | None]]]:
    """The keys by which some customers came in, and of each when it last entered and when it left (None: inside)."""
    keys: set[str] = set()
    last: dict[str, tuple[datetime, datetime | None]] = {}
    unique = sorted(set(customers))
    for first in range(0, len(unique), 500):
        of = (entries.c.journey == journey) & entries.c.customer_id.in_(unique[first : first + 500])
        for row in change.execute(sa.select(entries).where(of).order_by(entries.c.entered_at, entries.c.id)):
            keys.add(row.entry_key)
            last[row.customer_id] = (row.entered_at, None if row.outcome is None else row.at)
    return keys, last


def _walk(
    shop: Shop,
    journey: Journey,
    rows: list[Any],
    audience: Audience,
    moment: datetime,
    known: Callable[[], pa.Table],
) -> tuple[int, int, dict[str, int]]:
    customers = pa.array([row.customer_id for row in rows], pa.string())
    is_clocked = any(isinstance(step, WaitForTime) for step in journey.steps)
    is_best = any(step.at_best_hour for step in journey.sends)
    people = known() if is_clocked or is_best else None
    zone = _zones(shop, customers, people)
    entered = np.array([micros(row.entered_at) for row in rows], np.int64)
    walkers = Walkers(
        np.arange(len(rows), dtype=np.int64),
        entered,
        np.array([journey.places[row.step] for row in rows], np.int64),
        np.array([micros(row.at) for row in rows], np.int64),
        np.array([row.hops for row in rows], np.int64),
        np.zeros(len(rows), np.int64),
    )
    before = walkers.hops.copy()
    happened = Happenings(shop, journey.awaited, customers, moment_of(int(entered.min())), moment)
    now = micros(moment)

    @cache
    def members(step: Branch, at: int) -> pa.Array:
        return audience.members(rule_in(audience, step.rule, step.segment), moment)

    world = World(customers, zone, happened, answers(customers, lambda step, at: members(step, 0), 2**62))
    sends = walk(journey, walkers, world, now, floor=now)
    best = None
    if is_best and people is not None and len(sends.walker):
        best = best_hours(shop, moment, people, zones(people, shop.config.shop.timezone))
    return write(shop, journey, rows, walkers, before, sends, best, zone, moment)


def _zones(shop: Shop, customers: pa.Array, people: pa.Table | None) -> npt.NDArray[np.str_]:
    """(n,) where customers are; where nothing asks for it, or they are not known, where the shop is."""
    found = np.full(len(customers), shop.config.shop.timezone, dtype=object)
    if people is not None:
        place = pc.index_in(customers, people["customer_id"].combine_chunks())
        there = place.is_valid().to_numpy(zero_copy_only=False)
        found[there] = zones(people.take(place.drop_null()), shop.config.shop.timezone)
    return found.astype(str)


def _say(change: sa.Connection, journey: str, version: int | None, what: str, reason: str) -> None:
    line = {"at": clock.now(), "journey": journey, "version": version, "step": "", "what": what, "reason": reason}
    change.execute(sa.insert(of_sending.log).values(line))
