"""Who orders, for how much, and who clicks: what an ad shown to a customer is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from regulars.ads.after_click import AfterClick
from regulars.ads.clicks import Clicks
from regulars.ads.prediction.calibration import line
from regulars.behaving.vectors import FILE, VectorColumns, are_named
from regulars.errors import CorruptLogError
from regulars.logistic import Logistic, probability

Floats = npt.NDArray[np.float64]

TREES = {
    "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 40, "lambda_l2": 10.0, "feature_fraction": 0.5,
    "bagging_fraction": 0.7, "bagging_freq": 1, "verbose": -1, "seed": 0, "deterministic": True,
    "force_row_wise": True, "num_threads": 1,
}  # fmt: skip
ROUNDS = 120
FORMAT = 5
PENALTY = 0.01
FOLDS = 3
TOP = 0.995
"""What customers bring is cut at this quantile: one who bought for a year must not make the bids of all."""


@dataclass(frozen=True)
class AdsModel:
    """What customers bring, and how likely they click.

    Attributes
    ----------
    names : of the features. trees, linear : of the chance to order, in equal shares of log-odds.
    slope, level : of its calibration. margin : trees of the margin within the horizon.
    horizon_days : how far ahead.
    vectors : how its columns `behavior_0`, … come about, where it has any.
    clicks : who clicks; None where the log tells of too few.
    after_click : how much likelier an order is after a click, and after one on which creative.
    """

    names: tuple[str, ...]
    trees: lgb.Booster
    linear: Logistic
    slope: float
    level: float
    margin: lgb.Booster
    horizon_days: int
    vectors: VectorColumns | None = None
    clicks: Clicks | None = None
    after_click: AfterClick = field(default_factory=AfterClick)

    @property
    def is_named(self) -> npt.NDArray[np.bool_]:
        """(k,) which of the columns are features with a meaning in words."""
        return are_named(self.names)

    def order_probability(self, features: Floats) -> Floats:
        """(n,) chance in (0, 1) of an order within the horizon."""
        return probability(self.slope * _score(self.trees, self.linear, features) + self.level)

    def expected_margin(self, features: Floats) -> Floats:
        """(n,) margin within the horizon, 0 or more, in money."""
        return np.maximum(np.asarray(self.margin.predict(features), np.float64), 0.0)

    def contributions(self, features: Floats) -> Floats:
        """(n, k) how much each feature moves the margin foreseen (TreeSHAP), on the scale of its logarithm."""
        found: Floats = np.asarray(self.margin.predict(features, pred_contrib=True), np.float64)[:, :-1]
        return found

    def to_files(self) -> dict[str, bytes]:
        """As files: LightGBM's text, safetensors, JSON."""
        about = {
            "format": FORMAT, "names": self.names, "slope": self.slope, "level": self.level,
            "horizon_days": self.horizon_days, "after_click": asdict(self.after_click),
        }  # fmt: skip
        return {
            "order_trees.txt": self.trees.model_to_string().encode(),
            "order_linear.safetensors": self.linear.to_bytes(),
            "margin_trees.txt": self.margin.model_to_string().encode(),
            "model.json": json.dumps(about, indent=2).encode(),
            **({} if self.vectors is None else {FILE: self.vectors.to_bytes()}),
            **({} if self.clicks is None else self.clicks.to_files()),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> AdsModel:
        """From what `to_files` gave.

        Raises
        ------
        CorruptLogError
            If the model is of another version of the program.
        """
        about = json.loads(files["model.json"])
        if (given := about.get("format", 1)) != FORMAT:
            raise CorruptLogError(
                f"This model of ads is of format {given}; this version of Regulars reads format {FORMAT}. "
                "Learn anew: regulars learn ads"
            )
        return cls(
            names=tuple(about["names"]),
            trees=lgb.Booster(model_str=files["order_trees.txt"].decode()),
            linear=Logistic.from_bytes(files["order_linear.safetensors"]),
            slope=about["slope"],
            level=about["level"],
            margin=lgb.Booster(model_str=files["margin_trees.txt"].decode()),
            horizon_days=about["horizon_days"],
            after_click=AfterClick(**about["after_click"]),
            vectors=VectorColumns.from_bytes(files[FILE]) if FILE in files else None,
            clicks=Clicks.from_files(files) if "clicks.json" in files else None,
        )


def fit(
    features: Floats,
    ordered: Floats,
    margin: Floats,
    customers: Sequence[str],
    names: tuple[str, ...],
    horizon_days: int,
) -> AdsModel:
    """Fit on all rows; calibrated on rows whose customer a model of the other folds does not know.

    Parameters
    ----------
    features : (n, k), NaN where absent. ordered : (n,) 0 or 1. margin : (n,) 0 or more. customers : (n,).
    """
    _, who = np.unique(np.asarray(customers), return_inverse=True)
    fold = np.random.default_rng(0).permutation(int(who.max()) + 1)[who] % FOLDS
    score = np.empty(len(ordered))
    for held_out in range(FOLDS):
        inside, outside = fold != held_out, fold == held_out
        score[outside] = _score(*_parts(features[inside], ordered[inside]), features[outside])
    slope, level = line(score, ordered)
    trees, linear = _parts(features, ordered)
    most = float(np.quantile(margin[margin > 0], TOP))
    data = lgb.Dataset(features, np.minimum(margin, most))
    grown = lgb.train({**TREES, "objective": "tweedie", "tweedie_variance_power": 1.3}, data, ROUNDS)
    return AdsModel(names, trees, linear, slope, level, grown, horizon_days)


def _parts(features: Floats, ordered: Floats) -> tuple[lgb.Booster, Logistic]:
    grown = lgb.train({**TREES, "objective": "binary"}, lgb.Dataset(features, ordered), ROUNDS)
    return grown, Logistic.fit(features, ordered, PENALTY)


def _score(trees: lgb.Booster, linear: Logistic, features: Floats) -> Floats:
    grown = np.asarray(trees.predict(features, raw_score=True), np.float64)
    found: Floats = (grown + linear.score(features)) / 2
    return found
