"""The uplift model: the learner chosen by a cross-fitted doubly robust score, its effects calibrated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load, save
from scipy import stats

from regulars.campaign.uplift.evidence import Evidence, evidence_of
from regulars.campaign.uplift.expected import Expected
from regulars.campaign.uplift.learners import LEARNERS, Learner
from regulars.campaign.uplift.trial import Floats, Kind, Numbers, Trial
from regulars.errors import InputError

FOLDS = 3
ANSWER, LEARNED = "usual/", "learned/"
"""Folders of the files of what is expected anyway, and of the learner."""


class Effects(NamedTuple):
    """What each arm would bring more than leaving the customer alone, (n, arms - 1) each, in units of the outcome.

    Attributes
    ----------
    mean : of customers like this one.
    low, high : its 95 % interval.
    """

    mean: Floats
    low: Floats
    high: Floats


class Tried(NamedTuple):
    """How a learner did on customers that it did not know.

    Attributes
    ----------
    gain : by how much its squared error against doubly robust scores is below that of one effect for all, relative
        to the latter; below 0 it is worse than knowing nothing about differences.
    low, high : the 95 % interval of that.
    """

    learner: str
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class UpliftModel:
    """What each arm brings for each customer.

    Attributes
    ----------
    learner : which of `LEARNERS` was chosen.
    tried : all of them, as they did.
    slope, offset : (arms - 1,) of the calibration: effect = offset + slope (learned - middle).
    middle : (arms - 1,) the mean of what was learned.
    spread : (arms - 1, 2, 2) covariance of offset and slope.
    usual : the outcome under each arm, for comparison with who would buy anyway.
    """

    kind: Kind
    arms: tuple[str, ...]
    names: tuple[str, ...]
    costs: Floats
    worth: float
    learner: str
    learned: Learner
    tried: tuple[Tried, ...]
    slope: Floats
    offset: Floats
    middle: Floats
    spread: Floats
    usual: Expected

    def effects(self, features: Floats) -> Effects:
        """Calibrated effects of customers (n, k), with the interval of the mean over customers alike.

        It is what holds for customers of the same score; what moves this customer and is not among the features is in
        no interval.

        Raises
        ------
        InputError
            If there are not as many features as were learned from.
        """
        if features.ndim != 2 or features.shape[1] != len(self.names):
            raise InputError(f"features {features.shape}: (n, {len(self.names)}) is expected: {', '.join(self.names)}.")
        away = self.learned.effects(features) - self.middle
        mean = self.offset + self.slope * away
        variance = self.spread[:, 0, 0] + 2 * away * self.spread[:, 0, 1] + away**2 * self.spread[:, 1, 1]
        reach = 1.96 * np.sqrt(np.maximum(variance, 0))
        return Effects(mean, mean - reach, mean + reach)

    def gain(self, features: Floats) -> Floats:
        """(n, arms) money that each arm would bring, less what it costs, more than leaving the customer alone."""
        mean = self.effects(features).mean
        found: Floats = np.column_stack([np.zeros(len(mean)), mean * self.worth]) - (self.costs - self.costs[0])
        return found

    def response(self, features: Floats) -> Floats:
        """(n,) the outcome expected of who is left alone: what a response model ranks by."""
        found: Floats = self.usual.predict(features)[:, 0]
        return found

    def to_files(self) -> dict[str, bytes]:
        """As files: LightGBM's text, safetensors, JSON."""
        about = {
            "kind": self.kind, "arms": self.arms, "names": self.names, "worth": self.worth, "learner": self.learner,
            "tried": [each._asdict() for each in self.tried],
        }  # fmt: skip
        numbers = {name: getattr(self, name) for name in ("costs", "slope", "offset", "middle", "spread")}
        return {
            "uplift.json": json.dumps(about, ensure_ascii=False, indent=2).encode(),
            "uplift.safetensors": save({name: np.ascontiguousarray(part) for name, part in numbers.items()}),
            **{ANSWER + name: data for name, data in self.usual.to_files().items()},
            **{LEARNED + name: data for name, data in self.learned.to_files().items()},
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> UpliftModel:
        """From what `to_files` gave."""
        about = json.loads(files["uplift.json"])
        return cls(
            kind=about["kind"],
            arms=tuple(about["arms"]),
            names=tuple(about["names"]),
            worth=about["worth"],
            learner=about["learner"],
            learned=LEARNERS[about["learner"]].from_files(_inside(files, LEARNED)),
            tried=tuple(Tried(**each) for each in about["tried"]),
            usual=Expected.from_files(_inside(files, ANSWER)),
            **load(files["uplift.safetensors"]),
        )


def _inside(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {name.removeprefix(folder): data for name, data in files.items() if name.startswith(folder)}


def fit(trial: Trial, learners: Iterable[str] = tuple(LEARNERS)) -> UpliftModel:
    """Learn from a trial: each learner tried on customers that it does not know, the best fitted to all.

    The score of a learner is the mean over rows and arms of

        (d - m)^2 - (d - u)^2,

    d the doubly robust effect of a row, u what the learner says of it, calibrated, m the mean of d. The learner with
    the greatest is used, or lifts of visits where none is surely better. Its effects are then put on the scale of d by
    a line (slope 0 where it orders wrongly; lifts of visits stay as they are), which also gives the intervals.

    Expectations behind d are made once, each by a model that did not know the row; a learner's training rows have met
    the held-out rows in that way alone.

    Raises
    ------
    InputError
        If a learner is none of `LEARNERS`.

    Source
    ------
    Schuler and others (2018), A comparison of methods for model selection when estimating individual treatment
    effects; the line is the best linear predictor of Chernozhukov and others (2018), Generic Machine Learning
    Inference on Heterogenous Treatment Effects.

    Examples
    --------
    Half of the customers are moved, the others are not:

    >>> rng = np.random.default_rng(1)
    >>> is_moved, arm = rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    >>> bought = rng.random(4000) < 0.2 + 0.4 * arm * is_moved
    >>> model = fit(Trial.of(is_moved[:, None], arm, bought, kind="binary"), ["S", "linear"])
    >>> model.effects(np.array([[0.0], [1.0]])).mean.round(1).ravel().tolist()
    [0.0, 0.4]
    """
    # Lifts can only be learned where visits are told.
    chosen = [name for name in learners if name != "lift" or trial.visits is not None]
    if unknown := [name for name in chosen if name not in LEARNERS]:
        raise InputError(f'there is no learner "{unknown[0]}". There are: {", ".join(LEARNERS)}.')
    evidence = evidence_of(trial)
    said = {name: _apart(evidence, name) for name in chosen}
    lines = {
        name: [_line(*each, is_scaled=name == "lift") for each in _columns(evidence, found)]
        for name, found in said.items()
    }
    tried = tuple(_judged(evidence, name, said[name], lines[name]) for name in chosen)
    best = _best(tried)
    offset, slope, middle, spread = (np.array(part) for part in zip(*lines[best], strict=True))
    return UpliftModel(
        trial.kind, trial.arms, trial.names, trial.costs, trial.worth, best, LEARNERS[best].fit(evidence), tried,
        slope, offset, middle, spread, Expected.fit(evidence.trial, knows_arm=True),
    )  # fmt: skip


def _best(tried: tuple[Tried, ...]) -> str:
    """The learner of most gain; lifts of visits, which rest on less noise than the gains do, until another is surely
    better."""
    best = max(tried, key=lambda each: each.gain)
    lift = next((each for each in tried if each.learner == "lift"), best)
    return best.learner if best.low > lift.gain else lift.learner


def _apart(evidence: Evidence, learner: str) -> Floats:
    """(n, arms - 1) effects by learners that did not know the customer."""
    trial = evidence.trial
    fold = trial.folds(FOLDS, seed=1)
    found = np.empty((len(trial), len(trial.arms) - 1))
    for held_out in range(FOLDS):
        is_out = fold == held_out
        found[is_out] = LEARNERS[learner].fit(evidence.rows(~is_out)).effects(trial.features[is_out])
    return found


def _columns(evidence: Evidence, found: Floats) -> Iterable[tuple[Floats, Floats, Numbers]]:
    owner = evidence.trial.customers
    return ((target, said, owner) for target, said in zip(evidence.effects.T, found.T, strict=True))


class _Line(NamedTuple):
    offset: float
    slope: float
    middle: float
    spread: Floats


def _line(target: Floats, said: Floats, owner: Numbers, is_scaled: bool) -> _Line:
    """The line by which what was said tells the target in the mean, with the covariance over customers.

    What `is_scaled` rests on something less noisy than the target, and is left as it is.
    """
    middle = float(said.mean())
    away = said - middle
    square = float((away**2).mean())
    slope = float((away * target).mean() / square) if square > 0 else 0.0
    is_flat = slope <= 0 or square <= 0
    slope = 0.0 if is_flat else slope
    offset = float(target.mean())
    if is_scaled:
        offset, slope, is_flat = middle, 1.0, square <= 0
    design = np.column_stack([np.ones(len(away)), np.zeros(len(away)) if is_flat else away])
    left = (target - offset - slope * away)[:, None] * design
    left = np.column_stack([np.bincount(owner, column) for column in left.T])
    scale = np.diag([1.0, 0.0 if is_flat else 1 / square]) / len(away)
    return _Line(offset, slope, middle, scale @ (left.T @ left) @ scale)


def _judged(evidence: Evidence, name: str, said: Floats, lines: list[_Line]) -> Tried:
    target = evidence.effects
    plain = (target - target.mean(0)) ** 2
    slope, offset, middle = (
        np.array([getattr(line, part) for line in lines]) for part in ("slope", "offset", "middle")
    )
    better = (plain - (target - offset - slope * (said - middle)) ** 2).sum(1) / plain.sum(1).mean()
    by_customer = np.bincount(evidence.trial.customers, better - better.mean())
    error = float(np.sqrt((by_customer**2).sum()) / len(better))
    gain, reach = float(better.mean()), float(stats.norm.ppf(0.975)) * error
    return Tried(name, gain, gain - reach, gain + reach)
