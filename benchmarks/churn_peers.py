"""Churn on Online Retail as of 2011-09-10: ours beside what others do, learned from the same moments."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.report import Row
from regulars import Shop
from regulars.churn.dataset import Dataset, dataset, features_of
from regulars.churn.model import inputs_of
from regulars.churn.training import train
from regulars.config import ShopSettings
from regulars.evaluation import auroc_score, average_precision_score, brier_loss, expected_calibration_error

Floats = npt.NDArray[np.float64]

AS_OF = datetime(2011, 9, 10, tzinfo=UTC)
CASE = "online retail churn 90 d"
METRICS = {
    "auroc": ("higher", auroc_score),
    "ap": ("higher", average_precision_score),
    "brier": ("lower", brier_loss),
    "ece": ("lower", expected_calibration_error),
}
RESAMPLES = 1000


def logistic(learned: Dataset, judged: Dataset, names: list[str]) -> Floats:
    """A logistic model of the logarithms of some features."""

    def inputs(data: Dataset) -> Floats:
        return np.log1p(np.maximum(features_of(data.table, names), 0))

    model = LogisticRegression(max_iter=2000).fit(inputs(learned), learned.is_lost)
    return model.predict_proba(inputs(judged))[:, 1]


def forest(learned: Dataset, judged: Dataset) -> Floats:
    """The textbook: a random forest on purchase frequency, average order value and return rate."""

    def inputs(data: Dataset) -> Floats:
        orders, value, refunds = features_of(data.table, ["orders", "order_value_mean", "refunds"]).T
        return np.column_stack([orders, value, np.nan_to_num(refunds) / orders])

    model = RandomForestClassifier(n_estimators=300, min_samples_leaf=20, random_state=0, n_jobs=2)
    return model.fit(inputs(learned), learned.is_lost).predict_proba(inputs(judged))[:, 1]


def bench(folder: Path) -> list[Row]:
    """All from events before the as-of time; judged by the 90 days after it."""
    shop = Shop.create(folder / "shop", ShopSettings(name="Online Retail", currency="GBP", timezone="Europe/London"))
    shop.import_(Path(str(files("regulars.demo") / "online_retail.parquet")))
    trained = train(shop, AS_OF, 90)
    learned, judged = dataset(shop, trained.moments, 90), dataset(shop, [AS_OF], 90)
    assert len(judged.is_lost) == 3370, "every identified customer with an order before then"
    ours = trained.model.predict(features_of(inputs_of(shop, judged.table, trained.model), trained.model.names))
    peers = {
        "recency only": logistic(learned, judged, ["recency_days"]),
        "logistic on log rfm": logistic(learned, judged, ["recency_days", "orders", "spend"]),
        "random forest, textbook": forest(learned, judged),
    }
    rows = []
    for name, (better, metric) in METRICS.items():
        found = {peer: float(metric(judged.is_lost, risk)) for peer, risk in peers.items()}
        low, high = interval(metric, judged.is_lost, ours)
        rows.append(Row(CASE, name, better, float(metric(judged.is_lost, ours)), found, PUBLISHED.get(name, {})))
        rows.append(Row(CASE, f"{name}, lower end of 95 % interval", better, low))
        rows.append(Row(CASE, f"{name}, upper end of 95 % interval", better, high))
    return rows


PUBLISHED = {
    "auroc": {"logistic on log rfm, measured before": 0.740},
    "ap": {"logistic on log rfm, measured before": 0.635},
    "brier": {"logistic on log rfm, measured before": 0.203},
}
"""The figures that the peer had in an earlier study of the same customers, by other training moments."""


def interval(metric: object, target: Floats, risk: Floats) -> tuple[float, float]:
    """Bootstrap over customers."""
    draws = np.random.default_rng(0)
    found = []
    for _ in range(RESAMPLES):
        weight = draws.multinomial(len(target), np.full(len(target), 1 / len(target))).astype(float)
        found.append(metric(target, risk, weight))  # type: ignore[operator]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
