"""A receipt for a choice: the alternatives, what each would bring, and which limits stood against it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.lifecycle.arbitration.kernels import NONE
from regulars.lifecycle.arbitration.schedule import Floats
from regulars.lifecycle.arbitration.solve import Solved

ALTERNATIVES = 3


class Receipts(NamedTuple):
    """For n customers on a day.

    Attributes
    ----------
    action : (n,) what is done, -1 for nothing.
    other : (n, alternatives) numbers of the best other actions, the best first; -1 where there are no more.
    net : (n, alternatives) money that each would bring after costs.
    keeps : (n, alternatives) what is left of that after what is scarce is paid for: at or below 0 it is worth more
        elsewhere.
    """

    action: npt.NDArray[np.int64]
    other: npt.NDArray[np.int64]
    net: Floats
    keeps: Floats


def receipts(solved: Solved, rows: npt.NDArray[Any], day: int = 0) -> Receipts:
    """Of some customers on one of the days.

    Examples
    --------
    >>> from regulars.lifecycle.arbitration import Schedule, solve
    >>> gain = np.array([[[3.0], [2.0]], [[2.9], [1.0]]])
    >>> found = solve(Schedule.of(gain, cost=[1.0, 0.5], actions=["coupon", "message"], budget=1.5))
    >>> receipt = receipts(found, np.array([0, 1]))
    >>> receipt.action.tolist(), receipt.other[:, 0].tolist(), receipt.net[:, 0].tolist()
    ([1, 0], [0, 1], [2.0, 0.5])
    """
    schedule = solved.schedule
    gain, cost = schedule.gain[rows, :, day].astype(float), schedule.cost[rows].astype(float)
    toll = np.tensordot(solved.price[1 : 1 + len(schedule.uses)], schedule.each[:, :, day], 1)
    action = solved.taken[rows, day].astype(np.int64)
    net = gain - cost
    keeps = net - solved.price[0] * cost - toll
    others = net.copy()
    taken = action != NONE
    others[np.flatnonzero(taken), action[taken]] = -np.inf
    order = np.argsort(-others, axis=1, kind="stable")[:, :ALTERNATIVES]
    lines = np.arange(len(action))[:, None]
    is_there = np.isfinite(others[lines, order])
    return Receipts(action, np.where(is_there, order, NONE), net[lines, order], keeps[lines, order])
