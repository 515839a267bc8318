"""The probability that an attempt is fraud: boosted trees on labels that were known, and anomaly scores beside them.

Fitted parts are saved as LightGBM's own text, safetensors and JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from regulars.fraud.anomaly import Anomaly, Matrix
from regulars.fraud.features.suspect import suspects
from regulars.fraud.surprise import Source
from regulars.trees import Trees

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LEAST_FRAUDS = 30
"""So many known frauds are needed to learn from them; and so many honest attempts."""
MOST_HONEST = 150_000
"""More honest attempts make the model no better; those that are taken count for the others."""
COLUMNS = 40
"""Columns of most gain that the trees are grown on: noise costs more than the others bring."""
ROUNDS, FIRST_ROUNDS = 200, 80
BLOCKS = 3
"""Times that calibration is learned from, each scored by trees grown on the others."""
DAY = 86_400_000_000

GROWING = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.5,
    "lambda_l2": 5.0,
    "max_bin": 255,
    "verbose": -1,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}
ANOMALY = ("anomaly_tails", "anomaly_forest")
"""Columns that the model adds: how unusual an attempt is, by both views."""


class Scores(NamedTuple):
    """(n,) each.

    Attributes
    ----------
    risk : probability of fraud, where labels taught it; else how many attempts are more usual, which is no probability.
    anomaly : how many attempts are more usual, by both views: (n, 2).
    """

    risk: Floats
    anomaly: Floats


@dataclass(frozen=True)
class FraudModel:
    """What was learned of fraud.

    Attributes
    ----------
    names : the columns that `scores` takes.
    base_rate : share of frauds among the labels that it learned from, drawn to one in a hundred where there are few.
    anomaly : what is usual.
    boosters : trees on columns `kept`, and the same with splits drawn by chance; none where labels taught nothing.
    kept : places of the columns, those of `ANOMALY` behind the others.
    slope, intercept : of the calibration: risk = expit(slope * score + intercept).
    source : the behaviour model whose surprise is among the columns; None of one without.
    """

    names: tuple[str, ...]
    base_rate: float
    anomaly: Anomaly
    boosters: tuple[lgb.Booster, ...] = ()
    kept: tuple[int, ...] = ()
    slope: float = 1.0
    intercept: float = 0.0
    source: Source | None = None

    @property
    def is_taught(self) -> bool:
        """Whether labels taught it, so that its risk is a probability."""
        return bool(self.boosters)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its trees look at."""
        every = (*self.names, *ANOMALY)
        return tuple(every[place] for place in self.kept)

    @cached_property
    def trees(self) -> tuple[Trees, ...]:
        """The boosters laid out for speed."""
        return tuple(Trees.of(booster) for booster in self.boosters)

    def scores(self, rows: Matrix) -> Scores:
        """Of attempts (n, names)."""
        anomaly = self.anomaly.scores(rows)
        if not self.is_taught:
            return Scores(Anomaly.joined(anomaly), anomaly)
        inputs = self._inputs(rows, anomaly)
        score = np.mean([trees.scores(inputs) for trees in self.trees], axis=0)
        return Scores(expit(self.slope * score + self.intercept), anomaly)

    def contributions(self, rows: Matrix) -> Floats:
        """(n, kept) how much each of `columns` moves the score of each attempt; of an untaught model, how far out each
        suspect column is."""
        if not self.is_taught:
            return self.anomaly.tails(rows)
        inputs = self._inputs(rows, self.anomaly.scores(rows))
        found: Floats = np.mean([trees.contributions(inputs) for trees in self.trees], axis=0)
        return found

    def _inputs(self, rows: Matrix, anomaly: Floats) -> Matrix:
        return np.hstack([rows, anomaly.astype(np.float32)])[:, list(self.kept)]

    def to_files(self) -> dict[str, bytes]:
        """As files: LightGBM's text, safetensors, JSON."""
        about = {
            "names": list(self.names),
            "base_rate": self.base_rate,
            "kept": list(self.kept),
            "slope": self.slope,
            "intercept": self.intercept,
            "source": self.source,
        }
        files = {f"trees_{k}.txt": booster.model_to_string().encode() for k, booster in enumerate(self.boosters)}
        arrays = {name: np.ascontiguousarray(values) for name, values in self.anomaly.to_arrays().items()}
        return {**files, "anomaly.safetensors": save(arrays), "model.json": json.dumps(about, indent=2).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> FraudModel:
        """From what `to_files` gave."""
        about = json.loads(files["model.json"])
        texts = [files[name].decode() for name in sorted(files) if name.startswith("trees_")]
        return cls(
            names=tuple(about["names"]),
            base_rate=about["base_rate"],
            anomaly=Anomaly.from_arrays(load(files["anomaly.safetensors"])),
            boosters=tuple(lgb.Booster(model_str=text) for text in texts),
            kept=tuple(about["kept"]),
            slope=about["slope"],
            intercept=about["intercept"],
            source=None if about.get("source") is None else Source(*about["source"]),
        )


def fit(rows: Matrix, names: Sequence[str], label: npt.NDArray[np.int8], base_rate: float) -> FraudModel:
    """Learn from attempts in order of time.

    Parameters
    ----------
    rows : (n, k) features of attempts as of each, NaN where unknown.
    label : (n,) 1 fraud, 0 honest, -1 unknown: of those only what is usual is learned.
    base_rate : share of frauds that the shares among the features were drawn to.
    """
    which = suspects(names)
    anomaly = Anomaly.fit(rows, which.columns, which.side)
    known = np.flatnonzero(label >= 0)
    is_fraud = label[known] == 1
    if is_fraud.sum() < LEAST_FRAUDS or (~is_fraud).sum() < LEAST_FRAUDS:
        return FraudModel(tuple(names), base_rate, anomaly)
    taken, weight = _sampled(is_fraud)
    known, is_fraud = known[taken], is_fraud[taken]
    inputs = np.hstack([rows[known], anomaly.scores(rows[known]).astype(np.float32)])
    kept = _strongest(inputs, is_fraud, weight)
    inputs = inputs[:, kept]
    slope, intercept = _calibration(inputs, is_fraud, weight)
    boosters = tuple(_grow(inputs, is_fraud, weight, **way) for way in WAYS)
    return FraudModel(tuple(names), base_rate, anomaly, boosters, tuple(kept.tolist()), slope, intercept)


WAYS: tuple[dict[str, bool], ...] = ({}, {"extra_trees": True})
"""Two ways to grow, whose mean score is better than either."""


def _sampled(is_fraud: Bools) -> tuple[npt.NDArray[np.int64], Floats]:
    """All frauds and so many honest attempts, and how many each stands for."""
    honest = np.flatnonzero(~is_fraud)
    taken = honest
    if len(honest) > MOST_HONEST:
        taken = np.sort(np.random.default_rng(0).choice(honest, MOST_HONEST, replace=False))
    rows = np.sort(np.concatenate([np.flatnonzero(is_fraud), taken]))
    return rows, np.where(is_fraud[rows], 1.0, len(honest) / len(taken))


def _grow(inputs: Matrix, is_fraud: Bools, weight: Floats, rounds: int = ROUNDS, **way: bool) -> lgb.Booster:
    data = lgb.Dataset(inputs, is_fraud.astype(float), weight=weight)
    return lgb.train({**GROWING, **way}, data, rounds)


def _strongest(inputs: Matrix, is_fraud: Bools, weight: Floats) -> npt.NDArray[np.int64]:
    """The places of the columns that bring most, in their order."""
    gain = _grow(inputs, is_fraud, weight, FIRST_ROUNDS).feature_importance("gain")
    return np.sort(np.argsort(-gain, kind="stable")[:COLUMNS])


def _calibration(inputs: Matrix, is_fraud: Bools, weight: Floats) -> tuple[float, float]:
    """Slope and intercept, from scores of attempts by trees that were grown on those of other times."""
    block = np.arange(len(inputs)) * BLOCKS // len(inputs)
    score = np.zeros(len(inputs))
    for one in range(BLOCKS):
        out, rest = block == one, block != one
        if min(is_fraud[rest].sum(), (~is_fraud[rest]).sum()) < LEAST_FRAUDS / 2:
            return 1.0, 0.0
        boosters = [_grow(inputs[rest], is_fraud[rest], weight[rest], **way) for way in WAYS]
        score[out] = np.mean([Trees.of(booster).scores(inputs[out]) for booster in boosters], axis=0)
    line = LogisticRegression(C=np.inf).fit(score[:, None], is_fraud, sample_weight=weight)
    slope = float(line.coef_[0, 0])
    return (slope, float(line.intercept_[0])) if slope > 0 else (1.0, 0.0)
