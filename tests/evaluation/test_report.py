import io
import json
from dataclasses import replace
from datetime import datetime

import pytest
from rich.console import Console

from regulars.evaluation import Check, Report, metric_plot


def printed(report: Report) -> str:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(report)
    return console.export_text()


def test_better_beyond_luck_is_fit_for_use(report):
    assert report.in_use
    assert report.verdict == (
        "Better than recency only: AUROC .753 against .721 (difference .018 to .047 at 95 %). Fit for use."
    )


def test_better_by_luck_is_kept_out_of_use(with_difference):
    report = with_difference(-0.004, 0.047)
    assert not report.in_use
    assert report.verdict.startswith("Not better than recency only beyond luck: AUROC")
    assert report.verdict.endswith("Kept out of use.")


def test_worse_is_said_to_be_worse(with_difference):
    assert with_difference(-0.04, -0.01).verdict.startswith("Worse than recency only:")


def test_the_primary_metric_decides_and_no_other(report):
    assert not replace(report, primary="Brier").in_use


def test_a_failed_check_keeps_even_a_better_model_out_of_use(report):
    leaky = replace(report, checks=(*report.checks, Check("No leak", False, 'Column "x" changed.')))
    assert not leaky.in_use
    assert "a check failed (No leak)" in leaky.verdict
    assert "Fit for use" not in leaky.verdict


def test_a_primary_metric_that_was_not_measured_is_refused(report):
    with pytest.raises(ValueError, match='no metric is named "uplift"; there are: AUROC, Brier'):
        replace(report, primary="uplift")


def test_times_without_a_zone_are_refused(report):
    with pytest.raises(ValueError, match=r"as_of .* without a time zone"):
        replace(report, as_of=datetime(2024, 5, 1))


def test_it_comes_back_from_json_as_it_was(report):
    saved = json.loads(json.dumps(report.to_dict()))
    assert Report.from_dict(saved) == report
    assert saved["in_use"] is True
    assert saved["verdict"] == report.verdict


def test_a_verdict_in_the_file_is_not_believed(report):
    saved = report.to_dict() | {"primary": "Brier", "in_use": True, "verdict": "Splendid."}
    assert not Report.from_dict(saved).in_use


def test_charts_are_neither_saved_nor_compared(report):
    drawn = replace(report, charts={"Figures": metric_plot(report.metrics)})
    assert drawn == report
    assert "charts" not in drawn.to_dict()


def test_the_terminal_shows_figures_intervals_baseline_checks_and_verdict(report):
    text = printed(report)
    for part in (
        report.question,
        ".753  (.731 to .774)",
        ".721  (.698 to .743)",
        ".018 to .047",
        "passed  Nothing after the as-of time is used",
        "212 customers have one order.",
        "boosted trees [v2]",
        "Fit for use.",
    ):
        assert part in text


def test_the_terminal_shows_a_failed_check(report):
    assert "FAILED  No leak" in printed(replace(report, checks=(Check("No leak", False, "It leaks."),)))
