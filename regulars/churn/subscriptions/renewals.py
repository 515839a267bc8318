"""Who will end a subscription at its next renewal, and for how long will it run: a hazard for each renewal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.churn.dataset import KEYS, LEAST, MOST_ROWS, Floats, features_of
from regulars.churn.model import FOLDS, calibrate
from regulars.churn.subscriptions.spells import DAY, HELD, KEPT, OPEN, Ints, Spells, grace_days, spells
from regulars.errors import NotEnoughError
from regulars.evaluation import log_loss
from regulars.events.schema import TIME
from regulars.logistic import Logistic, probability

if TYPE_CHECKING:
    from regulars.shop import Shop

PENALTIES = (0.001, 0.01, 0.1)
"""Inverse strengths of the penalty, chosen among by rows of customers that were not learned from."""
SHORTEST_STEP, LONGEST_STEP = 7, 91
"""Days between past moments: a period, but within these."""
LEAST_LEFT = 20
"""Renewals so late that fewer ended at them, or at later ones, are taken as one."""
AHEAD = 12
"""Renewals that are looked ahead one by one; beyond them the hazard stays as it is at the last."""
MOST_PLANS = 10
MONTH_DAYS = 30.4375


@dataclass(frozen=True)
class Running:
    """Subscriptions that ran at moments: rows of person-periods.

    Attributes
    ----------
    table : (n,) customer_id and as_of.
    event_id : (n,) of the payment for the period under way.
    spell : (n,) the row in the table of spells as of the moment.
    number : (n,) of the period, 1 for the first.
    tenure : (n,) days since the spell began. left : (n,) days until the period is over. period : (n,) its length.
    others : (n, 2) which spell of the subscription it is, and whether its start is known.
    plan : (n,) its name, None where there is none.
    """

    table: pa.Table
    event_id: pa.Array
    spell: Ints
    number: Ints
    tenure: Floats
    left: Floats
    period: Floats
    others: Floats
    plan: list[str | None]

    @classmethod
    def of(cls, found: Spells, as_of: datetime, due_before: datetime | None = None) -> Running:
        """Those with a known period; only those whose renewal, grace included, is due before a moment.

        That is told by what was known at `as_of`, not by what came: else those who cancel early would be too many.
        """
        periods, at = found.periods, found.running
        now = round(as_of.timestamp() * 1e6)
        left = periods.days[at] - (now - periods.begun[at]) / DAY
        keep = ~np.isnan(left)
        if due_before is not None:
            keep &= left + grace_days(periods.days[at]) < (due_before - as_of) / timedelta(days=1)
        at, left = at[keep], left[keep]
        table = found.table.take(pa.array(periods.spell[at]))
        moments = pa.repeat(pa.scalar(as_of, TIME), len(at))
        begun = table["started_at"].cast(pa.int64()).to_numpy()
        return cls(
            table=pa.table({"customer_id": table["customer_id"], "as_of": moments}),
            event_id=periods.event_id.take(pa.array(at)),
            spell=periods.spell[at],
            number=periods.number[at],
            tenure=(now - begun) / DAY,
            left=left,
            period=periods.days[at],
            others=np.column_stack(
                [table["spell"].to_numpy(), table["is_start_known"].to_numpy(zero_copy_only=False)]
            ).astype(float),
            plan=table["plan"].to_pylist(),
        )

    @classmethod
    def together(cls, parts: list[Running]) -> Running:
        """Rows of several moments."""

        def joined(name: str) -> npt.NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts])

        return cls(
            table=pa.concat_tables([part.table for part in parts]),
            event_id=pa.concat_arrays([part.event_id for part in parts]),
            spell=joined("spell"),
            number=joined("number"),
            tenure=joined("tenure"),
            left=joined("left"),
            period=joined("period"),
            others=joined("others"),
            plan=[plan for part in parts for plan in part.plan],
        )

    def where(self, rows: Ints) -> Running:
        """Some of the rows."""
        return Running(
            table=self.table.take(pa.array(rows)),
            event_id=self.event_id.take(pa.array(rows)),
            spell=self.spell[rows],
            number=self.number[rows],
            tenure=self.tenure[rows],
            left=self.left[rows],
            period=self.period[rows],
            others=self.others[rows],
            plan=[self.plan[row] for row in rows.tolist()],
        )

    def came(self, later: Spells) -> tuple[Ints, Floats]:
        """What came of the periods, by what is known later: the rows of which it is known, and 1 for who left.

        Who paused is not among them, for that is neither.
        """
        place = pc.index_in(self.event_id, later.periods.event_id).fill_null(-1).to_numpy()
        outcome = np.where(place >= 0, later.periods.outcome[place], OPEN)
        rows = np.flatnonzero((outcome != OPEN) & (outcome != HELD))
        return rows, (outcome[rows] != KEPT).astype(float)


@dataclass(frozen=True)
class ByNumber:
    """The hazard of a period's number alone: as Kaplan and Meier have it, of who left among who could.

    Attributes
    ----------
    hazard : (k,) of the first period, the second, …; of all later ones the last.

    Examples
    --------
    >>> number = np.repeat([1, 2, 3], [100, 60, 10])
    >>> left = (np.arange(170) % 10 < 3).astype(float)
    >>> ByNumber.fit(number, left).at(np.array([1, 2, 9])).round(2).tolist()
    [0.3, 0.3, 0.3]
    """

    hazard: Floats

    @classmethod
    def fit(cls, number: Ints, left: Floats) -> ByNumber:
        """From rows (n,) of periods that were under way, and whether they were the last."""
        from_there_on = np.cumsum(np.bincount(number, left)[:0:-1])[::-1]
        last = max(int((from_there_on >= LEAST_LEFT).sum()), 1)
        number = np.minimum(number, last)
        at_risk, ended = np.bincount(number)[1:], np.bincount(number, left)[1:]
        # As if one more of each had been seen that does as all do: none is certain.
        return cls((ended + left.mean()) / (at_risk + 1))

    def at(self, number: Ints) -> Floats:
        """(n,) the hazard of periods by their numbers."""
        found: Floats = self.hazard[np.minimum(number, len(self.hazard)) - 1]
        return found


@dataclass(frozen=True)
class Renewals:
    """The chance that a subscription ends at its next renewal, and at those after it.

    A logistic regression on person-periods: the usual hazard of the period's number, how long the subscription has
    run, how far the next renewal is, the plan, and the customer's profile; calibrated on customers that were not
    learned from.

    Source
    ------
    Singer and Willett (1993), It's About Time: Using Discrete-Time Survival Analysis to Study Duration and the Timing
    of Events.

    Attributes
    ----------
    by_number : the baseline, and one of the inputs.
    overdue : the chance of those whose renewal is late, within the grace. Most of them have left: they are another case
        than those who have paid, and a line through both would be too steep for these.
    names : of the features of the profile. plans : that have an input of their own.
    rows, left : how many person-periods were learned from, and how many were the last.
    """

    by_number: ByNumber
    overdue: float
    names: tuple[str, ...]
    plans: tuple[str, ...]
    logistic: Logistic
    slope: float
    intercept: float
    rows: int
    left: int

    @classmethod
    def learn(cls, shop: Shop, until: datetime, known: Spells) -> Renewals:
        """From past moments of the log, each with the subscriptions whose next renewal was due before `until`.

        Parameters
        ----------
        known : the spells as of `until`.

        Raises
        ------
        NotEnoughError
            If fewer than 50 of them ended, or fewer than 50 were renewed.
        """
        days = known.periods.days[~np.isnan(known.periods.days)]
        step = float(np.clip(np.median(days) if len(days) else LONGEST_STEP, SHORTEST_STEP, LONGEST_STEP))
        moments = [until - timedelta(days=step) * k for k in range(1, shop.config.churn.cut_offs + 1)]
        running = Running.together([Running.of(spells(shop, moment), moment, until) for moment in moments])
        rows, left = running.came(known)
        if len(rows) > MOST_ROWS:
            chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:MOST_ROWS])
            rows, left = rows[chosen], left[chosen]
        running = running.where(rows)
        is_late = running.left < 0
        paid = np.flatnonzero(~is_late)
        ended, kept = int(left[paid].sum()), int((1 - left[paid]).sum())
        if min(ended, kept) < LEAST:
            raise NotEnoughError(
                f"Not enough renewals before {until:%Y-%m-%d} to tell who will end a subscription: needs {LEAST} that "
                f"ended and {LEAST} that were renewed; has {ended} and {kept}."
            )
        overdue = (left[is_late].sum() + left.mean()) / (int(is_late.sum()) + 1)
        by_number = ByNumber.fit(running.number, left)
        running = running.where(paid)
        return cls._fit(running, profiles(shop, running.table), left[paid], by_number, float(overdue))

    @classmethod
    def _fit(cls, running: Running, known: pa.Table, left: Floats, by_number: ByNumber, overdue: float) -> Renewals:
        names = tuple(name for name in known.column_names if name not in KEYS)
        plans = _frequent(running.plan)
        features = _features(running, known, by_number, names, plans)
        _, who = np.unique(np.asarray(running.table["customer_id"].to_pylist()), return_inverse=True)
        fold = np.random.default_rng(0).permutation(int(who.max()) + 1)[who] % FOLDS
        scores = {penalty: np.empty(len(left)) for penalty in PENALTIES}
        for held_out in range(FOLDS):
            inside, outside = fold != held_out, fold == held_out
            for penalty, score in scores.items():
                score[outside] = Logistic.fit(features[inside], left[inside], penalty).score(features[outside])
        penalty = min(scores, key=lambda one: log_loss(left, probability(scores[one])))
        slope, intercept = calibrate(scores[penalty], left)
        model = Logistic.fit(features, left, penalty)
        return cls(by_number, overdue, names, plans, model, slope, intercept, len(left), int(left.sum()))

    def hazard(self, running: Running, known: pa.Table) -> Floats:
        """(n,) the chance that each ends at its next renewal.

        Parameters
        ----------
        known : (n,) their profiles.
        """
        features = _features(running, known, self.by_number, self.names, self.plans)
        found = probability(self.slope * self.logistic.score(features) + self.intercept)
        found = np.where(running.left < 0, self.overdue, found)
        # Of so many periods seen, a chance below one of them is not known to be that low.
        return np.clip(found, 1 / (self.rows + 1), 1 - 1 / (self.rows + 1))

    def survival(self, running: Running, known: pa.Table) -> tuple[Floats, Floats]:
        """The chance (n, AHEAD) to be renewed so many times more, and the months (n,) that are expected to be left.

        What is known of the customer is taken to stay as it is. Beyond the last of them the hazard stays the same, so
        that the renewals still to come follow a geometric law.
        """
        chances = np.empty((len(running.number), AHEAD))
        for ahead in range(AHEAD):
            chances[:, ahead] = self.hazard(_later(running, ahead), known)
        survival = np.asarray(np.cumprod(1 - chances, axis=1), float)
        tail = survival[:, -1] * (1 - chances[:, -1]) / chances[:, -1]
        renewals = survival.sum(axis=1) + tail
        months: Floats = (np.maximum(running.left, 0) + renewals * running.period) / MONTH_DAYS
        return survival, months


def profiles(shop: Shop, pairs: pa.Table) -> pa.Table:
    """The profiles of customers as of moments, of which some are asked for twice: of each subscription."""
    times = pairs["as_of"].cast(pa.int64()).to_numpy()
    codes = pairs["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first, place = np.unique(np.column_stack([times, codes]), axis=0, return_index=True, return_inverse=True)
    found = shop.tables.of("profile", pairs.take(pa.array(first)))
    return found.take(pa.array(place.reshape(-1)))


def _later(running: Running, ahead: int) -> Running:
    """The same, as they will be when so many renewals are done: then a period begins.

    How long it has run stays, as does the profile: much in that grows with time as well, and would lag behind.
    """
    if not ahead:
        return running
    return replace(running, number=running.number + ahead, left=running.period)


def _frequent(plans: list[str | None]) -> tuple[str, ...]:
    """The plans that most have, each of at least 50."""
    counts = pa.array(plans, pa.string()).drop_null().value_counts().to_pylist()
    counts = sorted(counts, key=lambda one: (-one["counts"], one["values"]))
    return tuple(one["values"] for one in counts[:MOST_PLANS] if one["counts"] >= LEAST)


def _features(
    running: Running, known: pa.Table, by_number: ByNumber, names: tuple[str, ...], plans: tuple[str, ...]
) -> Floats:
    usual = by_number.at(running.number)
    plan = np.asarray(running.plan, object)
    own = np.column_stack(
        [
            np.log(usual / (1 - usual)),
            running.tenure,
            running.left / running.period,
            running.period,
            running.others,
            *(plan == name for name in plans),
        ]
    ).astype(float)
    return np.hstack([own, features_of(known, names)])
