"""Learning campaigns and judging them: by lots drawn later, with the simplest policies beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from regulars.campaign.dataset import Dataset, dataset, features_of
from regulars.campaign.judging import Beside, apart, budget_per_customer, charts, metrics, tables
from regulars.campaign.model import CampaignModel
from regulars.campaign.sources import drawn_before
from regulars.campaign.training import moments, newest_split, observe, taught, untaught
from regulars.campaign.uplift import UpliftModel, judge
from regulars.capability import Learned
from regulars.clock import micros
from regulars.errors import InputError, NotEnoughError
from regulars.evaluation import Check, Report, Split, compare, histogram, leak_check, line_plot, metric_plot, rmse_error
from regulars.experiment.stats import detectable

if TYPE_CHECKING:
    from regulars.shop import Shop

QUESTION = "Whom does a contact move, and what does it earn to contact those?"
PILOT_QUESTION = "What do customers bring who are left alone? So much of the noise is taken off a pilot."
NO_LOT = "No lot has decided yet who is contacted, so nothing is known of what a contact changes."
PROBED = 500
SIZES = 20


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn from lots whose outcome was known before `until`; of a shop without any, what a pilot needs to know.

    The report is of a model that learned from the first of them, judged by those drawn later; where all were drawn at
    once, by other customers.
    """
    settings = shop.config.campaign
    data = dataset(shop, until)
    notes: tuple[str, ...] = (NO_LOT,)
    if data is not None:
        try:
            report = _report_of(shop, data, until)
        except NotEnoughError as error:
            # Enough to learn from, perhaps, and too little to learn and to judge by others.
            notes = (f"{len(data):,} draws are too few to learn from some and judge by others: {error}",)
        else:
            model = taught(shop, data)
            return Learned(model.to_files(), _about(model, data), report)
    model = untaught(shop, until, settings.horizon_days)
    split = Split(until - timedelta(days=settings.horizon_days), settings.horizon_days)
    return Learned(model.to_files(), _about(model, None), _pilot(shop, split, notes))


def evaluate(shop: Shop, split: Split) -> Report:
    """How good is the choice of whom to contact, learned before the split and judged by lots drawn after it?

    Raises
    ------
    NotEnoughError
        If the log holds too few draws after the split.
    """
    settings = shop.config.campaign
    past = dataset(shop, split.as_of)
    if past is None:
        return _pilot(shop, split, (NO_LOT,))
    later = dataset(shop, split.target_end, past.names, list(past.arms.names[1:]), split.as_of)
    if later is None or later.arms.names != past.arms.names:
        raise NotEnoughError(
            f"campaign: of the lots drawn in the {split.horizon_days} days after {split.as_of:%Y-%m-%d}, too few have "
            f"their {settings.horizon_days} days over: 100 customers are needed for each of "
            f"{', '.join(past.arms.names)}. Choose an earlier as-of time, or a longer horizon."
        )
    return _judge(shop, split, taught(shop, past), later, ())


def _report_of(shop: Shop, data: Dataset, until: datetime) -> Report:
    """Of a model that learned from the first draws; where that cannot be, from half of the customers."""
    time = data.drawn.microseconds
    moment = newest_split(data, until)
    if moment is not None:
        at = micros(moment)
        is_past = time + data.horizon_days * 86_400_000_000 <= at
        try:
            model = taught(shop, data.where(is_past))
            days = max(-(-(until - moment) // timedelta(days=1)), 1)
            return _judge(shop, Split(moment, days), model, data.where(time >= at), ())
        except (NotEnoughError, InputError):
            pass  # too few in one of the arms before the moment, or after it
    half = apart(data)
    first = datetime.fromtimestamp(int(time.min()) / 1e6, UTC)
    notes = (
        "Most lots were drawn at one time, so it is judged by other customers of that time, not by a later one. Draw "
        "again: regulars decide campaign",
    )
    days = max(-(-(until - first) // timedelta(days=1)), 1)
    return _judge(shop, Split(first, days), taught(shop, data.where(half)), data.where(~half), notes)


def _judge(shop: Shop, split: Split, model: CampaignModel, later: Dataset, notes: tuple[str, ...]) -> Report:
    uplift, settings, currency = _uplift(model), shop.config.campaign, shop.config.shop.currency
    trial = later.trial(settings, worth=uplift.worth)
    budget = budget_per_customer(settings, trial.costs, max(shop.customers(split.as_of).num_rows, 1))
    found = judge(uplift, trial, budget)
    beside = Beside.of(found, trial, budget)
    said = metrics(found, beside)
    sources = ", ".join(
        f"{name} ({count:,})" for name, count in sorted(_counts(later.drawn.table["source"].to_pylist()).items())
    )
    notes += found.notes + later.drawn.notes
    if later.overlap is not None:
        notes += (str(later.overlap),)
    notes += (
        f"Judged by {len(later):,} draws: {sources}. Money is {settings.outcome} within {later.horizon_days} days, "
        f"doubly robust, costs of contacts taken off.",
        "Qini and AUUC by the formulas of docs/campaign_uplift.md.",
    )
    return Report(
        capability="campaign",
        question=QUESTION,
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(np.unique(trial.customers)),
        trained_until=split.as_of,
        model=f"uplift, learner {uplift.learner}",
        baseline=beside.words,
        metrics=said,
        primary=said[0].name,
        log_version=shop.log.version,
        charts=charts(found, uplift, trial, currency) | {"The policy beside others": metric_plot(said)},
        tables=tables(found, uplift),
        checks=(_leaks(shop, split, later),),
        notes=notes,
    )


def _pilot(shop: Shop, split: Split, why: tuple[str, ...]) -> Report:
    """Of a shop without trials: how much of what customers bring anyway is foretold."""
    settings, currency = shop.config.campaign, shop.config.shop.currency
    model = untaught(shop, split.as_of, split.horizon_days)
    past = observe(shop, [split.as_of], split.horizon_days)
    before = observe(shop, moments(shop, split.as_of, split.horizon_days), split.horizon_days)
    anyway = model.anyway
    if anyway is None:
        raise TypeError("a model without trials knows what customers bring anyway")
    came = np.minimum(past.margin, anyway.most)
    said = anyway.predict(features_of(past.profiles, anyway.names))
    usual = np.full(len(came), float(np.minimum(before.margin, anyway.most).mean()))
    name = f"error of the margin foretold, {currency}"
    found = compare({name: rmse_error}, came, said, usual, customers=np.asarray(past.table["customer_id"].to_pylist()))
    sizes = np.unique(np.geomspace(50, max(len(came), 100), SIZES).round())
    share = 1 - settings.control
    lift = [detectable(size, anyway.spread, share=share) for size in sizes]
    size = min(len(came), int(settings.contacts / share))
    least = detectable(size, anyway.spread, share=share)
    notes = (
        *why,
        f"regulars decide campaign draws a pilot by lot, {settings.control:.0%} of it left alone. Learn again when its "
        f"{settings.horizon_days} days are over.".replace("%", " %"),
        f"With {size:,} customers it finds an effect of {least:.2f} {currency} per customer, or more, in four cases of "
        f"five; customers bring {came.mean():.2f} in the mean.",
    )
    return Report(
        capability="campaign",
        question=PILOT_QUESTION,
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(came),
        trained_until=split.as_of,
        model="boosted trees over profiles",
        baseline="the same for all",
        metrics=found,
        primary=name,
        log_version=shop.log.version,
        charts={
            "What is expected of customers who are left alone": histogram(said, "Expected margin", currency),
            "How small an effect a pilot finds": line_plot(
                sizes, lift, "Customers in the pilot", f"Effect per customer ({currency})"
            ),
            "The model beside the baseline": metric_plot(found),
        },
        checks=(_leaks(shop, split, None, past.table),),
        notes=notes,
    )


def _leaks(shop: Shop, split: Split, later: Dataset | None, pairs: pa.Table | None = None) -> Check:
    """Change the future: what was drawn before the moment must stay, and what was known of customers."""
    asked = pairs if later is None else _as_of(later, split.as_of)
    if asked is None:
        raise TypeError("customers to look at are expected")
    asked = asked.take(pa.array(range(0, asked.num_rows, max(asked.num_rows // PROBED, 1))))
    horizon = shop.config.campaign.horizon_days

    def compute(seen: Any) -> pa.Table:
        other = shop.with_events(seen)
        known = other.tables.of("profile", asked)
        drawn = drawn_before(other, split.as_of, horizon).table
        # Counted by customer: one table has to say both.
        counts = drawn.group_by(["customer_id", "arm"]).aggregate([("lot", "sum"), ("as_of", "max")])
        return known.join(counts, "customer_id")

    return leak_check(compute, shop.events, split.as_of)


def _as_of(data: Dataset, moment: datetime) -> pa.Table:
    """The customers of some draws, each once, as of a moment."""
    ids = data.drawn.table["customer_id"].unique()
    time = data.drawn.table.schema.field("as_of").type
    return pa.table({"customer_id": ids, "as_of": pa.repeat(pa.scalar(moment, time), len(ids))})


def _about(model: CampaignModel, data: Dataset | None) -> dict[str, Any]:
    about: dict[str, Any] = {"is_pilot": model.uplift is None, "actions": list(model.actions), "seed": 0}
    if data is None or model.uplift is None:
        return about
    return about | {
        "draws": len(data),
        "arms": {name: int((data.arms.arm == k).sum()) for k, name in enumerate(data.arms.names)},
        "sources": _counts(data.drawn.table["source"].to_pylist()),
        "learner": model.uplift.learner,
        "horizon_days": model.horizon_days,
    }


def _counts(names: list[str]) -> dict[str, int]:
    kinds, counts = np.unique(np.array(names, str), return_counts=True)
    return dict(zip(kinds.tolist(), counts.tolist(), strict=True))


def _uplift(model: CampaignModel) -> UpliftModel:
    if model.uplift is None:
        raise TypeError("a model that learned from trials is expected")
    return model.uplift
