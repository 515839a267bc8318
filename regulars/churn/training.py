"""How a churn model comes about: moments to learn from, back-tests to choose by, and the model learned from all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from regulars.behaving import model_before
from regulars.behaving.vectors import Tried, VectorColumns, vectors, with_columns
from regulars.churn.backtest import Chosen, Round, backtest, rounds
from regulars.churn.dataset import Dataset, Floats, asked, dataset, features_of
from regulars.churn.hazard import Hazard
from regulars.churn.model import ChurnModel, choose, fit
from regulars.churn.outlook import Outlook, fit_value, learned_until, long_moments
from regulars.churn.rhythm import Rhythm
from regulars.churn.value import Value
from regulars.errors import NotEnoughError
from regulars.evaluation import cut_offs
from regulars.logistic import Logistic

if TYPE_CHECKING:
    from regulars.shop import Shop

HISTORY_DAYS = 30
"""So much log must lie before a moment from which to learn."""


@dataclass(frozen=True)
class Trained:
    """A model, the baseline, and how they came about.

    Attributes
    ----------
    chosen : which candidates, by back-tests.
    tried : whether behaviour vectors help; None if no behaviour model is old enough to learn from.
    other : then the model that is not used: without vectors if `model` has them, else with them.
    """

    model: ChurnModel
    baseline: Logistic
    moments: list[datetime]
    customers: int
    chosen: Chosen
    notes: tuple[str, ...]
    tried: Tried | None = None
    other: ChurnModel | None = None

    def baseline_risk(self, features: Floats) -> Floats:
        """(n,) risk from the days since the last order alone."""
        at = self.model.names.index("recency_days")
        return self.baseline.predict(features[:, [at]])


def trained(shop: Shop, until: datetime, horizon_days: int) -> Trained:
    """As `train`; what was learned last is at hand: to judge it, it need not be learned once more."""
    about = *shop.basis, until, horizon_days
    return shop.last.of("churn", about, lambda: train(shop, until, horizon_days))


def train(shop: Shop, until: datetime, horizon_days: int, tried: Tried | None = None) -> Trained:
    """Learn from moments whose outcome was known at `until`.

    Which models are used is chosen by rolling back-tests at the newest of them, each by what was known there; whether
    behaviour vectors are used by the newest alone, unless `tried` says it.
    """
    settings = shop.config.churn
    first = first_event(shop)
    moments = cut_offs(
        first,
        until,
        horizon_days=horizon_days,
        step_days=settings.step_days,
        # Those before the ones learned from are what back-tests learn from.
        at_most=settings.cut_offs + 2 + -(-horizon_days // settings.step_days),
        history_days=HISTORY_DAYS,
    )
    # One query for all moments: it costs much the same for few as for many.
    parts = [asked(shop, moments), asked(shop, [*long_moments(first, until), until])]
    profiles = shop.tables.of("profile", pa.concat_tables(parts))
    everything = dataset(shop, moments, horizon_days, profiles.slice(0, parts[0].num_rows))
    as_of = np.array([moment.timestamp() for moment in everything.table["as_of"].to_pylist()])
    tested = rounds(everything, moments, horizon_days, settings.cut_offs)
    chosen = backtest(tested, horizon_days)
    notes: tuple[str, ...] = ()
    if not tested:
        notes = (
            f"The log before {moments[0]:%Y-%m-%d} is too short to choose a model by a later outcome: "
            "both are used, at equal shares.",
        )
    moments = moments[: settings.cut_offs]
    data = everything.where(as_of >= moments[-1].timestamp())
    rhythm = Rhythm.of(everything.where(as_of == moments[0].timestamp()).table, horizon_days)
    data = rhythm.widened(data)
    customers = data.table["customer_id"].to_pylist()
    model = replace(
        fit(data.features, data.is_lost, customers, data.names, chosen.risk, chosen.penalty),
        rhythm=rhythm,
    )
    outlook, about = _outlook(shop, until, profiles.slice(parts[0].num_rows), data, model, chosen)
    notes += about
    beside: tuple[str, float] | None = None
    if tried is None and tested:
        tried, beside = _try_vectors(shop, tested[0])
    other = None
    if tried is not None:
        other = replace(_fit_with_vectors(shop, data, tried, *(beside or (chosen.risk, chosen.penalty))), rhythm=rhythm)
        if tried.help:
            model, other = other, model
        notes += (str(tried),)
    recency = data.features[:, [data.names.index("recency_days")]]
    baseline = Logistic.fit(recency, data.is_lost, penalty=1.0)
    model = replace(model, outlook=outlook)
    return Trained(model, baseline, moments, len(set(customers)), chosen, notes, tried, other)


def _outlook(
    shop: Shop, until: datetime, profiles: pa.Table, data: Dataset, model: ChurnModel, chosen: Chosen
) -> tuple[Outlook | None, tuple[str, ...]]:
    """When, how many and what worth; of what cannot be said a note why."""
    rhythm = model.rhythm
    if rhythm is None:
        return None, ()
    horizon_days = rhythm.horizon_days
    try:
        now, forecast = learned_until(shop, profiles, until, rhythm)
    except NotEnoughError as error:
        return None, (str(error),)
    hazard = Hazard.fit(data.names, data.features, data.later.wait, horizon_days)
    value: Value | None = None
    notes: tuple[str, ...] = ()
    try:
        known = Dataset(data.table, features_of(data.table, forecast.names), data.later)
        value = fit_value(chosen.value, known, model.predict(data.features), forecast, rhythm, horizon_days)
    except NotEnoughError as error:
        notes = (str(error),)
    return Outlook(now, forecast, hazard, value, shop.config.churn.discount_rate), notes


def _try_vectors(shop: Shop, newest: Round) -> tuple[Tried | None, tuple[str, float] | None]:
    """Whether vectors help, with the choice and penalty that go with them; of no model old enough nothing is said."""
    learned, judged = newest.learned, newest.judged
    kept = model_before(shop, min(learned.table["as_of"].to_pylist()))
    if kept is None:
        return None, None
    known = vectors(shop, learned.table, kept.version, kept.is_earlier)
    columns = VectorColumns.of(kept.version, kept.is_earlier, known)
    later = features_of(with_columns(shop, judged.table, columns), [*learned.names, *columns.names])
    plain = (learned.features, learned.is_lost, judged.features, judged.is_lost)
    *_, without = choose([plain])
    choice, penalty, losses = choose(
        [(np.hstack([learned.features, columns(known)]), learned.is_lost, later, judged.is_lost)]
    )
    return Tried(kept.version, kept.is_earlier, min(losses.values()), min(without.values())), (choice, penalty)


def _fit_with_vectors(shop: Shop, data: Dataset, tried: Tried, choice: str, penalty: float) -> ChurnModel:
    known = vectors(shop, data.table, tried.version, tried.is_earlier)
    columns = VectorColumns.of(tried.version, tried.is_earlier, known)
    features = np.hstack([data.features, columns(known)])
    customers = data.table["customer_id"].to_pylist()
    model = fit(features, data.is_lost, customers, [*data.names, *columns.names], choice, penalty)
    return replace(model, vectors=columns)


def first_event(shop: Shop) -> datetime:
    """When the log begins; NotEnoughError if it is empty."""
    first: datetime | None = shop.engine.to_arrow(shop.events.time.min()).as_py()
    if first is None:
        raise NotEnoughError("churn: the log is empty. Import a file: regulars import FILE")
    return first
