import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.evaluation import (
    auroc_score,
    average_precision_score,
    brier_loss,
    expected_calibration_error,
    log_loss,
)

ALL = [auroc_score, average_precision_score, brier_loss, log_loss, expected_calibration_error]

SCIKIT_LEARN = [
    (auroc_score, sklearn.metrics.roc_auc_score),
    (average_precision_score, sklearn.metrics.average_precision_score),
    (brier_loss, sklearn.metrics.brier_score_loss),
    (log_loss, sklearn.metrics.log_loss),
]


@st.composite
def rows(draw):
    """Both classes, many ties, the ends 0 and 1, and whole weights of which some are 0."""
    n = draw(st.integers(2, 30))
    column = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.8, 1.0]), min_size=n, max_size=n)
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    weight = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), dtype=float)
    y[:2], weight[:2] = [0, 1], [1, 2]
    return y, np.array(draw(column)), weight


@pytest.mark.parametrize(("ours", "theirs"), SCIKIT_LEARN)
@settings(max_examples=60, deadline=None)
@given(table=rows())
def test_weighted_and_tied_rows_give_what_scikit_learn_gives(ours, theirs, table):
    y, p, weight = table
    assert ours(y, p, weight) == pytest.approx(theirs(y, p, sample_weight=weight), abs=1e-12)
    assert ours(y, p) == pytest.approx(theirs(y, p), abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
@settings(max_examples=40, deadline=None)
@given(table=rows(), seed=st.integers(0, 99))
def test_a_weight_is_a_number_of_copies_and_row_order_is_nothing(metric, table, seed):
    y, p, weight = table
    copies = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(y)), weight.astype(int)))
    assert metric(y, p, weight) == pytest.approx(metric(y[copies], p[copies]), abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(("y", "says"), [([], "no rows"), ([0, 0], "both classes"), ([1, 1], "both classes")])
def test_a_metric_of_nothing_or_of_one_class_is_an_error(metric, y, says):
    with pytest.raises(ValueError, match=says):
        metric(y, [0.3] * len(y))


@pytest.mark.parametrize("metric", [brier_loss, log_loss, expected_calibration_error])
def test_scores_that_are_no_probabilities_are_refused(metric):
    with pytest.raises(ValueError, match=r"from -3 to 12; probabilities in \[0, 1\]"):
        metric([0, 1], [-3, 12])


def test_ranking_metrics_take_any_score():
    assert auroc_score([0, 1], [-3, 12]) == average_precision_score([0, 1], [-3, 12]) == 1


def test_a_constant_is_chance():
    y = [1, 0, 0, 0]
    assert auroc_score(y, [0.3] * 4) == 0.5
    assert average_precision_score(y, [0.3] * 4) == 0.25
    assert expected_calibration_error(y, [0.25] * 4) == 0


def test_calibration_error_is_the_gap_where_all_are_off_alike():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.2, 0.6, 40_000)
    y = rng.random(40_000) < p + 0.2
    assert expected_calibration_error(y, p) == pytest.approx(0.2, abs=0.01)
