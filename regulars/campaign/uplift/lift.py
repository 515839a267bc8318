"""By which share an arm makes customers come more often, times what they bring anyway.

Margin is a noisy thing to learn effects from: one large order in ten drowns what a message does. Whether a customer
comes is far less noisy, and an arm that moves a share of visits moves the same share of margin, but for what it gives
away. So the effect is learned in two parts,

    effect_a(x) = usual(x) ((1 + lift_a(x)) kept_a - 1)

`usual` the outcome expected anyway, `lift` the share by which visits rise, a sparse linear function of what is known of
the customer, and `kept` the share of a visit's worth that is kept in the mean: below 1 where something is given away.
Whom a message moves shows in whom it makes open and click (`kinds`); this is asked first, and all else of what is left.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from safetensors.numpy import load, save
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LassoCV
from threadpoolctl import threadpool_limits

from regulars.campaign.uplift.evidence import Evidence
from regulars.campaign.uplift.expected import Expected
from regulars.campaign.uplift.kinds import Kinds
from regulars.campaign.uplift.trial import Floats, Numbers, Trial
from regulars.errors import InputError
from regulars.logistic import Scaling

FOLDS = 5
MEAN_LIFT, LIFT_OF_KIND = 0.02, 0.1
"""Lifts are of this size as long as nothing is known, in the mean and by kind: one lift more of each part."""
ROUNDS = 50
OWN_FILES = ("own", "weights", "answered", "bias", "moved", "middle", "kept")
MOST_ROWS = 200_000
"""Of more rows so many by chance: the penalty is chosen on a table of them in memory."""


@dataclass(frozen=True)
class LiftLearner:
    """Lift of visits, times the outcome expected anyway.

    Attributes
    ----------
    usual : the outcome under each arm.
    scaling : of the features.
    own : (arms - 1, j) for each arm the columns that tell of earlier contacts by it: what they mean is the same for all
        arms, so they share their weights.
    weights : (arms - 1, inputs).
    answered : (j,) weights of `own`.
    kinds : with which chance a customer is of the kind that answers, by each arm whose answers are told.
    bias : (arms - 1,) the lift in the mean.
    moved : (arms - 1, b) what the chances of `kinds`, less their means `middle` (b,), change of it.
    kept : (arms - 1,) in (0, 1].

    Source
    ------
    The regression of what is left of visits on what is left of the arm: Robinson (1988), Root-N-Consistent
    Semiparametric Regression; relative to what was expected, and weighed by it, as a count's variance grows with its
    mean.
    """

    usual: Expected
    scaling: Scaling
    own: Numbers
    weights: Floats
    answered: Floats
    kinds: Kinds
    bias: Floats
    moved: Floats
    middle: Floats
    kept: Floats

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Learn.

        Raises
        ------
        InputError
            If the trial does not tell visits, or its outcome is no money.
        """
        trial = evidence.trial
        if evidence.visits is None or trial.visits is None or trial.kind != "money":
            raise InputError('learner "lift": a trial whose outcome is money, with visits, is expected.')
        arms = len(trial.arms) - 1
        scaling = Scaling.of(trial.features)
        own = own_columns(trial)
        rows = np.arange(len(trial))
        if len(rows) > MOST_ROWS:
            rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
        pull, loud = _pull(trial, evidence.visits)
        left = trial.visits - evidence.visits
        inputs = scaling.inputs(trial.features)
        kinds = Kinds.fit(trial.rows(rows), inputs[rows])
        chance = kinds.chance(trial.features, inputs)
        middle = chance.mean(0)
        bias, moved = _by_kind(chance - middle, kinds.arm, pull, loud, left)
        outcome = (trial.propensity * evidence.expected).sum(1)
        kept = _kept(trial, outcome, evidence.visits)
        left = left - (pull * (bias + (chance - middle) @ moved.T)).sum(1)
        root = np.sqrt(loud[rows])
        design = _design(inputs[rows], own, pull[rows]) * root[:, None]
        fold = trial.folds(FOLDS, seed=2)[rows]
        apart = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]
        weights = _sparse(design, left[rows] * root, apart)
        width = (design.shape[1] - own.shape[1]) // arms
        return cls(
            Expected.fit(trial, knows_arm=True), scaling, own, weights[: arms * width].reshape(arms, width),
            weights[arms * width :], kinds, bias, moved, middle, kept,
        )  # fmt: skip

    def effects(self, features: Floats) -> Floats:
        """(n, arms - 1) in units of the outcome."""
        inputs = self.scaling.inputs(features)
        lift = self.bias + inputs @ self.weights.T
        lift += (self.kinds.chance(features, inputs) - self.middle) @ self.moved.T
        for arm, columns in enumerate(self.own):
            lift[:, arm] += inputs[:, columns] @ self.answered
        usual = np.maximum(self.usual.predict(features)[:, [0]], 0.0)
        found: Floats = usual * ((1 + np.maximum(lift, -1.0)) * self.kept - 1)
        return found

    def to_files(self) -> dict[str, bytes]:
        """As safetensors, and of the expectations."""
        parts = {
            **{f"scaling_{name}": part for name, part in vars(self.scaling).items()},
            **{f"kinds_{name}": part for name, part in vars(self.kinds).items()},
            **{name: getattr(self, name) for name in OWN_FILES},
        }
        tables = save({name: np.ascontiguousarray(part) for name, part in parts.items()})
        return {"lift.safetensors": tables, **self.usual.to_files()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave."""
        parts = load(files["lift.safetensors"])
        scaling, kinds = (
            {name.removeprefix(of): parts.pop(name) for name in list(parts) if name.startswith(of)}
            for of in ("scaling_", "kinds_")
        )
        return cls(usual=Expected.from_files(files), scaling=Scaling(**scaling), kinds=Kinds(**kinds), **parts)


def own_columns(trial: Trial) -> Numbers:
    """(arms - 1, j) columns named "ARM: …", in one order for all arms; those that not every arm has are left out.

    >>> rng = np.random.default_rng(0)
    >>> told = {"arms": ("none", "mail", "push"), "names": ("age", "push: opened", "mail: opened", "mail: sent")}
    >>> own_columns(Trial.of(rng.random((900, 4)), rng.integers(0, 3, 900), rng.random(900), kind="money", **told))
    array([[2],
           [1]])
    """
    of = [
        {name.removeprefix(f"{arm}: "): place for place, name in enumerate(trial.names) if name.startswith(f"{arm}: ")}
        for arm in trial.arms[1:]
    ]
    shared = sorted(set.intersection(*map(set, of)))
    return np.array([[places[name] for name in shared] for places in of], np.int64).reshape(len(of), len(shared))


def _pull(trial: Trial, usual: Floats) -> tuple[Floats, Floats]:
    """(n, arms - 1) what is left of each arm, times what was expected; (n,) how loud each row speaks."""
    drawn = trial.arm[:, None] == np.arange(1, len(trial.arms))
    pull: Floats = (drawn - trial.propensity[:, 1:]) * usual[:, None]
    return pull, 1 / np.maximum(usual, max(float(np.quantile(usual, 0.1)), 1e-9))


def _by_kind(chance: Floats, arm: Numbers, pull: Floats, loud: Floats, left: Floats) -> tuple[Floats, Floats]:
    """(arms - 1,) lifts in the mean, (arms - 1, b) by how much more the kinds that answer are moved.

    What the answers to an arm say of that arm itself is alike for all arms; what they say of it more, or of another, is
    its own. Means, what is alike and what is an arm's own are drawn to none, each as far as its size beside the noise
    of visits commands: empirical Bayes, the sizes by expectation and maximisation.

    Parameters
    ----------
    chance : (n, b) less their means; arm : (b,) whose answers, from 1 on.
    """
    arms, told = pull.shape[1], chance.shape[1]
    same = sum((pull[:, [number - 1]] * chance[:, [k]] for k, number in enumerate(arm)), np.zeros((len(pull), 1)))
    each = [pull[:, [number]] * chance for number in range(arms)]
    design = np.concatenate([pull, same, *each], 1)
    part = np.repeat([0, 1, 2], [arms, 1, arms * told])
    usual = np.array([MEAN_LIFT, LIFT_OF_KIND, LIFT_OF_KIND])
    weights = _drawn_to_none(design * np.sqrt(loud)[:, None], left * np.sqrt(loud), part, usual)
    moved = weights[arms + 1 :].reshape(arms, told)
    moved[arm - 1, np.arange(told)] += weights[arms]
    return weights[:arms], moved


def _drawn_to_none(design: Floats, target: Floats, part: Numbers, usual: Floats) -> Floats:
    """Weights of least squares, those of each part (k,) of one size that the rows tell; `usual` (parts,) before any.

    >>> rng = np.random.default_rng(0)
    >>> design = rng.normal(size=(200, 6))
    >>> target = design @ np.array([2.0, -2.0, 0, 0, 0, 0]) + 3 * rng.normal(size=200)
    >>> np.abs(_drawn_to_none(design, target, np.array([0, 0, 1, 1, 1, 1]), np.full(2, 0.1))).round().tolist()
    [2.0, 2.0, 0.0, 0.0, 0.0, 0.0]
    """
    noise = float((target**2).mean())
    square, with_target = design.T @ design / noise, design.T @ target / noise
    size = usual[part] ** 2
    told = 1 + np.bincount(part, minlength=len(usual))
    for _ in range(ROUNDS):
        spread = np.linalg.inv(square + np.diag(1 / size))
        weights = spread @ with_target
        size = ((usual**2 + np.bincount(part, weights**2 + spread.diagonal(), len(usual))) / told)[part]
    return np.asarray(weights, np.float64)


def _pooled(pull: Floats, loud: Floats, left: Floats) -> Floats:
    """(arms - 1,) the lift of each arm in the mean."""
    found: Floats = np.linalg.pinv(pull.T @ (pull * loud[:, None])) @ (pull.T @ (left * loud))
    return found


def _kept(trial: Trial, usual: Floats, visits: Floats) -> Floats:
    """(arms - 1,) of a visit's worth: margin beyond what the visits bring, drawn to 1 as its error commands.

    Never above 1, for an arm gives away or it does not.

    Parameters
    ----------
    usual, visits : (n,) outcome and visits expected in the mean over arms.
    """
    usual = np.maximum(usual, 0.0)
    pull, loud = _pull(trial, usual)
    came = np.divide(trial.visits, visits, out=np.ones(len(usual)), where=visits > 0)  # type: ignore[arg-type]
    beyond = trial.outcome - usual * came
    given = _pooled(pull, loud, beyond)
    noise = np.linalg.pinv(pull.T @ (pull * loud[:, None])).diagonal() * float((beyond**2 * loud).mean())
    given *= np.maximum(1 - noise / np.maximum(given**2, 1e-12), 0.0)
    found: Floats = np.clip(1 + given, 0.01, 1.0)
    return found


def _design(inputs: Floats, own: Numbers, pull: Floats) -> Floats:
    """(n, (arms - 1) inputs + j): for each arm, and for earlier contacts by the arm."""
    blocks = [pull[:, [arm]] * inputs for arm in range(pull.shape[1])]
    answered = [pull[:, [arm]] * inputs[:, columns] for arm, columns in enumerate(own)]
    return np.concatenate([*blocks, sum(answered[1:], answered[0])], 1)


def _sparse(design: Floats, target: Floats, folds: list[tuple[Numbers, Numbers]]) -> Floats:
    """Weights by a lasso of the greatest penalty that is no worse than the best by more than luck.

    Source
    ------
    The rule of one standard error: Breiman and others (1984), Classification and Regression Trees, section 3.4.3; here
    of the difference to the best, fold by fold.
    """
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        # The smallest penalties may not be solved to the last digit; a greater one is chosen.
        warnings.simplefilter("ignore", ConvergenceWarning)
        tried = LassoCV(alphas=20, eps=0.02, cv=folds, precompute=True, fit_intercept=False, max_iter=2000, tol=1e-3)
        tried.fit(design, target)
        worse = tried.mse_path_ - tried.mse_path_[[tried.mse_path_.mean(1).argmin()]]
        error = worse.std(1, ddof=1) / np.sqrt(worse.shape[1])
        # Penalties come the greatest first.
        penalty = tried.alphas_[int(np.flatnonzero(worse.mean(1) <= error)[0])]
        model = Lasso(alpha=penalty, precompute=True, fit_intercept=False, max_iter=2000, tol=1e-3)
        weights: Floats = model.fit(design, target).coef_.astype(float)
    return weights
