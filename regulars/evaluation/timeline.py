"""Counts over time, stacked by kind: a chart of a few hundred bars at most, whatever the span."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt
from altair.typing import ChartType

from regulars.evaluation import palette

_BARS = 90
_KINDS = 5
_COLOURS = [palette.MODEL, palette.BASELINE, palette.GOOD, palette.BAD, "#8a63c7"]
_OTHERS = "all others"


def timeline_plot(days: Sequence[date], kinds: Sequence[str], counts: Sequence[int], unit: str) -> ChartType:
    """How many a day, and of which kind?

    Parameters
    ----------
    days, kinds, counts : (n,) one entry for each day and kind.
    unit : what is counted, e.g. "rows".

    Returns
    -------
    Altair chart: at most 90 bars, each a day or as many days as are needed; the five most frequent kinds, and the
    others together

    Raises
    ------
    ValueError
        If there is nothing to count.

    Examples
    --------
    >>> chart = timeline_plot([date(2024, 5, 1), date(2024, 5, 2)], ["view", "view"], [3, 4], "rows")
    >>> [row["count"] for row in chart.to_dict()["data"]["values"]]
    [3, 4]
    """
    if not days:
        raise ValueError("at least one day is expected")
    first = min(days)
    width = ((max(days) - first).days + _BARS) // _BARS
    totals: Counter[str] = Counter()
    for kind, count in zip(kinds, counts, strict=True):
        totals[kind] += count
    shown = [kind for kind, _ in totals.most_common(_KINDS)]
    bins: dict[tuple[int, str], int] = defaultdict(int)
    for day, kind, count in zip(days, kinds, counts, strict=True):
        bins[(day - first).days // width, kind if kind in shown else _OTHERS] += count
    rows: list[dict[str, Any]] = [
        {
            "from": (first + timedelta(days=number * width)).isoformat(),
            "to": (first + timedelta(days=(number + 1) * width)).isoformat(),
            "kind": kind,
            "count": count,
        }
        for (number, kind), count in sorted(bins.items())
    ]
    order = [*shown, _OTHERS] if len(totals) > _KINDS else shown
    span = "day" if width == 1 else f"{width} days"
    chart: ChartType = (
        alt.Chart(alt.Data(values=rows))  # type: ignore[no-untyped-call]
        .mark_bar()
        .encode(
            x=alt.X("from:T", bin="binned", title=None, scale=alt.Scale(type="utc")),
            x2="to:T",
            y=alt.Y(
                "count:Q",
                title=f"{unit.capitalize()} per {span}",
                axis=alt.Axis(tickCount=5, format="~s"),
                stack="zero",
            ),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=order, range=[*_COLOURS[: len(shown)], palette.NEUTRAL][: len(order)]),
                legend=alt.Legend(orient="top", columns=3),
            ),
            tooltip=[
                alt.Tooltip("from:T", title="From"),
                alt.Tooltip("kind:N", title="Kind"),
                alt.Tooltip("count:Q", title=unit.capitalize(), format=","),
            ],
        )
        .properties(
            width=360,
            height=260,
            description=f"Each bar counts the {unit} of {'one day' if width == 1 else span}.",
        )
    )
    return chart
