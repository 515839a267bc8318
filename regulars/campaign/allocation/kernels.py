"""The loops over customers and actions, compiled: what customers take at given prices, and repairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def take(
    gain: Any, cost: Any, contacts: Any, counted: Any, floor_of: Any, price: float, limit_price: Any, floor_price: Any,
    chosen: Any, worth: Any,
) -> None:  # fmt: skip
    """Each customer takes the actions of greatest net worth above 0, as many as it may.

    Parameters
    ----------
    price : of a unit of the budget; limit_price, floor_price : of a contact under a limit, and the premium of a floor.
    chosen : (n, actions) bool, written.
    worth : (n, actions) gain less all prices, written.
    """
    people, actions = gain.shape
    toll = np.zeros(actions)
    for limit in range(counted.shape[0]):
        for action in range(actions):
            if counted[limit, action]:
                toll[action] += limit_price[limit]
    for i in range(people):
        premium = floor_price[floor_of[i]] if floor_of[i] >= 0 else 0.0
        for action in range(actions):
            worth[i, action] = gain[i, action] - (1.0 + price) * cost[i, action] - toll[action] + premium
            chosen[i, action] = False
        for _ in range(min(contacts[i], actions)):
            best, at = 0.0, -1
            for action in range(actions):
                if not chosen[i, action] and worth[i, action] > best:
                    best, at = worth[i, action], action
            if at < 0:
                break
            chosen[i, at] = True


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def drop(
    order: Any, actions: int, cost: Any, counted: Any, floor_of: Any, spent: float, budget: float, used: Any, most: Any,
    reached: Any, least: Any, chosen: Any, heeds_floors: bool,
) -> float:  # fmt: skip
    """Take contacts back, the least worth first, until budget and limits hold; what is spent then."""
    for at in order:
        is_over = spent > budget
        for limit in range(len(used)):
            is_over |= used[limit] > most[limit]
        if not is_over:
            break
        i, action = at // actions, at % actions
        helps = spent > budget and cost[i, action] > 0
        for limit in range(len(used)):
            helps |= counted[limit, action] and used[limit] > most[limit]
        floor = floor_of[i]
        is_needed = heeds_floors and floor >= 0 and reached[floor] <= least[floor]
        if not helps or is_needed or not chosen[i, action]:
            continue
        chosen[i, action] = False
        spent -= cost[i, action]
        if floor >= 0:
            reached[floor] -= 1
        for limit in range(len(used)):
            if counted[limit, action]:
                used[limit] -= 1
    return spent


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def add(
    order: Any, actions: int, cost: Any, counted: Any, floor_of: Any, spent: float, budget: float, used: Any, most: Any,
    reached: Any, least: Any, chosen: Any, held: Any, contacts: Any, only_floors: bool,
) -> float:  # fmt: skip
    """Add contacts, the most worth first, while budget and limits allow; what is spent then."""
    for at in order:
        i, action = at // actions, at % actions
        floor = floor_of[i]
        if only_floors and (floor < 0 or reached[floor] >= least[floor]):
            continue
        if chosen[i, action] or held[i] >= contacts[i] or spent + cost[i, action] > budget:
            continue
        fits = True
        for limit in range(len(used)):
            fits &= not counted[limit, action] or used[limit] < most[limit]
        if not fits:
            continue
        chosen[i, action] = True
        held[i] += 1
        spent += cost[i, action]
        if floor >= 0:
            reached[floor] += 1
        for limit in range(len(used)):
            if counted[limit, action]:
                used[limit] += 1
    return spent
