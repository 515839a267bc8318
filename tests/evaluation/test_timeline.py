from datetime import date, timedelta

import pytest

from regulars.evaluation import timeline_plot


def bars(chart):
    return [(row["from"], row["kind"], row["count"]) for row in chart.to_dict()["data"]["values"]]


def test_each_day_and_kind_is_a_bar():
    day = date(2024, 5, 1)
    chart = timeline_plot([day, day, day + timedelta(days=2)], ["view", "order", "view"], [3, 1, 4], "rows")
    assert bars(chart) == [("2024-05-01", "order", 1), ("2024-05-01", "view", 3), ("2024-05-03", "view", 4)]
    assert "one day" in chart.to_dict()["description"]


def test_a_long_span_is_put_together_and_loses_nothing():
    days = [date(2015, 1, 1) + timedelta(days=n) for n in range(4000)]
    chart = timeline_plot(days, ["view"] * 4000, [1] * 4000, "rows")
    assert len(bars(chart)) <= 91
    assert sum(count for _, _, count in bars(chart)) == 4000
    assert "45 days" in chart.to_dict()["description"]


def test_the_five_most_frequent_kinds_have_a_colour_and_the_others_one_together():
    kinds = list("abcdefg")
    chart = timeline_plot([date(2024, 5, 1)] * 7, kinds, [7, 6, 5, 4, 3, 2, 1], "rows")
    assert [(kind, count) for _, kind, count in bars(chart)] == [
        ("a", 7), ("all others", 3), ("b", 6), ("c", 5), ("d", 4), ("e", 3),
    ]  # fmt: skip


def test_nothing_cannot_be_drawn():
    with pytest.raises(ValueError, match="at least one day"):
        timeline_plot([], [], [], "rows")
