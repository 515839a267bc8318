import pytest

from regulars.evaluation.wording import figure, interval


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.5, ".500"),
        (-0.018, "-.018"),
        (0.00041, ".00041"),
        (1, "1.00"),
        (-2.5, "-2.50"),
        (10.04, "10.04"),
        (1e6, "1,000,000"),
    ],
)
def test_three_digits_that_matter(value: float, said: str):
    assert figure(value) == said


def test_both_ends_of_an_interval_have_the_same_digits():
    assert interval(-0.004, 0.02) == "-.0040 to .0200"
