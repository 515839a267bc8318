"""Learning what an ad is worth and judging it: who ordered, for how much, and who clicked, by what came later."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from altair.typing import ChartType

from regulars.ads.dataset import LEAST, Buyers, buyers, impressions, inputs_of
from regulars.ads.model import AdsModel
from regulars.ads.training import Trained, train
from regulars.capability import Learned
from regulars.evaluation import (
    Check,
    Metric,
    Report,
    Split,
    auroc_score,
    brier_loss,
    calibration_plot,
    compare,
    correlation_score,
    expected_calibration_error,
    gain_plot,
    histogram,
    importance_plot,
    leak_check,
    log_loss,
    metric_plot,
)

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

QUESTION = "Whose attention is worth a bid: who will order within {days} days, for how much, and who clicks?"
PROBED = 300


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn from events before `until`, with a report as of one horizon earlier."""
    horizon = shop.config.ads.horizon_days
    trained = train(shop, until, horizon)
    split = Split(trained.moments[0], horizon)
    report = _judge(shop, split, train(shop, split.as_of, horizon), until)
    about = {
        "horizon_days": horizon,
        "moments": [moment.isoformat() for moment in trained.moments],
        "customers": trained.customers,
        "ads_shown": trained.shown,
        "ads_clicked": trained.clicked,
        "behavior": {name: vars(tried) for name, tried in trained.tried.items()},
        "click_losses": None if trained.model.clicks is None else trained.model.clicks.model.losses,
        "seed": 0,
    }
    return Learned(trained.model.to_files(), about, report)


def evaluate(shop: Shop, split: Split) -> Report:
    """How good is the worth of an ad, learned before the split and judged by what came after?

    Raises
    ------
    NotEnoughError
        If the log holds too little before it.
    """
    return _judge(shop, split, train(shop, split.as_of, split.horizon_days), split.target_end)


def _judge(shop: Shop, split: Split, trained: Trained, known: datetime) -> Report:
    model = trained.model
    data = buyers(shop, [split.as_of], split.horizon_days)
    features = inputs_of(shop, data.table, model.vectors, model.names)
    chance, baseline = model.order_probability(features), trained.baseline_chance(features)
    customers = np.asarray(data.table["customer_id"].to_pylist())
    scores = {"AUROC": auroc_score, "Brier": brier_loss, "calibration error": expected_calibration_error}
    metrics = compare(scores, data.ordered, chance, baseline, customers=customers)
    margin = model.expected_margin(features)
    mean_order = float(data.margin.sum() / max(data.ordered.sum(), 1))
    metrics += compare(
        {"correlation with margin": correlation_score}, data.margin, margin, baseline * mean_order, customers=customers
    )
    clicks, notes = _clicks(shop, split, trained, known)
    metrics += clicks
    return Report(
        capability="ads",
        question=QUESTION.format(days=split.horizon_days),
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(chance),
        trained_until=split.as_of,
        model="boosted trees and a logistic model",
        baseline="recency only",
        metrics=metrics,
        primary="AUROC",
        log_version=shop.log.version,
        charts=_charts(data, model, features, chance, baseline, margin, metrics, shop.config.shop.currency),
        checks=(_leaks(shop, split, data, model),),
        notes=(
            f"Expected margin in the mean {margin.mean():.2f}, came {data.margin.mean():.2f}.",
            "These are orders with or without ads. What ads add is measured by those held out: docs/ads.md.",
            *trained.notes,
            *notes,
        ),
    )


def _clicks(shop: Shop, split: Split, trained: Trained, known: datetime) -> tuple[tuple[Metric, ...], tuple[str, ...]]:
    """How well clicks after the split were foreseen, beside the same chance for all."""
    clicks = trained.model.clicks
    if clicks is None:
        return (), ()
    later = impressions(shop, known, split.as_of)
    clicked = later.clicked.sum()
    if min(clicked, len(later.clicked) - clicked) < LEAST:
        return (), (f"{len(later.clicked):,} ads were shown after the split, {clicked:.0f} clicked: too few to judge.",)
    said = clicks.model.predict(clicks.of(shop, later))
    usual = np.full(len(said), trained.clicked / trained.shown)
    customers = np.asarray(later.table["customer_id"].to_pylist())
    scores = {
        "click log loss": log_loss,
        "click AUROC": auroc_score,
        "click calibration error": expected_calibration_error,
    }
    return compare(scores, later.clicked, said, usual, customers=customers), ()


def _charts(
    data: Buyers,
    model: AdsModel,
    features: Floats,
    chance: Floats,
    baseline: Floats,
    margin: Floats,
    metrics: tuple[Metric, ...],
    currency: str,
) -> dict[str, ChartType]:
    moved = np.abs(model.contributions(features)).mean(axis=0)
    names = [meaning(data.table, name) for name, is_named in zip(model.names, model.is_named, strict=True) if is_named]
    weight = moved[model.is_named]
    if not model.is_named.all():  # no number of a vector has a meaning of its own
        names, weight = [*names, "behaviour vector"], np.append(weight, moved[~model.is_named].sum())
    top = np.argsort(-weight)[:12]
    return {
        "Is a chance of 30 % really 30 %?": calibration_plot(data.ordered, chance),
        "How many orders come from those with the highest chance?": gain_plot(data.ordered, chance, baseline),
        "What moves the margin foreseen": importance_plot([names[k] for k in top], weight[top]),
        "How expected margin is spread over customers": histogram(margin, "Expected margin", currency),
        "The model beside the baseline": metric_plot(metrics),
    }


def meaning(table: pa.Table, name: str) -> str:
    """What a column is, in words."""
    if name not in table.column_names:
        return name
    metadata = table.schema.field(name).metadata or {}
    return str(metadata.get(b"meaning", name.encode()).decode())


def _leaks(shop: Shop, split: Split, data: Buyers, model: AdsModel) -> Check:
    """Change the future of some customers: what is said of them must stay as it is."""
    step = max(data.table.num_rows // PROBED, 1)
    pairs = data.table.select(["customer_id", "as_of"]).take(pa.array(range(0, data.table.num_rows, step)))
    events = shop.identities.events_of(shop.events, pairs)

    def compute(seen: Any) -> pa.Table:
        then = shop.holding(seen)
        features = inputs_of(then, then.tables.of("profile", pairs), model.vectors, model.names)
        return pairs.append_column("margin", pa.array(model.expected_margin(features)))

    return leak_check(compute, events, split.as_of)
