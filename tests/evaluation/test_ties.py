import numpy as np
import pytest

from regulars.evaluation import UndefinedMetricError
from regulars.evaluation.ties import equal_mass_bins, tied


def test_equal_predictions_become_one_with_their_weights_added():
    ties = tied([1, 0, 1, 0], [0.9, 0.1, 0.1, 0.1], weight=[1, 2, 3, 4])
    assert ties.p.tolist() == [0.1, 0.9]
    assert ties.mass.tolist() == [9, 1]
    assert ties.positive.tolist() == [3, 1]


def test_equal_predictions_are_never_parted_into_two_bins():
    y = [0, 1] * 50
    ties = tied(y, [0.2] * 70 + [0.5] * 20 + [0.7] * 10)
    assert len(equal_mass_bins(ties, 10)) == 3


def test_distinct_predictions_fill_bins_of_equal_mass():
    ties = tied([0, 1] * 30, np.linspace(0, 1, 60))
    assert np.bincount(equal_mass_bins(ties, 15)).tolist() == [4] * 15


@pytest.mark.parametrize(
    ("y", "p", "weight", "says"),
    [
        ([0, 2], [0.1, 0.2], None, "other than 0 and 1"),
        ([0, 1], [0.1, np.nan], None, "not a finite number"),
        ([0, 1], [0.1, 0.2], [1, -1], "negative"),
        ([0, 1], [0.1, 0.2, 0.3], None, "one row each"),
    ],
)
def test_wrong_rows_are_refused_by_name(y, p, weight, says):
    with pytest.raises(ValueError, match=says):
        tied(y, p, weight)


@pytest.mark.parametrize(
    ("y", "weight", "says"),
    [
        ([], None, "no rows"),
        ([1, 1], None, "of class 1"),
        ([0, 0], None, "of class 0"),
        ([0, 1], [0, 0], "no row"),
    ],
)
def test_rows_that_say_nothing_are_undefined(y, weight, says):
    with pytest.raises(UndefinedMetricError, match=says):
        tied(y, [0.5] * len(y), weight)
