"""Learning churn and judging it: train on past moments, judge as of a later one, baseline beside."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from altair.typing import ChartType

from regulars.capability import Learned
from regulars.churn import amounts
from regulars.churn.charts import cohort_plot, decile_plot, survival_plot
from regulars.churn.cohorts import retention
from regulars.churn.dataset import Dataset, dataset, features_of
from regulars.churn.detail import gates, missed, rounds_table
from regulars.churn.model import ChurnModel, inputs_of
from regulars.churn.subscriptions import subscription_report
from regulars.churn.training import Trained, train, trained
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
    expected_calibration_error,
    gain_plot,
    histogram,
    importance_plot,
    leak_check,
    metric_plot,
)

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

QUESTION = "Who will place no order within {days} days?"
BASELINE = "recency only"
PROBED = 500
"""How many customers the leak check looks at."""
VECTOR = "behaviour vector"
WORDS = {
    "trees": "boosted trees",
    "logistic": "a logistic model",
    "both": "boosted trees and a logistic model",
}


def evaluate(shop: Shop, split: Split) -> Report:
    """How good is the risk, learned before the split and judged by what came after?

    Raises
    ------
    NotEnoughError
        If the log holds too little before it.
    """
    return _judge(shop, split, trained(shop, split.as_of, split.horizon_days))


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn the risk from events before `until`, with a report as of one horizon earlier."""
    horizon = shop.config.churn.horizon_days
    learned = trained(shop, until, horizon)
    split = Split(learned.moments[0], horizon)
    # Judged is what is kept, also where vectors could be chosen by no moment before the split's.
    report = _judge(shop, split, train(shop, split.as_of, horizon, learned.tried))
    about = {
        "horizon_days": horizon,
        "moments": [moment.isoformat() for moment in learned.moments],
        "customers": learned.customers,
        "choice": learned.model.choice,
        "validation_log_loss": learned.chosen.losses,
        "value": learned.chosen.value,
        "seed": 0,
    }
    if learned.tried is not None:
        about["behavior"] = vars(learned.tried)
    return Learned(learned.model.to_files(), about, report)


def _judge(shop: Shop, split: Split, trained: Trained) -> Report:
    data = dataset(shop, [split.as_of], split.horizon_days)
    inputs = inputs_of(shop, data.table, trained.model)
    features = features_of(inputs, trained.model.names)
    risk, baseline = trained.model.predict(features), trained.baseline_risk(features)
    customers = np.asarray(data.table["customer_id"].to_pylist())
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
        customers=customers,
    )
    notes = trained.notes
    if trained.other is not None:
        others = trained.other.predict(features_of(inputs_of(shop, data.table, trained.other), trained.other.names))
        word = "without" if trained.other.vectors is None else "with"
        scores = {f"AUROC {word} vectors": auroc_score, f"Brier {word} vectors": brier_loss}
        metrics += compare(scores, data.is_lost, others, baseline, customers=customers)
        with_, without = (others, risk) if trained.model.vectors is None else (risk, others)
        (gain,) = compare({"AUROC": auroc_score}, data.is_lost, with_, without, customers=customers)
        notes += (
            f"As of {split.as_of:%Y-%m-%d}: AUROC {gain.value:.3f} with vectors, {gain.baseline:.3f} without "
            f"(difference {gain.difference_low:+.3f} to {gain.difference_high:+.3f} at 95 %).",
        )
    level = f"On average the model expected {risk.mean():.1%} to leave; {data.is_lost.mean():.1%} did."
    if abs(risk.mean() - data.is_lost.mean()) > 0.05:
        level += " The level moves with the season: rely on the order of customers more than on it."
    charts = _charts(data.is_lost, inputs.schema, trained.model, features, risk, baseline, metrics)
    outlook = trained.model.outlook
    if outlook is not None:
        metrics += amounts.judged(data, inputs, outlook, risk, customers, split.horizon_days)
        charts |= _outlook_charts(shop, split, data, inputs, trained.model, risk)
    limits = gates(metrics)
    tables = {"Which limits the figures keep": limits}
    if trained.chosen.judged:
        tables["Back-tests: what was said at past moments, and how good it was"] = rounds_table(trained.chosen)
    notes += missed(limits)
    drawn, listed, said = subscription_report(shop, split)
    charts |= drawn
    tables |= listed
    notes += said
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
        charts=charts,
        tables=tables,
        checks=(_leaks(shop, split, data, trained),),
        notes=(level, *notes),
    )


def _charts(
    is_lost: Floats,
    schema: pa.Schema,
    model: ChurnModel,
    features: Floats,
    risk: Floats,
    baseline: Floats,
    metrics: tuple[Metric, ...],
) -> dict[str, ChartType]:
    moved, names = model.contributions(features), np.array(model.names)
    if not model.is_named.all():
        # The numbers of a vector mean something together only.
        of_vector = moved[:, ~model.is_named].sum(axis=1, keepdims=True)
        moved, names = np.hstack([moved[:, model.is_named], of_vector]), np.append(names[model.is_named], VECTOR)
    weight = np.abs(moved).mean(axis=0)
    top = np.argsort(-weight)[:12]
    return {
        "Is a risk of 30 % really 30 %?": calibration_plot(is_lost, risk),
        "How many of the lost are found by contacting the riskiest?": gain_plot(is_lost, risk, baseline),
        "What moves the risk": importance_plot([_meaning(schema, names[k]) for k in top], weight[top]),
        "How risk is spread over customers": histogram(risk, "Risk of leaving", "probability"),
        "The model beside the baseline": metric_plot(metrics),
    }


def _outlook_charts(
    shop: Shop, split: Split, data: Dataset, inputs: pa.Table, model: ChurnModel, risk: Floats
) -> dict[str, ChartType]:
    outlook = model.outlook
    if outlook is None:
        return {}
    survival = outlook.survival(inputs, risk)
    found = {"When the next order comes": survival_plot(survival, data.later.wait, risk, split.horizon_days)}
    said = outlook.margin(inputs, risk)
    if said is not None:
        found["Does each tenth bring what was foreseen?"] = decile_plot(said, data.later.margin)
    shares, months = retention(shop, split.as_of)
    if months:
        found["Who comes back, by the month of the first order"] = cohort_plot(shares, months)
    return found


def _meaning(schema: pa.Schema, name: str) -> str:
    if name not in schema.names:
        return name
    metadata = schema.field(name).metadata or {}
    return str(metadata.get(b"meaning", name.encode()).decode())


def _leaks(shop: Shop, split: Split, data: Dataset, trained: Trained) -> Check:
    """Change the future of some customers: their features must stay as they are, and their vectors."""
    step = max(data.table.num_rows // PROBED, 1)
    pairs = data.table.select(["customer_id", "as_of"]).take(pa.array(range(0, data.table.num_rows, step)))
    events = shop.identities.events_of(shop.events, pairs)

    def compute(seen: object) -> pa.Table:
        changed = shop.holding(seen)
        return inputs_of(changed, changed.tables.of("profile", pairs), trained.model)

    return leak_check(compute, events, split.as_of)
