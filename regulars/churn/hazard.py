"""When will the next order come: for each customer a curve over the days ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from regulars.churn.btyd.history import Floats
from regulars.churn.growing import Trees

TREES = Trees("binary", rounds=80, learning_rate=0.08, num_leaves=15, min_data_in_leaf=200)
PARTS = 10
"""Of a horizon, all of equal length: in each of them the next order may come."""
MOST = 200_000
"""Rows, a customer in a part being one, that are learned from."""
LARGE = 0.2
"""A smaller drop of the chance to order from one part to the next is no reason to wait for it."""
FILE = "hazard.txt"


@dataclass(frozen=True)
class Hazard:
    """The chance to order in each part of the horizon, of who has not ordered before it.

    Attributes
    ----------
    names : of the features.
    horizon_days : how far ahead it looks, in `PARTS` equal parts.

    Source
    ------
    Singer and Willett (1993), It's About Time: Using Discrete-Time Survival Analysis to Study Duration and the Timing
    of Events, with boosted trees for the logistic regression. What moves with time is an input too: how long the last
    order will lie back when the part begins, also in multiples of the customer's usual pause.
    """

    names: tuple[str, ...]
    horizon_days: float
    trees: lgb.Booster

    @classmethod
    def fit(cls, names: Sequence[str], features: Floats, wait: Floats, horizon_days: float) -> Hazard:
        """From customers (n, k) and the days (n,) until their next order, infinite where none came in time."""
        names = tuple(names)
        edges = np.linspace(0, horizon_days, PARTS + 1)
        inputs, came = [], []
        keep = np.random.default_rng(0).permutation(len(features))[: max(MOST // PARTS, 1)]
        features, wait = features[np.sort(keep)], wait[np.sort(keep)]
        for part in range(PARTS):
            waits = wait >= edges[part]
            inputs.append(_inputs(names, features[waits], edges[part], part))
            came.append(wait[waits] < edges[part + 1])
        trees = TREES.grow(np.vstack(inputs), np.concatenate(came).astype(float))
        return cls(names, float(horizon_days), trees)

    def survival(self, features: Floats, risk: Floats) -> Floats:
        """(n, PARTS) the chance that no order has come by the end of each part.

        Parameters
        ----------
        risk : (n,) of no order in the whole horizon: where the curve must end. What it is bent by is the same for all
            parts, as by a proportional hazard.
        """
        edges = np.linspace(0, self.horizon_days, PARTS + 1)
        logs = np.empty((len(features), PARTS))
        for part in range(PARTS):
            chance = np.asarray(self.trees.predict(_inputs(self.names, features, edges[part], part)))
            logs[:, part] = np.log1p(-np.clip(chance, 1e-6, 1 - 1e-6))
        curve = np.cumsum(logs, axis=1)
        found: Floats = np.exp(curve * (np.log(np.clip(risk, 1e-9, 1 - 1e-9)) / curve[:, -1])[:, None])
        return found

    def days_until(self, survival: Floats, share: float) -> Floats:
        """(n,) days until the next order has come with a chance of `share`; NaN where it is not reached.

        >>> curve = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]])
        >>> Hazard((), 100.0, None).days_until(curve, 0.5).tolist()
        [50.0]
        """
        begun = np.column_stack([np.ones(len(survival)), survival])
        has_come = begun <= 1 - share + 1e-12
        at = has_come.argmax(axis=1)
        row = np.arange(len(begun))
        before, after = begun[row, at - 1], begun[row, at]
        inside = np.where(before > after, (before - (1 - share)) / np.maximum(before - after, 1e-12), 1.0)
        found: Floats = np.where(has_come.any(axis=1), (at - 1 + inside) * self.horizon_days / PARTS, np.nan)
        return found

    def best_day(self, survival: Floats) -> npt.NDArray[np.int64]:
        """(n,) in how many days to contact: right before who has not come becomes much less likely to come.

        Of all parts the one whose end brings the largest drop in the chance to order, for the share of customers who
        have not ordered by then; 0, today, where the chance only falls or only rises.

        >>> rises_then_falls = np.array([[0.95, 0.85, 0.65, 0.6, 0.58, 0.57, 0.56, 0.55, 0.54, 0.53]])
        >>> Hazard((), 100.0, None).best_day(rises_then_falls).tolist()
        [30]
        """
        begun = np.column_stack([np.ones(len(survival)), survival])
        chance = 1 - begun[:, 1:] / np.maximum(begun[:, :-1], 1e-12)
        drop = (chance[:, :-1] - chance[:, 1:]) * begun[:, 1:-1]
        part = drop.argmax(axis=1)
        peak = np.maximum.accumulate(chance, axis=1)[:, :-1]
        row = np.arange(len(part))
        # A drop counts as an end of waiting only where it is a large part of a chance about as high as it has been.
        is_large = chance[row, part] - chance[row, part + 1] >= LARGE * chance[row, part]
        is_end = is_large & (chance[row, part] >= 0.8 * peak[row, part]) & (part > 0)
        still_rises = chance.argmax(axis=1) == PARTS - 1
        end = np.where(is_end, part + 1, np.where(still_rises, PARTS, 0))
        return np.round(end * self.horizon_days / PARTS).astype(np.int64)

    def to_files(self) -> dict[str, bytes]:
        """LightGBM's text."""
        return {FILE: self.trees.model_to_string().encode()}

    @classmethod
    def from_files(cls, names: Sequence[str], horizon_days: float, files: Mapping[str, bytes]) -> Hazard:
        """From what `to_files` gave."""
        return cls(tuple(names), float(horizon_days), lgb.Booster(model_str=files[FILE].decode()))


def _inputs(names: tuple[str, ...], features: Floats, ahead: float, part: int) -> Floats:
    since = features[:, names.index("recency_days")] + ahead
    usual = features[:, names.index("gap_mean_days")] if "gap_mean_days" in names else np.full(len(features), np.nan)
    return np.column_stack([features, np.full(len(features), part), since, since / np.maximum(usual, 1.0)])
