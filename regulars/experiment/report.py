"""A result as a table, as JSON, and as one HTML page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from regulars.evaluation import Figure, Section, Table, render
from regulars.experiment import plots
from regulars.experiment.analysis import Result
from regulars.experiment.verdicts import Finding
from regulars.experiment.words import Language, of_check, of_verdict

COLUMNS = {
    "en": (
        "Metric", "Variant", "Control", "Treated", "Effect", "At any time", "One look, p", "Likely better",
        "CUPED saves",
    ),
    "zh": ("指标", "分组", "对照", "实验", "效果", "随时成立", "单次 p 值", "更优概率", "CUPED 节省"),
}  # fmt: skip
HEADINGS = {
    "en": ("Verdict", "Checks", "Metrics", "Look by look", "By segment", "By day since exposure", "Large values cut"),
    "zh": ("结论", "检查", "指标", "逐次查看", "分人群", "曝光后逐日", "截断大值"),
}


def rows_of(result: Result) -> list[tuple[str, ...]]:
    """The findings as texts, in the order of `COLUMNS`."""
    return [
        (
            one.metric.name, one.variant, f"{one.control.value:.4g}", f"{one.treated.value:.4g}",
            _share(one, one.effect.difference), f"{_share(one, one.always.low)} … {_share(one, one.always.high)}",
            f"{one.effect.p_value:.3f}", f"{_better(one):.0%}", "" if one.health is None else f"{_saved(one):.0%}",
        )
        for one in result.findings
    ]  # fmt: skip


def _share(one: Finding, value: float) -> str:
    if not np.isfinite(value):
        return "?"
    return f"{value / one.control.value:+.1%}" if one.control.value > 0 else f"{value:+.4g}"


def _better(one: Finding) -> float:
    return one.believed.better if one.metric.better == "higher" else 1 - one.believed.better


def _saved(one: Finding) -> float:
    return one.health.saved if one.health is not None and one.health.is_sound else 0.0


def shown(result: Result, language: Language = "en") -> RenderableType:
    """A result for the terminal."""
    table = RichTable(*COLUMNS[language])
    for number, row in enumerate(rows_of(result)):
        state = result.findings[number].direction
        style = {"better": "green", "worse": "red", "none": ""}[state] if not result.blocked else "dim"
        table.add_row(*(Text(cell) for cell in row), style=style)
    marks = [
        Text(f"{'ok' if check.passed else 'BLOCKS' if check.blocks else 'note'}  {of_check(check, language)}")
        for check in result.checks
        if not check.passed
    ]
    sums = ", ".join(f"{name} {count:,}" for name, count in result.counts.items())
    said = [Text(of_verdict(result, one, language), style="bold") for one in result.verdicts]
    return Group(Text(f"{result.as_of:%Y-%m-%d %H:%M}: {sums}", style="dim"), table, *marks, *said)


def to_dict(result: Result, language: Language = "en") -> dict[str, Any]:
    """A result as values that JSON can hold; what is infinite or unknown is null."""
    found: dict[str, Any] = _plain(asdict(result))
    found["blocked"] = bool(result.blocked)
    for check, said in zip(found["checks"], result.checks, strict=True):
        check["words"] = of_check(said, language)
    for verdict, one in zip(found["verdicts"], result.verdicts, strict=True):
        verdict["words"] = of_verdict(result, one, language)
    for row, finding in zip(found["findings"], result.findings, strict=True):
        row["direction"] = finding.direction
        row["metric"] = finding.metric.name
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value.isoformat() if isinstance(value, datetime) else value


def to_html(result: Result, title: str, language: Language = "en") -> str:
    """A result as one page that stands alone."""
    verdict, checks, metrics, looks, segment, days, cuts = HEADINGS[language]
    sections = [
        Section(verdict, text=[of_verdict(result, one, language) for one in result.verdicts]),
        Section(
            checks,
            table=Table(
                ("", checks), [("✓" if check.passed else "✗", of_check(check, language)) for check in result.checks]
            ),
        ),
        Section(
            metrics, table=Table(COLUMNS[language], rows_of(result)), figures=_figures(result, looks, metrics, days)
        ),
    ]
    for part in result.segments:
        chart = plots.segments_plot(part)
        sections.append(Section(segment, figures=[_figure(f"{segment}, {part.variant}", chart)]))
    for variant, table in result.sensitivity.items():
        lines = [
            (f"{cut.share:.2%}", "" if not np.isfinite(cut.at) else f"{cut.at:,.2f}", f"{cut.effect.difference:+.4g}",
             f"{cut.effect.low:+.4g} … {cut.effect.high:+.4g}")
            for cut in table
        ]  # fmt: skip
        sections.append(Section(f"{cuts}, {variant}", table=Table(("%", "≤", COLUMNS[language][4], "95 %"), lines)))
    return render(title, sections)


def _figures(result: Result, looks: str, metrics: str, days: str) -> list[Figure]:
    found = []
    for variant in result.series:
        if any(np.isfinite(point.always_low) for point in result.series[variant]):
            found.append(_figure(f"{looks}, {variant}", plots.looks_plot(result, variant)))
            found.append(_figure(f"{metrics}, {variant}", plots.metrics_plot(result, variant)))
        if variant in result.daily:
            found.append(_figure(f"{days}, {variant}", plots.days_plot(result, variant)))
    return found


def _figure(title: str, chart: Any) -> Figure:
    return Figure(title, str(chart.to_dict().get("description", "")), chart)
