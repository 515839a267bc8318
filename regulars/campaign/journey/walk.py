"""How customers go through a journey: a pure function of where they are, what they do, and until when.

The same walk goes live, where time stands at the present and a step that is late is taken now, and in a simulation,
where each customer moves at the moment when it would have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.journey.happenings import NEVER, Happenings
from regulars.campaign.journey.step import (
    Awaited,
    Branch,
    Exit,
    Journey,
    Send,
    Split,
    Step,
    Wait,
    WaitForEvent,
    WaitForTime,
)
from regulars.campaign.sending.hours import next_at
from regulars.events.identity import hash_column

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_MICROSECOND = timedelta(microseconds=1)
MOST_HOPS = 1000
"""A customer is taken out of a journey after so many steps: its loop has no end."""
INSIDE, EXIT, GOAL, LEFT, LOST = 0, 1, 2, 3, 4
OUTCOMES = {EXIT: "exit", GOAL: "goal", LEFT: "left", LOST: "too many steps"}


class Asked(Protocol):
    """Answers the rules of a journey."""

    def __call__(self, step: Branch, places: Ints, at: Ints) -> Bools:
        """(n,) whether it is true of each customer at each time."""


@dataclass
class Walkers:
    """Customers inside, (n,) each: the place in `customers`, when they entered, the step, since when, how many steps
    they took, and how it ended. Changed in place by `walk`."""

    customer: Ints
    entered: Ints
    step: Ints
    at: Ints
    hops: Ints
    outcome: Ints

    @classmethod
    def entering(cls, customer: Ints, at: Ints) -> Walkers:
        """At the first step."""
        nothing = np.zeros(len(customer), np.int64)
        return cls(customer, at.copy(), nothing.copy(), at.copy(), nothing.copy(), nothing.copy())


@dataclass(frozen=True)
class World:
    """What a walk goes by.

    Attributes
    ----------
    customers : (n,) ids.
    zone : (n,) time zones.
    happenings : what they did, until the end of the walk.
    asked : answers rules.
    """

    customers: pa.Array
    zone: npt.NDArray[np.str_]
    happenings: Happenings
    asked: Asked


@dataclass
class Sends:
    """Messages that were asked for: of which walker, at which step, when, after how many hops; and how often each step
    was left for the next one (`reached`), the end last."""

    walker: list[Ints] = field(default_factory=list)
    step: list[Ints] = field(default_factory=list)
    at: list[Ints] = field(default_factory=list)
    hops: list[Ints] = field(default_factory=list)
    reached: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def arrays(self) -> tuple[Ints, Ints, Ints, Ints]:
        """All of them: walker, step, at, hops."""
        parts = (self.walker, self.step, self.at, self.hops)
        first, *rest = (np.concatenate([np.zeros(0, np.int64), *part]) for part in parts)
        return first, rest[0], rest[1], rest[2]


def walk(journey: Journey, walkers: Walkers, world: World, until: int, *, floor: int = 0) -> Sends:
    """Take every customer as far as it gets until a moment.

    Parameters
    ----------
    until : microseconds since 1970: nothing at or after it has happened yet.
    floor : live, the present: whoever waited longer than needed goes on from now, not from when it was due.

    Returns
    -------
    The messages asked for; the walkers are where they are now.
    """
    sends = Sends(reached=np.zeros(len(journey.steps) + 1, np.int64))
    ends = _ends(journey, walkers, world)
    places = journey.places
    active = np.flatnonzero(walkers.outcome == INSIDE)
    while len(active):
        moved = np.zeros(len(walkers.step), bool)
        for number in np.unique(walkers.step[active]):
            mine = active[walkers.step[active] == number]
            mine = _leave(walkers, mine, ends, np.maximum(walkers.at[mine], floor))
            if number == len(journey.steps):
                walkers.outcome[mine] = EXIT
                continue
            going = _take(journey.steps[number], walkers, mine, world, until, floor, places)
            # Whoever reached the goal while waiting is not there for what comes after the wait.
            stays = _leave(walkers, going.who, ends, going.at)
            kept = np.isin(going.who, stays)
            who, at = going.who[kept], going.at[kept]
            if isinstance(journey.steps[number], Send):
                at = np.maximum(at, floor)
                sends.walker.append(who)
                sends.step.append(np.full(len(who), number, np.int64))
                sends.at.append(at)
                sends.hops.append(walkers.hops[who].copy())
            walkers.step[who], walkers.at[who] = going.to[kept], at
            walkers.hops[who] += 1
            sends.reached[number] += len(who)
            walkers.outcome[who[walkers.hops[who] > MOST_HOPS]] = LOST
            moved[who] = True
            # Who waits still, but has reached the goal meanwhile.
            waiting = np.setdiff1d(mine, going.who)
            _leave(walkers, waiting, ends, np.full(len(waiting), until - 1))
        active = np.flatnonzero(moved & (walkers.outcome == INSIDE))
    return sends


@dataclass(frozen=True)
class _Ends:
    at: Ints
    outcome: Ints


def _ends(journey: Journey, walkers: Walkers, world: World) -> _Ends:
    """When each walker's journey is over by what it does itself, and by what."""
    at = np.full(len(walkers.step), NEVER)
    outcome = np.full(len(walkers.step), LEFT)
    for awaited, said in (
        *((each, LEFT) for each in journey.leave),
        *(((journey.goal, GOAL),) if journey.goal else ()),
    ):
        found = world.happenings.next(awaited, walkers.customer, walkers.entered)
        # Of both at once the goal holds: it is what the journey was for.
        sooner = found <= at if said == GOAL else found < at
        at, outcome = np.where(sooner, found, at), np.where(sooner, said, outcome)
    return _Ends(at, outcome)


def _leave(walkers: Walkers, who: Ints, ends: _Ends, by: Ints) -> Ints:
    """Take out whoever's journey is over by a time; who is left."""
    over = (ends.at[who] <= by) & (ends.at[who] != NEVER)
    gone = who[over]
    walkers.outcome[gone], walkers.at[gone] = ends.outcome[gone], ends.at[gone]
    left: Ints = who[~over]
    return left


@dataclass(frozen=True)
class _Going:
    """Who goes on, where to, and when."""

    who: Ints
    to: Ints
    at: Ints


def _take(  # noqa: PLR0911 one for each kind of step
    step: Step, walkers: Walkers, who: Ints, world: World, until: int, floor: int, places: dict[str, int]
) -> _Going:
    at, customer = walkers.at[who], walkers.customer[who]
    match step:
        case Wait(duration=duration, next=following):
            return _when_due(who, at + duration // _MICROSECOND, places[following], until, floor)
        case WaitForTime(minute_of_day=minute, weekday=weekday, next=following):
            due = next_at(at, world.zone[customer], minute, weekday)
            return _when_due(who, due, places[following], until, floor)
        case WaitForEvent(event=event, most=most, then=then, otherwise=otherwise):
            return _awaited(
                who,
                at,
                at + most // _MICROSECOND,
                world,
                event,
                customer,
                until,
                floor,
                (places[then], places[otherwise]),
            )
        case Branch(then=then, otherwise=otherwise):
            is_true = world.asked(step, customer, at)
            return _Going(who, np.where(is_true, places[then], places[otherwise]), at)
        case Split(parts=parts):
            bounds = np.cumsum([part.share for part in parts])[:-1]
            part = np.searchsorted(bounds, uniform(step.name, world.customers.take(pa.array(customer))), side="right")
            return _Going(who, np.array([places[each.next] for each in parts])[part], at)
        case Send(next=following):
            return _Going(who, np.full(len(who), places[following]), at)
        case Exit():
            return _Going(who, np.full(len(who), places["exit"]), at)
    raise TypeError(f"no journey has a {type(step).__name__}")


def _when_due(who: Ints, due: Ints, to: int, until: int, floor: int) -> _Going:
    ready = due < until
    return _Going(who[ready], np.full(int(ready.sum()), to), np.maximum(due[ready], floor))


def _awaited(
    who: Ints,
    at: Ints,
    due: Ints,
    world: World,
    event: Awaited,
    customer: Ints,
    until: int,
    floor: int,
    to: tuple[int, int],
) -> _Going:
    came = world.happenings.next(event, customer, at)
    is_in_time = (came <= due) & (came < until)
    ready = is_in_time | (due < until)
    when = np.where(is_in_time, came, due)[ready]
    return _Going(who[ready], np.where(is_in_time, *to)[ready], np.maximum(when, floor))


def uniform(salt: str, customers: pa.Array) -> npt.NDArray[np.float64]:
    """(n,) in [0, 1): a number for each customer, the same each time, another under another salt.

    >>> uniform("arm", pa.array(["ada", "bob"])).round(3).tolist()
    [0.204, 0.969]
    """
    salted = pc.binary_join_element_wise(salt, customers.cast(pa.string()), salt, "\x1f")
    # Twice, so that two salts that are alike do not give numbers that are.
    once = pc.binary_join_element_wise(salt, pa.array(hash_column(salted)).cast(pa.string()), "\x1f")
    found: npt.NDArray[np.float64] = ((hash_column(once) >> np.uint64(11)) * 2.0**-53).astype(np.float64)
    return found


Rules = Callable[[Branch, int], pa.Array]
"""The members of a branch's rule as of a moment."""


def answers(customers: pa.Array, members: Rules, round_to: int) -> Asked:
    """Answers rules of many customers by asking for all members once for each `round_to` microseconds."""

    def asked(step: Branch, places: Ints, at: Ints) -> Bools:
        result = np.zeros(len(places), bool)
        moments = at // round_to * round_to
        for moment in np.unique(moments):
            mine = np.flatnonzero(moments == moment)
            inside = pc.is_in(customers.take(pa.array(places[mine])), members(step, int(moment)))
            result[mine] = inside.to_numpy(zero_copy_only=False)
        return result

    return asked
