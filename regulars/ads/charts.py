"""What ads draw: which hours pay, how soon people tire, and what the next unit of spend brings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from regulars.ads.measure import Saturation
from regulars.ads.patterns import Patterns
from regulars.evaluation import Figure, Section, line_plot, render

POINTS = 60


def report_page(found: Patterns) -> bytes:
    """A page with the hours of the week and fatigue."""
    number = np.arange(1, len(found.fatigue.factors) + 1)
    figures = [
        Figure(
            "Which hours pay?",
            "Click chance in each hour of the week from Monday 0:00 UTC, over the mean hour.",
            line_plot(np.arange(len(found.hours)), found.hours, "Hour of the week (UTC)", "Chance over the mean"),
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


def _page(title: str, figures: list[Figure]) -> bytes:
    return render(title, [Section("", figures=figures)]).encode()
