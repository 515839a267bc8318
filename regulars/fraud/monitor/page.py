"""What was watched, as one page."""

from __future__ import annotations

import numpy as np

from regulars.evaluation.html import Figure, Section, Table, render
from regulars.fraud.monitor.charts import charts
from regulars.fraud.monitor.watch import Watch
from regulars.fraud.monitor.wording import Language, alerts, notes


def page(watch: Watch, language: Language = "en") -> str:
    """One HTML page that stands alone: what is alarming, the charts, the figures."""
    figures = [
        Figure(title, str(chart.to_dict().get("description", "")), chart) for title, chart in charts(watch).items()
    ]
    rows: list[tuple[str, object]] = [("Attempts that were decided about", watch.attempts)]
    if watch.drift is not None:
        rows += [
            ("Stability index of scores", watch.drift.psi),
            ("Its limit", watch.drift.limit),
            ("Largest distance of scores (Kolmogorov and Smirnov)", watch.drift.ks),
        ]
    if watch.change is not None:
        rows += [("Rate of frauds before", watch.change.before), ("Rate of frauds, days watched", watch.change.watched)]
    if watch.delay is not None:
        half, most = np.quantile(watch.delay.days, [0.5, 0.9])
        rows += [("Half of the frauds are known after, days", float(half)), ("Nine tenths, days", float(most))]
        rows += [("Attempts are matured after, days", watch.delay.matured_days)]
    sections = [
        Section("What is alarming", text=alerts(watch, language)),
        Section("Figures", table=Table(("Figure", "Value"), rows)),
        Section("Charts", figures=figures),
    ]
    said = notes(watch, language)
    return render("Fraud: monitoring", [*sections, *([Section("Not told", text=said)] if said else [])])
