"""What ads draw: how a day is spent, which hours pay, how soon people tire, and what the next unit of spend brings."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import numpy.typing as npt
from altair.typing import ChartType

from regulars.ads.measure import Saturation
from regulars.ads.pace import Pace
from regulars.ads.patterns import Patterns
from regulars.evaluation import Figure, Section, line_plot, palette, render
from regulars.evaluation.drawing import rows_of

POINTS = 60


def report_page(found: Patterns, zone: str) -> bytes:
    """A page with the hours of the week, of a time zone, and fatigue."""
    number = np.arange(1, len(found.fatigue.factors) + 1)
    figures = [
        Figure(
            "Which hours pay?",
            f"Click chance in each hour of the week from Monday 0:00 ({zone}), over the mean hour.",
            line_plot(np.arange(len(found.hours)), found.hours, f"Hour of the week ({zone})", "Chance over the mean"),
        ),
        Figure(
            "How soon do people tire?",
            "Click chance at each ad that a person sees within seven days, over the first.",
            line_plot(number, found.fatigue.factors, "Ad within seven days", "Chance over the first"),
        ),
    ]
    return _page("Ads: hours and fatigue", figures)


def split_page(curves: Mapping[str, Saturation], budget: float) -> bytes:
    """A page with what each campaign's spend brings, up to the whole budget."""
    spend = np.linspace(0.0, budget, POINTS)
    figures = [
        Figure(
            name,
            f"What a spend brings: the first unit {float(curve.marginal(0.0)):.2f}, each one less than the last.",
            line_plot(spend, curve.margin(spend), "Spend", "Incremental margin"),
        )
        for name, curve in curves.items()
    ]
    return _page("Ads: what spend brings", figures)


def pace_page(found: Pace, day: str, zone: str, currency: str) -> bytes:
    """A page with a day's spend beside its plan, by the hours of a time zone."""
    drawn = pace_chart(found.spent, found.planned, f"Hour of the day ({zone})", f"Spend ({currency})")
    about = (
        f"Spend since the morning, beside the plan (dashed): the budget of {found.budget:,.2f} spread as ads were "
        f"shown in the days before. {found.apart:.0%} of it came in other hours than planned."
    )
    return _page(f"Ads: spend of {day}", [Figure("Is the budget spent as planned?", about, drawn)])


def pace_chart(spent: npt.ArrayLike, planned: npt.ArrayLike, hour: str, money: str) -> ChartType:
    """Spend by the end of each hour, beside the plan by the beginning of each, dashed.

    Parameters
    ----------
    spent : (hours,). planned : (25,). hour, money : titles.
    """
    rows = (
        [{"hour": at + 1, "money": float(each)} for at, each in enumerate(np.asarray(spent))],
        [{"hour": at, "money": float(each)} for at, each in enumerate(np.asarray(planned))],
    )
    x = alt.X("hour:Q", title=hour, scale=alt.Scale(domain=[0, len(rows[1]) - 1]))
    done, plan = (alt.Chart(rows_of(each)).encode(x=x, y=alt.Y("money:Q", title=money)) for each in rows)
    found: ChartType = alt.layer(
        plan.mark_line(color=palette.NEUTRAL, strokeDash=[5, 4]), done.mark_line(color=palette.MODEL, point=True)
    )
    return found


def _page(title: str, figures: list[Figure]) -> bytes:
    return render(title, [Section("", figures=figures)]).encode()
