"""Who gets which discount, for most margin within a budget, groups being treated alike? Never above the list price.

Each customer takes the discount for which

    gain - price of the budget x what it costs - surcharge of the group x share

is greatest; none is a choice too. The price of the budget is the least at which it holds (Fisher, 1981). Surcharges and
bonuses of groups are the least at which the mean discounts lie near each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.pricing.guard import Parity, parity

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

APART = 0.1
"""So far from the mean of all may a group's mean discount be: 0.9 over 1.1 is above four fifths, with room to spare."""
HALVINGS = 50
ROUNDS = 6


class Discounts(NamedTuple):
    """Who gets which.

    Attributes
    ----------
    level : (n,) place in the levels; 0 is none.
    share : (n,) of the list price that is taken off.
    gain : margin that they are expected to add; spent : what is expected to be given away.
    price : what one more unit of the budget would bring.
    parity : of the groups' mean discounts.
    """

    level: Numbers
    share: Floats
    gain: float
    spent: float
    price: float
    parity: Parity


def discounts(
    levels: Sequence[float],
    gain: Floats,
    spend: Floats,
    *,
    budget: float = np.inf,
    groups: Sequence[str | None] | None = None,
) -> Discounts:
    """The discounts of most expected margin.

    Parameters
    ----------
    levels : (k,) shares of the list price, ascending from 0.
    gain : (n, k) margin that each adds over the horizon, lifetime value in it; the first column is 0.
    spend : (n, k) what each is expected to give away.
    budget : of all that is given away.
    groups : (n,) whose mean discounts are to be alike; None for who is of none that is known.

    Raises
    ------
    ParityError
        If the groups' mean discounts could not be brought near each other.

    Examples
    --------
    The budget is enough for one of two:

    >>> gain, spend = np.array([[0.0, 3.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    >>> found = discounts([0.0, 0.1], gain, spend, budget=1.0)
    >>> found.share.tolist(), found.gain
    ([0.1, 0.0], 3.0)
    """
    off = np.asarray(levels, np.float64)
    if gain.shape != spend.shape or gain.shape[1:] != off.shape:
        raise InputError(f"gain {gain.shape} and spend {spend.shape}: one column for each of {len(off)} levels.")
    if off[0] != 0 or (np.diff(off) <= 0).any() or off[-1] >= 1:
        raise InputError(f"levels {list(levels)}: shares from 0 upwards, below 1, are expected.")
    if budget < 0 or np.isnan(budget):
        raise InputError(f"budget = {budget}: 0 or more is expected.")
    net = np.where(np.isfinite(gain), gain, -np.inf)
    net[:, 0] = 0.0
    names = list(groups) if groups is not None else [None] * len(net)
    surcharge = np.zeros(len(net))
    known = sorted({name for name in names if name is not None})
    member = {name: np.array([one == name for one in names]) for name in known}
    at, taken = 0.0, _taken(net, spend, off, 0.0, surcharge)
    for _ in range(ROUNDS if len(known) > 1 else 1):
        at, taken = _within(net, spend, off, budget, surcharge)
        middle = float(off[taken][np.any(list(member.values()), axis=0)].mean()) if known else 0.0
        if len(known) < 2 or _alike(off[taken], names):
            break
        for rows in member.values():
            surcharge[rows] = _even(net[rows], spend[rows], off, at, middle)
    share = off[taken]
    rows = np.arange(len(net))
    found = parity(share, names)
    found.require()
    return Discounts(taken, share, float(net[rows, taken].sum()), float(spend[rows, taken].sum()), at, found)


def _taken(net: Floats, spend: Floats, off: Floats, price: float, surcharge: Floats | float) -> Numbers:
    """(n,) the level that each takes; of equals the smallest discount."""
    extra = np.multiply.outer(np.broadcast_to(surcharge, len(net)), off)
    found: Numbers = (net - price * spend - extra).argmax(1)
    return found


def _within(net: Floats, spend: Floats, off: Floats, budget: float, surcharge: Floats) -> tuple[float, Numbers]:
    """The least price of the budget at which it holds, and what is taken at it; what is left is given out."""
    rows = np.arange(len(net))
    taken = _taken(net, spend, off, 0.0, surcharge)
    if spend[rows, taken].sum() <= budget:
        return 0.0, taken
    finite = net[np.isfinite(net)]
    low, high = 0.0, float(finite.max(initial=0.0)) / max(float(spend[spend > 0].min(initial=1.0)), 1e-12) + 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        chosen = _taken(net, spend, off, middle, surcharge)
        low, high = (middle, high) if spend[rows, chosen].sum() > budget else (low, middle)
    taken = _taken(net, spend, off, high, surcharge)
    more = _taken(net, spend, off, low, surcharge)
    left = budget - float(spend[rows, taken].sum())
    # Who would take more just below that price, as far as the budget goes.
    gains = net[rows, more] - net[rows, taken]
    for row in np.flatnonzero(gains > 0)[np.argsort(-gains[gains > 0], kind="stable")]:
        costs = float(spend[row, more[row]] - spend[row, taken[row]])
        if costs <= left:
            taken[row] = more[row]
            left -= costs
    return high, taken


def _alike(share: Floats, names: Sequence[str | None]) -> bool:
    return parity(share, names).ratio >= (1 - APART) / (1 + APART)


def _even(net: Floats, spend: Floats, off: Floats, price: float, middle: float) -> float:
    """The surcharge (a bonus below 0) nearest to none at which a group's mean discount is near that of all."""

    def mean(surcharge: float) -> float:
        return float(off[_taken(net, spend, off, price, surcharge)].mean())

    now = mean(0.0)
    if (1 - APART) * middle <= now <= (1 + APART) * middle:
        return 0.0
    wanted = (1 + APART / 2 * (1 if now > middle else -1)) * middle
    reach = 1.0
    while (mean(reach) > wanted if now > wanted else mean(-reach) < wanted) and reach < 1e12:
        reach *= 2
    low, high = (0.0, reach) if now > wanted else (-reach, 0.0)
    for _ in range(HALVINGS):
        at = (low + high) / 2
        low, high = (at, high) if mean(at) > wanted else (low, at)
    return high if now > wanted else low
