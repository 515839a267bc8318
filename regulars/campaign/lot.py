"""A lot: who is drawn, and which arm it falls upon, with chances that are exactly those that are written down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.campaign.actions import NONE
from regulars.campaign.drawn import Floats, Numbers
from regulars.experiment import places

LEAST = 2
"""In each arm of a lot so many customers at least: else there is no lot among those."""


@dataclass(frozen=True)
class Room:
    """What a lot may use.

    Attributes
    ----------
    budget : money.
    contacts : customers who are contacted.
    stock : (actions,) how many may get each; infinite for any number.
    """

    budget: float
    contacts: float
    stock: Floats


@dataclass(frozen=True)
class Fell:
    """What a lot fell upon, (n,) of all who were asked.

    Attributes
    ----------
    is_drawn : who was drawn.
    action : the number of the action; -1 for who is left alone.
    chance : of what it fell upon; 1 for who was not drawn.
    lot : the chances of all arms, as JSON; None for who was not drawn.
    """

    is_drawn: npt.NDArray[np.bool_]
    action: Numbers
    chance: Floats
    lot: npt.NDArray[np.object_]


def draw(
    customers: pa.Array,
    may: npt.NDArray[np.bool_],
    actions: Sequence[str],
    costs: Floats,
    share: float,
    control: float,
    room: Room,
    salt: str,
) -> Fell:
    """Draw a share of customers, and deal them to the actions and to being left alone.

    Customers are ordered by a hash; the first so many are drawn, and so many of them in turn get each arm: counts, and
    what they cost, are fixed beforehand, and the chance of an arm is its count over all of the lot. Who may not have
    some of the actions is in a lot of its own.

    Parameters
    ----------
    customers : (n,) ids; may : (n, actions) what each may have.
    costs : (actions,) of each for one customer.
    share : of the customers who are drawn, at most; fewer if `room` is less.
    control : of those drawn, how many are left alone.
    salt : another one is another lot.

    Examples
    --------
    >>> ids = pa.array([f"c{k}" for k in range(1000)])
    >>> room = Room(1.0, np.inf, np.array([np.inf]))
    >>> fell = draw(ids, np.ones((1000, 1), bool), ["mail"], np.array([0.01]), 0.5, 0.5, room, "spring")
    >>> int(fell.is_drawn.sum()), int((fell.action == 0).sum()), fell.lot[fell.is_drawn][0]
    (200, 100, '{"none": 0.5, "mail": 0.5}')
    """
    count = len(customers)
    fell = Fell(
        np.zeros(count, bool), np.full(count, -1, np.int64), np.ones(count), np.full(count, None, object)
    )  # fmt: skip
    if not count:
        return fell
    kinds, kind = np.unique(may, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    order = np.argsort(places(f"{salt}/drawn", customers), kind="stable")
    for number, allowed in enumerate(kinds):
        mine = order[kind[order] == number]
        _deal(fell, mine, np.flatnonzero(allowed), actions, costs, share, control, room, count)
    return fell


def _deal(
    fell: Fell,
    mine: Numbers,
    arms: Numbers,
    actions: Sequence[str],
    costs: Floats,
    share: float,
    control: float,
    room: Room,
    everybody: int,
) -> None:
    """A lot among some customers (ordered by chance), who all may have the same actions."""
    if not len(arms):
        return
    each = (1 - control) / len(arms)
    # Its part of the room is that of its customers among all.
    part = len(mine) / everybody
    with np.errstate(divide="ignore"):
        most = [
            share * len(mine),
            room.contacts * part / (1 - control),
            room.budget * part / (each * costs[arms].sum()) if costs[arms].sum() else np.inf,
            *(room.stock[arms] * part / each),
        ]
    treated = int(min(most) * each + 1e-9)
    alone = int(treated * len(arms) * control / (1 - control) + 1e-9)
    if treated < LEAST or alone < LEAST:
        return
    total = treated * len(arms) + alone
    drawn = mine[:total]
    # They stand in an order by chance already: runs of it are random parts.
    action = np.concatenate([np.full(alone, -1), np.repeat(arms, treated)])
    chance = {NONE: alone / total} | {actions[arm]: treated / total for arm in arms}
    fell.is_drawn[drawn] = True
    fell.action[drawn] = action
    fell.chance[drawn] = np.where(action < 0, alone / total, treated / total)
    fell.lot[drawn] = json.dumps(chance, ensure_ascii=False)
