"""Charts of an evaluation, from plain arrays.

Each embeds a few hundred rows at most, whatever the arrays hold, and says in its `description` how
to read it: the page prints that sentence, and screen readers speak it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
from altair.typing import ChartType

from regulars.evaluation import palette
from regulars.evaluation.bootstrap import Metric
from regulars.evaluation.drawing import HEIGHT, WIDTH, rows_of
from regulars.evaluation.wording import interval

_BARS = 30
_LONGEST_LIST = 20


def metric_plot(metrics: Sequence[Metric]) -> ChartType:
    """How far apart are model and baseline, and how sure is each?

    Parameters
    ----------
    metrics : sequence of Metric, at least one
        Each is drawn on a scale of its own.

    Returns
    -------
    Altair chart: for each metric a dot and a 95 % interval for model and baseline

    Raises
    ------
    ValueError
        If there is no metric.
    """
    if not metrics:
        raise ValueError("there is no metric to draw")
    headings = [f"{metric.name} ({metric.better} is better)" for metric in metrics]
    rows = [
        {
            "metric": heading,
            "of": name,
            "value": value,
            "low": low,
            "high": high,
            "interval": interval(low, high),
        }
        for heading, m in zip(headings, metrics, strict=True)
        for name, value, low, high in [
            ("Model", m.value, m.low, m.high),
            ("Baseline", m.baseline, m.baseline_low, m.baseline_high),
        ]
    ]
    of = alt.Y("of:N", title=None, sort=["Model", "Baseline"], axis=alt.Axis(ticks=False, domain=False))
    colour = alt.Color(
        "of:N",
        scale=alt.Scale(domain=["Model", "Baseline"], range=[palette.MODEL, palette.BASELINE]),
        legend=None,
    )
    tooltip = [
        alt.Tooltip("of:N", title="Of"),
        alt.Tooltip("value:Q", title="Value", format=".4~f"),
        alt.Tooltip("interval:N", title="95 % interval"),
    ]
    base = alt.Chart(width=300, height=44)
    rules = base.mark_rule(strokeWidth=3, opacity=0.6).encode(
        x=alt.X(
            "low:Q",
            title=None,
            scale=alt.Scale(zero=False),
            axis=alt.Axis(tickCount=4, labelOverlap="greedy", labelSeparation=8),
        ),
        x2="high:Q",
        y=of,
        color=colour,
        tooltip=tooltip,
    )
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(x="value:Q", y=of, color=colour, tooltip=tooltip)
    chart: ChartType = (
        alt.layer(rules, dots, data=rows_of(rows))
        .facet(
            facet=alt.Facet(
                "metric:N",
                title=None,
                sort=headings,
                header=alt.Header(labelAnchor="start", labelFontWeight="bold"),
            ),
            columns=1,
        )
        .resolve_scale(x="independent")
        .properties(
            description="Dots are the figures and bars their 95 % intervals. Compare the dots; whether the "
            "difference is more than luck is said in the table, customer by customer on the same draws."
        )
    )
    return chart


def importance_plot(names: Sequence[str], values: npt.ArrayLike) -> ChartType:
    """What does a model rest its answers on?

    Parameters
    ----------
    names : (n,) str
        What the features are called.
    values : (n,) float
        How much each matters, in any unit; the 20 largest are drawn.

    Returns
    -------
    Altair chart: bars, the largest first

    Raises
    ------
    ValueError
        If there are no names, or not one value for each.

    Examples
    --------
    >>> chart = importance_plot(["gap_days", "orders"], [0.2, 0.8])
    >>> [row["name"] for row in chart.to_dict()["data"]["values"]]
    ['orders', 'gap_days']
    """
    sizes = np.asarray(values, dtype=np.float64)
    if not names or sizes.shape != (len(names),):
        raise ValueError(f"one value a name is expected: {len(names)} names, values of shape {sizes.shape}")
    largest = np.argsort(-np.abs(sizes), kind="stable")[:_LONGEST_LIST]
    rows = [{"name": names[i], "value": round(float(sizes[i]), 6)} for i in largest]
    chart: ChartType = (
        alt.Chart(rows_of(rows))
        .mark_bar(color=palette.MODEL, cornerRadiusEnd=3, height=alt.RelativeBandSize(0.7))
        .encode(
            x=alt.X("value:Q", title="How much it matters", axis=alt.Axis(tickCount=5)),
            y=alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=320, ticks=False, domain=False)),
            tooltip=[
                alt.Tooltip("name:N", title="What"),
                alt.Tooltip("value:Q", title="How much", format=".4~f"),
            ],
        )
        .properties(
            width=WIDTH,
            height=alt.Step(22),
            description="The longer the bar, the more the model's answers rest on it; "
            "it says nothing about cause and effect.",
        )
    )
    return chart


def histogram(values: npt.ArrayLike, title: str, unit: str) -> ChartType:
    """How are values spread over customers?

    Parameters
    ----------
    values : (n,) float, finite
        One a customer; at least one.
    title : str
        What is measured, e.g. "Days since the last order".
    unit : str
        In what, e.g. "days".

    Returns
    -------
    Altair chart: at most 30 bars of equal width. A long tail would press all the rest into one bar:
    where values go far beyond the 99th percentile, the last bar holds all from there on.

    Raises
    ------
    ValueError
        If there is no value, or one that is not finite.

    Examples
    --------
    >>> chart = histogram([1, 1, 2, 3], "Orders", "orders")
    >>> sum(row["customers"] for row in chart.to_dict()["data"]["values"])
    4
    """
    values = np.asarray(values, dtype=np.float64)
    if not len(values) or not np.all(np.isfinite(values)):
        raise ValueError("at least one value is expected, and each a finite number")
    largest = float(values.max())
    most = float(np.quantile(values, 0.99))
    has_tail = largest - most > 0.5 * (most - float(values.min()))
    shown = np.minimum(values, most) if has_tail else values
    edges = np.histogram_bin_edges(shown, bins="auto")
    if len(edges) - 1 > _BARS:
        edges = np.histogram_bin_edges(shown, bins=_BARS)
    counts, _ = np.histogram(shown, edges)
    rows: list[dict[str, Any]] = [
        {"from": float(edges[i]), "to": float(edges[i + 1]), "customers": int(counts[i])} for i in range(len(counts))
    ]
    for row in rows:
        row["span"] = f"{row['from']:,.4g} to {row['to']:,.4g} {unit}"
    reading = f"Each bar counts the customers within a span of {unit}."
    if has_tail:
        rows[-1]["span"] = f"{edges[-2]:,.4g} to {largest:,.4g} {unit}"
        reading += f" The last one also holds all above, up to {largest:,.4g}."
    chart: ChartType = (
        alt.Chart(rows_of(rows))
        .mark_bar(color=palette.MODEL, binSpacing=1.5)
        .encode(
            x=alt.X("from:Q", bin="binned", title=f"{title} ({unit})", axis=alt.Axis(tickCount=6)),
            x2="to:Q",
            y=alt.Y("customers:Q", title="Customers", axis=alt.Axis(tickCount=5)),
            tooltip=[
                alt.Tooltip("span:N", title=title),
                alt.Tooltip("customers:Q", title="Customers", format=","),
            ],
        )
        .properties(width=WIDTH, height=HEIGHT, description=reading)
    )
    return chart


def line_plot(x: npt.ArrayLike, y: npt.ArrayLike, x_title: str, y_title: str) -> ChartType:
    """How does one figure go with another?

    Parameters
    ----------
    x, y : (n,) float, finite
    x_title, y_title : str
        What they are, e.g. "Epoch", "Loss".

    Examples
    --------
    >>> chart = line_plot([1, 2, 3], [0.1, 0.2, 0.15], "Epoch", "NDCG@10")
    >>> [row["y"] for row in chart.to_dict()["data"]["values"]]
    [0.1, 0.2, 0.15]
    """
    rows = [{"x": float(a), "y": float(b)} for a, b in zip(np.asarray(x), np.asarray(y), strict=True)]
    chart: ChartType = (
        alt.Chart(rows_of(rows))
        .mark_line(point=True, color=palette.MODEL)
        .encode(x=alt.X("x:Q", title=x_title), y=alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False)))
        .properties(width=WIDTH, height=HEIGHT, description=f"{y_title}, by {x_title.lower()}.")
    )
    return chart
