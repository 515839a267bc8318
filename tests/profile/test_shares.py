"""Shares that start from the shop's and move as far as the customer's own choices carry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.profile.shares import STRENGTH, fitted_strength, shares

share = st.floats(0.01, 0.99)


@given(st.floats(0, 50), st.floats(0, 50), share, st.floats(*STRENGTH))
def test_a_share_lies_between_its_own_and_the_shops(hits: float, misses: float, usual: float, strength: float) -> None:
    found = shares(np.array([hits]), np.array([hits + misses]), np.array([usual]), strength)
    own = hits / (hits + misses) if hits + misses else usual
    assert min(own, usual) - 1e-9 <= found.share[0] <= max(own, usual) + 1e-9
    assert 0 <= found.low[0] <= found.high[0] <= 1
    assert 0 <= found.confidence[0] <= 1


def test_of_whom_nothing_is_known_the_shops_share_is_told() -> None:
    found = shares(np.array([0.0]), np.array([0.0]), np.array([0.3]), 10.0)
    assert found.share[0] == pytest.approx(0.3)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    strength, usual, n = 6.0, 0.3, 20_000
    truth = rng.beta(strength * usual, strength * (1 - usual), n)
    total = rng.integers(1, 15, n).astype(float)
    hits = rng.binomial(total.astype(int), truth).astype(float)
    found = shares(hits, total, np.full(n, usual), fitted_strength(hits, total, np.full(n, usual)))
    inside = (found.low <= truth) & (truth <= found.high)
    assert inside.mean() == pytest.approx(0.9, abs=0.015)
    # And who is nine in ten sure to be above the shop's share, is, nine times in ten.
    sure = (found.confidence > 0.85) & (found.confidence < 0.95)
    assert (truth > usual)[sure].mean() == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("strength", [2.0, 20.0])
def test_how_alike_customers_are_is_found_again(strength: float) -> None:
    rng = np.random.default_rng(1)
    truth = rng.beta(strength * 0.4, strength * 0.6, 5_000)
    total = np.full(5_000, 12.0)
    found = fitted_strength(rng.binomial(12, truth).astype(float), total, np.full(5_000, 0.4))
    assert found == pytest.approx(strength, rel=0.15)


def test_without_choices_customers_count_as_all_alike() -> None:
    nothing = np.zeros(3)
    assert fitted_strength(nothing, nothing, np.full(3, 0.5)) == STRENGTH[1]
