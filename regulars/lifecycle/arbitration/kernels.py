"""The loops over customers, actions and days, compiled: what each customer takes at given prices, and repairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

NONE = -1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _best(gain: Any, cost: Any, is_contact: Any, toll: Any, price: float, premium: float, day: int) -> Any:
    """Of a customer's day the best action that is noticed and its worth, and the best that is not."""
    best, at, quiet, quiet_at = -np.inf, NONE, -np.inf, NONE
    for action in range(len(cost)):
        worth = gain[action, day] - price * cost[action] - toll[action, day]
        if is_contact[action]:
            if worth + premium > best:
                best, at = worth + premium, action
        elif worth > quiet:
            quiet, quiet_at = worth, action
    return best, at, quiet, quiet_at


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def take(
    gain: Any, cost: Any, is_contact: Any, contacts: Any, floor_of: Any, price: float, toll: Any, premium: Any,
    taken: Any, worth: Any,
) -> float:  # fmt: skip
    """Each customer takes what is worth most at the prices: one action a day, contacts where they are worth most.

    Parameters
    ----------
    price : of a unit of the budget, itself included. toll : (actions, days) what an action's other uses cost.
    premium : (floors,) of a contact.
    taken : (n, days) int8, written: the action, -1 for none. worth : (n, days), written: of what is taken; where
        nothing is, of the best there would be.

    Returns
    -------
    The worth of all that is taken.
    """
    days = gain.shape[2]
    extra, offer, rest, rest_at = np.empty(days), np.empty(days, np.int64), np.empty(days), np.empty(days, np.int64)
    total = 0.0
    for i in range(len(gain)):
        more = premium[floor_of[i]] if floor_of[i] >= 0 else 0.0
        for day in range(days):
            best, at, quiet, quiet_at = _best(gain[i], cost[i], is_contact, toll, price, more, day)
            taken[i, day], rest[day], rest_at[day] = NONE, quiet, quiet_at
            worth[i, day] = max(best, quiet)
            if quiet > 0:
                taken[i, day], worth[i, day] = quiet_at, quiet
                total += quiet
            extra[day], offer[day] = best - max(quiet, 0.0), at
        for _ in range(contacts[i]):
            most = np.argmax(extra)
            if extra[most] <= 0:
                break
            total += extra[most]
            taken[i, most], worth[i, most] = offer[most], extra[most] + max(rest[most], 0.0)
            extra[most] = -np.inf
    return total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def tally(taken: Any, cost: Any, is_contact: Any, floor_of: Any, counts: Any, reached: Any) -> float:
    """counts (actions, days) and contacts of floors are added up; what is spent."""
    spent = 0.0
    for i in range(len(taken)):
        for day in range(taken.shape[1]):
            action = taken[i, day]
            if action != NONE:
                counts[action, day] += 1
                spent += cost[i, action]
                if is_contact[action] and floor_of[i] >= 0:
                    reached[floor_of[i]] += 1
    return spent


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def drop(
    order: Any, taken: Any, cost: Any, is_contact: Any, floor_of: Any, each: Any, used: Any, there: Any, reached: Any,
    owed: Any, heeds_floors: bool,
) -> None:  # fmt: skip
    """Take back, the least worth first, until all holds; `used` and `there` begin with the budget."""
    days = taken.shape[1]
    for cell in order:
        if not (used > there).any():
            break
        i, day = cell // days, cell % days
        action = taken[i, day]
        if action == NONE:
            continue
        helps = used[0] > there[0] and cost[i, action] > 0
        for use in range(len(each)):
            helps |= each[use, action, day] > 0 and used[use + 1] > there[use + 1]
        floor = floor_of[i] if is_contact[action] else -1
        if not helps or (heeds_floors and floor >= 0 and reached[floor] <= owed[floor]):
            continue
        taken[i, day] = NONE
        used[0] -= cost[i, action]
        for use in range(len(each)):
            used[use + 1] -= each[use, action, day]
        if floor >= 0:
            reached[floor] -= 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def add(
    order: Any, gain: Any, taken: Any, cost: Any, is_contact: Any, contacts: Any, floor_of: Any, each: Any, toll: Any,
    price: float, used: Any, there: Any, reached: Any, owed: Any, only_floors: bool,
) -> None:  # fmt: skip
    """Give out what is left: on each free day, in the order, the action worth most of those that fit and pay."""
    days = taken.shape[1]
    for cell in order:
        i, day = cell // days, cell % days
        floor = floor_of[i]
        is_owed = only_floors and floor >= 0 and reached[floor] < owed[floor]
        if taken[i, day] != NONE or (only_floors and not is_owed):
            continue
        held = 0
        for other in range(days):
            held += taken[i, other] != NONE and is_contact[taken[i, other]]
        best, at = -np.inf, NONE
        for action in range(len(is_contact)):
            net = gain[i, action, day] - cost[i, action]
            if net == -np.inf or (net <= 0 and not is_owed) or (is_owed and not is_contact[action]):
                continue
            fits = used[0] + cost[i, action] <= there[0] and (not is_contact[action] or held < contacts[i])
            for use in range(len(each)):
                fits &= used[use + 1] + each[use, action, day] <= there[use + 1]
            worth = gain[i, action, day] - price * cost[i, action] - toll[action, day]
            if fits and worth > best:
                best, at = worth, action
        if at == NONE:
            continue
        taken[i, day] = at
        used[0] += cost[i, at]
        for use in range(len(each)):
            used[use + 1] += each[use, at, day]
        if floor >= 0 and is_contact[at]:
            reached[floor] += 1
