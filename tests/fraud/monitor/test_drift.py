"""Scores that shift, and scores that do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from regulars.errors import NotEnoughError
from regulars.fraud.monitor import drift


def test_luck_rarely_looks_like_a_shift() -> None:
    rng = np.random.default_rng(0)
    found = [drift(rng.beta(1, 20, 400), rng.beta(1, 20, 80)) for _ in range(400)]
    assert np.mean([one.is_shifted for one in found]) < 0.01
    assert np.mean([one.psi > 0.1 for one in found]) > 0.2  # the customary limit alone would cry often


def test_a_shift_is_found() -> None:
    rng = np.random.default_rng(0)
    found = [drift(rng.beta(1, 20, 2000), np.minimum(rng.beta(1, 20, 500) * 2, 1)) for _ in range(50)]
    assert np.mean([one.is_shifted for one in found]) > 0.95


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=300), rng.normal(0.3, 1, 200)
    found, known = drift(one, two), stats.ks_2samp(one, two, method="asymp")
    assert found.ks == pytest.approx(known.statistic)
    assert found.ks_p == pytest.approx(known.pvalue, rel=0.5)


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=50, max_size=120))
def test_ties_and_constants_do_no_harm(scores: list[float]) -> None:
    assert drift(scores, scores).psi == 0
    found = drift(scores, [0.1] * 50)
    assert np.isfinite(found.psi)
    assert found.psi >= 0
    assert 0 <= found.ks <= 1


def test_too_few_scores_are_said() -> None:
    with pytest.raises(NotEnoughError, match="100 scores of reference and 49 recent ones"):
        drift(np.arange(100), np.arange(49))
