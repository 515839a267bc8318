"""Means, shares, ratios and quantiles: as published or as an independent program says, and clustered by customer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from regulars.errors import InputError, NotEnoughError
from regulars.experiment.stats import (
    Arm,
    Moments,
    adjusted,
    difference,
    difference_of_shares,
    mean_of,
    non_inferior,
    posterior,
    quantile_of,
    ratio_of,
)


def test_welch_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    treated, control = rng.lognormal(1, 1, 60), rng.lognormal(1.2, 0.5, 200)
    found = difference(mean_of(Moments.of(treated)), mean_of(Moments.of(control)))
    theirs = scipy_stats.ttest_ind(treated, control, equal_var=False)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)), rel=1e-9)


@pytest.mark.parametrize(
    ("treated", "control", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),  # Newcombe 1998, table II, method 10
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0000),
    ],
)
def test_shares_have_newcombes_interval(
    treated: tuple[int, int], control: tuple[int, int], low: float, high: float
) -> None:
    found = difference_of_shares(treated, control)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_the_p_value_of_shares_is_that_of_the_chi_square_test() -> None:
    found = difference_of_shares((120, 1000), (90, 1000))
    theirs = scipy_stats.chi2_contingency([[120, 880], [90, 910]], correction=False).pvalue
    assert found.p_value == pytest.approx(theirs, rel=1e-9)


def test_a_ratio_is_as_sure_as_its_bootstrap_over_customers() -> None:
    rng = np.random.default_rng(1)
    orders = rng.poisson(2, 2000) + 1
    # Customers differ in what they spend on an order: orders of one are alike.
    spend = orders * rng.lognormal(3, 0.5, 2000)
    found = ratio_of(Moments.of(np.column_stack([spend, orders])))
    draws = rng.integers(0, 2000, (800, 2000))
    bootstrap = (spend[draws].sum(1) / orders[draws].sum(1)).std()
    assert found.value == pytest.approx(spend.sum() / orders.sum())
    assert found.error == pytest.approx(bootstrap, rel=0.1)


def test_a_clustered_median_is_as_sure_as_its_bootstrap_over_customers() -> None:
    rng = np.random.default_rng(2)
    owner = np.repeat(np.arange(500), 10)
    value = rng.normal(0, 1, 500)[owner] + rng.normal(0, 0.2, 5000)
    found = quantile_of(value, owner, 0.5)
    of_each = value.reshape(500, 10)
    bootstrap = np.std([np.median(of_each[rng.integers(0, 500, 500)]) for _ in range(400)])
    assert found.error == pytest.approx(bootstrap, rel=0.15)
    assert found.error > 2 * quantile_of(value, np.arange(5000), 0.5).error


def test_cuped_is_regression_on_the_pre_period_and_is_unbiased() -> None:
    rng = np.random.default_rng(3)
    before = rng.gamma(1, 10, 4000)
    after = 0.8 * before + rng.normal(0, 6, 4000)
    arm = rng.integers(0, 2, 4000)
    after += 2.0 * arm
    both = np.column_stack([after, before])
    found = adjusted([Moments.of(both[arm == 0]), Moments.of(both[arm == 1])])
    effect = difference(found.arms[1], found.arms[0])
    # The slope of a regression of the outcome on arm and pre-period, solved by itself.
    design = np.column_stack([np.ones(4000), arm, before])
    solution, rest, _, _ = np.linalg.lstsq(design, after, rcond=None)
    error = np.sqrt(rest[0] / 3997 * np.linalg.inv(design.T @ design)[1, 1])
    assert effect.difference == pytest.approx(solution[1], rel=1e-6)
    assert effect.error == pytest.approx(error, rel=0.02)
    assert found.health.correlation == pytest.approx(0.8, abs=0.02)
    assert found.health.saved == pytest.approx(1 - 36 / (64 + 36), abs=0.03)


def test_cuped_of_a_ratio_takes_noise_away() -> None:
    rng = np.random.default_rng(4)
    taste = rng.lognormal(3, 0.6, 6000)
    table = np.column_stack([taste * (n := rng.poisson(2, 6000) + 1), n, taste * (m := rng.poisson(2, 6000) + 1), m])
    arms = [Moments.of(table[:3000]), Moments.of(table[3000:])]
    found = adjusted(arms)
    assert found.health.saved > 0.6
    assert found.arms[0].error < 0.65 * ratio_of(arms[0]).error


def test_cuped_says_when_arms_did_not_begin_alike() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, (2000, 2))
    values[1000:, 1] += 0.5
    found = adjusted([Moments.of(values[:1000]), Moments.of(values[1000:])])
    assert found.health.balance < 1e-6
    assert not found.health.is_sound


def test_a_pre_period_of_nothing_changes_nothing() -> None:
    values = np.column_stack([np.arange(10.0), np.zeros(10)])
    found = adjusted([Moments.of(values), Moments.of(values)])
    assert found.arms[0] == mean_of(Moments.of(values))
    assert found.health.saved == 0


def test_constant_metrics_and_negative_money() -> None:
    same = difference(mean_of(Moments.of([3.0] * 5)), mean_of(Moments.of([3.0] * 5)))
    assert (same.difference, same.error, same.p_value) == (0, 0, 1)
    lost = difference(mean_of(Moments.of([-5.0, -7.0, -6.0])), mean_of(Moments.of([-2.0, -3.0, -1.0])))
    assert lost.difference == pytest.approx(-4)
    with pytest.raises(NotEnoughError, match="1 customers"):
        mean_of(Moments.of([3.0]))
    with pytest.raises(InputError, match="row 1"):
        Moments.of([1.0, float("nan")])


@given(
    st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=2, max_size=40),
    st.integers(1, 39),
)
def test_moments_added_up_in_parts_are_those_of_all(rows: list[tuple[float, float]], cut: int) -> None:
    table = np.array(rows)
    parts = [table[:cut], table[cut:]]
    found = Moments.from_sums(len(table), sum(part.sum(0) for part in parts), sum(part.T @ part for part in parts))
    assert found.mean == pytest.approx(table.mean(0), abs=1e-6)
    assert found.covariance == pytest.approx(np.cov(table.T), rel=1e-6, abs=1e-3)


def test_a_guardrail_is_held_only_where_the_loss_is_ruled_out() -> None:
    control = Arm(10_000, 10.0, 0.05)
    assert non_inferior(Arm(10_000, 10.0, 0.05), control, 0.02).is_held
    assert not non_inferior(Arm(10_000, 9.95, 0.05), control, 0.005).is_held
    assert not non_inferior(Arm(100, 10.0, 0.5), control, 0.02).is_held  # unsure is not safe
    assert non_inferior(Arm(10_000, 9.0, 0.05), control, 0.02, better="lower").is_held
    assert not non_inferior(Arm(10_000, 11.0, 0.05), control, 0.02, better="lower").is_held
    with pytest.raises(InputError, match="such as 0"):
        non_inferior(control, control, 0)
    with pytest.raises(InputError, match="above 0"):
        non_inferior(control, Arm(100, -1.0, 0.1), 0.02)


@given(st.floats(-5, 5), st.floats(0.1, 3), st.floats(0.01, 0.2))
def test_a_guardrails_limit_and_p_value_agree(value: float, error: float, margin: float) -> None:
    found = non_inferior(Arm(500, 20 + value, error), Arm(500, 20.0, 0.5), margin)
    assert found.is_held == (found.p_value < 0.05)


def test_the_posterior_is_that_of_integration() -> None:
    found = posterior(1.3, 0.8, 0.6)
    at = np.linspace(-8, 8, 40_001)
    weight = scipy_stats.norm.pdf(at, 1.3, 0.8) * scipy_stats.norm.pdf(at, 0, 0.6)
    weight /= weight.sum()
    assert found.mean == pytest.approx((at * weight).sum(), abs=1e-6)
    assert found.better == pytest.approx(weight[at > 0].sum(), abs=1e-3)
    assert found.loss == pytest.approx((np.maximum(-at, 0) * weight).sum(), abs=1e-5)
    assert found.loss_of_control == pytest.approx((np.maximum(at, 0) * weight).sum(), abs=1e-5)
