"""What would a rule have done to past attempts, judged by what became known of them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.config import FraudSettings
from regulars.errors import NotEnoughError
from regulars.evaluation import wilson_interval
from regulars.fraud.rule.judging import mask
from regulars.fraud.rule.saved import Action
from regulars.rules import Rule

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

LEAST_KNOWN = 10
"""Of fewer hits with a known outcome nothing is concluded."""
TOO_MANY = 0.5
"""A rule that is true of a larger share of attempts hardly tells frauds from others."""
ALL = 0.99
"""Of a larger share still it tells nothing at all."""
MODEL = "the model's riskiest"
"""Among what a rule is compared with: as many attempts a day as people can look at, the riskiest first."""


@dataclass(frozen=True)
class Share:
    """A share that was counted: hits of n, with its 95 % interval (Wilson); NaN and [0, 1] where n is 0."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        """hits / n."""
        return self.hits / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Between which shares the truth lies."""
        if not self.n:
            return 0.0, 1.0
        low, high = wilson_interval([self.hits], [self.n])
        # Of none and of all the end is exact, but for rounding.
        return min(float(low[0]), self.value), max(float(high[0]), self.value)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({low:.1%} to {high:.1%})" if self.n else "unknown"


@dataclass(frozen=True)
class Overlap:
    """Hits that a rule shares with something else, and those of each alone; of the known frauds among them too."""

    name: str
    both: int
    only_this: int
    only_other: int
    frauds_both: int
    frauds_only_this: int


@dataclass(frozen=True)
class Backtest:
    """What a rule would have done between two moments.

    Attributes
    ----------
    attempts, hits : all, and those for which the rule was true.
    frauds, honest, unknown : of the hits, by what is known of them now; the unknown count as neither.
    all_frauds, all_known : of all attempts.
    money_fraud, money_honest, money_unknown : amounts of the hits, of each; what the bank declined anyway left out.
    declined : hits that the bank declined anyway.
    customers_honest : customers with a hit that is known as honest.
    break_even : the precision from which on the action pays.
    gain : money won by acting on the hits of known outcome, by the costs under [fraud] of shop.toml.
    by_day : one row a day: day, attempts, hits, frauds, honest, unknown.
    overlaps : with the model's riskiest attempts and with other rules.
    notes : what whoever reads this should know.
    """

    action: Action
    since: datetime
    until: datetime
    attempts: int
    hits: int
    frauds: int
    honest: int
    unknown: int
    all_frauds: int
    all_known: int
    money_fraud: float
    money_honest: float
    money_unknown: float
    declined: int
    customers_honest: int
    break_even: float
    gain: float
    by_day: pa.Table
    overlaps: tuple[Overlap, ...]
    notes: tuple[str, ...]

    @property
    def precision(self) -> Share:
        """Frauds among the hits of known outcome."""
        return Share(self.frauds, self.frauds + self.honest)

    @property
    def recall(self) -> Share:
        """Hits among the known frauds."""
        return Share(self.frauds, self.all_frauds)

    @property
    def base(self) -> Share:
        """Frauds among all attempts of known outcome."""
        return Share(self.all_frauds, self.all_known)

    @property
    def days(self) -> int:
        """Days on which there were attempts."""
        return int(self.by_day.num_rows)

    @property
    def verdict(self) -> str:
        """Whether to let it act, in a sentence."""
        if not self.hits:
            return "It was never true: nothing would have changed."
        if self.hits >= ALL * self.attempts:
            return (
                f"It was true of {self.hits / self.attempts:.1%} of attempts: it tells nothing apart, and must not act."
            )
        known, (low, high) = self.precision.n, self.precision.interval
        if known < LEAST_KNOWN:
            known_of = f"the outcome of {known:,} of its {self.hits:,} hits"
            return f"Too little is known to judge it: {known_of}. Keep it in shadow."
        if self.action == "allow":
            low, high = 1 - high, 1 - low
        bar = 1 - self.break_even if self.action == "allow" else self.break_even
        what = "honest" if self.action == "allow" else "frauds"
        said = f"{low:.1%} to {high:.1%} of its hits are {what}, and it pays from {bar:.1%} on"
        if low > bar:
            return f"It pays: {said}."
        return f"It does not pay: {said}." if high < bar else f"Not sure yet: {said}. Keep it in shadow."


def backtest(
    rule: Rule,
    action: Action,
    table: pa.Table,
    labels: Labels,
    since: datetime,
    until: datetime,
    settings: FraudSettings,
    *,
    declined: Bools | None = None,
    others: Mapping[str, Bools] | None = None,
) -> Backtest:
    """Ask a rule of past attempts, as each stood at its own moment.

    Parameters
    ----------
    table : (n,) attempts with `time` (in the zone whose days are counted), `amount`, the columns that the rule asks
        for and, where there are, `customer_id` and the model's `risk`.
    labels : (n,) what is known of each now: 1 fraud, 0 honest, -1 nothing.
    since, until : from which moment on, and before which, attempts count.
    declined : (n,) which the bank declined.
    others : by name, (n,) of which attempts other rules are true.

    Raises
    ------
    NotEnoughError
        If there is no attempt between the two moments.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> from regulars.rules.tree import Kind
    >>> may = datetime(2024, 5, 1, tzinfo=UTC)
    >>> table = pa.table({"time": [may, may, may + timedelta(days=1)], "amount": [10.0, 300.0, 400.0]})
    >>> dear = Rule.of("amount > 220", {"amount": Kind.NUMBER})
    >>> found = backtest(dear, "block", table, np.array([0, 1, -1]), may, may + timedelta(days=2), FraudSettings())
    >>> found.hits, found.frauds, found.honest, found.unknown, found.money_fraud, str(found.recall)
    (2, 1, 0, 1, 300.0, '100.0% (20.7% to 100.0%)')
    """
    time = table["time"]
    is_in = np.asarray(pc.and_(pc.greater_equal(time, pa.scalar(since)), pc.less(time, pa.scalar(until))))
    if not is_in.any():
        raise NotEnoughError(
            f"fraud: there is no attempt from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}. Choose other moments."
        )
    whole = bool(is_in.all())
    chosen = table if whole else table.filter(pa.array(is_in))
    labels = labels if whole else labels[is_in]
    refused = np.zeros(len(labels), bool) if declined is None else declined[is_in]
    hit = mask(rule, chosen)
    is_fraud, is_honest = labels == 1, labels == 0
    amounts = chosen["amount"].to_numpy()
    money = np.where(refused, 0.0, np.nan_to_num(np.clip(amounts, 0, None)))
    of = {"fraud": hit & is_fraud, "honest": hit & is_honest, "unknown": hit & (labels < 0)}
    gain, break_even = _worth(action, money, hit, of["fraud"], of["honest"], settings)
    compared = {name: each if whole else each[is_in] for name, each in (others or {}).items()}
    day, by_day = _by_day(chosen["time"], hit, of)
    if "risk" in chosen.column_names:
        riskiest = _riskiest(chosen["risk"].to_numpy().astype(float), day, settings.reviews_per_day)
        compared = {MODEL: riskiest, **compared} if riskiest.any() else compared
    return Backtest(
        action=action,
        since=since,
        until=until,
        attempts=len(labels),
        hits=int(hit.sum()),
        frauds=int(of["fraud"].sum()),
        honest=int(of["honest"].sum()),
        unknown=int(of["unknown"].sum()),
        all_frauds=int(is_fraud.sum()),
        all_known=int((is_fraud | is_honest).sum()),
        money_fraud=float(money[of["fraud"]].sum()),
        money_honest=float(money[of["honest"]].sum()),
        money_unknown=float(money[of["unknown"]].sum()),
        declined=int((hit & refused).sum()),
        customers_honest=_customers(chosen, of["honest"]),
        break_even=break_even,
        gain=gain,
        by_day=by_day,
        overlaps=tuple(_overlap(name, hit, each, is_fraud) for name, each in compared.items()),
        notes=tuple(_notes(action, hit, by_day, settings)),
    )


def _worth(
    action: Action, money: Floats, hit: Bools, fraud: Bools, honest: Bools, settings: FraudSettings
) -> tuple[float, float]:
    """What acting on the hits of known outcome wins, and the precision from which on that is more than nothing."""
    if not hit.any():
        return 0.0, float("nan")
    lost = money * settings.loss_share + settings.fee * (money > 0)
    insult = money * settings.insult_share
    # Where one of the two did not occur, what it would come to is taken from all hits.
    lost_each = float(lost[fraud if fraud.any() else hit].mean())
    insult_each = float(insult[honest if honest.any() else hit].mean())
    if action == "review":
        each = settings.review_minutes * settings.review_cost
        gain = float(lost[fraud].sum()) - each * float((fraud | honest).sum())
        return gain, each / lost_each if lost_each > 0 else 1.0
    gain = float(lost[fraud].sum() - insult[honest].sum())
    both = lost_each + insult_each
    return (-gain if action == "allow" else gain), insult_each / both if both > 0 else 0.5


def _by_day(time: pa.ChunkedArray, hit: Bools, of: Mapping[str, Bools]) -> tuple[npt.NDArray[np.int64], pa.Table]:
    """(n,) the number of each attempt's day among those there are, and counts by day."""
    local = pc.local_timestamp(time) if time.type.tz else time
    day = pc.cast(pc.floor_temporal(local, unit="day"), pa.date32()).combine_chunks()
    dates, codes = np.unique(day.cast(pa.int32()).to_numpy(), return_inverse=True)

    def count(which: Bools) -> npt.NDArray[np.int64]:
        return np.bincount(codes[which], minlength=len(dates))

    columns = {
        "day": pa.array(dates.astype(np.int32)).cast(pa.date32()),
        "attempts": np.bincount(codes, minlength=len(dates)),
        "hits": count(hit),
        "frauds": count(of["fraud"]),
        "honest": count(of["honest"]),
        "unknown": count(of["unknown"]),
    }
    return codes, pa.table(columns)


def _riskiest(risk: Floats, day: npt.NDArray[np.int64], a_day: int) -> Bools:
    """(n,) the riskiest attempts of each day."""
    order = np.lexsort((-np.nan_to_num(risk, nan=-1.0), day))
    sorted_day = day[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_day, sorted_day, "left")
    found = np.zeros(len(order), bool)
    found[order[rank < a_day]] = True
    return found & np.isfinite(risk)


def _overlap(name: str, hit: Bools, other: Bools, is_fraud: Bools) -> Overlap:
    both = hit & other
    alone = hit & ~other
    return Overlap(
        name,
        int(both.sum()),
        int(alone.sum()),
        int((other & ~hit).sum()),
        int((both & is_fraud).sum()),
        int((alone & is_fraud).sum()),
    )


def _customers(table: pa.Table, which: Bools) -> int:
    if "customer_id" not in table.column_names:
        return 0
    return len(table["customer_id"].filter(pa.array(which)).drop_null().unique())


def _notes(action: Action, hit: Bools, by_day: pa.Table, settings: FraudSettings) -> list[str]:
    share = float(hit.mean())
    found = []
    if share > TOO_MANY:
        found.append(f"It is true of {share:.1%} of attempts.")
    a_day = float(hit.sum()) / by_day.num_rows
    if action == "review" and a_day > settings.reviews_per_day:
        found.append(
            f"It sends {a_day:,.0f} attempts a day to people, who can look at {settings.reviews_per_day:,} "
            "(reviews_per_day under [fraud])."
        )
    if action == "challenge" and hit.any():
        found.append("It is reckoned as if no one who is challenged came back: the worst case.")
    return found
