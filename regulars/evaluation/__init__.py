"""How good is a capability, honestly: time splits, metrics with intervals, leak checks, reports.

A capability splits by time (`Split`, `cut_offs`), predicts, sets its predictions beside the simplest
baseline (`compare`), proves that it saw nothing of the future (`leak_check`), and hands back a
`Report`, which draws itself in the terminal and as one HTML page. Nothing here reads or writes.
"""

from regulars.evaluation.amounts import correlation_score, gini_score, rmse_error, total_bias_error
from regulars.evaluation.bootstrap import Metric, compare
from regulars.evaluation.html import Figure, Lines, Section, Table, render
from regulars.evaluation.leak import Check, leak_check, scramble
from regulars.evaluation.metrics import (
    auroc_score,
    average_precision_score,
    brier_loss,
    expected_calibration_error,
    log_loss,
    mean_score,
)
from regulars.evaluation.plots import histogram, importance_plot, line_plot, metric_plot
from regulars.evaluation.probability_plots import calibration_plot, gain_plot
from regulars.evaluation.proportion import wilson_interval
from regulars.evaluation.ranking import Hits, Spread, diversity, hits, serendipity, spread
from regulars.evaluation.report import Report
from regulars.evaluation.split import Split, cut_offs
from regulars.evaluation.ties import UndefinedMetricError
from regulars.evaluation.timeline import timeline_plot

__all__ = [
    "Check",
    "Figure",
    "Hits",
    "Lines",
    "Metric",
    "Report",
    "Section",
    "Split",
    "Spread",
    "Table",
    "UndefinedMetricError",
    "auroc_score",
    "average_precision_score",
    "brier_loss",
    "calibration_plot",
    "compare",
    "correlation_score",
    "cut_offs",
    "diversity",
    "expected_calibration_error",
    "gain_plot",
    "gini_score",
    "histogram",
    "hits",
    "importance_plot",
    "leak_check",
    "line_plot",
    "log_loss",
    "mean_score",
    "metric_plot",
    "render",
    "rmse_error",
    "scramble",
    "serendipity",
    "spread",
    "timeline_plot",
    "total_bias_error",
    "wilson_interval",
]
