"""The map of life as of a moment: how many are in each stage, what they bring, and who went from where to where."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from regulars.lifecycle.stages.hazards import COUNT, INPUTS
from regulars.lifecycle.stages.model import StageModel, Standing
from regulars.lifecycle.stages.panel import ABSENT, Panel
from regulars.profile.stage import STAGES

WORDS = {
    "en": dict(zip(INPUTS, (
        "the stage", "weeks in the stage", "how often orders come", "the usual pause", "what an order brings",
        "how long a customer", "how long ago the last order is", "the last order's age in usual pauses",
        "orders of the last quarter", "more or fewer orders than the quarter before", "money of the last quarter",
    ), strict=True)),
    "zh": dict(zip(INPUTS, (
        "所处阶段", "在该阶段的周数", "下单频率", "通常的下单间隔", "每单毛利", "成为顾客的时长", "距上次下单的时间",
        "距上次下单是通常间隔的几倍", "近一季订单数", "与上一季相比订单的增减", "近一季毛利",
    ), strict=True)),
}  # fmt: skip
CHANGE = {"en": "{what} {way} the chance to become {stage}", "zh": "{what}{way}变为“{stage}”的可能"}
WAYS = {"en": ("raises", "lowers"), "zh": ("提高", "降低")}
NAMES = {
    "en": dict(zip(STAGES, STAGES, strict=True)),
    "zh": dict(zip(STAGES, ("潜在顾客", "新客", "已赢回", "增长", "活跃", "降温", "流失"), strict=True)),
}


def counted(standing: Standing, panel: Panel) -> pa.Table:
    """One row a stage: customers, margin of the last week, of the last quarter, and money to come.

    Returns
    -------
    stage, customers, money_week, money_quarter, value (a customer's, in the mean; null of nobody).
    """
    known = standing.stage != ABSENT
    stage = standing.stage[known].astype(np.int64)
    number = np.bincount(stage, minlength=COUNT)
    week = np.bincount(stage, panel.money[known, -1].astype(float), COUNT)
    quarter = np.bincount(stage, panel.money[known, -13:].sum(1).astype(float), COUNT)
    value = np.bincount(stage, standing.value[known], COUNT)
    mean = pa.array(np.round(value / np.maximum(number, 1), 2), mask=number == 0)
    return pa.table(
        {
            "stage": pa.array(STAGES), "customers": number, "money_week": week.round(2),
            "money_quarter": quarter.round(2), "value": mean,
        }
    )  # fmt: skip


def flows(panel: Panel, model: StageModel, since: int, until: int) -> pa.Table:
    """How many went from which stage into which between the ends of two weeks; who was not known yet is "not known".

    Returns
    -------
    begin, end (stages), customers; of those flows that there are, most customers first.
    """
    stages = panel.stages(model.rhythm)
    names = np.array(["not known", *STAGES], object)
    pairs, count = np.unique(np.stack([stages[:, since], stages[:, until]], 1), axis=0, return_counts=True)
    order = np.argsort(-count, kind="stable")
    order = order[pairs[order, 1] != ABSENT]
    return pa.table(
        {
            "begin": pa.array(names[pairs[order, 0] + 1], pa.string()),
            "end": pa.array(names[pairs[order, 1] + 1], pa.string()),
            "customers": count[order],
        }
    )


def drivers(model: StageModel, standing: Standing, rows: np.ndarray, language: str = "en") -> list[list[str]]:
    """What moves most the likeliest change of each of some customers, in words, the strongest first; three at most."""
    stage = standing.stage[rows].astype(np.int64)
    chance = standing.chance[rows].copy()
    chance[np.arange(len(rows)), stage] = -1
    after = chance.argmax(1)
    moved = model.hazards.drivers(stage, standing.dwell[rows].astype(np.int64), standing.features[rows], after)
    # The stage itself is no driver: it is where the change begins.
    moved[:, 0] = 0.0
    top = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, :3]
    said, names, (more, less) = list(WORDS[language].values()), NAMES[language], WAYS[language]
    return [
        [
            CHANGE[language].format(what=said[k], way=more if moved[row, k] > 0 else less, stage=names[STAGES[to]])
            for k in top[row].tolist()
            if moved[row, k] != 0
        ]
        for row, to in enumerate(after.tolist())
    ]
