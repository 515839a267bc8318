"""How many orders will come of each customer: three views of it, and the mean of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
from safetensors.numpy import load, save
from sklearn.linear_model import PoissonRegressor
from threadpoolctl import threadpool_limits

from regulars.churn.btyd.history import Floats
from regulars.churn.growing import Trees

TREES = Trees("poisson", rounds=150, learning_rate=0.06, num_leaves=7, min_data_in_leaf=200)
PENALTY = 0.003
LEAST = 1e-4
"""Orders: fewer are expected of nobody, for their logarithm is an input."""
HISTORY = (
    "orders", "orders_30d", "orders_60d", "orders_90d", "recency_days", "tenure_days", "gap_mean_days",
    "gap_last_days", "alive", "order_value_mean", "order_value_last",
)  # fmt: skip
"""Features that the log-linear model has: it cannot leave out what says little, and goes on beyond all it has seen."""
ARRAYS = ("middle", "mean", "scale", "weights")
FILES = ("orders_over.txt", "orders_rate.txt", "orders.safetensors")


@dataclass(frozen=True)
class OrderForecast:
    """Orders to come within a horizon, which may be longer than any that was learned from.

    The geometric mean of three: boosted trees that correct what a buy-till-you-die model expects, boosted trees of the
    rate, and a log-linear model. Trees know what the model cannot, as baskets and prices; the other two go on where
    trees stop: customers become older, and horizons longer, than any that were seen.

    Attributes
    ----------
    names : of the features, in the order of the columns.
    over, rate : trees for the logarithm of orders, over what was expected and over the length of the horizon.
    level : of `rate`: logarithm of orders a day.
    middle, mean, scale, weights : of the inputs of the log-linear model; the last weight is of 1.
    """

    names: tuple[str, ...]
    over: lgb.Booster
    rate: lgb.Booster
    level: float
    middle: Floats
    mean: Floats
    scale: Floats
    weights: Floats

    @classmethod
    def fit(cls, names: Sequence[str], features: Floats, said: Said, orders: Floats) -> OrderForecast:
        """From what was known of customers, and what came.

        Parameters
        ----------
        features : (n, k), NaN where absent.
        said : by a buy-till-you-die model of each row's moment.
        orders : (n,) that came.
        """
        inputs = np.column_stack([features, said.log_rate])
        level = float(np.log(orders.sum() / said.horizon.sum()))
        history = _history(names, features)
        middle = np.nan_to_num(np.nanmedian(history, axis=0))
        linear = _linear_inputs(history, middle, said)
        mean, scale = linear.mean(axis=0), linear.std(axis=0)
        scale = np.where(scale > 1e-9, scale, 1.0)
        model = PoissonRegressor(alpha=PENALTY, max_iter=1000)
        with threadpool_limits(1, "blas"):
            model.fit((linear - mean) / scale, orders / said.horizon, sample_weight=said.horizon)
        return cls(
            names=tuple(names),
            over=TREES.grow(inputs, orders, np.log(said.horizon) + said.log_rate),
            rate=TREES.grow(inputs, orders, np.log(said.horizon) + level),
            level=level,
            middle=middle,
            mean=mean,
            scale=scale,
            weights=np.append(model.coef_, model.intercept_),
        )

    def predict(self, features: Floats, said: Said) -> Floats:
        """(n,) orders within each row's horizon."""
        inputs = np.column_stack([features, said.log_rate])
        linear = (_linear_inputs(_history(self.names, features), self.middle, said) - self.mean) / self.scale
        rates = (
            said.log_rate + np.asarray(self.over.predict(inputs, raw_score=True)),
            self.level + np.asarray(self.rate.predict(inputs, raw_score=True)),
            linear @ self.weights[:-1] + self.weights[-1],
        )
        # Nobody is taken to order more than once a day.
        found: Floats = said.horizon * np.exp(np.minimum(sum(rates) / len(rates), 0.0))
        return found

    def to_files(self) -> dict[str, bytes]:
        """LightGBM's text, and safetensors."""
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in ARRAYS}
        trees = (self.over.model_to_string().encode(), self.rate.model_to_string().encode())
        return dict(zip(FILES, (*trees, save({**arrays, "level": np.array([self.level])})), strict=True))

    @classmethod
    def from_files(cls, names: Sequence[str], files: Mapping[str, bytes]) -> OrderForecast:
        """From what `to_files` gave."""
        over, rate, arrays = (files[name] for name in FILES)
        saved = load(arrays)
        return cls(
            tuple(names),
            lgb.Booster(model_str=over.decode()),
            lgb.Booster(model_str=rate.decode()),
            float(saved["level"][0]),
            **{name: saved[name] for name in ARRAYS},
        )


class Said(NamedTuple):
    """What a buy-till-you-die model says of customers.

    Attributes
    ----------
    orders : (n,) expected within the horizon. rate : (n,) orders a day of each as long as it stays.
    horizon : (n,) days.
    """

    orders: Floats
    rate: Floats
    horizon: Floats

    @property
    def log_rate(self) -> Floats:
        """(n,) logarithm of the orders a day that are expected over the horizon."""
        found: Floats = np.log(np.maximum(self.orders, LEAST) / self.horizon)
        return found


def _history(names: Sequence[str], features: Floats) -> Floats:
    at = [list(names).index(name) for name in HISTORY if name in names]
    found: Floats = np.log1p(np.maximum(features[:, at], 0.0))
    return found


def _linear_inputs(history: Floats, middle: Floats, said: Said) -> Floats:
    absent = np.isnan(history)
    return np.column_stack(
        [np.where(absent, middle, history), absent.any(axis=1), np.log(np.maximum(said.rate, 1e-9)), said.log_rate]
    )
