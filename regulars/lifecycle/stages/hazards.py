"""With which chance does a customer change its stage of life within the next week, and what moves that chance?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from regulars.errors import NotEnoughError
from regulars.lifecycle.stages.panel import FEATURES, Floats
from regulars.profile.stage import STAGES

COUNT = len(STAGES)
ROUNDS = 120
SETTINGS: dict[str, Any] = {
    "objective": "multiclass",
    "num_class": COUNT,
    "num_leaves": 15,
    "learning_rate": 0.06,
    "min_data_in_leaf": 100,
    "lambda_l2": 5.0,
    "verbose": -1,
    # The same data and seed must give the same model, byte for byte.
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}
LEAST_CHANGES = 50
FILE = "hazards.txt"
INPUTS = ("stage", "weeks in the stage", *FEATURES)

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Moves:
    """Customer-weeks, (r,) each: in which stage a week began, since how many weeks, what was known, how it ended.

    Attributes
    ----------
    stage, after : numbers in `STAGES`.
    dwell : whole weeks before this one in the same stage.
    features : (r, features) at the begin of the week.
    money : margin of the week.
    customer : whose row it is.
    """

    stage: Numbers
    dwell: Numbers
    features: Floats
    after: Numbers
    money: Floats
    customer: Numbers

    def __len__(self) -> int:
        return len(self.stage)

    def where(self, rows: npt.NDArray[Any]) -> Moves:
        """Some of them."""
        return Moves(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def usual(moves: Moves) -> Floats:
    """(stages, stages) the chance of each change, the same for all: what a Markov chain knows.

    A stage in which nobody was stays what it is.
    """
    counts = np.zeros((COUNT, COUNT))
    np.add.at(counts, (moves.stage, moves.after), 1.0)
    total = counts.sum(1, keepdims=True)
    found: Floats = np.where(total > 0, counts / np.maximum(total, 1), np.eye(COUNT))
    return found


@dataclass(frozen=True)
class Hazards:
    """The chance of each stage at the end of the coming week, of each customer.

    Assumes that what is known at the begin of a week says all of how it ends: time in the stage is among it, so stages
    may be left the more or the less the longer they last (a semi-Markov chain in discrete time).

    Attributes
    ----------
    trees : of the stage at the end of the week.
    level : (stages, stages) by which chances are multiplied so that, of customers held back, as many change as were
        expected to.

    Source
    ------
    Singer and Willett (1993), It's About Time: Using Discrete-Time Survival Analysis to Study Duration and the Timing
    of Events, for hazards as classification of customer-weeks; here with competing ends.
    """

    trees: lgb.Booster
    level: Floats

    @classmethod
    def fit(cls, moves: Moves) -> Hazards:
        """From customer-weeks.

        Raises
        ------
        NotEnoughError
            If fewer than 50 of them end in another stage.
        """
        changed = int((moves.stage != moves.after).sum())
        if changed < LEAST_CHANGES:
            raise NotEnoughError(
                f"lifecycle: {changed} changes of stage in {len(moves):,} weeks of customers, at least {LEAST_CHANGES} "
                "are needed for hazards. Import more history."
            )
        # Customers, not rows, are held back: the weeks of one are alike.
        is_held = moves.customer % 5 == 0
        if is_held.all() or not is_held.any():
            is_held = np.arange(len(moves)) % 5 == 0
        trees = lgb.train(SETTINGS, lgb.Dataset(_inputs(moves.where(~is_held)), moves.after[~is_held]), ROUNDS)
        held = moves.where(is_held)
        seen = (usual(moves) > 0).astype(float)
        plain = _possible(np.asarray(trees.predict(_inputs(held))), held.stage, seen)
        expected, came = np.zeros((COUNT, COUNT)), np.zeros((COUNT, COUNT))
        np.add.at(expected, held.stage, plain)
        np.add.at(came, (held.stage, held.after), 1.0)
        # Twenty changes as expected are thought beside those seen: of few, little is corrected.
        level = seen * (came + 20) / (expected + 20)
        return cls(trees, level)

    def predict(self, stage: Numbers, dwell: Numbers, features: Floats) -> Floats:
        """(n, stages) chances; rows add to 1."""
        inputs = np.column_stack([stage, dwell, features])
        return _possible(np.asarray(self.trees.predict(inputs)), stage, self.level)

    def drivers(self, stage: Numbers, dwell: Numbers, features: Floats, after: Numbers) -> Floats:
        """(n, inputs) by how much each of `INPUTS` moves the logarithm of the chance to end in `after` (n,)."""
        inputs = np.column_stack([stage, dwell, features])
        parts = np.asarray(self.trees.predict(inputs, pred_contrib=True)).reshape(len(inputs), COUNT, -1)
        found: Floats = parts[np.arange(len(inputs)), after, :-1]
        return found

    def to_files(self) -> dict[str, bytes]:
        """LightGBM's text."""
        return {FILE: self.trees.model_to_string().encode()}

    def to_json(self) -> dict[str, Any]:
        """All but the trees."""
        return {"level": self.level.tolist()}

    @classmethod
    def from_saved(cls, saved: Mapping[str, Any], files: Mapping[str, bytes]) -> Hazards:
        """From what `to_json` and `to_files` gave."""
        return cls(lgb.Booster(model_str=files[FILE].decode()), np.array(saved["level"], float))


def _inputs(moves: Moves) -> Floats:
    return np.column_stack([moves.stage, moves.dwell, moves.features])


def _possible(chance: Floats, stage: Numbers, level: Floats) -> Floats:
    """Chances times their level, of changes that were seen."""
    found = chance * level[stage]
    total = found.sum(1, keepdims=True)
    stays = np.eye(COUNT)[stage]
    scaled: Floats = np.where(total > 0, found / np.maximum(total, 1e-12), stays)
    return scaled
