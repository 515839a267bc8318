"""Click (or order) chances: boosted trees, a cross network and a linear model, blended and calibrated by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from regulars.ads.prediction.calibration import FieldCalibration
from regulars.ads.prediction.network import CrossNetwork
from regulars.ads.prediction.rows import AdRows
from regulars.errors import InputError, NotEnoughError
from regulars.logistic import Scaling, probability

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST = 50
HELD_OUT = 0.2
"""Share of the rows, the newest, by which parts are weighed and calibrated."""
PENALTY = 0.3
TREES = {
    "objective": "cross_entropy", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 50, "lambda_l2": 5.0,
    "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "cat_smooth": 20, "max_cat_threshold": 32,
    "verbose": -1, "seed": 0, "deterministic": True, "force_row_wise": True, "num_threads": 1,
}  # fmt: skip
MOST_TREES, PATIENCE = 800, 30


@dataclass(frozen=True)
class Linear:
    """A logistic model on each value of each field, and amounts.

    Attributes
    ----------
    sizes : how many numbers each field has. weights : (sum of sizes + inputs of the scaling,). bias : in log-odds.
    """

    sizes: tuple[int, ...]
    scaling: Scaling
    weights: Floats
    bias: float

    @classmethod
    def fit(cls, sizes: tuple[int, ...], rows: AdRows, target: Floats) -> Linear:
        """By penalised likelihood; a target between 0 and 1 is two rows of that weight."""
        scaling = Scaling.of(rows.numbers)
        inputs = hstack([_one_hot(sizes, rows.fields), csr_matrix(scaling.inputs(rows.numbers))]).tocsr()
        weight = np.concatenate([target, 1 - target])
        used = weight > 0
        place = np.tile(np.arange(len(rows)), 2)[used]
        label = np.repeat([1.0, 0.0], len(rows))[used]
        with threadpool_limits(1, "blas"):
            model = LogisticRegression(C=PENALTY, max_iter=300).fit(inputs[place], label, weight[used])
        return cls(sizes, scaling, np.asarray(model.coef_[0], np.float64), float(model.intercept_[0]))

    def score(self, rows: AdRows) -> Floats:
        """(n,) log-odds."""
        starts = np.cumsum((0, *self.sizes))
        found = self.scaling.inputs(rows.numbers) @ self.weights[starts[-1] :] + self.bias
        for place, start in enumerate(starts[:-1].tolist()):
            found = found + self.weights[start + rows.fields[:, place]]
        return np.asarray(found, np.float64)

    def to_bytes(self) -> bytes:
        """As safetensors."""
        parts = {f"scaling.{name}": np.ascontiguousarray(part) for name, part in vars(self.scaling).items()}
        return save({**parts, "sizes": np.array(self.sizes), "weights": self.weights, "bias": np.array([self.bias])})

    @classmethod
    def from_bytes(cls, data: bytes) -> Linear:
        """From what `to_bytes` gave."""
        parts = load(data)
        scaling = Scaling(**{name.split(".")[1]: part for name, part in parts.items() if name.startswith("scaling.")})
        return cls(tuple(parts["sizes"].tolist()), scaling, parts["weights"], float(parts["bias"][0]))


def _one_hot(sizes: tuple[int, ...], fields: Ints) -> csr_matrix:
    count, width = fields.shape
    columns = (fields + np.cumsum((0, *sizes))[:-1]).ravel()
    return csr_matrix((np.ones(count * width), columns, np.arange(0, count * width + 1, max(width, 1))),
                      shape=(count, sum(sizes)))  # fmt: skip


def grown(rows: AdRows, target: Floats, trees: int, judged: tuple[AdRows, Floats] | None = None) -> lgb.Booster:
    """Boosted trees on fields as categories, and amounts; with rows to judge by, as many as foresee those best."""
    fields = list(range(len(rows.names)))
    data = lgb.Dataset(_columns(rows), target, categorical_feature=fields)
    if judged is None:
        return lgb.train(TREES, data, trees)
    later = lgb.Dataset(_columns(judged[0]), judged[1], categorical_feature=fields, reference=data)
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    return lgb.train({**TREES, "metric": "cross_entropy"}, data, trees, valid_sets=[later], callbacks=[stop])


def _columns(rows: AdRows) -> Floats:
    return np.hstack([rows.fields.astype(np.float64), rows.numbers])


@dataclass(frozen=True)
class ClickModel:
    """Chances of a click, or of an order after one.

    Attributes
    ----------
    sizes : how many numbers each field has.
    weights : (3,) of the log-odds of trees, network and linear model.
    losses : of each alone and of the blend, on the newest rows, that none of them had learned from.
    calibration : by field; the only part that `update` changes.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    trees: lgb.Booster
    network: CrossNetwork
    linear: Linear
    weights: Floats
    losses: dict[str, float]
    calibration: FieldCalibration

    @classmethod
    def fit(cls, sizes: tuple[int, ...], rows: AdRows, target: npt.ArrayLike, *, seed: int = 0) -> ClickModel:
        """Learn from impressions in order of time.

        The newest fifth says how many trees and epochs, how much each part weighs, and how chances are calibrated;
        then all is learned again from all rows.

        Parameters
        ----------
        sizes : how many numbers each field has (`Vocabulary.sizes`).
        target : (n,) 1 where clicked, else 0; between them where it is not known yet (`ripened`).

        Raises
        ------
        NotEnoughError
            If fewer than 50 were clicked, or fewer than 50 not.
        InputError
            If there are not as many targets as rows or sizes as fields, or one of them cannot be.
        """
        y = np.asarray(target, np.float64)
        _require(sizes, rows, y)
        if min(y.sum(), len(y) - y.sum()) < LEAST:
            raise NotEnoughError(
                f"ads: {y.sum():.0f} of {len(y)} impressions were clicked; at least {LEAST} clicked and {LEAST} not "
                "clicked are needed for a calibrated chance. Show more ads first."
            )
        held = int(HELD_OUT * len(rows))
        early, late = rows.where(slice(0, len(rows) - held)), rows.where(slice(len(rows) - held, None))
        y_early, y_late = y[: len(early)], y[len(early) :]
        trees = grown(early, y_early, MOST_TREES, (late, y_late))
        network = CrossNetwork.fit(sizes, rows.fields, rows.numbers, y, held_out=held, seed=seed)
        linear = Linear.fit(sizes, early, y_early)
        scores = _scores(trees, network, linear, late)
        weights = _blend(scores, y_late)
        blended = scores @ weights
        # Learned again from all rows, the parts know what is particular of a value: its shift would say it twice.
        calibration = FieldCalibration.fit(rows.names, sizes, blended, late.fields, y_late).without_shifts()
        losses = {name: _loss(scores[:, k], y_late) for k, name in enumerate(("trees", "network", "linear"))}
        losses["blend"] = _loss(blended, y_late)
        return cls(
            names=rows.names,
            sizes=sizes,
            trees=grown(rows, y, max(int(trees.best_iteration * (1 + HELD_OUT / 2)), 1)),
            network=CrossNetwork.fit(sizes, rows.fields, rows.numbers, y, epochs=network.epochs, seed=seed),
            linear=Linear.fit(sizes, rows, y),
            weights=weights,
            losses=losses,
            calibration=calibration,
        )

    def score(self, rows: AdRows) -> Floats:
        """(n,) log-odds, not calibrated."""
        found: Floats = _scores(self.trees, self.network, self.linear, rows) @ self.weights
        return found

    def predict(self, rows: AdRows) -> Floats:
        """(n,) chances in (0, 1)."""
        return self.calibration.predict(self.score(rows), rows.fields)

    def update(self, rows: AdRows, target: npt.ArrayLike) -> None:
        """Let the calibration follow what came of a day's impressions (or any part of one); once for each."""
        self.calibration.update(self.score(rows), rows.fields, np.asarray(target, np.float64))

    def to_files(self, name: str) -> dict[str, bytes]:
        """As files whose names begin with `name`: LightGBM's text, safetensors, JSON."""
        about = {
            "names": self.names, "sizes": self.sizes, "weights": self.weights.tolist(), "losses": self.losses,
            "calibration": json.loads(self.calibration.to_json()),
        }  # fmt: skip
        return {
            f"{name}_trees.txt": self.trees.model_to_string().encode(),
            f"{name}_network.safetensors": self.network.to_bytes(),
            f"{name}_linear.safetensors": self.linear.to_bytes(),
            f"{name}.json": json.dumps(about, indent=2).encode(),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], name: str) -> ClickModel:
        """From what `to_files` gave."""
        about = json.loads(files[f"{name}.json"])
        return cls(
            names=tuple(about["names"]),
            sizes=tuple(about["sizes"]),
            trees=lgb.Booster(model_str=files[f"{name}_trees.txt"].decode()),
            network=CrossNetwork.from_bytes(files[f"{name}_network.safetensors"]),
            linear=Linear.from_bytes(files[f"{name}_linear.safetensors"]),
            weights=np.array(about["weights"]),
            losses=about["losses"],
            calibration=FieldCalibration.from_json(json.dumps(about["calibration"])),
        )


def _require(sizes: tuple[int, ...], rows: AdRows, target: Floats) -> None:
    if target.shape != (len(rows),) or not ((target >= 0) & (target <= 1)).all():
        raise InputError(
            f"target of shape {target.shape}: one number from 0 to 1 for each of the {len(rows)} rows is expected."
        )
    if len(sizes) != len(rows.names):
        raise InputError(f"sizes: {len(sizes)}; one for each of the fields {', '.join(rows.names)} is expected.")
    for name, size, column in zip(rows.names, sizes, rows.fields.T, strict=True):
        if column.min() < 0 or column.max() >= size:
            raise InputError(
                f"field {name}: numbers from {column.min()} to {column.max()}; with sizes of {size}, 0 to {size - 1}."
            )


def _scores(trees: lgb.Booster, network: CrossNetwork, linear: Linear, rows: AdRows) -> Floats:
    """(n, 3) log-odds of each part."""
    # Of this objective LightGBM's raw score is the log-odds.
    grown_score = np.asarray(trees.predict(_columns(rows), raw_score=True))
    found: Floats = np.column_stack([grown_score, network.score(rows.fields, rows.numbers), linear.score(rows)])
    return np.clip(found, -15.0, 15.0)


def _blend(scores: Floats, target: Floats) -> Floats:
    """(3,) shares, of a grid of tenths, with the least loss: few, so that they do not fit noise."""
    shares = [np.array([a, b, 10 - a - b]) / 10 for a in range(11) for b in range(11 - a)]
    return min(shares, key=lambda share: _loss(scores @ share, target))


def _loss(score: Floats, target: Floats) -> float:
    said = np.clip(probability(score), 1e-12, 1 - 1e-12)
    return float(-(target * np.log(said) + (1 - target) * np.log1p(-said)).mean())
