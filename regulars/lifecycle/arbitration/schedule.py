"""What is to be arbitrated, and what must hold: customers x actions x days, checked, as a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Use:
    """Something scarce besides money: stock, minutes of people, messages that a channel sends, contacts over all.

    Attributes
    ----------
    name : for whoever reads why somebody was left out.
    each : (actions, days) how much of it one action on a day takes; 0 or more.
    most : how much there is.
    """

    name: str
    each: Floats
    most: float

    @staticmethod
    def of(name: str, each: npt.ArrayLike, most: float, days: int) -> Use:
        """The same on all days: `each` (actions,)."""
        return Use(name, np.repeat(np.asarray(each, float)[:, None], days, axis=1), float(most))


@dataclass(frozen=True)
class Share:
    """A floor of fairness: so large a share of a group has at least one contact each, in the mean, over the days.

    Attributes
    ----------
    group : as in `Schedule.group`. share : contacts for each member, 0 to 1.
    """

    name: str
    group: int
    share: float


@dataclass(frozen=True)
class Schedule:
    """Customers, what each action would bring on each day, and what must hold.

    A customer has one action a day at most, and so many contacts over the days. What several actions bring is added:
    what one more contact takes from the next must be in the numbers.

    Attributes
    ----------
    gain : (n, actions, days) money that an action is expected to bring over the customer's remaining life, what it
        costs not taken off; -inf where the customer must not have it.
    cost : (n, actions) money that it takes from the budget.
    is_contact : (actions,) whether it counts as a contact; what a customer does not notice does not.
    contacts : (n,) how many contacts each may have over the days.
    group : (n,) of each customer, for floors; -1 for none.

    Examples
    --------
    >>> schedule = Schedule.of(np.ones((2, 1, 7)), cost=[0.5], actions=["message"], budget=2.0)
    >>> schedule.shape, schedule.contacts.tolist()
    ((2, 1, 7), [1, 1])
    """

    gain: Singles
    cost: Singles
    actions: tuple[str, ...]
    is_contact: npt.NDArray[np.bool_]
    contacts: npt.NDArray[np.int8]
    budget: float
    uses: tuple[Use, ...]
    group: npt.NDArray[np.int64]
    floors: tuple[Share, ...]

    @staticmethod
    def of(
        gain: npt.ArrayLike,
        *,
        cost: npt.ArrayLike,
        actions: Sequence[str],
        budget: float = float("inf"),
        is_contact: npt.ArrayLike | None = None,
        contacts: npt.ArrayLike = 1,
        uses: Sequence[Use] = (),
        group: npt.ArrayLike | None = None,
        floors: Sequence[Share] = (),
    ) -> Schedule:
        """Checked.

        Parameters
        ----------
        cost : (actions,) the same for all, or (n, actions).
        is_contact : all actions are, when left out. contacts : one number for all, or (n,).

        Raises
        ------
        InputError
            If shapes differ, or a number is out of its range: the message names it.
        """
        money = np.ascontiguousarray(gain, np.float32)
        count = len(actions)
        if money.ndim != 3 or money.shape[1] != count or not 1 <= count < 128:
            raise InputError(f"gain {money.shape}: (customers, {count} actions, days) is expected.")
        # Row by row: at a million customers a mask of everything would be as large as the table.
        for name, wrong in (("NaN", np.isnan), ("+inf", np.isposinf)):
            if (bad := next((i for i in range(count) if wrong(money[:, i]).any()), None)) is not None:
                raise InputError(f"gain of {actions[bad]}: {name}; money, or -inf where it must not be, is expected.")
        paid = np.asarray(cost, np.float32)
        if paid.shape not in {(count,), money.shape[:2]}:
            raise InputError(f"cost {paid.shape}: ({count},) or {money.shape[:2]} is expected.")
        if not (np.isfinite(paid) & (paid >= 0)).all():
            raise InputError("cost: money from 0 on is expected.")
        if not budget >= 0:
            raise InputError(f"budget = {budget}: money from 0 on is expected.")
        noticed = np.ones(count, bool) if is_contact is None else np.asarray(is_contact, bool)
        may = np.array(np.broadcast_to(np.asarray(contacts), (len(money),)))
        if (may < 0).any():
            raise InputError(f"contacts = {may.min()}: a count from 0 on is expected.")
        for use in uses:
            _check_use(use, (count, money.shape[2]))
        groups = np.full(len(money), -1) if group is None else np.asarray(group, np.int64)
        for floor in floors:
            if not 0 <= floor.share <= 1:
                raise InputError(f"{floor.name}: {floor.share}; a share from 0 to 1 is expected.")
        return Schedule(
            money, np.ascontiguousarray(np.broadcast_to(paid, money.shape[:2])), tuple(actions), noticed,
            np.minimum(may, money.shape[2]).astype(np.int8), float(budget), tuple(uses), groups, tuple(floors),
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int, int]:
        """Customers, actions, days."""
        n, actions, days = self.gain.shape
        return n, actions, days

    @property
    def each(self) -> Floats:
        """(uses, actions, days)"""
        return np.array([use.each for use in self.uses]).reshape(len(self.uses), *self.shape[1:])

    @property
    def floor_of(self) -> npt.NDArray[np.int64]:
        """(n,) the number of the floor that a customer counts for, -1 for none."""
        found = np.full(len(self.gain), -1)
        for number, floor in enumerate(self.floors):
            found[self.group == floor.group] = number
        return found

    @property
    def there(self) -> Floats:
        """What there is: of the budget (0 where it has no bound), of each use; below 0 what each floor is owed."""
        owed = [-np.ceil(floor.share * (self.group == floor.group).sum() - 1e-9) for floor in self.floors]
        budget = self.budget if np.isfinite(self.budget) else 0.0
        return np.array([budget, *(use.most for use in self.uses), *owed], float)

    @property
    def names(self) -> tuple[str, ...]:
        """Of what is scarce, in the order of `there`."""
        return ("budget", *(use.name for use in self.uses), *(floor.name for floor in self.floors))

    def where(self, rows: npt.NDArray[Any]) -> Schedule:
        """Some customers, with their part of what there is."""
        part = len(rows) / max(len(self.gain), 1)
        uses = tuple(Use(use.name, use.each, use.most * part) for use in self.uses)
        return Schedule(
            self.gain[rows], self.cost[rows], self.actions, self.is_contact, self.contacts[rows], self.budget * part,
            uses, self.group[rows], self.floors,
        )  # fmt: skip


def _check_use(use: Use, shape: tuple[int, int]) -> None:
    if use.each.shape != shape:
        raise InputError(f"{use.name} {use.each.shape}: {shape}, actions and days, is expected.")
    if not (use.each >= 0).all() or not use.most >= 0:
        raise InputError(f"{use.name}: amounts from 0 on are expected.")
