"""What is watched: scores, rules, verdicts, frauds and the delay of their labels, and what is alarming of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import bdtr, bdtrc

from regulars.clock import micros
from regulars.errors import InputError, NotEnoughError
from regulars.evaluation.proportion import wilson_interval
from regulars.fraud.monitor.change import Change, rate_change
from regulars.fraud.monitor.drift import LEAST, Drift, drift, edges, shares

DAY = 86_400_000_000
"""Microseconds."""
RECENT_DAYS, REFERENCE_DAYS = 7, 28
"""Scores of the last days are compared with those of the days before them."""
WATCHED_DAYS, BEFORE_DAYS = 28, 90
"""The rate of frauds is watched in the last matured days, and compared with that of the days before them."""
KNOWN_SHARE = 0.95
"""Attempts are matured when so many of their frauds are known."""
LEAST_DELAYS = 20
TIMES = 2.0
"""A rule is alarming that hits so many times as often as before, or as seldom, beyond luck."""
LUCK = 0.001

Ints = npt.NDArray[np.int64]
COLUMNS = ("attempt_id", "time", "risk", "action", "policy", "is_fraud", "known_at", "is_reviewed")


class Alert(NamedTuple):
    """Something that a person should look at: a kind of `wording.ALERTS`, and its figures."""

    kind: Literal["scores", "rate_up", "rate_down", "rule_up", "rule_down"]
    figures: dict[str, Any]


class Delay(NamedTuple):
    """How long frauds stay unknown.

    Attributes
    ----------
    days : (n,) from attempt to label, ascending.
    is_cut : whether too few frauds are old enough, so that young ones were taken too: long delays are missing then.
    matured_days : from this age on .95 of the frauds are known.
    """

    days: npt.NDArray[np.float64]
    is_cut: bool
    matured_days: int


@dataclass(frozen=True)
class Watch:
    """What was found.

    Attributes
    ----------
    until : what was known before this moment.
    attempts : how many were decided about.
    scores : day, attempts, psi, limit, ks: of each of the last days against the reference; null of too few attempts.
    bins : from_risk, reference, recent: shares of attempts by what were tenths of the reference.
    drift : of all the last days together; None if there are too few.
    rules : day, policy, hits: of decisions that did not just allow.
    precision : week, reviewed, frauds, precision, low, high: of what reviewers judged.
    rates : day, attempts, frauds, evidence_up, evidence_down: of matured attempts; evidence of watched days.
    change : of the rate of frauds; None if there is too little to tell.
    delay : of labels; None if no fraud is known.
    alerts : what a person should look at.
    notes : kind and figures of what could not be told; see `wording.NOTES`.
    """

    until: datetime
    attempts: int
    scores: pa.Table
    bins: pa.Table
    drift: Drift | None
    rules: pa.Table
    precision: pa.Table
    rates: pa.Table
    change: Change | None
    delay: Delay | None
    alerts: tuple[Alert, ...]
    notes: tuple[tuple[str, dict[str, Any]], ...]


def watch(scored: pa.Table, until: datetime, dispute_days: int, zone: str = "UTC") -> Watch:
    """What is alarming of decisions about attempts.

    Frauds count from the day of the attempt. An attempt is matured when so old that .95 of frauds would be known, and a
    fraud counts only if it was known by that age: else older days would look worse.

    Parameters
    ----------
    scored : see `scored.scored`.
    until : what was known before this moment.
    dispute_days : disputes come within so many days.
    zone : the shop's time zone, in which days and weeks are named.

    Raises
    ------
    InputError
        If a column is missing.
    """
    missing = [name for name in COLUMNS if name not in scored.column_names]
    if missing:
        raise InputError(f"monitoring: the attempts lack {', '.join(missing)}. Expected: {', '.join(COLUMNS)}.")
    end = micros(until)
    time = scored["time"].combine_chunks().cast(pa.int64()).to_numpy()
    risk = scored["risk"].to_numpy()
    day, until = _days(scored["time"], zone), until.astimezone(ZoneInfo(zone))
    alerts: list[Alert] = []
    notes: list[tuple[str, dict[str, Any]]] = []
    start = end - RECENT_DAYS * DAY
    is_recent, is_reference = time >= start, (time >= start - REFERENCE_DAYS * DAY) & (time < start)
    found = None
    try:
        found = drift(risk[is_reference], risk[is_recent])
    except NotEnoughError:
        notes.append(("scores", {"reference": int(is_reference.sum()), "recent": int(is_recent.sum()), "least": LEAST}))
    if found is not None and found.is_shifted:
        alerts.append(Alert("scores", {"psi": found.psi, "limit": found.limit, "days": RECENT_DAYS}))
    rules, of_rules = _rules(scored, day, is_reference, is_recent)
    alerts += of_rules
    delay = _delay(scored, time, end, dispute_days)
    rates, change = _empty_rates(), None
    if delay is None:
        notes.append(("no_frauds", {}))
    else:
        if delay.is_cut:
            notes.append(("cut", {"days": dispute_days}))
        rates, change = _rates(scored, time, until, delay.matured_days)
        if change is None:
            notes.append(("rate", {"days": delay.matured_days + WATCHED_DAYS}))
        elif change.alarm is not None and change.since is not None:
            since = rates["day"][rates.num_rows - WATCHED_DAYS + change.since].as_py()
            figures = {"before": change.before, "watched": change.watched, "since": since}
            alerts.append(Alert("rate_up" if change.direction == "up" else "rate_down", figures))
    return Watch(
        until=until,
        attempts=scored.num_rows,
        scores=_scores(risk, time, is_reference, start, until),
        bins=_bins(risk, is_reference, is_recent),
        drift=found,
        rules=rules,
        precision=_precision(scored, day),
        rates=rates,
        change=change,
        delay=delay,
        alerts=tuple(alerts),
        notes=tuple(notes),
    )


def _days(time: pa.ChunkedArray, zone: str) -> Ints:
    """(n,) the day of each moment on the clock of a time zone, as days since 1970."""
    local = pc.local_timestamp(time.combine_chunks().cast(pa.timestamp("us", zone)))
    found: Ints = local.cast(pa.int64()).to_numpy() // DAY
    return found


def _scores(
    risk: npt.NDArray[np.float64], time: Ints, is_reference: npt.NDArray[np.bool_], start: int, until: datetime
) -> pa.Table:
    """Each of the last days against the reference; a day begins at the hour of `until`."""
    rows = []
    for number in range(RECENT_DAYS):
        inside = (time >= start + number * DAY) & (time < start + (number + 1) * DAY)
        one = None
        if min(int(inside.sum()), int(is_reference.sum())) >= LEAST:
            one = drift(risk[is_reference], risk[inside])
        day = (until - timedelta(days=RECENT_DAYS - number)).date()
        rows.append((day, int(inside.sum()), *((one.psi, one.limit, one.ks) if one else (None, None, None))))
    types = (pa.date32(), pa.int64(), pa.float64(), pa.float64(), pa.float64())
    names = ("day", "attempts", "psi", "limit", "ks")
    columns = zip(*rows, strict=True)
    return pa.table({name: pa.array(column, kind) for name, kind, column in zip(names, types, columns, strict=True)})


def _bins(
    risk: npt.NDArray[np.float64], is_reference: npt.NDArray[np.bool_], is_recent: npt.NDArray[np.bool_]
) -> pa.Table:
    if not is_reference.any():
        at, both = np.zeros(0), [np.zeros(0), np.zeros(0)]
    else:
        inner = edges(risk[is_reference])
        at, both = np.append(0.0, inner), [shares(risk[which], inner) for which in (is_reference, is_recent)]
    return pa.table({"from_risk": at, "reference": both[0], "recent": both[1]})


def _rules(
    scored: pa.Table, day: Ints, is_reference: npt.NDArray[np.bool_], is_recent: npt.NDArray[np.bool_]
) -> tuple[pa.Table, list[Alert]]:
    is_hit = np.asarray(pc.not_equal(scored["action"], "allow"))
    policy = scored["policy"].combine_chunks().dictionary_encode()
    codes, names = policy.indices.to_numpy(), policy.dictionary.to_pylist()
    hits = pa.table({"day": pa.array(day, pa.int32()).cast(pa.date32()), "policy": scored["policy"]})
    counted = hits.filter(pa.array(is_hit)).append_column("hits", pa.array(np.ones(int(is_hit.sum()), np.int64)))
    counted = (
        counted.group_by(["day", "policy"])
        .aggregate([("hits", "sum")])
        .sort_by([("day", "ascending"), ("policy", "ascending")])
    )
    before, now = (np.bincount(codes[is_hit & which], minlength=len(names)) for which in (is_reference, is_recent))
    sizes = np.array([max(int(is_reference.sum()), 1), max(int(is_recent.sum()), 1)])
    chance = sizes[1] / sizes.sum()
    # Given how many hits there were in all, luck deals them out by the sizes of the two times.
    over = bdtrc(now - 1, now + before, chance)
    under = bdtr(now, now + before, chance)
    alerts = []
    for code, name in enumerate(names):
        old, new = before[code] / sizes[0], now[code] / sizes[1]
        figures = {"policy": name, "before": float(old), "now": float(new)}
        if now[code] and new >= TIMES * old and over[code] < LUCK / max(len(names), 1):
            alerts.append(Alert("rule_up", figures))
        elif before[code] and new <= old / TIMES and under[code] < LUCK / max(len(names), 1):
            alerts.append(Alert("rule_down", figures))
    return counted.rename_columns(["day", "policy", "hits"]), alerts


def _precision(scored: pa.Table, day: Ints) -> pa.Table:
    is_judged = pc.and_(scored["is_reviewed"], scored["is_fraud"].is_valid())
    judged, day = scored.filter(is_judged), day[np.asarray(is_judged)]
    week = day - (day + 3) % 7  # 1970-01-01 was a Thursday: weeks begin on Monday
    fraud = pc.cast(judged["is_fraud"].combine_chunks(), pa.int64()).to_numpy(zero_copy_only=False)
    weeks, place = np.unique(week, return_inverse=True)
    total = np.bincount(place, minlength=len(weeks)).astype(float)
    frauds = np.bincount(place, fraud, len(weeks))
    low, high = wilson_interval(frauds, total)
    return pa.table(
        {
            "week": pa.array(weeks, pa.int32()).cast(pa.date32()), "reviewed": total.astype(int),
            "frauds": frauds.astype(int), "precision": frauds / total, "low": low, "high": high,
        }
    )  # fmt: skip


def _delay(scored: pa.Table, time: Ints, end: int, dispute_days: int) -> Delay | None:
    is_fraud = np.asarray(pc.fill_null(scored["is_fraud"], False))
    known = pc.fill_null(scored["known_at"].combine_chunks().cast(pa.int64()), end).to_numpy(zero_copy_only=False)
    late = (known - time) / DAY
    # Of young attempts only the quick labels are there yet.
    is_old = time < end - dispute_days * DAY
    is_cut = int((is_fraud & is_old).sum()) < LEAST_DELAYS
    days = np.sort(late[is_fraud if is_cut else is_fraud & is_old])
    if not len(days):
        return None
    share = float(np.quantile(days, KNOWN_SHARE, method="higher"))
    return Delay(days, is_cut, int(min(max(np.ceil(share), 1), dispute_days)))


def _rates(scored: pa.Table, time: Ints, until: datetime, matured_days: int) -> tuple[pa.Table, Change | None]:
    """Frauds by day of matured attempts; days count back from `until`, each is named by where it begins."""
    end = micros(until)
    known = pc.fill_null(scored["known_at"].combine_chunks().cast(pa.int64()), end + DAY).to_numpy(zero_copy_only=False)
    is_fraud = np.asarray(pc.fill_null(scored["is_fraud"], False)) & (known - time <= matured_days * DAY)
    last = end - matured_days * DAY
    age = (last - 1 - time) // DAY  # 0 on the last matured day
    days = min(int(age.max(initial=-1)) + 1, WATCHED_DAYS + BEFORE_DAYS)
    inside = (age >= 0) & (age < days)
    if days <= 0:
        return _empty_rates(), None
    place = days - 1 - age[inside]
    attempts = np.bincount(place, minlength=days)
    frauds = np.bincount(place, is_fraud[inside], days).astype(int)
    split = days - WATCHED_DAYS
    change = None
    if split > 0:
        try:
            change = rate_change(frauds[:split], attempts[:split], frauds[split:], attempts[split:])
        except NotEnoughError:
            change = None
    first = (until - timedelta(days=matured_days + days)).date()
    nothing = np.full(max(split, 0), np.nan)
    evidence = (
        [np.append(nothing, each) for each in (change.up, change.down)] if change else [np.full(days, np.nan)] * 2
    )
    return pa.table(
        {
            "day": pa.array([first + timedelta(days=number) for number in range(days)], pa.date32()),
            "attempts": attempts, "frauds": frauds,
            "evidence_up": pa.array(evidence[0], from_pandas=True),
            "evidence_down": pa.array(evidence[1], from_pandas=True),
        }
    ), change  # fmt: skip


def _empty_rates() -> pa.Table:
    types = {
        "day": pa.date32(),
        "attempts": pa.int64(),
        "frauds": pa.int64(),
        "evidence_up": pa.float64(),
        "evidence_down": pa.float64(),
    }
    return pa.table({name: pa.array([], kind) for name, kind in types.items()})
