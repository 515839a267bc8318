"""Churn risk from features: boosted trees and a logistic model, the better or both, calibrated.

Fitted parts are saved as LightGBM's own text, safetensors and JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

from regulars.behaving.vectors import FILE, VectorColumns, are_named, with_columns
from regulars.churn.growing import Trees
from regulars.churn.outlook import ABOUT as OUTLOOK
from regulars.churn.outlook import Outlook
from regulars.churn.rhythm import Rhythm
from regulars.evaluation import log_loss
from regulars.logistic import Logistic, probability

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

TREES = Trees("binary", rounds=150, learning_rate=0.03, num_leaves=7, min_data_in_leaf=100, feature_fraction=0.3)
PENALTIES = (0.001, 0.003, 0.02)
"""Inverse strengths of the logistic model's penalty, chosen among by validation."""
FOLDS = 3
SHARES = {"trees": 1.0, "logistic": 0.0, "both": 0.5}
"""How much of the score the trees give, by the name of the choice."""


@dataclass(frozen=True)
class ChurnModel:
    """Churn risk of customers.

    Attributes
    ----------
    names : of the features, in the order of the columns that `predict` takes.
    choice : "trees", "logistic" or "both": which won on validation.
    slope, intercept : of the calibration (Platt): risk = 1 / (1 + exp(-(slope * score + intercept))).
    rhythm : how its columns `alive` and `expected_orders` come about.
    vectors : how its columns `behavior_0`, … come about, where it has any.
    outlook : what is to come of customers, beside whether they leave.
    """

    names: tuple[str, ...]
    choice: str
    trees: lgb.Booster
    logistic: Logistic
    slope: float
    intercept: float
    rhythm: Rhythm | None = None
    vectors: VectorColumns | None = None
    outlook: Outlook | None = None

    @property
    def is_named(self) -> npt.NDArray[np.bool_]:
        """(k,) which of the columns are features with a meaning in words."""
        return are_named(self.names)

    def score(self, features: Floats) -> Floats:
        """(n,) log-odds, not yet calibrated."""
        return _blend(self.trees, self.logistic, features, SHARES[self.choice])

    def predict(self, features: Floats) -> Floats:
        """(n,) probability in (0, 1) of placing no order within the horizon."""
        return probability(self.slope * self.score(features) + self.intercept)

    def contributions(self, features: Floats) -> Floats:
        """How much each feature moves each customer's score away from that of all, in log-odds.

        Exact SHAP values: of the trees by Lundberg and Lee's TreeSHAP, as LightGBM computes it; of the
        logistic model weight times input, which is centred; of both by their shares. For each customer
        they add up to the score, less one figure that is the same for all.

        Returns
        -------
        (n, k); above 0 raises the risk.
        """
        share = SHARES[self.choice]
        grown = np.asarray(self.trees.predict(features, pred_contrib=True))[:, :-1]
        found: Floats = share * grown + (1 - share) * self.logistic.contributions(features)
        return found

    def to_files(self) -> dict[str, bytes]:
        """As files: LightGBM's text, safetensors, JSON."""
        about = {
            "names": list(self.names),
            "choice": self.choice,
            "slope": self.slope,
            "intercept": self.intercept,
            "rhythm": None if self.rhythm is None else self.rhythm.to_json(),
        }
        return {
            "trees.txt": self.trees.model_to_string().encode(),
            "logistic.safetensors": self.logistic.to_bytes(),
            "model.json": json.dumps(about, indent=2).encode(),
            **({} if self.vectors is None else {FILE: self.vectors.to_bytes()}),
            **({} if self.outlook is None else self.outlook.to_files()),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> ChurnModel:
        """From what `to_files` gave."""
        about = json.loads(files["model.json"])
        return cls(
            names=tuple(about["names"]),
            choice=about["choice"],
            trees=lgb.Booster(model_str=files["trees.txt"].decode()),
            logistic=Logistic.from_bytes(files["logistic.safetensors"]),
            slope=about["slope"],
            intercept=about["intercept"],
            rhythm=None if about["rhythm"] is None else Rhythm.from_json(about["rhythm"]),
            vectors=VectorColumns.from_bytes(files[FILE]) if FILE in files else None,
            outlook=Outlook.from_files(files) if OUTLOOK in files else None,
        )


def inputs_of(shop: Shop, profiles: pa.Table, model: ChurnModel) -> pa.Table:
    """A table of profiles with all columns that a model reads."""
    if model.rhythm is not None:
        profiles = model.rhythm.added_to(profiles)
    return with_columns(shop, profiles, model.vectors)


Rounds = Sequence[tuple[Floats, Floats, Floats, Floats]]
"""Features and target that were known at a moment, and the same of that moment and what came of it."""


def choose(rounds: Rounds) -> tuple[str, float, dict[str, float]]:
    """Which model, and which penalty: those with the smallest log loss at later times, in the mean over the rounds.

    Returns
    -------
    choice ("trees", "logistic" or "both"), penalty, and {candidate: log loss}
    """
    losses: dict[tuple[str, float], list[float]] = {}
    for features, target, later_features, later_target in rounds:
        trees = TREES.grow(features, target)
        for penalty in PENALTIES:
            logistic = Logistic.fit(features, target, penalty)
            for name, share in SHARES.items():
                # The level of risk moves with the season, which no candidate can know: what is compared
                # is the order and spread of the risks.
                score = _blend(trees, logistic, later_features, share)
                slope, intercept = calibrate(score, later_target)
                loss = log_loss(later_target, probability(slope * score + intercept))
                losses.setdefault((name, penalty), []).append(loss)
    means = {candidate: float(np.mean(each)) for candidate, each in losses.items()}
    choice, penalty = min(means, key=lambda candidate: means[candidate])
    by_name = {name: min(loss for (n, _), loss in means.items() if n == name) for name in SHARES}
    return choice, penalty, by_name


def fit(
    features: Floats,
    target: Floats,
    customers: Sequence[str],
    names: Sequence[str],
    choice: str,
    penalty: float,
) -> ChurnModel:
    """Fit on all rows, and calibrate on them too, each predicted by a model that did not know its customer.

    All moments count alike in the calibration. The level of risk moves with the season; a log of less
    than two years cannot tell a season from a trend, and to follow the newest moment would take the
    one for the other.

    Parameters
    ----------
    customers : (n,) whose row it is: no customer is in both parts of a fold.
    """
    _, who = np.unique(np.asarray(customers), return_inverse=True)
    fold = np.random.default_rng(0).permutation(int(who.max()) + 1)[who] % FOLDS
    score = np.empty(len(target))
    for held_out in range(FOLDS):
        inside, outside = fold != held_out, fold == held_out
        trees = TREES.grow(features[inside], target[inside])
        logistic = Logistic.fit(features[inside], target[inside], penalty)
        score[outside] = _blend(trees, logistic, features[outside], SHARES[choice])
    slope, intercept = calibrate(score, target)
    return ChurnModel(
        names=tuple(names),
        choice=choice,
        trees=TREES.grow(features, target),
        logistic=Logistic.fit(features, target, penalty),
        slope=slope,
        intercept=intercept,
    )


def calibrate(score: Floats, target: Floats) -> tuple[float, float]:
    """Slope and intercept that make log-odds honest (Platt scaling).

    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=20_000)
    >>> slope, intercept = calibrate(2 * truth, rng.random(20_000) < 1 / (1 + np.exp(-truth)))
    >>> round(slope, 1), abs(round(intercept, 1))
    (0.5, 0.0)
    """
    model = LogisticRegression(C=1e6, max_iter=1000).fit(score[:, None], target)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _blend(trees: lgb.Booster, logistic: Logistic, features: Floats, share: float) -> Floats:
    grown = np.asarray(trees.predict(features, raw_score=True))
    found: Floats = share * grown + (1 - share) * logistic.score(features)
    return found
