"""Thirty days with shocks of traffic and price: overspend and smoothness of the pacer beside threshold pacing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.report import Row
from regulars.ads.charts import pace_chart
from regulars.ads.pacing import Pacer, SpendCurve, Threshold, paced_day, smoothness_error

DAYS = 30
BUDGET = 600.0
START = datetime(2024, 5, 1, tzinfo=UTC)
HOURS = 120 * (1.2 + np.sin((np.arange(24) - 8) / 24 * 2 * np.pi))


def bench() -> list[Row]:
    levels = np.exp(0.3 * np.random.default_rng(5).normal(size=DAYS))
    pacer = Pacer(BUDGET, SpendCurve(), START)
    ours, theirs, plans, value, gained = [], [], [], np.zeros(2), np.zeros(2)
    for number in range(DAYS):
        start = START + timedelta(days=number)
        threshold_curve = SpendCurve(pacer.curve.hours_)
        plan = threshold_curve.plan
        if number:
            # The curve is learned at midnight; both plan the day by the same.
            learned = SpendCurve(pacer.curve.hours_, pacer.curve.memory)
            learned.learn(pacer.offered)
            threshold_curve, plan = learned, learned.plan
        theirs.append(
            paced_day(Threshold(BUDGET, threshold_curve, start, number), start, HOURS, number, levels[number])
        )
        ours.append(paced_day(pacer, start, HOURS, number, levels[number]))
        plans.append(plan)
        value += [ours[-1].value, theirs[-1].value]
        gained += [ours[-1].value - ours[-1].total, theirs[-1].value - theirs[-1].total]
    case = f"{DAYS} days, 4 shocks of traffic and price a day"

    def over(days: list) -> float:
        return 100 * max(max(day.total / BUDGET - 1, 0.0) for day in days)

    def spent(days: list) -> float:
        return float(np.mean([day.total for day in days]) / BUDGET)

    def error(days: list) -> float:
        return smoothness_error([day.spend for day in days], plans)

    name = "threshold pacing"
    return [
        Row(case, "largest overspend of a day, %", "lower", over(ours), {name: over(theirs)}),
        Row(
            case,
            "smoothness error, share of spend in other hours than planned",
            "lower",
            error(ours),
            {name: error(theirs)},
        ),
        Row(case, "spend / budget", "higher", spent(ours), {name: spent(theirs)}),
        Row(
            case,
            "value per unit spent",
            "higher",
            value[0] / sum(day.total for day in ours),
            {name: value[1] / sum(day.total for day in theirs)},
        ),
        Row(case, "surplus a day", "higher", gained[0] / DAYS, {name: gained[1] / DAYS}),
    ]


def draw(path: Path) -> None:
    """The last of five days, each with its shocks, beside its plan: the picture of `docs/ads.md`."""
    pacer = Pacer(BUDGET, SpendCurve(), START)
    for number in range(5):
        day = paced_day(pacer, START + timedelta(days=number), HOURS, number)
    planned = BUDGET * np.concatenate([[0.0], np.cumsum(pacer.curve.plan)])
    chart = pace_chart(np.cumsum(day.spend), planned, "Hour of the day", "Spend").properties(width=560, height=240)
    chart.save(path)


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "docs" / "images" / "pacing.svg")
    for row in bench():
        print(row)
