"""What a churn report shows in detail: the rounds of the back-test, and which limits the figures keep."""

from __future__ import annotations

from collections.abc import Sequence

from regulars.churn.backtest import Chosen
from regulars.evaluation import Metric, Table

LIMITS = {
    "calibration error": ("at most", 0.02),
    "total bias of orders": ("at most", 0.05),
    "total bias of margin": ("at most", 0.05),
}
"""What a figure must keep for its level, not only its order, to be relied on."""
BESIDE_BASELINE = (
    "AUROC", "average precision", "RMSE of orders", "correlation of orders", "normalised Gini of margin"
)  # fmt: skip
"""Figures that must be better than the baseline's."""


def rounds_table(chosen: Chosen) -> Table:
    """How the models that were chosen did at past moments."""
    names = list(dict.fromkeys(name for each in chosen.judged for name in each.figures))
    rows = [
        [f"{each.as_of:%Y-%m-%d}", each.customers, *(each.figures.get(name, "") for name in names)]
        for each in chosen.judged
    ]
    return Table(["As of", "Customers", *names], rows)


def gates(metrics: Sequence[Metric]) -> Table:
    """Which limits the figures keep: those that fail are not to be relied on, whatever the others are."""
    rows = []
    for metric in metrics:
        if metric.name in LIMITS:
            words, limit = LIMITS[metric.name]
            kept = metric.value <= limit
            rows.append([metric.name, f"{words} {limit:g}", metric.value, "kept" if kept else "MISSED"])
        elif metric.name in BESIDE_BASELINE:
            rows.append(
                [metric.name, f"better than {metric.baseline:.3g}", metric.value,
                 "kept" if metric.beats_baseline else "MISSED"]
            )  # fmt: skip
    return Table(["Figure", "Limit", "Found", "Outcome"], rows)


def missed(table: Table) -> tuple[str, ...]:
    """A sentence on the limits that are missed; none where all are kept."""
    names = [str(row[0]) for row in table.rows if row[-1] == "MISSED"]
    if not names:
        return ()
    return (f"Limits missed: {', '.join(names)}. Rely on the order of customers, not on the level.",)
