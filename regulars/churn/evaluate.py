"""Learning churn and judging it: train on past moments, judge as of a later one, baseline beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from altair.typing import ChartType

from regulars.capability import Learned
from regulars.churn.dataset import Dataset, dataset, features_of
from regulars.churn.model import ChurnModel, choose, fit
from regulars.errors import NotEnoughError
from regulars.evaluation import (
    Check,
    Metric,
    Report,
    Split,
    auroc_score,
    average_precision_score,
    brier_loss,
    calibration_plot,
    compare,
    cut_offs,
    expected_calibration_error,
    gain_plot,
    histogram,
    importance_plot,
    leak_check,
    metric_plot,
)
from regulars.logistic import Logistic

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

QUESTION = "Who will place no order within {days} days?"
BASELINE = "recency only"
HISTORY_DAYS = 30
"""So much log must lie before a moment from which to learn."""
PROBED = 500
"""How many customers the leak check looks at."""
WORDS = {
    "trees": "boosted trees",
    "logistic": "a logistic model",
    "both": "boosted trees and a logistic model",
}


@dataclass(frozen=True)
class Trained:
    """A model, the baseline, and how they came about."""

    model: ChurnModel
    baseline: Logistic
    moments: list[datetime]
    customers: int
    losses: dict[str, float]
    notes: tuple[str, ...]

    def baseline_risk(self, features: Floats) -> Floats:
        """(n,) risk from the days since the last order alone."""
        at = self.model.names.index("recency_days")
        return self.baseline.predict(features[:, [at]])


def train(shop: Shop, until: datetime, horizon_days: int) -> Trained:
    """Learn from moments whose outcome was known at `until`.

    Which model is used is chosen as of the newest of them, by what was known there.
    """
    settings = shop.config.churn
    first = _first_event(shop)

    def moments_before(end: datetime) -> list[datetime]:
        return cut_offs(
            first,
            end,
            horizon_days=horizon_days,
            step_days=settings.step_days,
            at_most=settings.cut_offs,
            history_days=HISTORY_DAYS,
        )

    moments = moments_before(until)
    data = dataset(shop, moments, horizon_days)
    is_newest = np.array([moment == moments[0] for moment in data.table["as_of"].to_pylist()])
    choice, penalty = "both", 0.003
    losses: dict[str, float] = {}
    notes: tuple[str, ...] = ()
    try:
        earlier = dataset(shop, moments_before(moments[0]), horizon_days)
    except NotEnoughError:
        notes = (
            f"The log before {moments[0]:%Y-%m-%d} is too short to choose a model by a later outcome: "
            "both are used, at equal shares.",
        )
    else:
        newest = data.where(is_newest)
        later = features_of(newest.table, earlier.names)
        choice, penalty, losses = choose(earlier.features, earlier.is_lost, later, newest.is_lost)
    customers = data.table["customer_id"].to_pylist()
    model = fit(data.features, data.is_lost, customers, data.names, choice, penalty)
    recency = data.features[:, [data.names.index("recency_days")]]
    baseline = Logistic.fit(recency, data.is_lost, penalty=1.0)
    return Trained(model, baseline, moments, len(set(customers)), losses, notes)


def _first_event(shop: Shop) -> datetime:
    first: datetime | None = shop.engine.to_arrow(shop.events.time.min()).as_py()
    if first is None:
        raise NotEnoughError("churn: the log is empty. Import a file: regulars import FILE")
    return first


def evaluate(shop: Shop, split: Split) -> Report:
    """How good is the risk, learned before the split and judged by what came after?

    Raises
    ------
    NotEnoughError
        If the log ends before the target window does, or holds too little before it.
    """
    return _judge(shop, split, train(shop, _known_until(shop, split), split.horizon_days))


def _known_until(shop: Shop, split: Split) -> datetime:
    newest = shop.now
    if newest < split.target_end:
        raise NotEnoughError(
            f"churn: who left in the {split.horizon_days} days after {split.as_of:%Y-%m-%d} is known on "
            f"{split.target_end:%Y-%m-%d}, and the log ends on {newest:%Y-%m-%d}. Choose an earlier as-of time, "
            "or a shorter horizon."
        )
    return split.as_of


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn the risk from events before `until`, with a report as of one horizon earlier."""
    horizon = shop.config.churn.horizon_days
    trained = train(shop, until, horizon)
    split = Split(trained.moments[0], horizon)
    report = _judge(shop, split, train(shop, split.as_of, horizon))
    about = {
        "horizon_days": horizon,
        "moments": [moment.isoformat() for moment in trained.moments],
        "customers": trained.customers,
        "choice": trained.model.choice,
        "validation_log_loss": trained.losses,
        "seed": 0,
    }
    return Learned(trained.model.to_files(), about, report)


def _judge(shop: Shop, split: Split, trained: Trained) -> Report:
    data = dataset(shop, [split.as_of], split.horizon_days)
    features = features_of(data.table, trained.model.names)
    risk, baseline = trained.model.predict(features), trained.baseline_risk(features)
    metrics = compare(
        {
            "AUROC": auroc_score,
            "average precision": average_precision_score,
            "Brier": brier_loss,
            "calibration error": expected_calibration_error,
        },
        data.is_lost,
        risk,
        baseline,
        customers=np.asarray(data.table["customer_id"].to_pylist()),
    )
    level = f"On average the model expected {risk.mean():.1%} to leave; {data.is_lost.mean():.1%} did."
    if abs(risk.mean() - data.is_lost.mean()) > 0.05:
        level += " The level moves with the season: rely on the order of customers more than on it."
    return Report(
        capability="churn",
        question=QUESTION.format(days=split.horizon_days),
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(risk),
        trained_until=split.as_of,
        model=WORDS[trained.model.choice],
        baseline=BASELINE,
        metrics=metrics,
        primary="AUROC",
        log_version=shop.log.version,
        charts=_charts(data, trained.model, features, risk, baseline, metrics),
        checks=(_leaks(shop, split, data),),
        notes=(level, *trained.notes),
    )


def _charts(
    data: Dataset,
    model: ChurnModel,
    features: Floats,
    risk: Floats,
    baseline: Floats,
    metrics: tuple[Metric, ...],
) -> dict[str, ChartType]:
    weight = np.abs(model.contributions(features)).mean(axis=0)
    top = np.argsort(-weight)[:12]
    meanings = {name: _meaning(data.table.schema, name) for name in model.names}
    return {
        "Is a risk of 30 % really 30 %?": calibration_plot(data.is_lost, risk),
        "How many of the lost are found by contacting the riskiest?": gain_plot(data.is_lost, risk, baseline),
        "What moves the risk": importance_plot([meanings[model.names[k]] for k in top], weight[top]),
        "How risk is spread over customers": histogram(risk, "Risk of leaving", "probability"),
        "The model beside the baseline": metric_plot(metrics),
    }


def _meaning(schema: pa.Schema, name: str) -> str:
    if name not in schema.names:
        return name
    metadata = schema.field(name).metadata or {}
    return str(metadata.get(b"meaning", name.encode()).decode())


def _leaks(shop: Shop, split: Split, data: Dataset) -> Check:
    """Change the future of some customers: their features must stay as they are."""
    step = max(data.table.num_rows // PROBED, 1)
    pairs = data.table.select(["customer_id", "as_of"]).take(pa.array(range(0, data.table.num_rows, step)))
    events = shop.identities.events_of(shop.events, pairs)

    def compute(seen: object) -> pa.Table:
        return shop.with_events(seen).tables.of("profile", pairs)

    return leak_check(compute, events, split.as_of)
