"""Charts of a result: the effect look by look, metrics side by side, segments, days since exposure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from altair.typing import ChartType

from regulars.evaluation import palette
from regulars.experiment.analysis import Result
from regulars.experiment.collecting import BySegment

_WIDTH, _HEIGHT = 360, 260
_LOOKS = 120


def looks_plot(result: Result, variant: str) -> ChartType:
    """The primary effect at each look, with the interval of the plan inside the one that holds at any time."""
    series = [point for point in result.series[variant] if np.isfinite(point.always_low)][-_LOOKS:]
    rows = [
        {
            "at": point.at.isoformat(),
            "effect": _round(point.effect),
            "always_low": _round(point.always_low),
            "always_high": _round(point.always_high),
            "planned_low": None if point.planned_low is None else _round(point.planned_low),
            "planned_high": None if point.planned_high is None else _round(point.planned_high),
        }
        for point in series
    ]
    base = alt.Chart(_rows(rows)).encode(x=alt.X("at:T", title=None))
    title = f"Effect on {result.plan.primary}"
    chart: ChartType = alt.layer(
        base.mark_area(color=palette.NEUTRAL, opacity=0.25).encode(
            y=alt.Y("always_low:Q", title=title), y2="always_high:Q"
        ),
        _inside(base),
        base.mark_line(color=palette.MODEL, strokeWidth=2).encode(
            y="effect:Q",
            tooltip=[alt.Tooltip("at:T", title="Until"), alt.Tooltip("effect:Q", title="Effect", format=".4~g")],
        ),
        _zero(),
    ).properties(
        width=_WIDTH,
        height=_HEIGHT,
        description="The line is the effect as it was seen by each day's end. The pale band holds at any time; the "
        "band "
        "inside it is that of the plan. Where a band leaves the dashed line, an effect is found.",
    )
    return chart


def _inside(base: alt.Chart) -> ChartType:
    chart: ChartType = base.transform_filter("isValid(datum.planned_low) && abs(datum.planned_high) < 1e30").mark_area(
        color=palette.MODEL, opacity=0.3, clip=True
    ).encode(y="planned_low:Q", y2="planned_high:Q")  # fmt: skip
    return chart


def metrics_plot(result: Result, variant: str) -> ChartType:
    """Every metric's relative effect, with the interval that holds at any time."""
    rows = []
    for found in result.findings:
        base = found.control.value
        if found.variant == variant and base > 0 and np.isfinite(found.always.low):
            state = {"better": "Better", "worse": "Worse", "none": "Not found"}[found.direction]
            rows.append(
                {
                    "name": found.metric.name,
                    "effect": _round(found.effect.difference / base),
                    "low": _round(found.always.low / base),
                    "high": _round(found.always.high / base),
                    "found": state,
                }
            )
    chart: ChartType = _intervals(rows, "Relative effect", "%").properties(
        description="Dots are relative effects and bars the intervals that hold at any time. A bar that crosses the "
        "dashed line leaves open whether there is an effect."
    )
    return chart


def segments_plot(segments: BySegment) -> ChartType:
    """The effect in each segment, drawn to the common one, with what it measured by itself."""
    shrunk = segments.shrunk
    rows = [
        {
            "name": name,
            "effect": _round(float(shrunk.value[i])),
            "low": _round(float(shrunk.low[i])),
            "high": _round(float(shrunk.high[i])),
            "found": "Believed",
            "alone": _round(segments.plain[i].difference),
        }
        for i, name in enumerate(segments.names)
    ]
    alone = (
        alt.Chart(_rows(rows))
        .mark_point(shape="diamond", filled=True, color=palette.BASELINE, size=60, opacity=1)
        .encode(x="alone:Q", y=alt.Y("name:N", sort=[str(row["name"]) for row in rows]))
    )
    chart: ChartType = alt.layer(_intervals(rows, "Effect", ".4~g"), alone).properties(
        width=_WIDTH,
        description="Dots are what to believe of each segment, with 95 % intervals; diamonds what it measured by "
        "itself. "
        "The fewer customers a segment has, the further its dot is drawn to the others'.",
    )
    return chart


def days_plot(result: Result, variant: str) -> ChartType:
    """The effect on each day since exposure."""
    rows = [
        {
            "name": f"{day + 1}",
            "effect": _round(effect.difference),
            "low": _round(effect.low),
            "high": _round(effect.high),
        }
        for day, effect in enumerate(result.daily[variant])
    ]
    base = alt.Chart(_rows(rows)).encode(
        x=alt.X("name:O", sort=None, title="Day since exposure", axis=alt.Axis(labelAngle=0))
    )
    bars = base.mark_rule(color=palette.MODEL, strokeWidth=2, opacity=0.55).encode(
        y=alt.Y("low:Q", title=f"Effect on {result.plan.primary}"), y2="high:Q"
    )
    dots = base.mark_point(color=palette.MODEL, filled=True, size=70, opacity=1).encode(y="effect:Q")
    chart: ChartType = alt.layer(bars, dots, _zero()).properties(
        width=_WIDTH,
        height=_HEIGHT,
        description="Each dot is the effect on one day since exposure, with its 95 % interval. Dots that come nearer "
        "to "
        "the dashed line from day to day are an effect that wears off.",
    )
    return chart


def _intervals(rows: Sequence[dict[str, Any]], title: str, form: str) -> ChartType:
    states = ["Better", "Worse", "Not found", "Believed"]
    colour = alt.Color(
        "found:N",
        title=None,
        legend=None,
        scale=alt.Scale(domain=states, range=[palette.GOOD, palette.BAD, palette.NEUTRAL, palette.MODEL]),
    )
    base = alt.Chart(_rows(list(rows))).encode(
        y=alt.Y("name:N", title=None, sort=[str(row["name"]) for row in rows], axis=alt.Axis(labelLimit=200)),
        color=colour,
        tooltip=[
            alt.Tooltip("name:N", title="Of"),
            alt.Tooltip("effect:Q", title=title, format=form if form != "%" else ".1%"),
            alt.Tooltip("low:Q", title="From", format=form if form != "%" else ".1%"),
            alt.Tooltip("high:Q", title="To", format=form if form != "%" else ".1%"),
        ],
    )
    axis = alt.Axis(format=form, tickCount=5)
    bars = base.mark_rule(strokeWidth=3, opacity=0.6).encode(x=alt.X("low:Q", title=title, axis=axis), x2="high:Q")
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(x="effect:Q")
    line = alt.Chart(_rows([{"zero": 0}])).mark_rule(strokeDash=[5, 4], color=palette.NEUTRAL)
    chart: ChartType = alt.layer(bars, dots, line.encode(x="zero:Q")).properties(width=_WIDTH)
    return chart


def _zero() -> ChartType:
    line = alt.Chart(_rows([{"zero": 0}])).mark_rule(strokeDash=[5, 4], color=palette.NEUTRAL)
    chart: ChartType = line.encode(y="zero:Q")
    return chart


def _rows(rows: list[dict[str, Any]]) -> Any:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _round(value: float) -> float:
    return float(f"{value:.6g}")
