"""Boosted trees as churn grows them: small, strongly regularised, and the same byte for byte."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import lightgbm as lgb

from regulars.churn.btyd.history import Floats

ALWAYS = {
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "verbose": -1,
    # The same data and seed must give the same model, byte for byte.
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # more spin against each other where cores are busy
}


@dataclass(frozen=True)
class Trees:
    """How to grow; names are LightGBM's.

    Attributes
    ----------
    rounds : trees.
    """

    objective: str
    rounds: int
    learning_rate: float
    num_leaves: int
    min_data_in_leaf: int
    feature_fraction: float = 0.5

    def grow(self, inputs: Floats, target: Floats, begin: Floats | None = None) -> lgb.Booster:
        """From inputs (n, k), NaN where absent; `begin` (n,) are scores that the trees are added to."""
        settings = {name: value for name, value in asdict(self).items() if name != "rounds"}
        return lgb.train({**settings, **ALWAYS}, lgb.Dataset(inputs, target, init_score=begin), self.rounds)
