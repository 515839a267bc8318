"""What a churn report draws: waiting for the next order, cohorts coming back, value said and value come."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
from altair.typing import ChartType

from regulars.churn.dataset import Floats
from regulars.evaluation import palette

WIDTH, HEIGHT = 520, 300
GROUPS = ("least risk", "low", "middle", "high", "most risk")
COLOURS = (palette.GOOD, palette.MODEL, palette.NEUTRAL, palette.BASELINE, palette.BAD)


def survival_plot(survival: Floats, wait: Floats, risk: Floats, horizon_days: float) -> ChartType:
    """The share of customers who have not ordered again, by day: foreseen (lines) and come (points).

    Parameters
    ----------
    survival : (n, parts) foreseen. wait : (n,) days until the next order, infinite where none came.
    risk : (n,) by which customers are put into five groups of one size.
    """
    group = np.argsort(np.argsort(risk, kind="stable"), kind="stable") * len(GROUPS) // len(risk)
    days = np.linspace(0, horizon_days, survival.shape[1] + 1)
    rows: list[dict[str, Any]] = []
    for number, name in enumerate(GROUPS):
        inside = group == number
        if inside.any():
            said = np.append(1.0, survival[inside].mean(axis=0))
            came = (wait[inside][:, None] >= days[None]).mean(axis=0)
            rows += [
                {"group": name, "day": float(d), "said": round(float(a), 4), "came": round(float(b), 4)}
                for d, a, b in zip(days, said, came, strict=True)
            ]
    colour = alt.Color("group:N", title="Customers", scale=alt.Scale(domain=list(GROUPS), range=list(COLOURS)))
    axis = alt.Axis(format="%")
    chart = alt.Chart(_rows(rows)).encode(x=alt.X("day:Q", title="Days ahead"), color=colour)
    lines = chart.mark_line().encode(y=alt.Y("said:Q", title="Not ordered yet", axis=axis))
    found: ChartType = alt.layer(lines, chart.mark_point(filled=True, size=40).encode(y="came:Q")).properties(
        width=WIDTH, height=HEIGHT,
        description="Each line is a fifth of the customers by risk: the share that was foreseen to be still without a "
        "new order on each day. Points are the share that was.",
    )  # fmt: skip
    return found


def cohort_plot(retained: Floats, labels: list[str]) -> ChartType:
    """Of the customers of each month, how many ordered again so many months later.

    Parameters
    ----------
    retained : (cohorts, months) share, NaN where it is not known yet. labels : of the cohorts, the first the earliest.
    """
    rows = [
        {"cohort": labels[k], "month": int(m), "share": round(float(retained[k, m]), 4)}
        for k, m in zip(*np.nonzero(~np.isnan(retained)), strict=True)
    ]
    found: ChartType = (
        alt.Chart(_rows(rows))
        .mark_rect()
        .encode(
            x=alt.X("month:O", title="Months after the first order"),
            y=alt.Y("cohort:O", title="First order in", sort=labels),
            color=alt.Color("share:Q", title="Ordered", scale=alt.Scale(scheme="blues"), legend=alt.Legend(format="%")),
            tooltip=[alt.Tooltip("cohort:O"), alt.Tooltip("month:O"), alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(
            width=WIDTH, height=HEIGHT,
            description="Each row is everyone whose first order fell into a month; each cell the share of them who "
            "ordered so many months later.",
        )
    )  # fmt: skip
    return found


def decile_plot(said: Floats, came: Floats) -> ChartType:
    """Mean margin of tenths of the customers, the most valuable first: foreseen and come."""
    tenth = np.argsort(np.argsort(-said, kind="stable"), kind="stable") * 10 // len(said)
    size = np.maximum(np.bincount(tenth, minlength=10), 1)
    rows = [
        {"tenth": k + 1, "of": name, "margin": round(float(np.bincount(tenth, values, 10)[k] / size[k]), 2)}
        for name, values in (("foreseen", said), ("came", came))
        for k in range(10)
    ]
    colour = alt.Scale(domain=["foreseen", "came"], range=[palette.MODEL, palette.BASELINE])
    found: ChartType = (
        alt.Chart(_rows(rows))
        .mark_bar()
        .encode(
            x=alt.X("tenth:O", title="Tenth of the customers, the most valuable first"),
            xOffset=alt.XOffset("of:N", sort=["foreseen", "came"]),
            y=alt.Y("margin:Q", title="Mean margin"),
            color=alt.Color("of:N", title=None, scale=colour),
        )
        .properties(
            width=WIDTH, height=HEIGHT,
            description="Customers are put into tenths by the margin that was foreseen. Two bars of one height: the "
            "tenth brought what was said.",
        )
    )  # fmt: skip
    return found


def alive_plot(days: list[str], alive: Floats) -> ChartType:
    """The chance that one customer still is one, day by day: it falls with every day of silence, and leaps with an
    order."""
    rows = [{"day": day, "alive": round(float(chance), 4)} for day, chance in zip(days, alive, strict=True)]
    found: ChartType = (
        alt.Chart(_rows(rows))
        .mark_line(color=palette.MODEL)
        .encode(
            x=alt.X("day:T", title=None),
            y=alt.Y("alive:Q", title="Chance of still being a customer", axis=alt.Axis(format="%"),
                    scale=alt.Scale(domain=[0, 1])),
        )
        .properties(
            width=WIDTH, height=HEIGHT, description="It falls with every day of silence and leaps with an order."
        )
    )  # fmt: skip
    return found


def waiting_plot(days: Floats, survival: Floats) -> ChartType:
    """The chance that one customer's next order has not come by each of the days ahead."""
    rows = [{"day": float(d), "share": round(float(s), 4)} for d, s in zip(days, survival, strict=True)]
    found: ChartType = (
        alt.Chart(_rows(rows))
        .mark_line(color=palette.MODEL, point=True)
        .encode(
            x=alt.X("day:Q", title="Days ahead"),
            y=alt.Y("share:Q", title="Not ordered yet", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        )
        .properties(
            width=WIDTH, height=HEIGHT, description="Where the line crosses a half, an order is as likely as not."
        )
    )  # fmt: skip
    return found


def _rows(values: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=values)  # type: ignore[no-untyped-call]
