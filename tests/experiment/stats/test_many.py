"""Many comparisons, arms of the wrong size, segments, and how many customers are needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from regulars.errors import InputError
from regulars.experiment.stats import (
    Cut,
    Effect,
    benjamini_hochberg,
    customers_needed,
    detectable,
    e_benjamini_hochberg,
    holm,
    is_fragile,
    mismatch,
    sequential_mismatch,
    shrink,
    unsteadiness,
)

PUBLISHED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip
"""Benjamini and Hochberg (1995), section 4: of fifteen, theirs finds four at .05, Bonferroni's and Holm's three."""


def test_four_of_the_published_fifteen_are_found_and_three_strictly() -> None:
    assert (benjamini_hochberg(PUBLISHED) <= 0.05).sum() == 4
    assert (holm(PUBLISHED) <= 0.05).sum() == 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_loose_correction_is_scipys_and_never_above_the_strict(p_values: list[float]) -> None:
    loose = benjamini_hochberg(p_values)
    assert loose == pytest.approx(scipy_stats.false_discovery_control(p_values))
    assert (loose <= holm(p_values) + 1e-12).all()
    assert (holm(p_values) >= np.asarray(p_values) - 1e-12).all()


def test_evidence_that_depends_on_itself_errs_no_more_often() -> None:
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((4000, 1)) * 0.7 + rng.standard_normal((4000, 10)) * 0.7
    evidence = np.exp(2 * shared - 2 * 0.98)
    assert np.mean([e_benjamini_hochberg(row).any() for row in evidence]) <= 0.05


def test_wrong_p_values_are_refused() -> None:
    with pytest.raises(InputError, match="no p-value"):
        holm([0.1, 1.2])
    with pytest.raises(InputError, match="no e-value"):
        e_benjamini_hochberg([-1.0])


def test_a_mismatch_that_is_looked_for_daily_is_seldom_false() -> None:
    rng = np.random.default_rng(1)
    daily = rng.binomial(200, 0.5, (800, 28)).cumsum(1)
    total = 200 * np.arange(1, 29)
    false = np.mean(
        [any(sequential_mismatch([a, n - a], [1, 1]) < 0.05 for a, n in zip(row, total, strict=True)) for row in daily]
    )
    assert false <= 0.05
    assert sequential_mismatch([53_000, 50_000], [1, 1]) < 0.001
    assert sequential_mismatch([50_000, 25_100], [2, 1]) > 0.05
    assert mismatch([0, 0], [1, 1]) == 1


def test_an_arm_without_a_share_is_refused() -> None:
    with pytest.raises(InputError, match="share above 0"):
        mismatch([10, 10], [1, 0])
    assert unsteadiness([[0, 10]]) == 1


def test_segments_are_those_of_the_book() -> None:
    found = shrink([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])
    # Bayesian Data Analysis, table 5.3, quantiles 2.5 % and 97.5 %, from 200 draws.
    assert found.low == pytest.approx([-2, -5, -11, -7, -9, -7, -1, -6], abs=3.5)
    assert found.high == pytest.approx([31, 23, 19, 21, 18, 28, 26, 33], abs=12)
    assert found.differ > 0.05


def test_intervals_of_segments_hold_the_truth() -> None:
    rng = np.random.default_rng(2)
    held, closer = [], []
    for _ in range(40):
        truth, error = rng.normal(1, 0.5, 12), rng.uniform(0.3, 1.5, 12)
        seen = truth + rng.normal(0, error)
        found = shrink(seen, error)
        held.append((found.low <= truth) & (truth <= found.high))
        closer.append([((found.value - truth) ** 2).mean(), ((seen - truth) ** 2).mean()])
    assert 0.92 <= np.mean(held) <= 0.98
    ours, plain = np.mean(closer, 0)
    assert ours < 0.5 * plain


def test_one_segment_is_left_as_it_is() -> None:
    assert shrink([2.0], [0.5]).value.tolist() == [2.0]
    with pytest.raises(InputError, match="above 0"):
        shrink([1.0, 2.0], [1.0, 0.0])


@pytest.mark.parametrize(("effect", "each"), [(0.2, 393), (0.5, 63), (0.8, 25)])
def test_customers_are_those_of_cohens_table(effect: float, each: int) -> None:
    # Cohen (1988), table 2.4.1, less the correction for small samples, which adds 1 to each.
    assert customers_needed(effect, 1.0) == 2 * each


@given(st.floats(0.01, 1), st.floats(0.1, 10), st.floats(0.1, 0.9))
def test_what_is_needed_is_what_detects(effect: float, deviation: float, share: float) -> None:
    needed = customers_needed(effect, deviation, share=share)
    assert detectable(needed, deviation, share=share) <= effect * (1 + 1e-9)


def test_an_effect_that_changes_sign_with_the_cut_is_fragile_only_if_it_is_found() -> None:
    up = Effect(2, 2, -2, 6, 0.3, None, None, None)
    down = Effect(-2, 2, -6, 2, 0.3, None, None, None)
    assert not is_fragile([Cut(1, 9.0, up), Cut(0.99, 5.0, down)])
