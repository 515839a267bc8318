"""The schedule that brings most while everything holds: prices of what is scarce, then what customers take, repaired.

As in `regulars.campaign.allocation`, whose descent it uses: at prices p >= 0 of budget, uses and floors each customer's
best is found alone; the sum D(p) bounds every schedule from above, so the gap to what was found is known. Here a
customer's best is over days: one action on each, contacts on those where they are worth most beside what else the day
would hold, which is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.campaign.allocation import descend
from regulars.errors import InputError
from regulars.lifecycle.arbitration import kernels
from regulars.lifecycle.arbitration.kernels import NONE
from regulars.lifecycle.arbitration.schedule import Floats, Schedule, Singles

SAMPLE = 20_000
"""Of more customers, prices are first sought on so many drawn by lot."""

Taken = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Solved:
    """What each customer gets on each day.

    Attributes
    ----------
    taken : (n, days) the number of the action, -1 for none.
    gain : money that it is expected to bring, costs taken off.
    bound : no schedule under the same conditions brings more.
    used : (p,) of budget and uses; contacts of groups with a floor. there : what there was.
    price : (p,) what one more unit would bring: of the budget beside the money itself; of a floor what one more contact
        that it asks for takes.
    worth : (n, days) of what is taken at these prices; where nothing is, of the best there would be.
    asked : all prices that were tried, (k, p), and what customers keep at them, (k,): for `if_there_were`.
    """

    schedule: Schedule
    taken: Taken
    gain: float
    bound: float
    used: Floats
    price: Floats
    worth: Singles
    asked: tuple[Floats, Floats]

    @property
    def gap(self) -> float:
        """By which share of the bound the schedule may be below the best."""
        return max(self.bound - self.gain, 0.0) / max(abs(self.bound), 1e-12)

    @property
    def binding(self) -> Mapping[str, float]:
        """What is scarce, and what one more unit of it would bring."""
        names = self.schedule.names
        return {name: float(price) for name, price in zip(names, self.price, strict=True) if price > 1e-9}

    def if_there_were(self, **there: float) -> float:
        """At most so much would be brought, were there more or less of something: without solving again.

        Prices that were tried bound every schedule under other conditions too; the least of these bounds is told. Near
        what there is it is as tight as the solve was.

        Parameters
        ----------
        there : name of what is scarce (see `Schedule.names`) -> how much there would be.

        Raises
        ------
        InputError
            If there is no such name.

        Examples
        --------
        >>> schedule = Schedule.of(np.array([[[3.0]], [[2.0]], [[1.0]]]), cost=[0.5], actions=["call"], budget=1.0)
        >>> found = solve(schedule)
        >>> found.gain, round(found.if_there_were(budget=1.5), 3)
        (4.0, 4.5)
        """
        amounts = self.schedule.there
        for name, amount in there.items():
            if name not in self.schedule.names:
                raise InputError(f"There is no limit {name!r}. There are: {', '.join(self.schedule.names)}.")
            amounts[self.schedule.names.index(name)] = amount
        prices, kept = self.asked
        return float((kept + prices @ amounts).min())


def solve(schedule: Schedule) -> Solved:
    """The schedule that brings most, with the gap told; budget, uses, contacts and floors hold.

    Raises
    ------
    InputError
        If they contradict each other: which to relax, and by how much.

    Source
    ------
    Fisher (1981), The Lagrangian Relaxation Method for Solving Integer Programming Problems.

    Examples
    --------
    Of two contacts, one a week each, the ones on the better days:

    >>> schedule = Schedule.of([[[1.0, 2.0]], [[3.0, 2.5]]], cost=[0.5], actions=["message"])
    >>> found = solve(schedule)
    >>> found.taken.tolist(), found.gain
    ([[-1, 0], [0, -1]], 4.0)
    """
    count = len(schedule.gain)
    start = None
    if count > 2 * SAMPLE:
        some = np.sort(np.random.default_rng(0).permutation(count)[:SAMPLE])
        start = descend(_Dual(schedule.where(some)), None)[0]
    dual = _Dual(schedule)
    price, bound = descend(dual, start)
    taken, worth = dual.at(price)
    used, reached = _repaired(schedule, taken, worth, dual, price)
    owed = -schedule.there[1 + len(schedule.uses) :]
    if (reached < owed).any():
        raise InputError(_contradiction(schedule, taken, used, reached))
    gain = _earned(schedule, taken)
    asked = (np.array(dual.prices), np.array(dual.kept))
    return Solved(schedule, taken, gain, max(bound, gain), np.concatenate([used, reached]), price, worth, asked)


class _Dual:
    """D and its slope; remembers all prices that it was asked at."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule, self._each, self._floor_of = schedule, schedule.each, schedule.floor_of
        self._has_budget = np.isfinite(schedule.budget)
        self.there = schedule.there
        n, _, days = schedule.shape
        self._taken, self._worth = np.empty((n, days), np.int8), np.empty((n, days), np.float32)
        self.prices: list[Floats] = []
        self.kept: list[float] = []
        scale = _largest(schedule.gain)
        paid = schedule.cost[schedule.cost > 0]
        most = scale / float(np.quantile(paid, 0.01)) if len(paid) and self._has_budget else 0.0
        smallest = [float(use.each[use.each > 0].min()) if (use.each > 0).any() else 1.0 for use in schedule.uses]
        deepest = 4 * (scale + float(schedule.cost.max(initial=0.0)))
        self.highest = np.array([most, *(scale / each for each in smallest), *[deepest] * len(schedule.floors)])

    def toll(self, price: Floats) -> Floats:
        """(actions, days) what uses of an action cost at prices."""
        found: Floats = np.tensordot(price[1 : 1 + len(self._each)], self._each, 1)
        return found

    def at(self, price: Floats) -> tuple[Taken, Singles]:
        """What customers take at prices, and its worth; the arrays are this object's own."""
        self._take(price)
        return self._taken, self._worth

    def _take(self, price: Floats) -> float:
        schedule = self._schedule
        kept = kernels.take(
            schedule.gain,
            schedule.cost,
            schedule.is_contact,
            schedule.contacts,
            self._floor_of,
            1.0 + price[0],
            self.toll(price),
            price[1 + len(self._each) :],
            self._taken,
            self._worth,
        )  # fmt: skip
        return float(kept)

    def evaluate(self, price: Floats) -> tuple[float, Floats]:
        """D at prices, and its slope."""
        kept = self._take(price)
        used, reached = _tallied(self._schedule, self._taken)
        if not self._has_budget:
            used[0] = 0.0
        self.prices.append(price.copy())
        self.kept.append(kept)
        return kept + float(price @ self.there), self.there - np.concatenate([used, -reached])


def _largest(gain: Singles) -> float:
    # A slice at a time: a mask of all would be as large again.
    parts = (gain[:, k] for k in range(gain.shape[1]))
    return max((float(np.abs(part[np.isfinite(part)]).max(initial=0.0)) for part in parts), default=0.0) + 1e-9


def _tallied(schedule: Schedule, taken: Taken) -> tuple[Floats, Floats]:
    """What is used of budget and uses, and the contacts of groups with a floor."""
    counts, reached = np.zeros(schedule.shape[1:]), np.zeros(len(schedule.floors))
    spent = kernels.tally(taken, schedule.cost, schedule.is_contact, schedule.floor_of, counts, reached)
    of_uses = np.tensordot(schedule.each, counts, 2) if schedule.uses else np.zeros(0)
    return np.concatenate([[spent], of_uses]), reached


def _earned(schedule: Schedule, taken: Taken) -> float:
    who, day = np.nonzero(taken != NONE)
    action = taken[who, day]
    return float((schedule.gain[who, action, day].astype(float) - schedule.cost[who, action]).sum())


def _repaired(schedule: Schedule, taken: Taken, worth: Singles, dual: _Dual, price: Floats) -> tuple[Floats, Floats]:
    """What customers take is made to hold, in place: too much is taken back, floors are filled, what is left given out.

    Returns
    -------
    What is used of budget and uses, and the contacts of groups with a floor.
    """
    used, reached = _tallied(schedule, taken)
    there = schedule.there[: 1 + len(schedule.uses)].copy()
    there[0] = schedule.budget
    # Costs have seven digits: a sum of them must not seem to be over by the last.
    there += 1e-6 * np.maximum(there, 1.0, where=np.isfinite(there), out=np.ones_like(there))
    owed = -schedule.there[1 + len(schedule.uses) :]
    each, floor_of, toll = schedule.each, schedule.floor_of, dual.toll(price)
    if (used > there).any():
        cells = np.flatnonzero(taken.ravel() != NONE)
        cells = cells[np.argsort(worth.ravel()[cells], kind="stable")]
        for heeds_floors in (True, False):
            kernels.drop(
                cells, taken, schedule.cost, schedule.is_contact, floor_of, each, used, there, reached, owed,
                heeds_floors,
            )  # fmt: skip
    free = np.flatnonzero((taken.ravel() == NONE) & np.isfinite(worth.ravel()))
    free = free[np.argsort(-worth.ravel()[free], kind="stable")]
    for only_floors in (True, False) if len(owed) else (False,):
        kernels.add(
            free, schedule.gain, taken, schedule.cost, schedule.is_contact, schedule.contacts, floor_of, each, toll,
            1.0 + price[0], used, there, reached, owed, only_floors,
        )  # fmt: skip
    return used, reached


def _contradiction(schedule: Schedule, taken: Taken, used: Floats, reached: Floats) -> str:
    """Which limits keep a floor from being reached, and by how much each must be relaxed at least."""
    owed = -schedule.there[1 + len(schedule.uses) :]
    number = int(np.flatnonzero(reached < owed)[0])
    floor, lacking = schedule.floors[number], int(owed[number] - reached[number])
    members = np.flatnonzero(schedule.group == floor.group)
    noticed = np.flatnonzero(schedule.is_contact)
    may = np.asarray(np.isfinite(schedule.gain[np.ix_(members, noticed)]).any(2))  # (members, contacts)
    had = ((taken[members] != NONE) & schedule.is_contact[np.maximum(taken[members], 0)]).sum(1)
    room = np.where(np.asarray(may.any(1)), np.maximum(schedule.contacts[members] - had, 0), 0)
    said = f"{floor.name}: {lacking:,} more contacts are asked than the other limits leave."
    if room.sum() < lacking:
        share = (reached[number] + room.sum()) / len(members)
        return (
            f"{said} Its members may have {room.sum():,} more: lower the share to {share:.3f}, or allow more contacts "
            "a customer."
        )
    cheapest = np.where(may, schedule.cost[np.ix_(members, noticed)], np.inf).min(1)
    needed = float(np.sort(np.repeat(cheapest, room))[:lacking].sum())
    relax = []
    if used[0] + needed > schedule.budget:
        relax.append(f"raise the budget by {used[0] + needed - schedule.budget:,.2f}")
    for position, use in enumerate(schedule.uses):
        least = use.each[noticed].min(1)
        short = used[1 + position] + lacking * float(least[np.asarray(may.any(0))].min()) - use.most
        if short > 1e-9:
            relax.append(f"raise {use.name} by {short:,.6g}")
    relax.append(f"or lower the share to {reached[number] / len(members):.3f}")
    return f"{said} At least: {', '.join(relax)}."
