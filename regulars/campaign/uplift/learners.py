"""Who is moved by which arm? Eight ways to learn it from a trial, all answering the same question.

Each has `fit(evidence)`, `effects(features) -> (n, arms - 1)` in units of the outcome, `to_files` and `from_files`.

S       one model of the outcome that knows the arm; the effect is what changing the arm changes
T       one model for each arm; the effect is their difference
X       effects imputed for treated and for untreated customers, each learned, then weighed by propensity
R       what is left of the outcome after what was expected anyway, learned from what is left of the arm
DR      doubly robust scores, learned
forest  as R, by random forests with honest leaves
linear  doubly robust scores, learned by a sparse linear model: for small trials, where trees mostly learn noise
lift    by which share visits rise, times the outcome expected anyway: where the trial tells visits
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import lightgbm as lgb
import numpy as np
from safetensors.numpy import load, save
from sklearn.linear_model import LassoCV
from threadpoolctl import threadpool_limits

from regulars.campaign.uplift.boosted import grow, grow_honest
from regulars.campaign.uplift.evidence import Evidence
from regulars.campaign.uplift.expected import Expected
from regulars.campaign.uplift.lift import LiftLearner
from regulars.campaign.uplift.trial import Floats
from regulars.logistic import Scaling


class Learner(Protocol):
    """What was learned about effects."""

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn."""

    def effects(self, features: Floats) -> Floats:
        """(n, arms - 1) the mean effect of each arm."""

    def to_files(self) -> dict[str, bytes]:
        """As files, none of them pickled."""

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave."""


@dataclass(frozen=True)
class _Contrast:
    """The difference between what is expected under an arm and under none."""

    expected: Expected

    def effects(self, features: Floats) -> Floats:
        """(n, arms - 1)."""
        found = self.expected.predict(features)
        return found[:, 1:] - found[:, :1]

    def to_files(self) -> dict[str, bytes]:
        """Of the expectations."""
        return self.expected.to_files()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave."""
        return cls(Expected.from_files(files))


@dataclass(frozen=True)
class SLearner(_Contrast):
    """One model that knows the arm.

    Source
    ------
    Kuenzel, Sekhon, Bickel and Yu (2019), Metalearners for Estimating Heterogeneous Treatment Effects.
    """

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn."""
        return cls(Expected.fit(evidence.trial, knows_arm=True))


@dataclass(frozen=True)
class TLearner(_Contrast):
    """One model for each arm. Source: as of `SLearner`."""

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn."""
        return cls(Expected.fit(evidence.trial, knows_arm=False))


@dataclass(frozen=True)
class _Mean:
    """For each arm the weighted mean of what some trees say.

    Attributes
    ----------
    trees : for each arm, its trees.
    shares : (arms - 1, trees) weights of each, adding to 1.
    """

    trees: tuple[tuple[lgb.Booster, ...], ...]
    shares: Floats

    def effects(self, features: Floats) -> Floats:
        """(n, arms - 1)."""
        columns = [
            sum(share * np.asarray(each.predict(features)) for share, each in zip(shares, trees, strict=True))
            for shares, trees in zip(self.shares, self.trees, strict=True)
        ]
        return np.column_stack(columns)

    def to_files(self) -> dict[str, bytes]:
        """LightGBM's text, and the weights as safetensors."""
        found = {
            f"effect_{arm}_{number}.txt": trees.model_to_string().encode()
            for arm, several in enumerate(self.trees, 1)
            for number, trees in enumerate(several)
        }
        return {**found, "shares.safetensors": save({"shares": np.ascontiguousarray(self.shares)})}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave."""
        shares = load(files["shares.safetensors"])["shares"]
        trees = tuple(
            tuple(
                lgb.Booster(model_str=files[f"effect_{arm}_{number}.txt"].decode()) for number in range(shares.shape[1])
            )
            for arm in range(1, len(shares) + 1)
        )
        return cls(trees, shares)


@dataclass(frozen=True)
class XLearner(_Mean):
    """Imputed effects: outcome less what was expected untreated, and what was expected treated less the outcome.

    Source
    ------
    Kuenzel and others (2019), as of `SLearner`; their weight g is the propensity, here its mean.
    """

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn."""
        trial, expected = evidence.trial, evidence.expected
        alone = trial.arm == 0
        trees, shares = [], []
        for arm in range(1, len(trial.arms)):
            treated = trial.arm == arm
            of_treated = trial.outcome[treated] - expected[treated, 0]
            of_alone = expected[alone, arm] - trial.outcome[alone]
            trees.append(
                (
                    grow(trial.features[treated], of_treated, "regression"),
                    grow(trial.features[alone], of_alone, "regression"),
                )
            )
            # The more are treated, the better is what was learned from who was not imputed for them.
            both = trial.propensity[:, [0, arm]].mean(0)
            shares.append([both[0] / both.sum(), both[1] / both.sum()])
        return cls(tuple(trees), np.array(shares))


@dataclass(frozen=True)
class RLearner(_Mean):
    """What is left of the outcome, learned from what is left of the arm, for each arm against none.

    Source
    ------
    Nie and Wager (2021), Quasi-Oracle Estimation of Heterogeneous Treatment Effects.
    """

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn."""
        trees = tuple(
            (grow(*each[:2], "regression", each[2]),)
            for each in (_residuals(evidence, arm) for arm in range(1, len(evidence.trial.arms)))
        )
        return cls(trees, np.ones((len(trees), 1)))


@dataclass(frozen=True)
class ForestLearner(_Mean):
    """As R, by random forests whose leaves are valued by rows that did not cut them.

    Source
    ------
    Athey, Tibshirani and Wager (2019), Generalized Random Forests: forests on what is left. Theirs weigh
    neighbours by how often they share a leaf; these take the mean of the leaves.
    """

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn."""
        trees = tuple(grow_honest(*_residuals(evidence, arm)) for arm in range(1, len(evidence.trial.arms)))
        return cls(trees, np.full((len(trees), 2), 0.5))


@dataclass(frozen=True)
class DRLearner(_Mean):
    """Doubly robust scores, learned.

    Source
    ------
    Kennedy (2023), Towards Optimal Doubly Robust Estimation of Heterogeneous Causal Effects.
    """

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn."""
        features = evidence.trial.features
        trees = tuple((grow(features, column, "regression"),) for column in evidence.effects.T)
        return cls(trees, np.ones((len(trees), 1)))


@dataclass(frozen=True)
class LinearLearner:
    """Doubly robust scores, learned by a lasso whose penalty is chosen by cross-validation.

    Attributes
    ----------
    scaling : of the features.
    weights : (arms - 1, inputs).
    bias : (arms - 1,).
    """

    scaling: Scaling
    weights: Floats
    bias: Floats

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn."""
        scaling = Scaling.of(evidence.trial.features)
        inputs = scaling.inputs(evidence.trial.features)
        weights, bias = [], []
        with threadpool_limits(1, "blas"):
            for column in evidence.effects.T:
                # A few penalties: the loss is flat about the best, and each costs a fit in each fold.
                model = LassoCV(alphas=20, eps=0.01, cv=5, precompute=True, max_iter=10_000).fit(inputs, column)
                weights.append(model.coef_)
                bias.append(model.intercept_)
        return cls(scaling, np.array(weights), np.array(bias))

    def effects(self, features: Floats) -> Floats:
        """(n, arms - 1)."""
        found: Floats = self.scaling.inputs(features) @ self.weights.T + self.bias
        return found

    def to_files(self) -> dict[str, bytes]:
        """As safetensors."""
        parts = {**vars(self.scaling), "weights": self.weights, "bias": self.bias}
        return {"linear.safetensors": save({name: np.ascontiguousarray(part) for name, part in parts.items()})}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave."""
        parts = load(files["linear.safetensors"])
        weights, bias = parts.pop("weights"), parts.pop("bias")
        return cls(Scaling(**parts), weights, bias)


LEARNERS: dict[str, type[Learner]] = {
    "S": SLearner, "T": TLearner, "X": XLearner, "R": RLearner, "DR": DRLearner, "forest": ForestLearner,
    "linear": LinearLearner, "lift": LiftLearner,
}  # fmt: skip
"""By name."""


def _residuals(evidence: Evidence, arm: int) -> tuple[Floats, Floats, Floats]:
    """Of rows of an arm and of none: features, the effect that each row speaks for, and how loud."""
    trial = evidence.trial
    rows = (trial.arm == 0) | (trial.arm == arm)
    chance = trial.propensity[rows][:, [0, arm]]
    chance = chance[:, 1] / chance.sum(1)
    usual = (1 - chance) * evidence.expected[rows, 0] + chance * evidence.expected[rows, arm]
    surprise = (trial.arm[rows] == arm) - chance
    return trial.features[rows], (trial.outcome[rows] - usual) / surprise, surprise**2
