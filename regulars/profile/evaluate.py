"""Learning the shop's measure, and asking how much profiles carry: more than recency alone?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.capability import Learned
from regulars.customers import ordered_within
from regulars.errors import NotEnoughError
from regulars.evaluation import (
    Check,
    Report,
    Split,
    auroc_score,
    average_precision_score,
    brier_loss,
    compare,
    histogram,
    importance_plot,
    leak_check,
    metric_plot,
)
from regulars.logistic import Logistic
from regulars.profile import tallies
from regulars.profile.base import column, sampled
from regulars.profile.dataset import KEYS, absent, features_as_of, source_for
from regulars.profile.evidence import EVIDENCE
from regulars.profile.measure import measure
from regulars.profile.rhythm import GONE, LEVEL, Pauses
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

LEAST = 50
"""So many customers must have ordered again, and so many not, for an honest comparison."""
PROBED = 500


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn when a customer of this shop is late, and where its customers stand in each feature."""
    if not shop.customers(until).num_rows:
        raise NotEnoughError(f"profile: no customer has an order before {until:%Y-%m-%d}. Choose a later time.")
    found = measure(shop, until)
    horizon = shop.config.churn.horizon_days
    report = evaluate(shop, Split(until - timedelta(days=horizon), horizon))
    about = {"rhythm": found.rhythm.to_dict(), "features": len(found.quantiles)}
    return Learned({"norms.json": found.to_bytes()}, about, report)


def evaluate(shop: Shop, split: Split) -> Report:
    """Do the features together tell more of who orders next than recency alone?

    A logistic model of each, fitted one horizon before the split, judged on what came after it.

    Raises
    ------
    NotEnoughError
        If the log holds too little before it.
    """
    earlier = split.as_of - timedelta(days=split.horizon_days)
    past, past_returned = _observe(shop, earlier, split.horizon_days)
    table, returned = _observe(shop, split.as_of, split.horizon_days)
    names = [name for name in past.column_names if name not in KEYS and name in table.column_names]
    whole = Logistic.fit(_array(past, names), past_returned, penalty=0.003)
    recency = Logistic.fit(_array(past, ["recency_days"]), past_returned, penalty=1.0)
    chance = whole.predict(_array(table, names))
    metrics = compare(
        {"AUROC": auroc_score, "average precision": average_precision_score, "Brier": brier_loss},
        returned,
        chance,
        recency.predict(_array(table, ["recency_days"])),
        customers=np.asarray(table["customer_id"].to_pylist()),
    )
    order = np.argsort(-np.abs(whole.weights[: len(names)]))[:12]
    missing = absent(shop, split.as_of)
    return Report(
        capability="profile",
        question=f"Do profiles tell more of who orders within {split.horizon_days} days than recency alone?",
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=table.num_rows,
        trained_until=split.as_of,
        model=f"all {len(names)} features, logistic",
        baseline="recency only",
        metrics=metrics,
        primary="AUROC",
        log_version=shop.log.version,
        charts={
            "All features beside recency": metric_plot(metrics),
            "What tells most of the next order": importance_plot(
                [_meaning(table, names[k]) for k in order], np.abs(whole.weights[order])
            ),
            "How long ago customers ordered": histogram(
                table["recency_days"].to_numpy(), "Days since the last order", "days"
            ),
        },
        checks=(_leaks(shop, split, table),),
        notes=(*_absences(missing), *next_orders_came(shop, split)),
    )


def next_orders_came(shop: Shop, split: Split) -> tuple[str, ...]:
    """How often the next order came when it was told to, in a sentence; nothing where too few came back."""
    customers = sampled(shop.customers(split.as_of))
    gaps = shop.engine.to_arrow(tallies.gaps(source_for(shop, customers)).order_by("pair"))
    days, total, squares, since = (
        column(gaps, name) for name in ("order_days", "log_sum", "log_square_sum", "last_days")
    )
    if (days >= 2).sum() < LEAST:
        return ()
    earliest, _, latest, passed = Pauses.of(days, total, squares).next_order(days, total, squares, since)
    events = shop.identities.named(shop.events, split.as_of)
    after = events.filter(
        events.type == "order_completed", events.time >= ibis.literal(split.as_of),
        events.time < ibis.literal(split.target_end),
    )  # fmt: skip
    waited: Any = after.time.min().epoch_seconds() - int(split.as_of.timestamp())
    asked = shop.engine.table(customers.append_column("pair", pa.array(range(customers.num_rows), pa.int64())))
    first = after.group_by("customer_id").agg(days=waited / 86_400.0)
    came = shop.engine.to_arrow(asked.inner_join(first, "customer_id").select("pair", "days"))
    wait = np.full(customers.num_rows, np.nan)
    wait[came["pair"].to_numpy()] = came["days"].to_numpy()
    wait = wait[gaps["pair"].to_numpy()]
    told = (days >= 2) & (passed <= GONE) & ~np.isnan(wait)
    if told.sum() < LEAST:
        return ()
    inside = ((wait >= earliest) & (wait <= latest))[told].mean()
    return (
        f"Of {told.sum():,} customers with two orders who came back within {split.horizon_days} days, "
        f"{shown(inside, 'share')} did so within the interval that their page told; "
        f"{shown(LEVEL, 'share')} of all who ever come back should.",
    )


def _observe(shop: Shop, moment: datetime, horizon_days: int) -> tuple[pa.Table, Floats]:
    """Profiles as of a moment, and who ordered within the horizon after it."""
    table = features_as_of(shop, shop.customers(moment))
    returned = ordered_within(shop, table.select(KEYS), horizon_days).astype(float)
    if min(returned.sum(), len(returned) - returned.sum()) < LEAST:
        raise NotEnoughError(
            f"profile: as of {moment:%Y-%m-%d}, {int(returned.sum())} of {len(returned)} customers ordered in the "
            f"{horizon_days} days after; at least {LEAST} who did and {LEAST} who did not are needed. "
            "Import more history, or choose another time."
        )
    return table, returned


def _array(table: pa.Table, names: list[str]) -> Floats:
    return np.column_stack([table[name].to_numpy(zero_copy_only=False) for name in names])


def _meaning(table: pa.Table, name: str) -> str:
    return str(table.schema.field(name).metadata[b"meaning"].decode())


def _leaks(shop: Shop, split: Split, table: pa.Table) -> Check:
    step = max(table.num_rows // PROBED, 1)
    pairs = table.select(KEYS).take(pa.array(range(0, table.num_rows, step)))
    events = shop.identities.events_of(shop.events, pairs)

    def compute(seen: Any) -> pa.Table:
        return features_as_of(shop.holding(seen), pairs)

    return leak_check(compute, events, split.as_of)


def _absences(missing: dict[str, str]) -> tuple[str, ...]:
    """Which features the log cannot carry, and what it lacks for them."""
    lacks = ", ".join(dict.fromkeys(EVIDENCE[need][0] for need in missing.values()))
    return (f"{len(missing)} features are absent, since the log has none of these: {lacks}.",) if missing else ()
