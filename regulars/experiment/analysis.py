"""What an experiment found: from exposures and the log to checks, effects and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa

from regulars.errors import InputError, NotEnoughError
from regulars.experiment import checks
from regulars.experiment.checks import Check
from regulars.experiment.collecting import BySegment, Collected
from regulars.experiment.enrolment import enrol
from regulars.experiment.metrics import Metric
from regulars.experiment.plan import AnalysisPlan
from regulars.experiment.stats import (
    Cut,
    Effect,
    benjamini_hochberg,
    e_benjamini_hochberg,
    holm,
)
from regulars.experiment.verdicts import Finding, Planned, Point, find, find_quantile, follow

if TYPE_CHECKING:
    from regulars.shop import Shop

State = Literal["blocked", "early", "better", "worse", "unsafe", "none", "open"]
"""What a verdict says: a check forbids one; too few customers count yet; the primary metric is better, or worse; it is
better but a guardrail is not shown to hold; the plan is over and found nothing; or it goes on."""


@dataclass(frozen=True)
class Verdict:
    """What to make of one variant.

    Attributes
    ----------
    state : see `State`.
    by : which rule found an effect: "plan", "sequence" (at any time) or "" for none.
    planned : the planned verdict's figures; None before its first look.
    broken : guardrails that are not shown to hold.
    """

    variant: str
    state: State
    by: str
    planned: Planned | None
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Corrected:
    """One finding among all, so many metrics and variants being looked at.

    Attributes
    ----------
    found : by e-values, at any time, with a false share of at most alpha.
    holm, benjamini_hochberg : p-values adjusted; for one look.
    """

    found: bool
    holm: float
    benjamini_hochberg: float


@dataclass(frozen=True)
class Result:
    """What an experiment found as of a moment. `regulars.experiment.report` draws it.

    Attributes
    ----------
    counts : customers of each arm, by name; `counted` those whose days of the primary metric are over.
    findings : by metric and variant.
    corrected : one for each finding.
    sensitivity : by variant, the primary effect at each cut.
    series : by variant, the primary effect at each look.
    daily : by variant, the primary effect on each day since exposure, without CUPED.
    """

    plan: AnalysisPlan
    as_of: datetime
    counts: Mapping[str, int]
    counted: Mapping[str, int]
    checks: tuple[Check, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    corrected: tuple[Corrected, ...]
    sensitivity: Mapping[str, tuple[Cut, ...]]
    series: Mapping[str, tuple[Point, ...]]
    daily: Mapping[str, tuple[Effect, ...]]
    segments: tuple[BySegment, ...]

    @property
    def blocked(self) -> tuple[Check, ...]:
        """The checks that forbid a verdict."""
        return tuple(check for check in self.checks if check.blocks and not check.passed)

    def finding(self, metric: str, variant: str) -> Finding | None:
        """The finding of a metric in a variant; None where there was too little."""
        return next((one for one in self.findings if (one.metric.name, one.variant) == (metric, variant)), None)


def analyse(
    shop: Shop,
    assignments: pa.Table,
    metrics: Sequence[Metric],
    plan: AnalysisPlan,
    as_of: datetime,
    *,
    segments: pa.Table | None = None,
) -> Result:
    """What an experiment found as of a moment.

    What was done before exposure counts for CUPED alone. Customers count for a metric once its days after exposure are
    over. Moments of all metrics are added up in the engine; what comes back is a few rows.

    Parameters
    ----------
    assignments : customer_id (any id), variant, exposed_at; a row an exposure. Of several of a customer the first
        counts; whoever saw two variants is left out and counted.
    metrics : the primary and the guardrails of the plan among them.
    segments : customer_id, segment: for the primary effect by segment.

    Raises
    ------
    InputError
        If the plan names a metric that is not given, a metric is given twice, its days are longer than the plan, or
        assignments cannot be read.
    NotEnoughError
        If nobody was exposed yet.
    """
    primary = _checked(metrics, plan)
    arms = plan.arms
    enrolment = enrol(assignments, arms, plan.starts_at, as_of, shop.identities)
    table = enrolment.table
    looks = plan.looks(as_of, primary.days)
    data = Collected(shop, enrolment, metrics, plan, looks, as_of)
    found = [_of_metric(data, number, metric) for number, metric in enumerate(metrics)]
    findings = tuple(one for some in found for one in some)
    counts = np.bincount(table["arm"].to_numpy(), minlength=len(arms))
    whole = data.sums(metrics.index(primary))
    counted = {name: int(whole.counts[-1, arm]) for arm, name in enumerate(arms)}
    made = checks.of_arms(arms, counts, [plan.shares[name] for name in arms], enrolment.jumped, data.exposed_by_day())
    series, planned = {}, {}
    sensitivity: dict[str, tuple[Cut, ...]] = {}
    by_days: dict[str, tuple[Effect, ...]] = {}
    for arm, name in enumerate(arms[1:], start=1):
        finding = next((one for one in findings if (one.metric, one.variant) == (primary, name)), None)
        if finding is None or finding.health is None:
            continue
        at_looks = [[whole.at(look, 0), whole.at(look, arm)] for look in range(len(looks))]
        points, planned[name] = follow(primary, looks, at_looks, plan, finding.health.leverage)
        series[name] = tuple(points)
        if primary.kind in ("mean", "ratio") and primary.measure.amount in ("revenue", "margin", "pieces"):
            sensitivity[name] = data.sensitivity(arm)
            made.append(checks.of_cuts(sensitivity[name]))
        made += checks.of_metric(
            primary, at_looks[-1], finding.health, finding.plain.difference, finding.effect.difference
        )
        if data.has_days:
            made.append(checks.of_timing(primary, data.timing(arm)))
            by_days[name] = data.daily_effects(arm)
    verdicts = tuple(_verdict(name, findings, planned.get(name), made, plan) for name in arms[1:])
    parts = () if segments is None else data.by_segment(segments)
    return Result(
        plan, as_of, {name: int(count) for name, count in zip(arms, counts, strict=True)}, counted, tuple(made),
        verdicts, findings, _corrected(findings, plan), sensitivity, series, by_days, parts,
    )  # fmt: skip


def _checked(metrics: Sequence[Metric], plan: AnalysisPlan) -> Metric:
    names = [metric.name for metric in metrics]
    for name in (plan.primary, *plan.guardrails):
        if names.count(name) != 1:
            raise InputError(
                f'the plan names the metric "{name}"; it must be given once. Given are: {", ".join(names) or "none"}.'
            )
    if len(set(names)) < len(names):
        raise InputError(f"a metric is given twice: {', '.join(sorted(names))}.")
    primary = metrics[names.index(plan.primary)]
    if primary.kind == "quantile":
        raise InputError(f'"{primary.name}" is a quantile, and cannot be the primary metric. Choose a mean or a ratio.')
    if primary.days >= plan.days:
        raise InputError(
            f'"{primary.name}" counts {primary.days} days after exposure, and the plan has {plan.days} days: nobody '
            "would count in time. Plan more days, or a metric of fewer."
        )
    return primary


def _of_metric(data: Collected, number: int, metric: Metric) -> list[Finding]:
    found = []
    if metric.kind == "quantile":
        arms = data.quantiles(metric)
        for name, treated in zip(data.arms[1:], arms[1:], strict=True):
            if arms[0] is not None and treated is not None:
                found.append(find_quantile(metric, name, [arms[0], treated], data.plan))
        return found
    sums = data.sums(number)
    for arm, name in enumerate(data.arms[1:], start=1):
        try:
            both = [sums.at(-1, 0), sums.at(-1, arm)]
            found.append(find(metric, name, both, data.plan, data.leverage(number)))
        except NotEnoughError:
            continue
    return found


def _corrected(findings: Sequence[Finding], plan: AnalysisPlan) -> tuple[Corrected, ...]:
    if not findings:
        return ()
    p_values = [one.effect.p_value for one in findings]
    evidence = np.exp(np.minimum([one.log_evidence for one in findings], 700))
    is_found = e_benjamini_hochberg(evidence, plan.alpha)
    return tuple(
        Corrected(bool(some), float(strict), float(loose))
        for some, strict, loose in zip(is_found, holm(p_values), benjamini_hochberg(p_values), strict=True)
    )


def _verdict(
    variant: str, findings: Sequence[Finding], planned: Planned | None, made: Sequence[Check], plan: AnalysisPlan
) -> Verdict:
    own = {one.metric.name: one for one in findings if one.variant == variant}
    broken = tuple(
        name for name in plan.guardrails if not (name in own and (held := own[name].guardrail) and held.is_held)
    )
    if any(check.blocks and not check.passed for check in made):
        return Verdict(variant, "blocked", "", planned, broken)
    primary = own.get(plan.primary)
    if primary is None or (planned is None and not np.isfinite(primary.always.low)):
        return Verdict(variant, "early", "", planned, broken)
    sign = 1 if primary.metric.better == "higher" else -1
    by_plan = planned.crossed * sign if planned else 0
    by_sequence = {"better": 1, "worse": -1, "none": 0}[primary.direction]
    found, by = (by_plan, "plan") if by_plan else (by_sequence, "sequence" if by_sequence else "")
    if found > 0:
        return Verdict(variant, "unsafe" if broken else "better", by, planned, broken)
    if found < 0:
        return Verdict(variant, "worse", by, planned, broken)
    return Verdict(variant, "none" if planned and planned.is_over else "open", "", planned, broken)
