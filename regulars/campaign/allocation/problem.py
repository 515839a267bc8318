"""What is to be allocated, and what must hold: checked, as a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Limit:
    """At most so many contacts by some of the actions: the stock of a coupon, what a channel can send at an hour.

    Attributes
    ----------
    name : for whoever reads why somebody was left out.
    actions : names of the actions that count.
    most : contacts, 0 or more.
    """

    name: str
    actions: tuple[str, ...]
    most: int


@dataclass(frozen=True)
class Floor:
    """At least so large a share of a group is contacted at all events, even where another customer would gain more.

    Attributes
    ----------
    group : as in `Problem.group`.
    share : contacts for each member of the group, 0 to 1.
    """

    group: int
    share: float


@dataclass(frozen=True)
class Problem:
    """Customers, what each action would bring for each, and what must hold.

    Attributes
    ----------
    gain : (n, actions) money that an action is expected to bring, its cost not taken off; -inf where the customer must
        not have it (no consent, no phone number, quiet hours).
    cost : (n, actions) money that it costs, 0 or more.
    actions : names, e.g. "coupon 10 % by e-mail at 9".
    budget : money for all together; inf for none.
    contacts : (n,) how many contacts each customer may still have; each action once.
    limits : of groups of actions.
    group : (n,) the group of each customer, -1 for none.
    floors : of groups of customers.

    Examples
    --------
    >>> problem = Problem.of([[3.0, 2.0], [1.0, 2.5]], cost=[1.0, 0.5], actions=["coupon", "message"], budget=1.5)
    >>> problem.cost.tolist(), problem.contacts.tolist()
    ([[1.0, 0.5], [1.0, 0.5]], [1, 1])
    """

    gain: Floats
    cost: Floats
    actions: tuple[str, ...]
    budget: float
    contacts: Numbers
    limits: tuple[Limit, ...]
    group: Numbers
    floors: tuple[Floor, ...]

    @staticmethod
    def of(
        gain: npt.ArrayLike,
        *,
        cost: npt.ArrayLike,
        actions: Sequence[str],
        budget: float = float("inf"),
        contacts: npt.ArrayLike = 1,
        limits: Sequence[Limit] = (),
        group: npt.ArrayLike | None = None,
        floors: Sequence[Floor] = (),
    ) -> Problem:
        """Checked.

        Parameters
        ----------
        cost : (actions,) the same for all, or (n, actions).
        contacts : one number for all, or (n,).

        Raises
        ------
        InputError
            If shapes differ, a number is out of its range, a limit names an action that there is not, or a floor asks
            for more than its group, the limits or the budget can give.
        """
        money = np.ascontiguousarray(gain, np.float64)
        if money.ndim != 2 or money.shape[1] != len(actions):
            raise InputError(f"gain {money.shape}: (customers, {len(actions)} actions) is expected.")
        _refuse(np.isnan(money) | (money == np.inf), money, "gain", "money, or -inf where it must not be, is expected")
        paid = np.asarray(cost, np.float64)
        if paid.shape not in {(len(actions),), money.shape}:
            raise InputError(f"cost {paid.shape}: ({len(actions)},) or {money.shape} is expected.")
        paid = np.ascontiguousarray(np.broadcast_to(paid, money.shape))
        _refuse(~(np.isfinite(paid) & (paid >= 0)), paid, "cost", "money from 0 on is expected")
        if not budget >= 0:
            raise InputError(f"budget = {budget}: money from 0 on is expected.")
        may = np.array(np.broadcast_to(np.asarray(contacts, np.int64), (len(money),)))
        _refuse(may < 0, may, "contacts", "a count from 0 on is expected")
        groups = np.full(len(money), -1) if group is None else np.asarray(group, np.int64)
        if groups.shape != (len(money),):
            raise InputError(f"group {groups.shape}: ({len(money)},) is expected.")
        for limit in limits:
            if missing := [name for name in limit.actions if name not in actions]:
                raise InputError(
                    f'limit "{limit.name}": there is no action "{missing[0]}". There are: {", ".join(actions)}.'
                )
            if limit.most < 0:
                raise InputError(f'limit "{limit.name}": at most {limit.most}; a count from 0 on is expected.')
        found = Problem(
            money, paid, tuple(actions), float(budget), may, tuple(limits), groups.astype(np.int64), tuple(floors)
        )
        _check_floors(found)
        return found

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """(limits, actions) which action counts for which limit."""
        return np.array([[name in limit.actions for name in self.actions] for limit in self.limits], bool).reshape(
            len(self.limits), len(self.actions)
        )

    @property
    def most(self) -> Floats:
        """(limits,)"""
        return np.array([limit.most for limit in self.limits], np.float64)

    @property
    def floor_of(self) -> Numbers:
        """(n,) the number of the floor that a customer counts for, -1 for none."""
        found = np.full(len(self.gain), -1)
        for number, floor in enumerate(self.floors):
            found[self.group == floor.group] = number
        return found

    @property
    def least(self) -> Floats:
        """(floors,) contacts, rounded up."""
        sizes = [(self.group == floor.group).sum() for floor in self.floors]
        needed = [np.ceil(floor.share * size - 1e-9) for floor, size in zip(self.floors, sizes, strict=True)]
        return np.array(needed, np.float64)


def _check_floors(problem: Problem) -> None:
    groups = [floor.group for floor in problem.floors]
    if len(set(groups)) < len(groups):
        raise InputError(f"floors: group {max(groups, key=groups.count)} has two. Keep one.")
    may = np.minimum(problem.contacts, np.isfinite(problem.gain).sum(1))
    cheapest = np.where(np.isfinite(problem.gain), problem.cost, np.inf).min(1, initial=np.inf)
    spent = 0.0
    for floor, needed in zip(problem.floors, problem.least, strict=True):
        if not 0 <= floor.share <= 1:
            raise InputError(f"floor of group {floor.group}: {floor.share}; a share from 0 to 1 is expected.")
        members = problem.group == floor.group
        if may[members].sum() < needed:
            raise InputError(
                f"floor of group {floor.group}: {needed:,.0f} contacts are asked, and its members may have "
                f"{may[members].sum():,}. Lower the share."
            )
        spent += np.sort(cheapest[members & (may > 0)])[: int(needed)].sum() if needed else 0.0
    if spent > problem.budget + 1e-9 and problem.contacts.max(initial=0) <= 1:
        raise InputError(f"floors cost {spent:,.2f} at least, the budget is {problem.budget:,.2f}. Raise it.")


def _refuse(is_wrong: npt.NDArray[np.bool_], values: npt.NDArray[np.generic], name: str, why: str) -> None:
    if is_wrong.any():
        row = np.argwhere(is_wrong)[0].tolist()
        raise InputError(f"{name}, row {row[0]}: {values[tuple(row)]}: {why}.")
