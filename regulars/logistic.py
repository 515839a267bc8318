"""Logistic regression on the features of customers, of which some are absent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """Features as inputs of a model: log-scaled (the sign is kept), standardised; an absent value is the median, and
    said so.

    Examples
    --------
    >>> days = np.array([[0.0], [np.nan], [np.e - 1]])
    >>> Scaling.of(days).inputs(days).round(2).tolist()
    [[-1.22, 0.0], [0.0, 1.0], [1.22, 0.0]]

    Attributes
    ----------
    median, mean, scale : (k,) of the log-scaled features.
    often_absent : (k,) 1 for features whose absence is a feature of its own.
    """

    median: Floats
    mean: Floats
    scale: Floats
    often_absent: Floats

    @staticmethod
    def of(features: Floats) -> Scaling:
        """Fitted to the features (n, k) of which it will be asked, NaN where absent."""
        scaled = _log_scale(features)
        is_absent = np.isnan(scaled)
        seen = ~is_absent.all(axis=0)
        median = np.zeros(scaled.shape[1])
        median[seen] = np.nanmedian(scaled[:, seen], axis=0)
        filled = np.where(is_absent, median, scaled)
        scale = filled.std(axis=0)
        return Scaling(
            median=median,
            mean=filled.mean(axis=0),
            scale=np.where(scale > 1e-9, scale, 1.0),
            often_absent=(is_absent.mean(axis=0) > 0.01).astype(float),
        )

    def inputs(self, features: Floats) -> Floats:
        """(n, k) features as the (n, k + number often absent) inputs of a model."""
        scaled = _log_scale(features)
        is_absent = np.isnan(scaled)
        # Clipped: one wild value must not outweigh all else that is known of a customer.
        standard = np.clip((np.where(is_absent, self.median, scaled) - self.mean) / self.scale, -5, 5)
        return np.hstack([standard, is_absent[:, self.often_absent > 0]])


@dataclass(frozen=True)
class Logistic(Scaling):
    """Logistic regression on features that are scaled (see `Scaling`).

    Examples
    --------
    >>> days = np.array([[1.0], [2.0], [3.0], [40.0], [50.0], [60.0]])
    >>> model = Logistic.fit(days, np.array([0.0, 0, 0, 1, 1, 1]), penalty=1.0)
    >>> (model.predict(days) > 0.5).tolist()
    [False, False, False, True, True, True]

    Attributes
    ----------
    weights : (k + number often absent,); bias : (1,).
    """

    weights: Floats
    bias: Floats

    @classmethod
    def fit(cls, features: Floats, target: Floats, penalty: float) -> Logistic:
        """Fit by maximum penalised likelihood (scikit-learn's lbfgs)."""
        scaling = Scaling.of(features)
        inputs = scaling.inputs(features)
        # The steps are many and small: several threads would wait for each other.
        with threadpool_limits(1, "blas"):
            model = LogisticRegression(C=penalty, max_iter=2000).fit(inputs, target)
        return cls(**vars(scaling), weights=model.coef_[0], bias=model.intercept_)

    def score(self, features: Floats) -> Floats:
        """(n,) log-odds."""
        found: Floats = self.inputs(features) @ self.weights + self.bias[0]
        return found

    def contributions(self, features: Floats) -> Floats:
        """(n, k) log-odds that each feature, its absence included, adds to the bias."""
        terms = self.inputs(features) * self.weights
        count = len(self.median)
        found: Floats = terms[:, :count].copy()
        found[:, self.often_absent > 0] += terms[:, count:]
        return found

    def predict(self, features: Floats) -> Floats:
        """(n,) probability in (0, 1)."""
        return probability(self.score(features))

    def to_bytes(self) -> bytes:
        """As safetensors."""
        return save({name: np.ascontiguousarray(part) for name, part in vars(self).items()})

    @classmethod
    def from_bytes(cls, data: bytes) -> Logistic:
        """From what `to_bytes` gave."""
        return cls(**load(data))


def probability(log_odds: Floats) -> Floats:
    """Of log-odds.

    >>> probability(np.array([0.0])).tolist()
    [0.5]
    """
    found: Floats = np.exp(-np.logaddexp(0.0, -log_odds))
    return found


def _log_scale(features: Floats) -> Floats:
    found: Floats = np.sign(features) * np.log1p(np.abs(features))
    return found
