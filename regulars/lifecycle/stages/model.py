"""The stages of a shop's customers as they stand: hazards of the coming week, and what each change is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.errors import NotEnoughError
from regulars.lifecycle.stages.chain import Chain
from regulars.lifecycle.stages.hazards import FILE, Hazards, Moves
from regulars.lifecycle.stages.panel import ABSENT, FEATURES, TRAITS, Floats, Panel, dwelled
from regulars.profile.stage import Rhythm

LEAST_CUSTOMERS = 50
LEAST_WEEKS = 12
MOST_MOVES = 400_000
"""Customer-weeks that are learned from, of customers drawn by lot."""
WEEKS_AHEAD = 156
"""How far money to come is followed: three years."""


@dataclass(frozen=True)
class Standing:
    """Where n customers stand at the end of a week.

    Attributes
    ----------
    stage, dwell : numbers in `STAGES` (-1: not known yet), and whole weeks in it.
    features : (n, features) see `panel.FEATURES`.
    chance : (n, stages) of each stage a week later.
    value : (n,) money to come, as of today's worth. entered : (n, stages) the same, were it to enter a stage.
    worth : (n, stages) what entering each stage within the week is worth beside staying.
    """

    stage: npt.NDArray[np.int8]
    dwell: npt.NDArray[np.int16]
    features: Floats
    chance: Floats
    value: Floats
    entered: Floats
    worth: Floats


@dataclass(frozen=True)
class StageModel:
    """Hazards of the coming week by all that is known, and the chain of the weeks after it.

    Attributes
    ----------
    rhythm : by which stages are told apart.
    discount : what a week makes of money to come, by which it is multiplied.
    """

    rhythm: Rhythm
    hazards: Hazards
    chain: Chain
    discount: float

    @classmethod
    def fit(cls, panel: Panel, rhythm: Rhythm, discount_rate: float) -> StageModel:
        """From customers by weeks; `discount_rate` is what money loses in a year, 0.1 for a tenth.

        Raises
        ------
        NotEnoughError
            If there are fewer than 50 customers, 12 weeks, or changes of stage.
        """
        moves = moves_of(panel, rhythm)
        return cls(rhythm, Hazards.fit(moves), Chain.fit(moves), (1 + discount_rate) ** (-7 / 365))

    def standing(self, panel: Panel, week: int | None = None) -> Standing:
        """Where customers stand at the end of a week (default: the last)."""
        at = panel.weeks - 1 if week is None else week
        stages = panel.stages(self.rhythm)[:, : at + 1]
        stage, dwell = stages[:, -1], dwelled(stages)[:, -1]
        features = panel.features(at)
        known = np.maximum(stage, 0).astype(np.int64)
        since = dwell.astype(np.int64)
        chance = self.hazards.predict(known, since, features)
        traits = features[:, : len(TRAITS)]
        follows = self.chain.value(known, since, traits, weeks=WEEKS_AHEAD, discount=self.discount)
        after = follows.entered.copy()
        rows = np.arange(len(known))
        after[rows, known] = follows.staying
        # The first step by all that is known today; those after it by what moves slowly.
        money = follows.now - self.discount * (self.chain.chances(known, since, traits) * after).sum(1)
        value = np.where(stage == ABSENT, 0.0, money + self.discount * (chance * after).sum(1))
        return Standing(stage, dwell, features, chance, value, follows.entered, after - follows.staying[:, None])

    def to_files(self) -> dict[str, bytes]:
        """JSON and LightGBM's text."""
        said = {
            "rhythm": self.rhythm.to_dict(), "discount": self.discount, "features": FEATURES,
            "hazards": self.hazards.to_json(), "chain": self.chain.to_json(),
        }  # fmt: skip
        return {"stages.json": json.dumps(said, ensure_ascii=False, indent=1).encode(), **self.hazards.to_files()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> StageModel:
        """From what `to_files` gave."""
        said: dict[str, Any] = json.loads(files["stages.json"])
        hazards = Hazards.from_saved(said["hazards"], {FILE: files[FILE]})
        return cls(Rhythm.from_dict(said["rhythm"]), hazards, Chain.from_json(said["chain"]), said["discount"])


def moves_of(panel: Panel, rhythm: Rhythm, since: int = 0) -> Moves:
    """The weeks of customers, each with the stage at its begin and at its end; from the week `since` on.

    Raises
    ------
    NotEnoughError
        If there are fewer than 50 customers, or 12 weeks.
    """
    if len(panel) < LEAST_CUSTOMERS or panel.weeks < LEAST_WEEKS:
        raise NotEnoughError(
            f"lifecycle: {len(panel)} customers over {panel.weeks} weeks; at least {LEAST_CUSTOMERS} customers and "
            f"{LEAST_WEEKS} weeks are needed for stages of life. Import more history."
        )
    stages, count = panel.stages(rhythm), len(panel)
    dwell = dwelled(stages)
    most = max(MOST_MOVES // max(panel.weeks - 1 - since, 1), 1)
    some = np.sort(np.random.default_rng(0).permutation(count)[:most])
    parts = []
    for week in range(since, panel.weeks - 1):
        rows = some[stages[some, week] != ABSENT]
        begun = (stages[rows, week], dwell[rows, week], panel.features(week)[rows])
        parts.append((*begun, stages[rows, week + 1], panel.money[rows, week + 1].astype(float), rows))
    stage, since_, features, after, money, customer = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Moves(
        stage.astype(np.int64), since_.astype(np.int64), features, after.astype(np.int64), money,
        customer.astype(np.int64),
    )  # fmt: skip
