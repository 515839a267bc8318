"""Learning fraud and judging it: learn before a moment, judge attempts after it, the simplest way beside."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from altair.typing import ChartType

from regulars.capability import Learned
from regulars.clock import micros, moment_of
from regulars.errors import NotEnoughError
from regulars.evaluation import (
    Check,
    Metric,
    Report,
    Split,
    Table,
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
from regulars.evaluation.ties import tied
from regulars.fraud.attempts import Attempts, attempts
from regulars.fraud.costs import curve, curve_plot
from regulars.fraud.dataset import Dataset, dataset
from regulars.fraud.features.words import meaning
from regulars.fraud.model import FraudModel
from regulars.fraud.played import WAYS, play
from regulars.fraud.stream import Ints
from regulars.fraud.surprise import surprised
from regulars.fraud.training import Trained, train

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

QUESTION = "Which attempts are fraud?"
DAY = 86_400_000_000
LEARNED_SHARE = 0.7
"""Share of the attempts of known outcome that the report's model learns from; it is judged by those after."""
LOOKED_AT = 0.01
"""Share of the attempts that people look at, for the metric of what they find."""
PROBED = 500
LEAST_OF_EACH = 5
"""So many frauds and so many honest attempts must be among those judged."""


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn from attempts before `until`; the report is of a model that learned from the first of them."""
    found = surprised(shop, attempts(shop, until))
    trained = train(found, shop.config.shop.timezone)
    split = split_of(found, until)
    past = surprised(shop, attempts(shop, split.as_of))
    report = _judge(shop, split, found, train(past, shop.config.shop.timezone))
    model = trained.model
    about = {
        "attempts": len(trained.data.places),
        "frauds": int((trained.data.label == 1).sum()),
        "is_taught": model.is_taught,
        "base_rate": model.base_rate,
        "columns": list(model.columns),
        "calibration": [model.slope, model.intercept],
        "seed": 0,
    }
    return Learned(model.to_files(), about, report)


def evaluate(shop: Shop, split: Split) -> Report:
    """How good is the score, learned before the split and judged by what became known of attempts after it?

    Raises
    ------
    NotEnoughError
        If there are too few attempts before it, or none after it whose outcome is known.
    """
    found = attempts(shop, shop.now)
    if not (found.facts.time >= micros(split.as_of)).any():
        raise NotEnoughError(
            f"fraud: there is no attempt after {split.as_of:%Y-%m-%d %H:%M}. Choose an earlier as-of time."
        )
    past = surprised(shop, attempts(shop, split.as_of))
    return _judge(shop, split, found, train(past, shop.config.shop.timezone))


def split_of(found: Attempts, until: datetime) -> Split:
    """A moment with most of the known attempts before it, and the days from there."""
    known = found.facts.time[(found.outcome >= 0) & found.is_even]
    time = known if len(known) else found.facts.time
    moment = moment_of(int(np.quantile(time, LEARNED_SHARE)))
    return Split(moment, max(-(-(micros(until) - micros(moment)) // DAY), 1))


def _judge(shop: Shop, split: Split, found: Attempts, trained: Trained) -> Report:
    model, timezone = trained.model, shop.config.shop.timezone
    time = found.facts.time
    after = np.flatnonzero((time >= micros(split.as_of)) & (time < micros(split.target_end)))
    notes = trained.notes
    if model.source is not None:
        found = surprised(shop, found, model.source, after)
    if model.is_taught:
        data = dataset(found, timezone, model.base_rate, after, model.names)
        label = np.where(found.is_even, found.outcome, -1)[after].astype(np.int8)
        is_known = label >= 0
        _require_both(split, label[is_known])
        data = Dataset(after[is_known], data.names, data.rows[is_known], label[is_known])
        is_fraud = data.label.astype(float)
        notes += (f"{int((~is_known).sum()):,} attempts of the time are left out: nothing is known of them yet.",)
        seen = found
    else:
        if not len(after):
            raise NotEnoughError(f"fraud: no attempt after {split.as_of:%Y-%m-%d} to judge by. Choose an earlier time.")
        seen, is_played = play(found, after)
        inside = np.flatnonzero((seen.facts.time >= micros(split.as_of)) & (seen.facts.time < micros(split.target_end)))
        data = dataset(seen, timezone, model.base_rate, inside, model.names)
        is_fraud = is_played[inside].astype(float)
        notes += (
            f"Nobody has labelled the attempts, so {int(is_fraud.sum())} made-up frauds were played among them "
            f"({', '.join(WAYS)}); the figures say how well those are found.",
        )
    scores = model.scores(data.rows)
    amount = np.nan_to_num(seen.facts.amount[data.places])
    risk, baseline = scores.risk, trained.baseline(scores.anomaly, amount)
    owners = _owners(seen, data.places)
    metrics = _metrics(is_fraud, risk, baseline, owners, is_probability=model.is_taught)
    return Report(
        capability="fraud",
        question=QUESTION,
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(np.unique(owners)),
        trained_until=split.as_of,
        model="boosted trees and anomaly scores" if model.is_taught else "tails and an isolation forest",
        baseline=trained.baseline_words,
        metrics=metrics,
        primary="average precision",
        log_version=shop.log.version,
        charts=_charts(shop, model, data, is_fraud, risk, baseline, amount, metrics),
        tables=_tables(data, risk, is_fraud, amount),
        checks=(_leaks(shop, split, model),),
        notes=notes,
    )


def _require_both(split: Split, label: npt.NDArray[np.int8]) -> None:
    frauds, honest = int((label == 1).sum()), int((label == 0).sum())
    if min(frauds, honest) < LEAST_OF_EACH:
        raise NotEnoughError(
            f"fraud: of the attempts from {split.as_of:%Y-%m-%d} to {split.target_end:%Y-%m-%d}, {frauds} are known as "
            f"frauds and {honest} as honest; {LEAST_OF_EACH} of each are needed to judge by. Choose another time or a "
            "longer horizon, or wait for labels."
        )


def found_score(y: npt.ArrayLike, p: npt.ArrayLike, *, weight: npt.ArrayLike | None = None) -> float:
    """Share of the frauds that are among the riskiest hundredth of the attempts.

    >>> round(found_score([1, 0, 1] + [0] * 97, [0.9, 0.1, 0.2] + [0.0] * 97), 2)
    0.5
    """
    ties = tied(y, p, weight)
    mass, positive = ties.mass[::-1], ties.positive[::-1]
    budget = LOOKED_AT * mass.sum()
    # Of attempts of the same risk, as many as the budget has room for.
    room = np.clip((budget - (np.cumsum(mass) - mass)) / np.maximum(mass, 1e-12), 0, 1)
    return float((positive * room).sum() / positive.sum())


def _metrics(
    is_fraud: Floats, risk: Floats, baseline: Floats, owners: Ints, *, is_probability: bool
) -> tuple[Metric, ...]:
    named: dict[str, Any] = {
        "average precision": average_precision_score,
        "AUROC": auroc_score,
        "frauds in the riskiest 1 %": found_score,
    }
    if is_probability:
        named |= {"Brier": brier_loss, "calibration error": expected_calibration_error}
    return compare(named, is_fraud, risk, baseline, customers=owners)


def _owners(found: Attempts, places: Ints) -> Ints:
    """Whose attempt each is; one that names no customer is nobody else's."""
    codes = found.stream.codes.get("customer")
    if codes is None:
        return places
    code = codes[found.stream.attempts[places]].astype(np.int64)
    return np.where(code >= 0, code, len(found) + int(code.max(initial=0)) + places)


def _charts(
    shop: Shop,
    model: FraudModel,
    data: Dataset,
    is_fraud: Floats,
    risk: Floats,
    baseline: Floats,
    amount: Floats,
    metrics: tuple[Metric, ...],
) -> dict[str, ChartType]:
    found: dict[str, ChartType] = {}
    if model.is_taught:
        found["Is a risk of 30 % really 30 %?"] = calibration_plot(is_fraud, risk)
        costs = curve(is_fraud, risk, amount, shop.config.fraud)
        found["What does it cost to hold attempts from a risk on?"] = curve_plot(costs, shop.config.shop.currency)
        step = max(len(data.rows) // 2000, 1)
        weight = np.abs(model.contributions(data.rows[::step])).mean(axis=0)
        top = np.argsort(-weight)[:12]
        found["What moves the risk"] = importance_plot([meaning(model.columns[k]) for k in top], weight[top])
    found["How many frauds are found by looking at the riskiest?"] = gain_plot(is_fraud, risk, baseline)
    found["How risk is spread over attempts"] = histogram(risk, "Risk of fraud", "probability")
    found["The model beside the baseline"] = metric_plot(metrics)
    return found


def _tables(data: Dataset, risk: Floats, is_fraud: Floats, amount: Floats) -> dict[str, Table]:
    """What people would find, by how many attempts they look at."""
    order = np.argsort(-risk, kind="stable")
    rows = []
    for share in (0.001, 0.005, 0.01, 0.02, 0.05, 0.1):
        count = max(round(share * len(order)), 1)
        top = order[:count]
        hits = is_fraud[top].sum()
        money = (amount * is_fraud)[top].sum() / max((amount * is_fraud).sum(), 1e-9)
        rows.append(
            (
                f"{share:.1%}",
                f"{count:,}",
                f"{hits / count:.1%}",
                f"{hits / max(is_fraud.sum(), 1):.1%}",
                f"{money:.1%}",
            )
        )
    heading = ("Riskiest", "attempts", "of them fraud", "of all frauds", "of the money of frauds")
    return {"What is found by looking at the riskiest": Table(heading, tuple(rows))}


def _leaks(shop: Shop, split: Split, model: FraudModel) -> Check:
    """Change the future: the features of the last attempts before it must stay as they are."""

    def compute(seen: object) -> pa.Table:
        changed = shop.with_events(seen)
        found = attempts(changed, split.as_of)
        places = np.arange(max(len(found) - PROBED, 0), len(found))
        if model.source is not None:
            found = surprised(changed, found, model.source, places)
        data = dataset(found, shop.config.shop.timezone, model.base_rate, places, model.names)
        columns = {"event_id": found.table["event_id"].take(pa.array(places))}
        return pa.table(columns | {name: pa.array(data.rows[:, k]) for k, name in enumerate(data.names)})

    return leak_check(compute, shop.events, split.as_of)
