import functools

import numpy as np
import pytest

from regulars.errors import NotEnoughError
from regulars.evaluation import (
    Metric,
    auroc_score,
    average_precision_score,
    brier_loss,
    compare,
    expected_calibration_error,
)

METRICS = {
    "AUROC": auroc_score,
    "Average precision": average_precision_score,
    "Brier": brier_loss,
    "Calibration error": expected_calibration_error,
}


def simulated(seed: int, n: int = 400):
    """Outcomes, the probabilities that made them, and a blurred view of these."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(2, 4, n)
    blurred = np.clip(truth + rng.normal(0, 0.25, n), 0, 1)
    return (rng.random(n) < truth).astype(int), truth, blurred


def test_the_truth_beats_a_blurred_view_of_it_in_every_metric():
    y, truth, blurred = simulated(1, n=2000)
    rows = compare(METRICS, y, truth, blurred, resamples=200)
    assert [row.name for row in rows] == list(METRICS)
    assert all(row.beats_baseline for row in rows)
    assert all(row.low <= row.value <= row.high for row in rows)
    assert all(row.baseline_low <= row.baseline <= row.baseline_high for row in rows)
    assert all(row.difference_low <= row.difference <= row.difference_high for row in rows)


def test_the_difference_is_positive_where_the_model_is_better_whatever_the_direction():
    y, truth, blurred = simulated(2, n=2000)
    for ours, swapped in zip(
        compare(METRICS, y, truth, blurred, resamples=100),
        compare(METRICS, y, blurred, truth, resamples=100),
        strict=True,
    ):
        assert ours.difference == pytest.approx(-swapped.difference)
        assert not swapped.beats_baseline


def test_a_model_does_not_beat_itself():
    y, truth, _ = simulated(3)
    (auroc,) = compare({"AUROC": auroc_score}, y, truth, truth, resamples=100)
    assert (auroc.difference_low, auroc.difference_high) == (0, 0)
    assert not auroc.beats_baseline


def test_the_interval_holds_the_truth_about_95_times_in_100():
    true_brier = 0.25 * 0.75  # of always answering the true share, one in four
    held = 0
    for seed in range(200):
        y = (np.random.default_rng(seed).random(200) < 0.25).astype(int)
        p = np.full(200, 0.25)
        (brier,) = compare({"Brier": brier_loss}, y, p, p, resamples=100, seed=seed)
        held += brier.low <= true_brier <= brier.high
    assert 0.90 <= held / 200 <= 0.98


def test_rows_of_one_customer_go_together_and_widen_the_interval():
    y, truth, blurred = simulated(4, n=150)
    customers = np.repeat([f"customer {i}" for i in range(150)], 4)
    y, truth, blurred = (np.repeat(column, 4) for column in (y, truth, blurred))
    (together,) = compare({"AUROC": auroc_score}, y, truth, blurred, customers=customers, resamples=300)
    (apart,) = compare({"AUROC": auroc_score}, y, truth, blurred, resamples=300)
    # Four copies of each row say no more than one: the honest interval is twice as wide.
    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(2, rel=0.25)


def test_copies_of_a_customers_rows_change_no_interval():
    y, truth, blurred = simulated(5, n=100)
    customers = np.arange(100)
    once = compare(METRICS, y, truth, blurred, customers=customers, resamples=100)
    twice = compare(
        METRICS,
        *(np.tile(column, 2) for column in (y, truth, blurred)),
        customers=np.tile(customers, 2),
        resamples=100,
    )
    for a, b in zip(once, twice, strict=True):
        assert (a.low, a.high, a.difference_low) == pytest.approx((b.low, b.high, b.difference_low))


def test_the_same_seed_gives_the_same_intervals():
    y, truth, blurred = simulated(6)
    first, again, other = (compare(METRICS, y, truth, blurred, resamples=100, seed=s) for s in (7, 7, 8))
    assert first == again
    assert first != other


def test_too_few_customers_are_not_judged():
    with pytest.raises(NotEnoughError, match="19 customers to judge by, at least 20"):
        compare(METRICS, [0, 1] * 19, [0.5] * 38, [0.5] * 38, customers=list(range(19)) * 2)


def test_too_few_of_one_class_are_not_judged():
    y = [1] + [0] * 99
    with pytest.raises(NotEnoughError, match="too few customers of one class"):
        compare(METRICS, y, [0.5] * 100, [0.5] * 100)


def test_a_function_whose_name_tells_no_direction_is_refused():
    with pytest.raises(ValueError, match=r"Name it \*_score where more is better"):
        compare({"ECE": functools.partial(expected_calibration_error, bins=5)}, [0, 1], [0, 1], [0, 1])


@pytest.mark.parametrize("wrong", ["p_model", "p_baseline", "customers"])
def test_columns_of_unequal_length_are_refused_by_name(wrong: str):
    columns = {"p_model": [0.5] * 40, "p_baseline": [0.5] * 40, "customers": list(range(40)), wrong: [0.5]}
    with pytest.raises(ValueError, match=wrong):
        compare(METRICS, [0, 1] * 20, **columns)


def test_a_draw_is_worth_the_average_draw_of_plain_code():
    """Fast code beside plain code: draw rows by index, sort each time, and compare the intervals."""
    y, truth, _ = simulated(9)
    rng = np.random.default_rng(0)
    plain = [auroc_score(y[drawn], truth[drawn]) for drawn in (rng.integers(400, size=400) for _ in range(300))]
    (fast,) = compare({"AUROC": auroc_score}, y, truth, truth, resamples=300, seed=0)
    assert (fast.low, fast.high) == pytest.approx(np.percentile(plain, [2.5, 97.5]), abs=1e-12)


def test_a_gain_of_exactly_nothing_does_not_beat():
    assert not Metric("AUROC", "higher", 0.7, 0.6, 0.8, 0.7, 0.6, 0.8, 0.0, 0.1).beats_baseline
