"""Why a customer is contacted, or left alone: a receipt in the shop's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regulars.campaign.drawn import Floats, Numbers
from regulars.units import shown

WORDS = {
    "en": {
        "lot": "Drawn by lot, with a chance of {chance}, so that it can be measured what a contact brings.",
        "alone": "Left alone by lot, with a chance of {chance}, so that it can be measured what a contact brings.",
        "gain": "Expected to bring {gain} more than being left alone (customers like this one: {low} to {high}, 95 %).",
        "cost": "Costs {cost}.",
        "next": "Next best is {other}, with {gain} after costs.",
        "floor": "Given for the share that the group must have.",
        "best": "More than others would bring within the budget.",
        "anyway": "Left alone, expected to bring {margin} within {days} days.",
    },
    "zh": {
        "lot": "随机抽中（概率 {chance}），用来测量联系的效果。",
        "alone": "随机留作对照（概率 {chance}），用来测量联系的效果。",
        "gain": "预计比不联系多带来 {gain}（相似顾客的 95 % 区间：{low} 至 {high}）。",
        "cost": "成本 {cost}。",
        "next": "次优方案：{other}，扣除成本后 {gain}。",
        "floor": "为满足该人群的最低份额。",
        "best": "在预算内比其他顾客带来更多。",
        "anyway": "不联系时，预计 {days} 天内带来 {margin}。",
    },
}


@dataclass(frozen=True)
class Worth:
    """What actions are expected to bring, (n, actions) each, costs not taken off; -inf where they must not be."""

    mean: Floats
    low: Floats
    high: Floats
    cost: Floats


def chosen_reasons(
    worth: Worth, action: Numbers, is_owed: Sequence[bool], names: Sequence[str], language: str, currency: str
) -> list[list[str]]:
    """For each customer why the model chose its action.

    Examples
    --------
    >>> one = Worth(np.array([[2.0, 1.0]]), np.array([[0.5, 0.2]]), np.array([[3.5, 1.8]]), np.array([0.5, 0.1]))
    >>> for said in chosen_reasons(one, np.array([0]), [False], ["coupon by email", "news by email"], "en", "EUR")[0]:
    ...     print(said)
    Expected to bring 2.00 EUR more than being left alone (customers like this one: 0.50 EUR to 3.50 EUR, 95 %).
    Costs 0.50 EUR.
    More than others would bring within the budget.
    Next best is news by email, with 0.90 EUR after costs.
    """
    words = WORDS[language]
    net = worth.mean - worth.cost
    found = []
    for row, number in enumerate(action.tolist()):
        others = np.where(np.arange(len(names)) == number, -np.inf, net[row])
        other = int(others.argmax())
        said = [
            words["gain"].format(
                gain=_money(worth.mean[row, number], currency),
                low=_money(worth.low[row, number], currency),
                high=_money(worth.high[row, number], currency),
            ),
            words["cost"].format(cost=_money(worth.cost[number], currency)),
            words["floor" if is_owed[row] else "best"],
        ]
        if np.isfinite(others[other]):
            said.append(words["next"].format(other=names[other], gain=_money(others[other], currency)))
        found.append(said)
    return found


def lot_reasons(
    action: Numbers,
    chance: Floats,
    cost: Floats,
    anyway: Floats | None,
    horizon_days: int,
    language: str,
    currency: str,
) -> list[list[str]]:
    """For each customer of a lot (action -1: left alone) why.

    >>> lot_reasons(np.array([-1]), np.array([0.5]), np.array([0.1]), None, 14, "zh", "CNY")
    [['随机留作对照（概率 50 %），用来测量联系的效果。']]
    """
    words = WORDS[language]
    found = []
    for row, number in enumerate(action.tolist()):
        said = [words["alone" if number < 0 else "lot"].format(chance=shown(chance[row], "share"))]
        if number >= 0:
            said.append(words["cost"].format(cost=_money(cost[number], currency)))
        if anyway is not None:
            said.append(words["anyway"].format(margin=_money(anyway[row], currency), days=horizon_days))
        found.append(said)
    return found


def _money(value: float, currency: str) -> str:
    return shown(float(value), "money", currency)
