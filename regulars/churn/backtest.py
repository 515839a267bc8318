"""Rolling back-tests: what each candidate would have said at past moments, beside what then came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from regulars.churn.dataset import Dataset, Floats
from regulars.churn.model import ChurnModel, choose, fit
from regulars.churn.outlook import fit_forecast, fit_value
from regulars.churn.rhythm import Rhythm
from regulars.churn.value import SHARES as VALUES
from regulars.errors import NotEnoughError
from regulars.evaluation import (
    UndefinedMetricError,
    auroc_score,
    average_precision_score,
    correlation_score,
    expected_calibration_error,
    gini_score,
    rmse_error,
    total_bias_error,
)

AT_MOST = 3
"""Moments that are judged, the newest there are."""
LEAST = 50
"""Customers lost and customers who stayed, for a round to be learned from or judged by."""
DEFAULT_PENALTY = 0.003


@dataclass(frozen=True)
class Round:
    """One moment that is judged, by what was learned from outcomes known at it.

    Attributes
    ----------
    learned, judged : rows of all; in both, columns of the rhythm that was known at the moment.
    """

    as_of: datetime
    learned: Dataset
    judged: Dataset
    rhythm: Rhythm


@dataclass(frozen=True)
class Judged:
    """What the models that were chosen had said as of one moment.

    Attributes
    ----------
    figures : {name: value}: "AUROC", "AP", "ECE" of the risk; "RMSE", "correlation", "bias" of orders; "Gini", "value
        bias" of margin, where it can be said.
    """

    as_of: datetime
    customers: int
    figures: dict[str, float]


@dataclass(frozen=True)
class Chosen:
    """Which candidates are used, and why.

    Attributes
    ----------
    risk, penalty : of the churn model; losses : {candidate: mean log loss over the rounds}.
    value : of margin; ginis : {candidate: mean normalised Gini over the rounds}.
    judged : how they did, the newest first; none where the log is too short.
    """

    risk: str
    penalty: float
    losses: dict[str, float]
    value: str
    ginis: dict[str, float]
    judged: tuple[Judged, ...] = ()


def moments_of_rounds(
    moments: Sequence[datetime], horizon_days: int, cut_offs: int
) -> list[tuple[datetime, list[datetime]]]:
    """Which moments are judged, each with those whose outcome was known at it.

    Parameters
    ----------
    moments : the newest first. cut_offs : from how many to learn at most.

    Examples
    --------
    >>> from datetime import UTC
    >>> days = [datetime(2024, 6, 30, tzinfo=UTC) - timedelta(days=30 * k) for k in range(5)]
    >>> [(f"{judged:%m-%d}", [f"{t:%m-%d}" for t in known]) for judged, known in moments_of_rounds(days, 60, 2)]
    [('06-30', ['05-01', '04-01']), ('05-31', ['04-01', '03-02']), ('05-01', ['03-02'])]
    """
    found = []
    for judged in moments[:AT_MOST]:
        known = [moment for moment in moments if moment <= judged - timedelta(days=horizon_days)][:cut_offs]
        if known:
            found.append((judged, known))
    return found


def rounds(data: Dataset, moments: Sequence[datetime], horizon_days: int, cut_offs: int) -> list[Round]:
    """The rounds that a table of customers as of these moments (the newest first) has enough for."""
    as_of = np.array([moment.timestamp() for moment in data.table["as_of"].to_pylist()])
    found = []
    for judged, known in moments_of_rounds(moments, horizon_days, cut_offs):
        inside = np.isin(as_of, [moment.timestamp() for moment in known])
        learned, later = data.where(inside), data.where(as_of == judged.timestamp())
        if not (_is_enough(learned) and _is_enough(later)):
            continue
        newest = data.where(as_of == known[0].timestamp())
        try:
            rhythm = Rhythm.of(newest.table, horizon_days)
        except NotEnoughError:
            continue
        found.append(Round(judged, rhythm.widened(learned), rhythm.widened(later), rhythm))
    return found


def backtest(found: Sequence[Round], horizon_days: int) -> Chosen:
    """The candidates that did best over all rounds; without a round, both of each at equal shares."""
    if not found:
        return Chosen("both", DEFAULT_PENALTY, {}, "both", {})
    risk, penalty, losses = choose(
        [(each.learned.features, each.learned.is_lost, each.judged.features, each.judged.is_lost) for each in found]
    )
    said = [_said(each, risk, penalty, horizon_days) for each in found]
    ginis = {
        name: float(np.mean([gini_score(each.judged.later.margin, one.values[name]) for each, one in pairs]))
        for name in VALUES
        if (pairs := [(each, one) for each, one in zip(found, said, strict=True) if one.values])
    }
    value = max(ginis, key=lambda name: ginis[name]) if ginis else "both"
    judged = tuple(_judged(each, one, value) for each, one in zip(found, said, strict=True))
    return Chosen(risk, penalty, losses, value, ginis, judged)


@dataclass(frozen=True)
class _Said:
    risk: Floats
    orders: Floats
    values: dict[str, Floats]


def _said(each: Round, choice: str, penalty: float, horizon_days: int) -> _Said:
    learned, judged = each.learned, each.judged
    customers = learned.table["customer_id"].to_pylist()
    model: ChurnModel = fit(learned.features, learned.is_lost, customers, learned.names, choice, penalty)
    risk = model.predict(judged.features)
    forecast = fit_forecast(learned, each.rhythm, horizon_days)
    orders = forecast.predict(judged.features, each.rhythm.said(judged.table, horizon_days))
    worth = orders * each.rhythm.order_worth(judged.table)
    values = {}
    try:
        value = fit_value("both", learned, model.predict(learned.features), forecast, each.rhythm, horizon_days)
        for name in VALUES:
            values[name] = replace(value, choice=name).predict(judged.features, risk, worth)
            gini_score(judged.later.margin, values[name])
    except (NotEnoughError, UndefinedMetricError):
        values = {}
    return _Said(risk, orders, values)


def _judged(each: Round, said: _Said, value: str) -> Judged:
    later = each.judged.later
    figures = {
        "AUROC": auroc_score(each.judged.is_lost, said.risk),
        "AP": average_precision_score(each.judged.is_lost, said.risk),
        "ECE": expected_calibration_error(each.judged.is_lost, said.risk),
        "RMSE": rmse_error(later.orders, said.orders),
        "correlation": correlation_score(later.orders, said.orders),
        "bias": total_bias_error(later.orders, said.orders),
    }
    if said.values:
        figures["Gini"] = gini_score(later.margin, said.values[value])
        figures["value bias"] = total_bias_error(later.margin, said.values[value])
    return Judged(each.as_of, len(said.risk), figures)


def _is_enough(data: Dataset) -> bool:
    return bool(data.is_lost.sum() >= LEAST and (1 - data.is_lost).sum() >= LEAST)
