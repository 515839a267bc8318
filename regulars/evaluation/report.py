"""What an honest evaluation found: figures with intervals, the baseline beside them, a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from altair.typing import ChartType
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from regulars.evaluation.bootstrap import Metric
from regulars.evaluation.html import Section, Table, render
from regulars.evaluation.leak import Check
from regulars.evaluation.wording import figure, interval


@dataclass(frozen=True)
class Report:
    """One evaluation of one capability, as a value.

    Attributes
    ----------
    capability : str
        Which of the ten, e.g. "churn".
    question : str
        What was asked, in one sentence.
    as_of : datetime, with its time zone
        The moment of prediction: features use events before it, the truth is what came after.
    horizon_days : int
        How far ahead.
    customers : int
        How many were judged.
    trained_until : datetime, with its time zone
        The model saw no event at or after this.
    model, baseline : str
        What was compared, in words that go on a sentence: "recency only".
    metrics : tuple of Metric
        At least the primary one.
    primary : str
        Name of the metric that decides.
    log_version : int
        Version of the log that was read.
    charts : title -> chart
        Each with its `description`, printed as the sentence on how to read it. Not part of
        `to_dict`, nor of equality.
    tables : title -> table
        What is looked at in detail, on the page alone; not part of `to_dict` either.
    checks : tuple of Check
        What must hold beside the metric.
    notes : tuple of str
        What a reader must know to not be misled.

    Raises
    ------
    ValueError
        If `primary` is none of the metrics, or a time has no time zone.

    Examples
    --------
    >>> from datetime import UTC
    >>> auroc = Metric("AUROC", "higher", .753, .731, .774, .721, .698, .743, .018, .047)
    >>> report = Report(
    ...     capability="churn", question="Who will not order again within 90 days?",
    ...     as_of=datetime(2024, 5, 1, tzinfo=UTC), horizon_days=90, customers=3400,
    ...     trained_until=datetime(2024, 5, 1, tzinfo=UTC), model="gradient-boosted trees",
    ...     baseline="recency only", metrics=(auroc,), primary="AUROC", log_version=7)
    >>> report.verdict
    'Better than recency only: AUROC .753 against .721 (difference .018 to .047 at 95 %). Fit for use.'
    >>> Report.from_dict(report.to_dict()) == report
    True
    """

    capability: str
    question: str
    as_of: datetime
    horizon_days: int
    customers: int
    trained_until: datetime
    model: str
    baseline: str
    metrics: tuple[Metric, ...]
    primary: str
    log_version: int
    charts: Mapping[str, ChartType] = field(default_factory=dict, compare=False, repr=False)
    tables: Mapping[str, Table] = field(default_factory=dict, compare=False, repr=False)
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [metric.name for metric in self.metrics]
        if self.primary not in names:
            raise ValueError(f'no metric is named "{self.primary}"; there are: {", ".join(names) or "none"}')
        for name, moment in [("as_of", self.as_of), ("trained_until", self.trained_until)]:
            if moment.utcoffset() is None:
                raise ValueError(f"{name} is {moment.isoformat()}, without a time zone; UTC is expected")

    @property
    def primary_metric(self) -> Metric:
        """The metric that decides."""
        return next(metric for metric in self.metrics if metric.name == self.primary)

    @property
    def failed_checks(self) -> tuple[Check, ...]:
        """The checks that did not hold."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def in_use(self) -> bool:
        """Whether the model may decide: better than its baseline beyond luck, and every check held."""
        return self.primary_metric.beats_baseline and not self.failed_checks

    @property
    def verdict(self) -> str:
        """What was found and what follows, in a sentence or two with the figures."""
        primary = self.primary_metric
        figures = (
            f"{primary.name} {figure(primary.value)} against {figure(primary.baseline)} "
            f"(difference {interval(primary.difference_low, primary.difference_high)} at 95 %)"
        )
        if not primary.beats_baseline:
            if primary.difference_high < 0:
                return f"Worse than {self.baseline}: {figures}. Kept out of use."
            return f"Not better than {self.baseline} beyond luck: {figures}. Kept out of use."
        if self.failed_checks:
            failed = "; ".join(check.name for check in self.failed_checks)
            return f"Kept out of use: a check failed ({failed}). The figures cannot be relied on: {figures}."
        return f"Better than {self.baseline}: {figures}. Fit for use."

    def to_dict(self) -> dict[str, Any]:
        """All but the charts and tables, as values that JSON can hold; with the verdict, for readers elsewhere."""
        return {
            "capability": self.capability,
            "question": self.question,
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "customers": self.customers,
            "trained_until": self.trained_until.isoformat(),
            "model": self.model,
            "baseline": self.baseline,
            "metrics": [asdict(metric) for metric in self.metrics],
            "primary": self.primary,
            "log_version": self.log_version,
            "checks": [asdict(check) for check in self.checks],
            "notes": list(self.notes),
            "in_use": self.in_use,
            "verdict": self.verdict,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Report:
        """The report that `to_dict` gave, without charts; its verdict is worked out anew.

        Raises
        ------
        KeyError
            If a part is missing; the message names it.
        """
        return cls(
            capability=saved["capability"],
            question=saved["question"],
            as_of=datetime.fromisoformat(saved["as_of"]),
            horizon_days=saved["horizon_days"],
            customers=saved["customers"],
            trained_until=datetime.fromisoformat(saved["trained_until"]),
            model=saved["model"],
            baseline=saved["baseline"],
            metrics=tuple(Metric(**metric) for metric in saved["metrics"]),
            primary=saved["primary"],
            log_version=saved["log_version"],
            checks=tuple(Check(**check) for check in saved["checks"]),
            notes=tuple(saved["notes"]),
        )

    def to_html(self) -> str:
        """One page that stands alone: no file beside it, no network."""
        return render(f"{self.capability.capitalize()}: evaluation", [Section(report=self)])

    def __rich__(self) -> RenderableType:
        table = RichTable("Metric")
        for heading in ("Model", "Baseline", "Gain at 95 %"):
            table.add_column(heading, justify="right")
        for metric in self.metrics:
            won, lost = metric.beats_baseline, metric.difference_high < 0
            table.add_row(
                Text(f"{metric.name} ({metric.better} is better)", style="bold" * (metric.name == self.primary)),
                Text(f"{figure(metric.value)}  ({interval(metric.low, metric.high)})"),
                Text(f"{figure(metric.baseline)}  ({interval(metric.baseline_low, metric.baseline_high)})"),
                Text(
                    interval(metric.difference_low, metric.difference_high),
                    style="green" if won else "red" if lost else "yellow",
                ),
            )
        checks = [
            Text(f"{'passed' if check.passed else 'FAILED'}  {check.name}. {check.detail}") for check in self.checks
        ]
        for check, line in zip(self.checks, checks, strict=True):
            line.stylize("green" if check.passed else "bold red", 0, len("passed"))
        return Group(
            Text(f"{self.capability}: {self.question}", style="bold"),
            Text(
                f"{self.customers:,} customers as of {self.as_of:%Y-%m-%d}, {self.horizon_days} days ahead; "
                f"learned until {self.trained_until:%Y-%m-%d}; log version {self.log_version}",
                style="dim",
            ),
            # As Text: brackets in a name are a name, not markup.
            Text(f"Model: {self.model}. Baseline: {self.baseline}.", style="dim"),
            table,
            *checks,
            *(Text(f"note    {note}", style="dim") for note in self.notes),
            Text(self.verdict, style="bold green" if self.in_use else "bold red"),
        )
