"""How the queue stands: what waits and how long, who does how much, how often it is fraud, and how it will go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from scipy.special import gammaincinv

from regulars import clock
from regulars.config import FraudSettings
from regulars.evaluation.proportion import wilson_interval
from regulars.fraud.review.tables import attempts, cases, prepare, verdicts
from regulars.state import State

AGES = ("under 4 hours", "4 to 24 hours", "1 to 3 days", "3 to 7 days", "over 7 days")
AGE_EDGES_HOURS = (4, 24, 72, 168)
BANDS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)
"""Where bands of risk begin."""
RECENT_DAYS = 7
"""Over so many days is counted how many attempts come in."""


class Forecast(NamedTuple):
    """How the backlog goes on if as many attempts come in as of late, and reviewers do what they can. In attempts.

    Attributes
    ----------
    waiting : now.
    arrivals_per_day, low, high : of the last week, or since the queue began, with the 95 % interval of that rate.
    reviews_per_day : what people can look at.
    in_7_days, in_7_days_low, in_7_days_high : how many will wait then.
    days_until_empty : None if it never is.
    """

    waiting: int
    arrivals_per_day: float
    low: float
    high: float
    reviews_per_day: int
    in_7_days: float
    in_7_days_low: float
    in_7_days_high: float
    days_until_empty: float | None


class Overturned(NamedTuple):
    """Verdicts that did not last: of how many attempts what holds now is not what was said first."""

    judged: int
    overturned: int
    low: float
    high: float


@dataclass(frozen=True)
class Standing:
    """The queue as it stands.

    Attributes
    ----------
    open, claimed : cases that wait for anybody, and cases that are held.
    second : of those, how many wait for a second blind look.
    oldest : since when the oldest waits; None if none does.
    by_age : age, cases, attempts, expected_loss: of all that waits or is held.
    by_reviewer : day, reviewer, cases, attempts, fraud_share: what was judged, and what stands of it.
    by_reason, by_policy, by_risk : what, attempts, frauds, precision, low, high: of what was judged.
    overturned : see `Overturned`.
    forecast : see `Forecast`.
    """

    open: int
    claimed: int
    second: int
    oldest: datetime | None
    by_age: pa.Table
    by_reviewer: pa.Table
    by_reason: pa.Table
    by_policy: pa.Table
    by_risk: pa.Table
    overturned: Overturned
    forecast: Forecast


def standing(state: State, settings: FraudSettings | None = None, zone: str = "UTC") -> Standing:
    """How the queue stands at the clock's present.

    Parameters
    ----------
    settings : `[fraud]`: `reviews_per_day` is what the forecast counts on.
    zone : the shop's time zone, whose days are counted.
    """
    settings = settings or FraudSettings()
    now = clock.now()
    waits = cases.c.status.in_(("open", "claimed", "reopened"))
    is_held = (cases.c.status == "claimed") & (cases.c.held_until > now)
    of_cases = (cases.c.opened_at, cases.c.attempts, cases.c.expected_loss, cases.c.stage, is_held.label("is_held"))
    stands = verdicts.c.undone_at.is_(None)
    with prepare(state).read() as view:
        waiting = view.execute(sa.select(*of_cases).where(waits)).all()
        said = view.execute(sa.select(verdicts).where(stands).order_by(verdicts.c.id)).all()
        judged = view.execute(sa.select(attempts).where(attempts.c.outcome.is_not(None))).all()
        first = view.execute(
            sa.select(verdicts.c.attempt_id, verdicts.c.outcome)
            .where(verdicts.c.event_id.is_not(None))
            .order_by(verdicts.c.id)
        ).all()
        since = now - timedelta(days=RECENT_DAYS)
        recent = view.execute(sa.select(sa.func.count()).where(attempts.c.opened_at > since)).scalar_one()
        begun = view.execute(sa.select(sa.func.min(attempts.c.opened_at))).scalar()
        backlog = view.execute(
            sa.select(sa.func.count())
            .join(cases, cases.c.id == attempts.c.case_id)
            .where(waits, attempts.c.outcome.is_(None))
        ).scalar_one()
    outcomes = _judged(judged)
    held = sum(row.is_held for row in waiting)
    return Standing(
        open=len(waiting) - held,
        claimed=held,
        second=sum(row.stage == "second" for row in waiting),
        oldest=min((row.opened_at for row in waiting), default=None),
        by_age=_by_age(waiting, now),
        by_reviewer=_by_reviewer(said, ZoneInfo(zone)),
        by_reason=_precision(
            pc.list_flatten(outcomes["reasons"]), outcomes["is_fraud"].take(pc.list_parent_indices(outcomes["reasons"]))
        ),
        by_policy=_precision(outcomes["policy"], outcomes["is_fraud"]),
        by_risk=_precision(_bands(outcomes["risk"]), outcomes["is_fraud"]).sort_by("what"),
        overturned=_overturned(first, {row.attempt_id: row.outcome for row in judged}),
        forecast=forecast(
            backlog,
            recent,
            min((now - begun) / timedelta(days=1), RECENT_DAYS) if begun else 0.0,
            settings.reviews_per_day,
        ),
    )


def forecast(waiting: int, arrived: int, days: float, reviews_per_day: int) -> Forecast:
    """How a backlog goes on.

    Parameters
    ----------
    waiting : attempts that wait.
    arrived, days : how many came in, in how many days; less than one day counts as one.
    reviews_per_day : how many attempts a day people can look at.

    Source
    ------
    Garwood (1936), Fiducial Limits for the Poisson Distribution, Biometrika 28, 437-442: the interval of the rate.

    Examples
    --------
    >>> found = forecast(waiting=60, arrived=140, days=7, reviews_per_day=30)
    >>> found.arrivals_per_day, found.in_7_days, found.days_until_empty
    (20.0, 0.0, 6.0)
    >>> forecast(waiting=60, arrived=280, days=7, reviews_per_day=30).in_7_days
    130.0
    """
    days = max(days, 1.0)
    rate = arrived / days
    low = float(gammaincinv(arrived, 0.025)) / days if arrived else 0.0
    high = float(gammaincinv(arrived + 1, 0.975)) / days
    middle, least, most = (max(waiting + 7 * (each - reviews_per_day), 0.0) for each in (rate, low, high))
    empty = waiting / (reviews_per_day - rate) if rate < reviews_per_day else None
    return Forecast(waiting, rate, low, high, reviews_per_day, middle, least, most, empty if waiting else 0.0)


def _judged(rows: Sequence[Any]) -> pa.Table:
    return pa.table(
        {
            "reasons": pa.array([row.reasons for row in rows], pa.list_(pa.string())),
            "policy": pa.array([row.policy for row in rows], pa.string()),
            "risk": pa.array([row.risk for row in rows], pa.float64()),
            "is_fraud": pa.array([row.outcome == "fraud" for row in rows], pa.bool_()),
        }
    ).combine_chunks()


def _precision(what: pa.Array | pa.ChunkedArray, is_fraud: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The share of frauds by what an attempt was held for, the most frequent first."""
    counted = (
        pa.table({"what": what, "is_fraud": pc.cast(is_fraud, pa.int64())})
        .group_by("what")
        .aggregate([("is_fraud", "count"), ("is_fraud", "sum")])
        .sort_by([("is_fraud_count", "descending"), ("what", "ascending")])
    )
    total, frauds = (counted[f"is_fraud_{how}"].to_numpy().astype(float) for how in ("count", "sum"))
    low, high = wilson_interval(frauds, total)
    return pa.table(
        {
            "what": counted["what"], "attempts": counted["is_fraud_count"], "frauds": counted["is_fraud_sum"],
            "precision": frauds / total, "low": low, "high": high,
        }
    )  # fmt: skip


def _bands(risk: pa.ChunkedArray) -> pa.Array:
    ends = (*BANDS[1:], 1.0)
    names = pa.array([f"{start:.2f} to {end:.2f}" for start, end in zip(BANDS, ends, strict=True)])
    return names.take(pa.array(np.searchsorted(BANDS[1:], risk.to_numpy(), side="right")))


def _by_age(rows: Sequence[Any], now: datetime) -> pa.Table:
    hours = np.array([(now - row.opened_at) / timedelta(hours=1) for row in rows], float)
    age = np.searchsorted(AGE_EDGES_HOURS, hours, side="right")
    size = np.array([row.attempts for row in rows], float)
    loss = np.array([row.expected_loss for row in rows], float)
    return pa.table(
        {
            "age": list(AGES),
            "cases": np.bincount(age, minlength=len(AGES)),
            "attempts": np.bincount(age, size, len(AGES)).astype(int),
            "expected_loss": np.bincount(age, loss, len(AGES)),
        }
    )


def _by_reviewer(rows: Sequence[Any], zone: ZoneInfo) -> pa.Table:
    found = pa.table(
        {
            "day": pa.array([row.at.astimezone(zone).date() for row in rows], pa.date32()),
            "reviewer": pa.array([row.reviewer for row in rows], pa.string()),
            "case": pa.array([row.case_id for row in rows], pa.int64()),
            "is_fraud": pa.array([float(row.outcome == "fraud") for row in rows], pa.float64()),
        }
    )
    counted = found.group_by(["day", "reviewer"]).aggregate(
        [("case", "count_distinct"), ("is_fraud", "count"), ("is_fraud", "mean")]
    )
    counted = counted.sort_by([("day", "ascending"), ("reviewer", "ascending")])
    return counted.select(["day", "reviewer", "case_count_distinct", "is_fraud_count", "is_fraud_mean"]).rename_columns(
        ["day", "reviewer", "cases", "attempts", "fraud_share"]
    )


def _overturned(said: Sequence[Any], holds: dict[str, str]) -> Overturned:
    first: dict[str, str] = {}
    for row in said:
        first.setdefault(row.attempt_id, row.outcome)
    other = sum(holds.get(name) not in (None, outcome) for name, outcome in first.items())
    judged = len(holds)
    if not judged:
        return Overturned(0, 0, 0.0, 1.0)
    low, high = wilson_interval(other, judged)
    return Overturned(judged, other, float(low), float(high))
