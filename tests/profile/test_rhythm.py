"""When the next order comes: as often within the interval as it says, by the shop where little is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.profile.rhythm import LEVEL, Pauses


def sums(pauses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order days, and sums of logarithms and of their squares, of (n, k) pauses."""
    logs = np.log(pauses)
    return np.full(len(logs), logs.shape[1] + 1.0), logs.sum(axis=1), (logs**2).sum(axis=1)


@pytest.mark.parametrize("known", [1, 2, 8])
def test_eight_in_ten_come_within_the_interval(known: int) -> None:
    rng = np.random.default_rng(known)
    middle = rng.normal(3.4, 0.5, (4000, 1))
    pauses = np.exp(rng.normal(middle, 0.6, (4000, known + 1)))
    fitted = Pauses.of(*(np.concatenate(each) for each in zip(sums(pauses[:, :1]), sums(pauses[:, 1:]), strict=True)))
    now = np.full(4000, 5.0)
    earliest, _, latest, _ = fitted.next_order(*sums(pauses[:, :known]), now)
    # Whoever has not come for five days yet.
    waits = pauses[:, -1] > 5
    inside = (pauses[:, -1] - 5 >= earliest) & (pauses[:, -1] - 5 <= latest)
    assert inside[waits].mean() == pytest.approx(LEVEL, abs=0.04)


def test_clockwork_is_told_more_narrowly_than_a_whim() -> None:
    shop = Pauses(middle=3.4, strength=1.0, spread=0.6, evenness=3.0)
    clockwork, whim = np.full((1, 20), 30.0), np.array([[10.0, 90.0] * 10])
    widths = [(found := shop.next_order(*sums(each), np.array([1.0])))[2] - found[0] for each in (clockwork, whim)]
    assert widths[0] < widths[1] / 3


def test_who_has_one_order_has_no_date() -> None:
    shop = Pauses(3.4, 1.0, 0.6, 3.0)
    one, nothing = np.array([1.0]), np.array([np.nan])
    assert all(np.isnan(found).all() for found in shop.next_order(one, nothing, nothing, np.array([5.0])))


def test_the_longer_away_the_surer_it_is_over() -> None:
    shop = Pauses(3.4, 1.0, 0.6, 3.0)
    days, total, squares = (np.repeat(each, 4) for each in sums(np.full((1, 6), 30.0)))
    passed = shop.next_order(days, total, squares, np.array([0.0, 20.0, 60.0, 600.0]))[3]
    assert (np.diff(passed) > 0).all()
    assert passed[0] == pytest.approx(0, abs=1e-3)
    assert passed[-1] > 0.99


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.floats(0.5, 400), min_size=1, max_size=5), min_size=1, max_size=8))
def test_any_pauses_can_be_fitted(given_pauses: list[list[float]]) -> None:
    logs = [np.log(each) for each in given_pauses]
    days = np.array([len(each) + 1.0 for each in logs])
    total, squares = np.array([each.sum() for each in logs]), np.array([(each**2).sum() for each in logs])
    fitted = Pauses.of(days, total, squares)
    earliest, middle, latest, passed = fitted.next_order(days, total, squares, np.full(len(days), 3.0))
    assert (earliest <= middle).all()
    assert (middle <= latest).all()
    assert np.isfinite(middle).all()
    assert ((passed >= 0) & (passed <= 1)).all()
