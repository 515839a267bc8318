"""Who gets what: the allocation that brings most while everything holds, and how far from the best it can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.campaign.allocation import dual, exact
from regulars.campaign.allocation.problem import Problem
from regulars.errors import InputError

SMALL = 6_000
"""Up to so many pairs of customer and action, HiGHS finds the best itself."""


@dataclass(frozen=True)
class Allocation:
    """Who gets what.

    Attributes
    ----------
    chosen : (n, actions) bool.
    gain : money that it is expected to bring, costs taken off.
    bound : no allocation under the same conditions brings more.
    spent : money.
    prices : what one more unit of each scarce thing would bring; None where the best was found without them.
    """

    chosen: npt.NDArray[np.bool_]
    gain: float
    bound: float
    spent: float
    prices: dual.Prices | None

    @property
    def gap(self) -> float:
        """By which share of the bound the allocation may be below the best."""
        return max(self.bound - self.gain, 0.0) / max(abs(self.bound), 1e-12)


def allocate(problem: Problem) -> Allocation:
    """The allocation that brings most: exactly where it is small, else by prices, with the gap told.

    Budget, limits, contacts and floors always hold.

    Raises
    ------
    InputError
        If they cannot all hold.

    Examples
    --------
    The coupon is worth more to both, and there is one:

    >>> from regulars.campaign.allocation.problem import Limit
    >>> problem = Problem.of([[3.0, 2.0], [4.0, 2.5]], cost=[0.5, 0.1], actions=["coupon", "message"],
    ...                      limits=[Limit("coupons", ("coupon",), 1)])
    >>> found = allocate(problem)
    >>> found.chosen.tolist(), round(found.gain, 2), found.gap
    ([[False, True], [True, False]], 5.4, 0.0)
    """
    if problem.gain.size <= SMALL:
        return _told(problem, *exact.solve(problem), None)
    return by_prices(problem)


def by_prices(problem: Problem) -> Allocation:
    """By prices, whatever the size.

    Raises
    ------
    InputError
        If floors are not reached within budget and limits.
    """
    found = dual.prices(problem)
    chosen, holds = dual.repaired(problem, *dual.at(problem, found))
    if not holds.all():
        floor = problem.floors[int(np.flatnonzero(~holds)[0])]
        raise InputError(
            f"floor of group {floor.group}: {floor.share:g} of its members cannot be contacted within budget and "
            "limits. Lower its share, or raise the budget or a limit."
        )
    return _told(problem, chosen, found.bound, found)


def _told(problem: Problem, chosen: npt.NDArray[np.bool_], bound: float, prices: dual.Prices | None) -> Allocation:
    gain = float((problem.gain[chosen] - problem.cost[chosen]).sum())
    return Allocation(chosen, gain, max(bound, gain), float(problem.cost[chosen].sum()), prices)
