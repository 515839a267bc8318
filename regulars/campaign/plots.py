"""What a campaign's report draws: gain over the budget, targeting curves, campaigns beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from altair.typing import ChartType

from regulars.campaign.uplift import Curve, Ranked
from regulars.evaluation import palette

WIDTH, HEIGHT = 480, 280


def curve_plot(curve: Curve, currency: str) -> ChartType:
    """What the policy earns within each budget, with its interval, and as many contacts at random."""
    columns = (curve.spent, curve.value, curve.low, curve.high, curve.random)
    rows = [
        dict(zip(("spent", "value", "low", "high", "random"), map(float, row), strict=True))
        for row in zip(*columns, strict=True)
    ]
    chart = alt.Chart(_rows(rows)).encode(x=alt.X("spent:Q", title=f"Spent on contacts per customer ({currency})"))
    title = f"Earned above contacting nobody, per customer ({currency})"
    band = chart.mark_area(opacity=0.18, color=palette.MODEL).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
    line = chart.mark_line(color=palette.MODEL, point=True).encode(
        y="value:Q",
        tooltip=[alt.Tooltip(f"{name}:Q", format=".4f") for name in ("spent", "value", "low", "high", "random")],
    )
    lot = chart.mark_line(color=palette.NEUTRAL, strokeDash=[5, 4]).encode(y="random:Q")
    found: ChartType = alt.layer(band, line, lot).properties(
        width=WIDTH, height=HEIGHT,
        description="The line is what the policy earns within each budget, costs taken off, the band its 95 % "
        "interval. The dashed line is as many contacts at random.",
    )  # fmt: skip
    return found


def targeting_plot(ranked: Mapping[str, Ranked]) -> ChartType:
    """By how much the mean effect among those with the greatest predictions is above that among all (TOC)."""
    rows = [
        {"arm": name, "share": float(share), "toc": float(toc), "low": float(low), "high": float(high)}
        for name, one in ranked.items()
        for share, toc, low, high in zip(one.share, one.toc, one.low, one.high, strict=True)
    ]
    chart = alt.Chart(_rows(rows)).encode(
        x=alt.X("share:Q", title="Share of customers, greatest predictions first", axis=alt.Axis(format="%")),
        color=alt.Color("arm:N", title=None, legend=alt.Legend(orient="top")),
    )
    band = chart.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title="Mean effect above that of all"), y2="high:Q")
    found: ChartType = alt.layer(band, chart.mark_line().encode(y="toc:Q")).properties(
        width=WIDTH, height=HEIGHT,
        description="Where the line is above 0, customers with greater predictions are moved more than customers in "
        "the mean. The bands are 95 % intervals.",
    )  # fmt: skip
    return found


def effects_plot(names: Sequence[str], values: Sequence[tuple[float, float, float]], title: str) -> ChartType:
    """Effects of campaigns beside each other: each with its interval, as (value, low, high)."""
    rows = [
        {"campaign": name, "value": value, "low": low, "high": high}
        for name, (value, low, high) in zip(names, values, strict=True)
    ]
    chart = alt.Chart(_rows(rows)).encode(y=alt.Y("campaign:N", title=None, sort=None, axis=alt.Axis(labelLimit=300)))
    zero = alt.Chart(_rows([{"x": 0.0}])).mark_rule(color=palette.NEUTRAL, strokeDash=[5, 4]).encode(x="x:Q")
    rules = chart.mark_rule(color=palette.MODEL, strokeWidth=3, opacity=0.6).encode(
        x=alt.X("low:Q", title=title), x2="high:Q"
    )
    dots = chart.mark_point(color=palette.MODEL, filled=True, size=80, opacity=1).encode(x="value:Q")
    found: ChartType = alt.layer(zero, rules, dots).properties(
        width=WIDTH, height=alt.Step(32),
        description="Dots are what contacted customers brought more than those left alone by lot, bars the 95 % "
        "interval. A bar that meets the dashed line may be luck.",
    )  # fmt: skip
    return found


def reach_plot(spent: Sequence[float], earned: Sequence[float], budget: float, currency: str) -> ChartType:
    """What contacts are expected to earn by what is spent on them, and where a budget ends before all are reached.

    Parameters
    ----------
    spent, earned : along the customers of `regulars.campaign.reach`.
    """
    rows = [{"spent": cost, "earned": gain} for cost, gain in zip((0.0, *spent), (0.0, *earned), strict=True)]
    line = alt.Chart(_rows(rows)).encode(
        x=alt.X("spent:Q", title=f"Spent on contacts ({currency})"),
        y=alt.Y("earned:Q", title=f"Expected to be earned ({currency})"),
        tooltip=[alt.Tooltip("spent:Q", format=",.2f"), alt.Tooltip("earned:Q", format=",.2f")],
    )
    # A budget far beyond what can be spent would leave the curve a stroke at the edge.
    ends = [{"budget": budget}] if budget < max(spent, default=budget + 1) else []
    end = alt.Chart(_rows(ends)).mark_rule(color=palette.NEUTRAL, strokeDash=[5, 4])
    found: ChartType = alt.layer(
        line.mark_line(color=palette.MODEL), end.encode(x="budget:Q")
    ).properties(
        width=WIDTH, height=HEIGHT,
        description="The line is what is expected to be earned by contacting those of most gain for the money first, "
        "costs taken off. The dashed line is the budget.",
    )  # fmt: skip
    return found


def _rows(values: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=values)  # type: ignore[no-untyped-call]
