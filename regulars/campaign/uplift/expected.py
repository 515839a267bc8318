"""What is expected of a customer under each arm: one model that knows the arm, or one for each arm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from regulars.campaign.uplift.boosted import grow
from regulars.campaign.uplift.trial import Floats, Kind, Trial

TAIL = 0.999
"""Of money above 0, what lies above this quantile counts as the quantile: one order must not decide what all do."""

PARTS: dict[Kind, tuple[tuple[str, str], ...]] = {
    "binary": (("chance", "binary"),),
    "count": (("rate", "poisson"),),
    # A hurdle: whether there is any, times how much there is then.
    "money": (("chance", "binary"), ("amount", "regression")),
}
"""Of each kind of outcome, the parts whose product is expected, with LightGBM's objective of each."""


@dataclass(frozen=True)
class Expected:
    """The mean outcome of customers under each arm.

    Attributes
    ----------
    kind : of the outcome.
    arms : how many, who is left alone included.
    knows_arm : whether one model that has the arm among its inputs answers for all, else each arm has its own.
    trees : (part, number of the arm, or 0 where one knows them all) -> trees.
    """

    kind: Kind
    arms: int
    knows_arm: bool
    trees: Mapping[tuple[str, int], lgb.Booster]

    @classmethod
    def fit(cls, trial: Trial, knows_arm: bool) -> Expected:
        """Learned from all rows."""
        inputs = _with_arm(trial.features, trial.arm, len(trial.arms)) if knows_arm else trial.features
        trees = {}
        for part, objective in PARTS[trial.kind]:
            for arm in range(1 if knows_arm else len(trial.arms)):
                rows = np.ones(len(trial), bool) if knows_arm else trial.arm == arm
                if part == "amount":
                    rows &= trial.outcome != 0
                target = trial.outcome if part != "chance" else (trial.outcome != 0).astype(float)
                trees[part, arm] = grow(inputs[rows], target[rows], objective)
        return cls(trial.kind, len(trial.arms), knows_arm, trees)

    def predict(self, features: Floats) -> Floats:
        """(n, arms) the mean outcome under each."""
        found = np.ones((len(features), self.arms))
        for arm in range(self.arms):
            inputs = _with_arm(features, np.full(len(features), arm), self.arms) if self.knows_arm else features
            for part, _ in PARTS[self.kind]:
                found[:, arm] *= np.asarray(self.trees[part, 0 if self.knows_arm else arm].predict(inputs))
        return found

    def to_files(self) -> dict[str, bytes]:
        """LightGBM's text, and JSON."""
        about = {"kind": self.kind, "arms": self.arms, "knows_arm": self.knows_arm}
        found = {f"{part}_{arm}.txt": trees.model_to_string().encode() for (part, arm), trees in self.trees.items()}
        return {**found, "expected.json": json.dumps(about).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Expected:
        """From what `to_files` gave."""
        about = json.loads(files["expected.json"])
        trees = {
            (part, arm): lgb.Booster(model_str=files[f"{part}_{arm}.txt"].decode())
            for part, _ in PARTS[about["kind"]]
            for arm in range(1 if about["knows_arm"] else about["arms"])
        }
        return cls(about["kind"], about["arms"], about["knows_arm"], trees)


def winsorised(trial: Trial) -> tuple[Floats, float]:
    """(n,) outcomes, of money the tails drawn in, and the share of all money that this took away.

    >>> rng = np.random.default_rng(0)
    >>> spend = np.append(rng.exponential(10, 1999), 1e6)
    >>> trial = Trial.of(rng.random((2000, 1)), rng.integers(0, 2, 2000), spend, kind="money")
    >>> capped, taken = winsorised(trial)
    >>> bool(capped.max() < 1000), taken > 0.9
    (True, True)
    """
    if trial.kind != "money":
        return trial.outcome, 0.0
    size = np.abs(trial.outcome)
    limit = float(np.quantile(size[size > 0], TAIL, method="lower"))
    found = np.clip(trial.outcome, -limit, limit)
    return found, float(1 - np.abs(found).sum() / size.sum())


def _with_arm(features: Floats, arm: object, arms: int) -> Floats:
    return np.column_stack([features, np.asarray(arm)[:, None] == np.arange(1, arms)])
