"""From moments at each look to what may be said: effects that hold at any time, and the verdict that was planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from scipy import stats as scipy_stats

from regulars.experiment.metrics import Metric
from regulars.experiment.plan import AnalysisPlan
from regulars.experiment.stats import (
    Arm,
    Effect,
    Guardrail,
    Health,
    Moments,
    Posterior,
    adjusted,
    boundaries,
    difference,
    difference_of_shares,
    log_e_value,
    mean_of,
    mixture_for,
    non_inferior,
    posterior,
    ratio_of,
    reach,
    shares_sequence,
    spent,
)
from regulars.experiment.stats.sequences import LEAST_CUSTOMERS

NEWS = 1.01
"""A look with fewer customers than so many times those of the one before decides nothing: it would say the same."""
USUAL_EFFECT = 0.3
"""Standard deviation of relative effects that the Bayesian's first guess takes for usual."""


@dataclass(frozen=True)
class AnyTime:
    """What holds whenever it is read.

    Attributes
    ----------
    low, high : the confidence sequence; infinite where an arm has too few customers to say anything.
    p_value : of no difference, at any time.
    """

    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Planned:
    """How the planned verdict stands, as of its newest look.

    Attributes
    ----------
    look, looks : which look it is of how many.
    z, boundary : how many standard errors the effect is from none, and how many it must be.
    low, high : the interval that holds at all looks of the plan.
    crossed : 1 if an effect above 0 was found at this look or one before, -1 below 0, 0 if none was.
    crossed_at : when.
    is_over : whether that was the last look.
    """

    look: int
    looks: int
    z: float
    boundary: float
    low: float
    high: float
    crossed: int
    crossed_at: datetime | None
    is_over: bool


@dataclass(frozen=True)
class Finding:
    """One metric in one variant beside control.

    Attributes
    ----------
    control, treated : what each arm came to, less what the pre-period foretold where that is sound.
    effect : their difference; its interval and p-value are for one look.
    plain : the same without CUPED.
    health : of CUPED; None where it is not used (quantiles).
    always : what holds at any time.
    log_evidence : against no difference, at any time.
    believed : the Bayesian posterior.
    guardrail : whether a loss is ruled out; None where the metric is no guardrail.
    """

    metric: Metric
    variant: str
    control: Arm
    treated: Arm
    effect: Effect
    plain: Effect
    health: Health | None
    always: AnyTime
    log_evidence: float
    believed: Posterior
    guardrail: Guardrail | None = None

    @property
    def direction(self) -> Literal["better", "worse", "none"]:
        """What is found, at any time."""
        found = int(self.always.low > 0) - int(self.always.high < 0)
        found *= 1 if self.metric.better == "higher" else -1
        return "better" if found > 0 else "worse" if found < 0 else "none"


def arms_of(metric: Metric, moments: Sequence[Moments], leverage: float) -> tuple[list[Arm], list[Arm], Health]:
    """Arms plain, and less what the pre-period foretold (the same, where that is not sound); control first."""
    plain = [ratio_of(one) if metric.kind == "ratio" else mean_of(one) for one in moments]
    found = adjusted(moments, leverage)
    return plain, list(found.arms) if found.health.is_sound else plain, found.health


def find(
    metric: Metric, variant: str, moments: Sequence[Moments], plan: AnalysisPlan, leverage: float = 0.0
) -> Finding:
    """A metric's effect from the moments of control and of a variant.

    Raises
    ------
    NotEnoughError
        If an arm has fewer than two customers, or the denominator of a ratio is nothing.
    """
    plain, arms, health = arms_of(metric, moments, leverage)
    counts = [(round(float(one.mean[0]) * one.count), one.count) for one in moments]
    is_share = metric.kind == "share"
    unadjusted = difference_of_shares(counts[1], counts[0]) if is_share else difference(plain[1], plain[0])
    effect = unadjusted if arms is plain else difference(arms[1], arms[0])
    found = _found(metric, variant, arms, unadjusted, effect, health, plan)
    if is_share:
        exact = shares_sequence(counts[1], counts[0], plan.alpha_each)
        always = AnyTime(exact.low, exact.high, exact.p_value)
        evidence = -float(np.log(max(exact.p_value, 1e-300)))
        return Finding(**{**vars(found), "always": always, "log_evidence": evidence})
    return found


def find_quantile(metric: Metric, variant: str, arms: Sequence[Arm], plan: AnalysisPlan) -> Finding:
    """The same of quantiles, which have no pre-period."""
    effect = difference(arms[1], arms[0])
    return _found(metric, variant, arms, effect, effect, None, plan)


def _found(
    metric: Metric,
    variant: str,
    arms: Sequence[Arm],
    plain: Effect,
    effect: Effect,
    health: Health | None,
    plan: AnalysisPlan,
) -> Finding:
    always, evidence = always_of(arms, plan)
    control = arms[0]
    believed = posterior(effect.difference, effect.error, USUAL_EFFECT * abs(control.value) or 1e9)
    guardrail = None
    if metric.name in plan.guardrails and control.value > 0:
        width = _width(arms, plan)
        # As wide as the sequence, for guardrails are looked at daily too.
        alpha = float(scipy_stats.norm.sf(width)) if np.isfinite(width) else 1e-300
        guardrail = non_inferior(arms[1], control, plan.guardrails[metric.name], metric.better, alpha)
    return Finding(metric, variant, control, arms[1], effect, plain, health, always, evidence, believed, guardrail)


def _width(arms: Sequence[Arm], plan: AnalysisPlan) -> float:
    if min(arm.customers for arm in arms) < LEAST_CUSTOMERS:
        return float("inf")
    mixture = mixture_for(plan.customers, plan.alpha_each)
    return float(reach([sum(arm.customers for arm in arms)], mixture, plan.alpha_each)[0])


def always_of(arms: Sequence[Arm], plan: AnalysisPlan) -> tuple[AnyTime, float]:
    """The confidence sequence of two arms' difference at this moment, and the logarithm of the evidence."""
    gap, error = arms[1].value - arms[0].value, float(np.hypot(arms[0].error, arms[1].error))
    width = _width(arms, plan)
    if not np.isfinite(width) or not error:
        return AnyTime(-np.inf, np.inf, 1.0), 0.0
    mixture = mixture_for(plan.customers, plan.alpha_each)
    evidence = float(log_e_value([gap / error], [sum(arm.customers for arm in arms)], mixture)[0])
    return AnyTime(gap - width * error, gap + width * error, float(np.exp(-max(evidence, 0.0)))), evidence


@dataclass(frozen=True)
class Point:
    """The primary effect as it was seen at one look, with both intervals."""

    at: datetime
    effect: float
    always_low: float
    always_high: float
    planned_low: float | None
    planned_high: float | None


def follow(
    metric: Metric,
    looks: Sequence[datetime],
    moments: Sequence[Sequence[Moments]],
    plan: AnalysisPlan,
    leverage: float = 0.0,
) -> tuple[list[Point], Planned | None]:
    """The primary metric look by look, and the planned verdict.

    A planned look is at the end of each day of the plan. The error is spent by time, so that neither traffic nor
    variance that turn out otherwise than thought change what was planned.

    Parameters
    ----------
    looks : (t,) ascending; those that are not the end of a day of the plan are shown, and decide nothing.
    moments : (t, 2) of control and the variant, as known at each look.

    Returns
    -------
    A point for each look at which both arms had enough customers; and the verdict, None before the first planned look.
    """
    day = timedelta(days=1)
    span = plan.days - metric.days
    kept: list[tuple[datetime, list[Arm]]] = []
    for at, both in zip(looks, moments, strict=True):
        if min(one.count for one in both) >= LEAST_CUSTOMERS and not (
            metric.kind == "ratio" and min(one.mean[1] for one in both) <= 0
        ):
            kept.append((at, arms_of(metric, both, leverage)[1]))
    used: list[float] = []
    information: list[float] = []
    place: list[int] = []
    for number, (at, arms) in enumerate(kept):
        passed = at - plan.starts_at
        is_planned = not passed % day and metric.days < passed // day <= plan.days
        worth = 1 / sum(1 / arm.customers for arm in arms)
        enough = information[-1] * NEWS if information else 0.0
        # The last look spends what is left even if nobody came since the one before, as where all came at once.
        if is_planned and (worth >= enough or passed // day == plan.days):
            used.append((passed // day - metric.days) / span)
            information.append(max(worth, enough))
            place.append(number)
    edges = boundaries(information, spent(used, plan.alpha_each, plan.spending)) if used else np.zeros(0)
    edge_at = dict(zip(place, edges, strict=True))
    points, crossed, crossed_at, planned = [], 0, None, None
    for number, (at, arms) in enumerate(kept):
        gap, error = arms[1].value - arms[0].value, float(np.hypot(arms[0].error, arms[1].error))
        always, _ = always_of(arms, plan)
        edge = float(edge_at[number]) if number in edge_at else None
        wide = None if edge is None else edge * error
        points.append(Point(at, gap, always.low, always.high, wide and gap - wide, wide and gap + wide))
        if edge is None or wide is None:
            continue
        z = gap / error if error else 0.0
        if not crossed and abs(z) >= edge:
            crossed, crossed_at = int(np.sign(z)), at
        past = (at - plan.starts_at) // day
        planned = Planned(
            past - metric.days, span, z, edge, gap - wide, gap + wide, crossed, crossed_at, past >= plan.days
        )
    return points, planned
