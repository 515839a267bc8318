import numpy as np

from regulars.evaluation import wilson_interval


def test_none_of_ten_is_not_certain_and_stays_in_range():
    low, high = wilson_interval([0, 10], [10, 10])
    assert 0 <= low[0] < 0.001
    assert 0.2 < high[0] < 0.3
    assert 0.999 < high[1] <= 1
    assert 0.7 < low[1] < 0.8


def test_it_holds_the_truth_about_95_times_in_100():
    hits = np.random.default_rng(0).binomial(80, 0.1, size=4000)
    low, high = wilson_interval(hits, np.full(4000, 80))
    assert 0.93 < np.mean((low <= 0.1) & (high >= 0.1)) < 0.97
