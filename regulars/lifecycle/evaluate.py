"""Learning stages of life and judging them: what customers bring, foreseen before a moment, judged by what came after.

The simplest rule beside it: each customer brings again what it brought in as many days before.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.capability import Learned
from regulars.errors import NotEnoughError, NotFoundError
from regulars.evaluation import Check, Report, Split, Table, compare, correlation_score, leak_check, rmse_error
from regulars.events.schema import TIME
from regulars.lifecycle.actions.candidates import Floats
from regulars.lifecycle.dataset import Known, known_as_of
from regulars.lifecycle.golive import may_go_live
from regulars.lifecycle.longrun import LongRun, long_run, lots
from regulars.lifecycle.model import NAME, LifecycleModel, in_use
from regulars.lifecycle.stages import StageModel, dwelled
from regulars.lifecycle.stages.map import counted, flows
from regulars.lifecycle.stages.panel import ABSENT, DAYS, TRAITS

if TYPE_CHECKING:
    from regulars.shop import Shop

QUESTION = "What will each customer bring within {days} days?"
BASELINE = "what it brought in as many days before"
HORIZON_DAYS = 91
MOST = 0.99
"""What came counts up to this quantile: a few large orders must not decide which is better."""
PROBED = 200


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn stages from events before `until`, and what actions bring over the remaining life, where lots tell."""
    known = known_as_of(shop, until)
    stages = _fitted(shop, known)
    report = evaluate(shop, Split(until - timedelta(days=HORIZON_DAYS), HORIZON_DAYS))
    said = lots(shop, until, known, stages)
    model = LifecycleModel(stages, long_run(said))
    if said is not None and model.long_run is not None:
        report = replace(report, checks=(*report.checks, may_go_live(said, _present(shop))))
    about = {
        "customers": len(known.ids),
        "weeks": known.panel.weeks,
        "rhythm": stages.rhythm.to_dict(),
        "arms": [] if model.long_run is None else list(model.long_run.arms),
        "seed": 0,
    }
    return Learned(model.to_files(), about, report)


def _present(shop: Shop) -> LongRun | None:
    try:
        return in_use(shop).long_run
    except NotFoundError:
        return None


def _fitted(shop: Shop, known: Known) -> StageModel:
    profile = shop.config.profile
    rhythm = known.panel.rhythm(profile.new_days, profile.won_back_days)
    return StageModel.fit(known.panel, rhythm, shop.config.churn.discount_rate)


def evaluate(shop: Shop, split: Split) -> Report:
    """How good is the money foreseen, learned before the split and judged by what came after?

    Raises
    ------
    NotEnoughError
        If the log holds too little before it, or nothing came after it.
    """
    weeks = max(split.horizon_days // DAYS, 1)
    before = known_as_of(shop, split.as_of)
    model = _fitted(shop, before)
    after = known_as_of(shop, split.as_of + timedelta(days=weeks * DAYS))
    # Who was a visitor then may be known as a customer since.
    then = pa.repeat(pa.scalar(split.as_of + timedelta(days=weeks * DAYS), TIME), len(before.ids))
    known_since = shop.identities.customers(pa.table({"customer_id": before.ids, "as_of": then}))
    place = pc.index_in(known_since, after.ids)
    money = after.panel.money[:, -weeks:].sum(1).astype(float)
    came = np.where(np.asarray(place.is_valid()), money[np.asarray(pc.fill_null(place, 0))], 0.0)
    if not (came > 0).sum() >= 20:
        raise NotEnoughError(
            f"lifecycle: {int((came > 0).sum())} customers brought a margin in the {weeks * DAYS} days after "
            f"{split.as_of:%Y-%m-%d}; at least 20 are needed to judge by. Choose an earlier moment."
        )
    came = np.minimum(came, np.quantile(came, MOST))
    foreseen = foreseen_money(model, before, weeks)
    again = before.panel.money[:, -weeks:].sum(1).astype(float)
    customers = np.asarray(before.ids.to_pylist())
    metrics = compare(
        {"RMSE": rmse_error, "correlation": correlation_score}, came, foreseen, again, customers=customers
    )  # fmt: skip
    level = f"{foreseen.mean():,.2f} a customer were foreseen; {came.mean():,.2f} came."
    return Report(
        capability=NAME,
        question=QUESTION.format(days=weeks * DAYS),
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(came),
        trained_until=split.as_of,
        model="a chain of life stages",
        baseline=BASELINE,
        metrics=metrics,
        primary="RMSE",
        log_version=shop.log.version,
        tables=_tables(model, before),
        checks=(_leaks(shop, split, before),),
        notes=(level,),
    )


def foreseen_money(model: StageModel, known: Known, weeks: int) -> Floats:
    """(n,) margin of the coming weeks, not discounted."""
    stages = known.panel.stages(model.rhythm)
    stage, dwell = stages[:, -1], dwelled(stages)[:, -1]
    traits = known.panel.features(known.panel.weeks - 1)[:, : len(TRAITS)]
    found = model.chain.value(
        np.maximum(stage, 0).astype(np.int64), dwell.astype(np.int64), traits, weeks=weeks, discount=1.0
    )
    return np.where(stage == ABSENT, 0.0, found.now)


def _tables(model: StageModel, known: Known) -> dict[str, Table]:
    standing = model.standing(known.panel)
    counts = counted(standing, known.panel).to_pylist()
    moved = flows(known.panel, model, max(known.panel.weeks - 5, 0), known.panel.weeks - 1).to_pylist()
    return {
        "Stages of life": _table(counts),
        "Who went where in the last four weeks": _table([row for row in moved if row["begin"] != row["end"]]),
    }


def _table(rows: list[dict[str, object]]) -> Table:
    columns = list(rows[0]) if rows else []
    return Table([name.replace("_", " ") for name in columns], [list(row.values()) for row in rows])


def _leaks(shop: Shop, split: Split, known: Known) -> Check:
    """Change the future of some customers: their weeks must stay as they are."""
    step = max(len(known.ids) // PROBED, 1)
    pairs = pa.table(
        {"customer_id": known.ids, "as_of": pa.array([split.as_of] * len(known.ids), pa.timestamp("us", tz="UTC"))}
    ).take(pa.array(range(0, len(known.ids), step)))
    events = shop.identities.events_of(shop.events, pairs)

    def compute(seen: object) -> pa.Table:
        found = known_as_of(shop.holding(seen), split.as_of)
        last = found.panel.features(found.panel.weeks - 1)
        return pa.table({"customer_id": found.ids, **{f"feature {k}": last[:, k] for k in range(last.shape[1])}})

    return leak_check(compute, events, split.as_of)
