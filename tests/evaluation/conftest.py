from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from regulars.evaluation import Check, Metric, Report

AUROC = Metric("AUROC", "higher", 0.753, 0.731, 0.774, 0.721, 0.698, 0.743, 0.018, 0.047)
BRIER = Metric("Brier", "lower", 0.120, 0.111, 0.129, 0.121, 0.112, 0.130, -0.002, 0.004)


@pytest.fixture
def report() -> Report:
    """Better in AUROC, not in Brier; one check, which passed."""
    return Report(
        capability="churn",
        question="Who will not order again within 90 days?",
        as_of=datetime(2024, 5, 1, tzinfo=UTC),
        horizon_days=90,
        customers=3400,
        trained_until=datetime(2024, 4, 30, tzinfo=UTC),
        model="boosted trees [v2]",
        baseline="recency only",
        metrics=(AUROC, BRIER),
        primary="AUROC",
        log_version=7,
        checks=(Check("Nothing after the as-of time is used", True, "All as before."),),
        notes=("212 customers have one order.",),
    )


@pytest.fixture
def with_difference(report: Report) -> Callable[[float, float], Report]:
    """The report, had its AUROC differed by so much."""

    def changed(low: float, high: float) -> Report:
        return replace(report, metrics=(replace(AUROC, difference_low=low, difference_high=high),))

    return changed
