import json

import numpy as np
import pytest
import vl_convert

from regulars.evaluation import Metric, calibration_plot, gain_plot, histogram, importance_plot, metric_plot

N = 30_000
RNG = np.random.default_rng(0)
P = RNG.random(N)
Y = (RNG.random(N) < P).astype(int)
METRICS = [
    Metric("AUROC", "higher", 0.75, 0.73, 0.77, 0.72, 0.70, 0.74, 0.02, 0.05),
    Metric("Brier", "lower", 0.12, 0.11, 0.13, 0.15, 0.14, 0.16, 0.02, 0.04),
]
CHARTS = {
    "calibration": lambda: calibration_plot(Y, P),
    "gain": lambda: gain_plot(Y, P, P.round(1)),
    "metric": lambda: metric_plot(METRICS),
    "importance": lambda: importance_plot([f"feature {i}" for i in range(500)], np.arange(500)),
    "histogram": lambda: histogram(P**-2, "Spend", "EUR"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_small_says_how_to_read_it_and_can_be_drawn(name: str):
    spec = CHARTS[name]().to_dict()
    assert len(json.dumps(spec)) < 25_000
    assert spec["description"].endswith(".")
    assert "tooltip" in json.dumps(spec)
    assert "<svg" in vl_convert.vegalite_to_svg(spec)


def values(chart) -> list[dict]:
    return chart.to_dict()["data"]["values"]


def test_true_probabilities_lie_on_the_diagonal():
    points = calibration_plot(Y, P).to_dict()["layer"][1]["data"]["values"]
    assert len(points) == 10
    assert sum(point["customers"] for point in points) == N
    assert all(point["low"] <= point["observed"] <= point["high"] for point in points)
    assert all(abs(point["observed"] - point["predicted"]) < 0.03 for point in points)


def test_rare_events_fill_their_calibration_plot():
    layer = calibration_plot((P < 0.02).astype(int), np.where(P < 0.1, 0.05, 0.01)).to_dict()["layer"][0]
    assert layer["encoding"]["x"]["scale"]["domain"][1] < 0.3


def test_a_perfect_list_finds_all_at_their_share_and_a_constant_is_chance():
    y = np.array([1] * 10 + [0] * 90)
    rows = values(gain_plot(y, y, np.zeros(100)))
    assert len(rows) < 200
    assert max(row["contacted"] for row in rows if row["list"] == "Model" and row["found"] < 1) < 0.1
    assert all(row["contacted"] == row["found"] for row in rows if row["list"] == "Baseline")


def test_each_metric_is_drawn_for_model_and_baseline():
    rows = values(metric_plot(METRICS))
    assert [(row["metric"], row["of"], row["value"]) for row in rows][2:] == [
        ("Brier (lower is better)", "Model", 0.12),
        ("Brier (lower is better)", "Baseline", 0.15),
    ]


def test_the_twenty_most_important_are_kept_largest_first_by_size():
    rows = values(importance_plot([str(i) for i in range(30)], [-99, *range(29)]))
    assert len(rows) == 20
    assert [row["name"] for row in rows[:2]] == ["0", "29"]


def test_no_value_is_lost_in_a_histogram_with_a_long_tail():
    chart = histogram([*range(200), 1e6], "Spend", "EUR")
    rows = values(chart)
    assert len(rows) <= 30
    assert sum(row["customers"] for row in rows) == 201
    assert rows[-1]["span"].endswith("1e+06 EUR") or rows[-1]["span"].endswith("1,000,000 EUR")
    assert "also holds all above" in chart.to_dict()["description"]


def test_equal_values_make_one_bar():
    assert [row["customers"] for row in values(histogram([5, 5, 5], "Orders", "orders"))] == [3]


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: histogram([], "Spend", "EUR"), "at least one value"),
        (lambda: histogram([np.nan], "Spend", "EUR"), "finite"),
        (lambda: importance_plot([], []), "one value a name"),
        (lambda: importance_plot(["a"], [1, 2]), "one value a name"),
        (lambda: metric_plot([]), "no metric"),
        (lambda: calibration_plot([1, 1], [0.5, 0.5]), "both classes"),
    ],
)
def test_a_chart_of_nothing_is_an_error(draw, says: str):
    with pytest.raises(ValueError, match=says):
        draw()
