"""Why something is done for a customer, or nothing, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from regulars.lifecycle.actions.candidates import Candidates, Floats
from regulars.lifecycle.arbitration import Receipts
from regulars.units import shown

EN = {
    "best": "brings {gain} over the remaining life and costs {cost}",
    "next": "next best: {name}, {net} after costs",
    "silence": "beside it there is only silence",
    "scarce": "scarce this week: {names}",
    "lot": "drawn by lot with a chance of {chance}, so that what it brings can be measured",
    "control": "of the {share} for whom nothing is ever done: what the program brings is measured against them",
}
ZH = {
    "best": "在余下的顾客生命期内预计带来{gain}，成本{cost}",
    "next": "次优动作：{name}，扣除成本后{net}",
    "silence": "除此之外只有不打扰",
    "scarce": "本周紧缺：{names}",
    "lot": "以{chance}的概率抽签选中，用以衡量效果",
    "control": "属于永不触达的{share}顾客：以此衡量整个方案的价值",
}
SAID = {"en": EN, "zh": ZH}


def chosen_words(
    names: list[str],
    receipt: Receipts,
    offered: Candidates,
    rows: npt.NDArray[np.int64],
    binding: Mapping[str, float],
    language: str,
    currency: str,
) -> list[list[str]]:
    """Reasons of each action that arbitration chose: what it brings, what else there was, what is scarce."""
    said = SAID[language]
    scarce = [said["scarce"].format(names=", ".join(binding))] if binding else []
    found = []
    for k, row in enumerate(rows.tolist()):
        action = int(receipt.action[k])
        gain, cost = (shown(float(values[row, action]), "money", currency) for values in (offered.gain, offered.cost))
        other = int(receipt.other[k, 0]) if receipt.other.shape[1] else -1
        if other >= 0:
            beside = said["next"].format(name=names[other], net=shown(float(receipt.net[k, 0]), "money", currency))
        else:
            beside = said["silence"]
        found.append([said["best"].format(gain=gain, cost=cost), beside, *scarce])
    return found


def lot_words(chance: Floats, language: str) -> list[list[str]]:
    """Reasons of what a lot decided."""
    return [[SAID[language]["lot"].format(chance=shown(float(one), "share"))] for one in chance]


def control_words(share: float, language: str) -> list[str]:
    """Reasons of nothing, for the control group."""
    return [SAID[language]["control"].format(share=shown(share, "share"))]
