"""When the next order comes: the curve ends at the risk, rises for who is late, and is read as days."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.churn.hazard import PARTS, Hazard

NAMES = ("recency_days", "gap_mean_days")


def drawn(seed: int, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Customers who order a pause after the last order, each about its own."""
    rng = np.random.default_rng(seed)
    gap = rng.choice([30.0, 150.0], count)
    since = rng.uniform(0, gap)
    wait = np.maximum(gap * rng.normal(1, 0.1, count) - since, 0.1)
    return np.column_stack([since, gap]), np.where(wait < 100, wait, np.inf)


@pytest.fixture(scope="module")
def hazard() -> Hazard:
    features, wait = drawn(0)
    return Hazard.fit(NAMES, features, wait, 100.0)


def test_the_curve_falls_and_ends_at_the_risk(hazard: Hazard) -> None:
    features, _ = drawn(1, 500)
    risk = np.linspace(0.02, 0.9, 500)
    survival = hazard.survival(features, risk)
    assert survival.shape == (500, PARTS)
    assert (np.diff(survival, axis=1) <= 0).all()
    assert survival[:, -1] == pytest.approx(risk)


def test_what_was_foreseen_for_a_part_is_what_came() -> None:
    rng = np.random.default_rng(0)
    gap = rng.choice([30.0, 150.0], 8000)
    features, wait = np.column_stack([rng.uniform(0, 50, 8000), gap]), rng.exponential(gap)
    hazard = Hazard.fit(NAMES, features[:4000], wait[:4000], 100.0)
    survival = hazard.survival(features[4000:], np.exp(-100 / gap[4000:]))
    for part in (1, 3, 6):
        assert survival[:, part].mean() == pytest.approx((wait[4000:] >= (part + 1) * 10).mean(), abs=0.03)


def test_who_is_due_sooner_is_expected_sooner(hazard: Hazard) -> None:
    two = hazard.survival(np.array([[28.0, 30.0], [70.0, 150.0]]), np.array([0.01, 0.01]))
    late, early = hazard.days_until(two, 0.5)
    assert late < 20
    assert early > 50


def test_a_chance_that_is_not_reached_has_no_day(hazard: Hazard) -> None:
    survival = hazard.survival(np.array([[5.0, 30.0]]), np.array([0.8]))
    assert np.isnan(hazard.days_until(survival, 0.5)).all()


def test_the_best_day_lies_before_the_chance_falls_and_is_today_where_it_only_falls(hazard: Hazard) -> None:
    falls = np.exp(-np.cumsum(np.geomspace(0.5, 0.01, PARTS)))[None]
    assert hazard.best_day(falls).tolist() == [0]
    rises = 1 - np.linspace(0.1, 0.9, PARTS)[None] ** 2
    assert hazard.best_day(rises).tolist() == [100]
    peak = np.exp(-np.cumsum([0.02, 0.05, 0.1, 0.4, 0.1, 0.05, 0.02, 0.02, 0.02, 0.02]))[None]
    assert hazard.best_day(peak).tolist() == [40]


def test_a_hazard_read_from_its_files_says_the_same(hazard: Hazard) -> None:
    features, _ = drawn(3, 100)
    again = Hazard.from_files(NAMES, 100.0, hazard.to_files())
    assert (again.survival(features, np.full(100, 0.3)) == hazard.survival(features, np.full(100, 0.3))).all()
