"""Learning churn and judging it: train on past moments, judge as of a later one, baseline beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from altair.typing import ChartType

from regulars.capability import Learned
from regulars.churn.dataset import Dataset, dataset, features_of
from regulars.churn.model import ChurnModel, choose, fit, inputs_of
from regulars.churn.rhythm import Rhythm
from regulars.churn.vectors import VectorColumns, model_before, vectors, with_columns
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
VECTOR = "behaviour vector"
WORDS = {
    "trees": "boosted trees",
    "logistic": "a logistic model",
    "both": "boosted trees and a logistic model",
}


@dataclass(frozen=True)
class Tried:
    """Whether vectors of a behaviour model help, by the smallest log loss at a later moment with them and without.

    Attributes
    ----------
    version, is_earlier : which behaviour model.
    """

    version: int
    is_earlier: bool
    with_vectors: float
    without: float

    @property
    def help(self) -> bool:
        """Whether the loss is smaller with them."""
        return self.with_vectors < self.without

    def __str__(self) -> str:
        found = f"log loss {self.with_vectors:.4f} with them, {self.without:.4f} without, by a later outcome"
        if self.help:
            return f"Vectors of behaviour model {self.version} are used beside the features: {found}."
        return f"Vectors of behaviour model {self.version} are left out, for they do not help: {found}."


@dataclass(frozen=True)
class Trained:
    """A model, the baseline, and how they came about.

    Attributes
    ----------
    tried : whether behaviour vectors help; None if no behaviour model is old enough to learn from.
    other : then the model that is not used: without vectors if `model` has them, else with them.
    """

    model: ChurnModel
    baseline: Logistic
    moments: list[datetime]
    customers: int
    losses: dict[str, float]
    notes: tuple[str, ...]
    tried: Tried | None = None
    other: ChurnModel | None = None

    def baseline_risk(self, features: Floats) -> Floats:
        """(n,) risk from the days since the last order alone."""
        at = self.model.names.index("recency_days")
        return self.baseline.predict(features[:, [at]])


def train(shop: Shop, until: datetime, horizon_days: int, tried: Tried | None = None) -> Trained:
    """Learn from moments whose outcome was known at `until`.

    Which model is used is chosen as of the newest of them, by what was known there; so is whether behaviour vectors
    are used, unless `tried` says it.
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
    is_newest = _newest(data, moments)
    rhythm = Rhythm.of(data.where(is_newest).table, horizon_days)
    choice, penalty = "both", 0.003
    losses: dict[str, float] = {}
    notes: tuple[str, ...] = ()
    beside: tuple[str, float] | None = None
    try:
        moments_earlier = moments_before(moments[0])
        earlier = dataset(shop, moments_earlier, horizon_days)
        rhythm_earlier = Rhythm.of(earlier.where(_newest(earlier, moments_earlier)).table, horizon_days)
    except NotEnoughError:
        notes = (
            f"The log before {moments[0]:%Y-%m-%d} is too short to choose a model by a later outcome: "
            "both are used, at equal shares.",
        )
    else:
        earlier, newest = rhythm_earlier.widened(earlier), rhythm_earlier.widened(data.where(is_newest))
        later = features_of(newest.table, earlier.names)
        choice, penalty, losses = choose(earlier.features, earlier.is_lost, later, newest.is_lost)
        if tried is None:
            tried, beside = _try_vectors(shop, earlier, newest, min(losses.values()))
    customers = data.table["customer_id"].to_pylist()
    data = rhythm.widened(data)
    model = fit(data.features, data.is_lost, customers, data.names, choice, penalty)
    other = None
    if tried is not None:
        other = _fit_with_vectors(shop, data, tried, *(beside or (choice, penalty)))
        other = replace(other, rhythm=rhythm)
        if tried.help:
            model, other = other, replace(model, rhythm=rhythm)
        notes += (str(tried),)
    recency = data.features[:, [data.names.index("recency_days")]]
    baseline = Logistic.fit(recency, data.is_lost, penalty=1.0)
    model = replace(model, rhythm=rhythm)
    return Trained(model, baseline, moments, len(set(customers)), losses, notes, tried, other)


def _try_vectors(
    shop: Shop, earlier: Dataset, newest: Dataset, without: float
) -> tuple[Tried | None, tuple[str, float] | None]:
    """Whether vectors help, with the choice and penalty that go with them; of no model old enough nothing is said."""
    kept = model_before(shop, min(earlier.table["as_of"].to_pylist()))
    if kept is None:
        return None, None
    known = vectors(shop, earlier.table, kept.version, kept.is_earlier)
    columns = VectorColumns.of(kept.version, kept.is_earlier, known)
    later = features_of(with_columns(shop, newest.table, columns), [*earlier.names, *columns.names])
    choice, penalty, losses = choose(
        np.hstack([earlier.features, columns(known)]), earlier.is_lost, later, newest.is_lost
    )
    return Tried(kept.version, kept.is_earlier, min(losses.values()), without), (choice, penalty)


def _fit_with_vectors(shop: Shop, data: Dataset, tried: Tried, choice: str, penalty: float) -> ChurnModel:
    known = vectors(shop, data.table, tried.version, tried.is_earlier)
    columns = VectorColumns.of(tried.version, tried.is_earlier, known)
    features = np.hstack([data.features, columns(known)])
    customers = data.table["customer_id"].to_pylist()
    model = fit(features, data.is_lost, customers, [*data.names, *columns.names], choice, penalty)
    return replace(model, vectors=columns)


def _newest(data: Dataset, moments: list[datetime]) -> npt.NDArray[np.bool_]:
    return np.array([moment == moments[0] for moment in data.table["as_of"].to_pylist()])


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
    # Judged is what is kept, also where vectors could be chosen by no moment before the split's.
    report = _judge(shop, split, train(shop, split.as_of, horizon, trained.tried))
    about = {
        "horizon_days": horizon,
        "moments": [moment.isoformat() for moment in trained.moments],
        "customers": trained.customers,
        "choice": trained.model.choice,
        "validation_log_loss": trained.losses,
        "seed": 0,
    }
    if trained.tried is not None:
        about["behavior"] = vars(trained.tried)
    return Learned(trained.model.to_files(), about, report)


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
        charts=_charts(data.is_lost, inputs.schema, trained.model, features, risk, baseline, metrics),
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
        changed = shop.with_events(seen)
        return inputs_of(changed, changed.tables.of("profile", pairs), trained.model)

    return leak_check(compute, events, split.as_of)
